<?php
/**
 * What this shop and its connector agreed on.
 *
 * @package Postventa
 */

defined( 'ABSPATH' ) || exit;

/**
 * Two options without autoload: the connection, and one that was begun and not yet agreed.
 */
class Postventa_Connection {

	const OPTION     = 'postventa_connection';
	const PENDING    = 'postventa_pending';
	const CAPABILITY = 'manage_woocommerce';
	const PENDING_S  = 1800;

	/**
	 * Tell whether a key is agreed on and can be opened.
	 *
	 * @return bool
	 */
	public function is_connected() {
		return '' !== $this->key() && '' !== $this->connector() && '' !== $this->shop();
	}

	/**
	 * Give the connector's address, without a final slash.
	 *
	 * @return string
	 */
	public function connector() {
		return $this->value( 'connector' );
	}

	/**
	 * Give the id that the connector has for this shop.
	 *
	 * @return string
	 */
	public function shop() {
		return $this->value( 'shop' );
	}

	/**
	 * Give the agreed key; empty when there is none or the salts have changed.
	 *
	 * @return string
	 */
	public function key() {
		return Postventa_Seal::open( $this->value( 'key' ) );
	}

	/**
	 * Make a token.
	 *
	 * @param string               $purpose Postventa_Token::ENTER or CALL.
	 * @param string               $path    Below the connector's address.
	 * @param array<string, mixed> $claims  More than shop, address, time and nonce.
	 * @return string
	 */
	public function token( $purpose, $path, array $claims ) {
		$claims['shop']  = $this->shop();
		$claims['aud']   = $this->connector() . $path;
		$claims['iat']   = time();
		$claims['nonce'] = Postventa_Token::nonce();
		return Postventa_Token::make( $this->key(), $purpose, $claims );
	}

	/**
	 * Remember that a connection was begun.
	 *
	 * @param string $connector Its address.
	 * @return string The nonce that has to come back with the key.
	 */
	public function begin( $connector ) {
		$nonce = Postventa_Token::nonce();
		update_option(
			self::PENDING,
			array(
				'connector' => $connector,
				'nonce'     => hash( 'sha256', $nonce ),
				'until'     => time() + self::PENDING_S,
				'user'      => get_current_user_id(),
			),
			false
		);
		return $nonce;
	}

	/**
	 * Take the key of a connection that was begun here.
	 *
	 * @param array<string, string> $given connector, shop, key, nonce.
	 * @return bool False when it was not begun here, or too long ago.
	 */
	public function agree( array $given ) {
		$pending = get_option( self::PENDING );
		if (
			! is_array( $pending )
			|| (int) $pending['until'] < time()
			|| ! hash_equals( (string) $pending['nonce'], hash( 'sha256', $given['nonce'] ) )
			|| ! hash_equals( (string) $pending['connector'], $given['connector'] )
			|| ! preg_match( '/\A[A-Za-z0-9_-]{1,64}\z/', $given['shop'] )
			|| ! preg_match( '/\A[A-Za-z0-9_-]{43}\z/', $given['key'] )
		) {
			return false;
		}
		delete_option( self::PENDING );
		update_option(
			self::OPTION,
			array(
				'connector' => $given['connector'],
				'shop'      => $given['shop'],
				'key'       => Postventa_Seal::close( $given['key'] ),
				'since'     => time(),
			),
			false
		);
		return true;
	}

	/**
	 * Forget everything.
	 */
	public function forget() {
		delete_option( self::OPTION );
		delete_option( self::PENDING );
	}

	/**
	 * Read one value.
	 *
	 * @param string $name Its name.
	 * @return string
	 */
	private function value( $name ) {
		$stored = get_option( self::OPTION );
		return is_array( $stored ) && isset( $stored[ $name ] ) && is_string( $stored[ $name ] ) ? $stored[ $name ] : '';
	}
}
