<?php
/**
 * The address to which the connector brings its key.
 *
 * @package Postventa
 */

defined( 'ABSPATH' ) || exit;

/**
 * `wc-postventa/v1`: a namespace that WooCommerce's REST keys open.
 */
class Postventa_Rest {

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
	 * Hook in.
	 */
	public function hook() {
		add_action( 'rest_api_init', array( $this, 'routes' ) );
	}

	/**
	 * Name the routes.
	 */
	public function routes() {
		$text = array(
			'type'      => 'string',
			'required'  => true,
			'maxLength' => 500,
		);
		register_rest_route(
			'wc-postventa/v1',
			'/agree',
			array(
				'methods'             => 'POST',
				'callback'            => array( $this, 'agree' ),
				'permission_callback' => array( $this, 'may' ),
				'args'                => array(
					'connector' => $text,
					'shop'      => $text,
					'key'       => $text,
					'nonce'     => $text,
				),
			)
		);
	}

	/**
	 * Tell whether the caller manages this shop.
	 *
	 * @return bool
	 */
	public function may() {
		return current_user_can( Postventa_Connection::CAPABILITY );
	}

	/**
	 * Take the key.
	 *
	 * @param WP_REST_Request $request Brings connector, shop, key, nonce.
	 * @return WP_REST_Response|WP_Error
	 */
	public function agree( WP_REST_Request $request ) {
		$given = array();
		foreach ( array( 'connector', 'shop', 'key', 'nonce' ) as $name ) {
			$given[ $name ] = (string) $request[ $name ];
		}
		if ( ! $this->connection->agree( $given ) ) {
			return new WP_Error( 'postventa_not_begun', __( 'No connection was begun here in the last 30 minutes.', 'postventa' ), array( 'status' => 400 ) );
		}
		return new WP_REST_Response( array( 'status' => 'ok' ) );
	}
}
