<?php
use PHPUnit\Framework\TestCase;

/**
 * The connection: begun here, agreed once, sealed.
 */
final class ConnectionTest extends TestCase {

	const BASE = 'https://postventa.example';

	protected function setUp(): void {
		$GLOBALS['test_options'] = array();
		$GLOBALS['test_salt']    = 'salt';
	}

	private function given( $nonce, array $changes = array() ) {
		return array_merge(
			array(
				'connector' => self::BASE,
				'shop'      => 'sabc',
				'key'       => str_repeat( 'k', 43 ),
				'nonce'     => $nonce,
			),
			$changes
		);
	}

	public function test_a_key_is_taken_once() {
		$connection = new Postventa_Connection();
		$nonce      = $connection->begin( self::BASE );
		$this->assertFalse( $connection->is_connected() );
		$this->assertTrue( $connection->agree( $this->given( $nonce ) ) );
		$this->assertTrue( $connection->is_connected() );
		$this->assertSame( str_repeat( 'k', 43 ), $connection->key() );
		$this->assertFalse( $connection->agree( $this->given( $nonce, array( 'key' => str_repeat( 'x', 43 ) ) ) ) );
		$this->assertSame( str_repeat( 'k', 43 ), $connection->key() );
	}

	/**
	 * @dataProvider wrong
	 */
	public function test_a_key_that_was_not_asked_for_is_refused( array $changes ) {
		$connection = new Postventa_Connection();
		$nonce      = $connection->begin( self::BASE );
		$this->assertFalse( $connection->agree( $this->given( $nonce, $changes ) ) );
		$this->assertFalse( $connection->is_connected() );
	}

	public function wrong() {
		return array(
			'nonce'       => array( array( 'nonce' => str_repeat( 'n', 32 ) ) ),
			'connector'   => array( array( 'connector' => 'https://evil.example' ) ),
			'short key'   => array( array( 'key' => 'k' ) ),
			'odd key'     => array( array( 'key' => str_repeat( 'k', 42 ) . "\n" ) ),
			'odd shop'    => array( array( 'shop' => '../x' ) ),
			'empty shop'  => array( array( 'shop' => '' ) ),
		);
	}

	public function test_nothing_is_taken_that_was_not_begun() {
		$this->assertFalse( ( new Postventa_Connection() )->agree( $this->given( str_repeat( 'n', 32 ) ) ) );
	}

	public function test_what_was_begun_ends_after_half_an_hour() {
		$connection = new Postventa_Connection();
		$nonce      = $connection->begin( self::BASE );
		$GLOBALS['test_options']['postventa_pending']['until'] = time() - 1;
		$this->assertFalse( $connection->agree( $this->given( $nonce ) ) );
	}

	public function test_neither_key_nor_nonce_is_stored_in_clear() {
		$connection = new Postventa_Connection();
		$nonce      = $connection->begin( self::BASE );
		$this->assertStringNotContainsString( $nonce, serialize( $GLOBALS['test_options'] ) );
		$connection->agree( $this->given( $nonce ) );
		$this->assertStringNotContainsString( 'kkkkkkkk', serialize( $GLOBALS['test_options'] ) );
	}

	public function test_with_other_salts_the_shop_is_not_connected() {
		$connection = new Postventa_Connection();
		$connection->agree( $this->given( $connection->begin( self::BASE ) ) );
		$GLOBALS['test_salt'] = 'other';
		$this->assertFalse( $connection->is_connected() );
		$this->assertSame( '', $connection->key() );
	}

	public function test_odd_sealed_texts_open_nothing() {
		foreach ( array( '', 'zz', 'abc', str_repeat( '00', 60 ), null, array() ) as $odd ) {
			$this->assertSame( '', Postventa_Seal::open( $odd ) );
		}
	}

	public function test_forgetting_forgets_all() {
		$connection = new Postventa_Connection();
		$connection->agree( $this->given( $connection->begin( self::BASE ) ) );
		$connection->begin( self::BASE );
		$connection->forget();
		$this->assertSame( array(), $GLOBALS['test_options'] );
	}

	/**
	 * @dataProvider addresses
	 */
	public function test_addresses_are_taken_apart( $address, $base, $code ) {
		$found = Postventa_Admin::address_parts( $address );
		$this->assertSame( $base, $found ? $found['base'] : null );
		$this->assertSame( $code, $found ? $found['code'] : null );
	}

	public function addresses() {
		$code = str_repeat( 'c', 43 );
		return array(
			array( "https://p.example/connect/{$code}", 'https://p.example', $code ),
			array( "https://p.example/connect/{$code}/", 'https://p.example', $code ),
			array( "https://p.example/in/a/folder/connect/{$code}", 'https://p.example/in/a/folder', $code ),
			array( 'https://p.example/', 'https://p.example', '' ),
			array( 'https://p.example:8443', 'https://p.example:8443', '' ),
			array( 'https://user@p.example/', null, null ),
			array( 'https://p.example/?x=1', null, null ),
			array( 'https://p.example/#x', null, null ),
			array( 'https://p.example\\@evil.example', null, null ),
			array( "https://p.example/\nx", null, null ),
			array( 'javascript:alert(1)', null, null ),
			array( '', null, null ),
		);
	}
}
