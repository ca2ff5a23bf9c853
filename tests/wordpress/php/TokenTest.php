<?php
use PHPUnit\Framework\TestCase;

/**
 * Tokens: one form, worked out by hand.
 */
final class TokenTest extends TestCase {

	public function test_claims_have_one_form() {
		$claims = array( 'uid' => 7, 'aud' => 'https://a.example/b', 'login' => "Ñu\n\u{2028}\"" );
		$this->assertSame(
			'{"aud":"https://a.example/b","login":"\u00d1u\n\u2028\"","uid":7}',
			Postventa_Token::canonical( $claims )
		);
	}

	public function test_broken_text_does_not_empty_a_token() {
		$this->assertSame( '{"login":"a\ufffdb"}', Postventa_Token::canonical( array( 'login' => "a\xffb" ) ) );
	}

	public function test_a_token_is_claims_and_mac() {
		$parts = explode( '.', Postventa_Token::make( 'key', 'enter', array( 'a' => 1 ) ) );
		$this->assertSame( 'eyJhIjoxfQ', $parts[0] );
		$mac = hash_hmac( 'sha256', "postventa enter v1\neyJhIjoxfQ", 'key', true );
		$this->assertSame( rtrim( strtr( base64_encode( $mac ), '+/', '-_' ), '=' ), $parts[1] );
	}

	public function test_purpose_and_key_are_signed() {
		$made = array();
		foreach ( array( array( 'key', 'enter' ), array( 'key', 'call' ), array( 'kez', 'enter' ) ) as $given ) {
			$made[] = Postventa_Token::make( $given[0], $given[1], array( 'a' => 1 ) );
		}
		$this->assertCount( 3, array_unique( $made ) );
	}

	public function test_nonces_differ() {
		$nonces = array_map( array( 'Postventa_Token', 'nonce' ), range( 1, 500 ) );
		$this->assertCount( 500, array_unique( $nonces ) );
		$this->assertMatchesRegularExpression( '/\A[A-Za-z0-9_-]{32}\z/', $nonces[0] );
	}
}
