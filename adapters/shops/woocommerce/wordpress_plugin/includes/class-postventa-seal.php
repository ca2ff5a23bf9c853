<?php
/**
 * Seals the agreed key in the database.
 *
 * @package Postventa
 */

defined( 'ABSPATH' ) || exit;

/**
 * A stolen database alone does not give the key away: it is sealed with the salts of
 * wp-config.php. When the salts change the shop has to be connected again.
 */
final class Postventa_Seal {

	/**
	 * Seal a text.
	 *
	 * @param string $text Secret.
	 * @return string
	 */
	public static function close( $text ) {
		$nonce = random_bytes( SODIUM_CRYPTO_SECRETBOX_NONCEBYTES );
		return bin2hex( $nonce . sodium_crypto_secretbox( $text, $nonce, self::key() ) );
	}

	/**
	 * Open what was sealed; empty when it does not open.
	 *
	 * @param string $sealed What close() gave.
	 * @return string
	 */
	public static function open( $sealed ) {
		$least = SODIUM_CRYPTO_SECRETBOX_NONCEBYTES + SODIUM_CRYPTO_SECRETBOX_MACBYTES;
		if ( ! is_string( $sealed ) || strlen( $sealed ) % 2 || ! ctype_xdigit( $sealed ) || strlen( $sealed ) < 2 * $least ) {
			return '';
		}
		$bytes = hex2bin( $sealed );
		$nonce = substr( $bytes, 0, SODIUM_CRYPTO_SECRETBOX_NONCEBYTES );
		$text  = sodium_crypto_secretbox_open( substr( $bytes, SODIUM_CRYPTO_SECRETBOX_NONCEBYTES ), $nonce, self::key() );
		return false === $text ? '' : $text;
	}

	/**
	 * Derive the key from the salts of this site.
	 *
	 * @return string
	 */
	private static function key() {
		return hash_hmac( 'sha256', 'postventa connection', wp_salt( 'auth' ), true );
	}
}
