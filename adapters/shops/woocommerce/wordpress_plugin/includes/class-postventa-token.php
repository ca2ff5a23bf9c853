<?php
/**
 * Signed tokens for the connector.
 *
 * @package Postventa
 */

defined( 'ABSPATH' ) || exit;

/**
 * Writes claims in one canonical form and signs them; needs nothing of WordPress.
 *
 * A token is `claims.mac`: JSON with sorted keys, ASCII, without spaces, in base64url, and
 * HMAC-SHA256 over the purpose and that text. It counts for 60 seconds and once.
 */
final class Postventa_Token {

	const ENTER = 'enter';
	const CALL  = 'call';

	/**
	 * Make a token.
	 *
	 * @param string               $key     Agreed with the connector.
	 * @param string               $purpose ENTER or CALL.
	 * @param array<string, mixed> $claims  Texts and whole numbers.
	 * @return string
	 */
	public static function make( $key, $purpose, array $claims ) {
		$text = self::encode( self::canonical( $claims ) );
		$mac  = hash_hmac( 'sha256', "postventa {$purpose} v1\n{$text}", $key, true );
		return $text . '.' . self::encode( $mac );
	}

	/**
	 * Write claims in the one form that is signed.
	 *
	 * @param array<string, mixed> $claims Texts and whole numbers.
	 * @return string
	 */
	public static function canonical( array $claims ) {
		ksort( $claims, SORT_STRING );
		// JSON itself, not wp_json_encode: no filter may change what is signed.
		// phpcs:ignore WordPress.WP.AlternativeFunctions.json_encode_json_encode
		$text = (string) json_encode( $claims, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE );
		// The one letter of ASCII that PHP leaves as it is and others escape.
		return str_replace( "\x7f", '\u007f', $text );
	}

	/**
	 * Draw a nonce that nobody drew before.
	 *
	 * @return string
	 */
	public static function nonce() {
		return self::encode( random_bytes( 24 ) );
	}

	/**
	 * Write bytes as base64url without padding.
	 *
	 * @param string $bytes Any bytes.
	 * @return string
	 */
	public static function encode( $bytes ) {
		// phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions.obfuscation_base64_encode
		return rtrim( strtr( base64_encode( $bytes ), '+/', '-_' ), '=' );
	}
}
