<?php
/**
 * Calls to the connector.
 *
 * @package Postventa
 */

defined( 'ABSPATH' ) || exit;

/**
 * Sends signed requests from this server to the connector; the browser is never asked to.
 */
class Postventa_Connector {

	/**
	 * What was agreed on.
	 *
	 * @var Postventa_Connection
	 */
	private $connection;

	/**
	 * Take the connection.
	 *
	 * @param Postventa_Connection $connection What was agreed on.
	 */
	public function __construct( Postventa_Connection $connection ) {
		$this->connection = $connection;
	}

	/**
	 * Ask the connector to begin.
	 *
	 * @param string               $address As the owner typed it.
	 * @param array<string, string> $body    What the connector has to know.
	 * @return array<string, mixed>|WP_Error
	 */
	public function begin( $address, array $body ) {
		return $this->post( $address, (string) wp_json_encode( $body ), array(), 15 );
	}

	/**
	 * Ask for something by a signed request.
	 *
	 * @param string               $what      Like `timeline`.
	 * @param array<string, mixed> $body      Plain data.
	 * @param int                  $timeout_s Seconds to wait at most.
	 * @return array<string, mixed>|WP_Error
	 */
	public function call( $what, array $body, $timeout_s = 10 ) {
		if ( ! $this->connection->is_connected() ) {
			return new WP_Error( 'postventa_off', __( 'The shop is not connected.', 'postventa' ) );
		}
		$path  = '/wordpress/v1/' . $what;
		$text  = (string) wp_json_encode( (object) $body );
		$token = $this->connection->token( Postventa_Token::CALL, $path, array( 'body' => hash( 'sha256', $text ) ) );
		return $this->post( $this->connection->connector() . $path, $text, array( 'X-Postventa-Token' => $token ), $timeout_s );
	}

	/**
	 * Send one request and read JSON.
	 *
	 * @param string                $address   Whole.
	 * @param string                $body      JSON.
	 * @param array<string, string> $headers   More headers.
	 * @param int                   $timeout_s Seconds to wait at most.
	 * @return array<string, mixed>|WP_Error
	 */
	private function post( $address, $body, array $headers, $timeout_s ) {
		$headers['Content-Type']    = 'application/json';
		$headers['Accept-Language'] = str_replace( '_', '-', get_user_locale() );
		$answer                     = wp_remote_post(
			$address,
			array(
				'body'                => $body,
				'headers'             => $headers,
				'timeout'             => $timeout_s,
				'redirection'         => 0,
				'limit_response_size' => 2 * MB_IN_BYTES,
				// Public addresses only, but on a developer's machine.
				'reject_unsafe_urls'  => 'local' !== wp_get_environment_type(),
			)
		);
		if ( is_wp_error( $answer ) ) {
			return $answer;
		}
		$status = (int) wp_remote_retrieve_response_code( $answer );
		$found  = json_decode( wp_remote_retrieve_body( $answer ), true );
		if ( 200 === $status && is_array( $found ) ) {
			return $found;
		}
		$told = is_array( $found ) && isset( $found['detail'] ) && is_string( $found['detail'] ) ? $found['detail'] : '';
		/* translators: %d: HTTP status */
		$told = '' !== $told ? $told : sprintf( __( 'The connector answered with %d: check its address.', 'postventa' ), $status );
		return new WP_Error( 'postventa_refused', $told, array( 'status' => $status ) );
	}
}
