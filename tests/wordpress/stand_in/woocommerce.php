<?php
/**
 * Plugin Name: WooCommerce (stand-in for tests)
 * Version: 10.2.4
 *
 * Not WooCommerce: only what the Postventa plugin touches of it, as it was recorded on
 * WooCommerce 10.2.4. The REST API itself is that of the pretend shop; see router.php.
 */

defined( 'ABSPATH' ) || exit;

define( 'STANDIN_CONFIG', json_decode( getenv( 'STANDIN_CONFIG' ), true ) );

function standin_is_hpos() {
	return 'yes' === get_option( 'standin_hpos', 'yes' );
}

class WC_Order {
	private $id;
	public function __construct( $id ) {
		$this->id = (int) $id;
	}
	public function get_id() {
		return $this->id;
	}
}

function wc_get_order( $id ) {
	return new WC_Order( $id );
}

function wc_get_page_screen_id( $for ) {
	return standin_is_hpos() ? 'woocommerce_page_wc-orders' : 'shop_order';
}

add_action(
	'init',
	function () {
		register_post_type(
			'shop_order',
			array(
				'label'    => 'Orders',
				'show_ui'  => ! standin_is_hpos(),
				'supports' => array( 'title' ),
			)
		);
		standin_auth();
	}
);

add_action(
	'admin_menu',
	function () {
		add_menu_page( 'WooCommerce', 'WooCommerce', 'manage_woocommerce', 'woocommerce', 'standin_orders', '', 55 );
		if ( standin_is_hpos() ) {
			$hook = add_submenu_page( 'woocommerce', 'Orders', 'Orders', 'manage_woocommerce', 'wc-orders', 'standin_order' );
			add_action(
				"load-{$hook}",
				function () {
					do_action( 'add_meta_boxes', 'woocommerce_page_wc-orders', wc_get_order( absint( $_GET['id'] ?? 0 ) ) );
				}
			);
		}
	}
);

function standin_orders() {
	echo '<div class="wrap"><h1>WooCommerce</h1></div>';
}

function standin_order() {
	$order = wc_get_order( absint( $_GET['id'] ?? 0 ) );
	echo '<div class="wrap"><h1>Order ' . (int) $order->get_id() . '</h1><div id="poststuff">';
	do_meta_boxes( 'woocommerce_page_wc-orders', 'side', $order );
	echo '</div></div>';
}

/**
 * The page that grants keys: authorize, Approve, the POST to the callback, the way back.
 */
function standin_auth() {
	$path = wp_parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH );
	if ( ! preg_match( '~/wc-auth/v1/(authorize|access_granted)/?$~', $path, $found ) ) {
		return;
	}
	if ( ! is_user_logged_in() ) {
		wp_redirect( wp_login_url( home_url( $_SERVER['REQUEST_URI'] ) ) );
		exit;
	}
	if ( ! current_user_can( 'manage_woocommerce' ) ) {
		wp_die( 'You do not have permission to access this page', 401 );
	}
	$given = wp_unslash( $_GET );
	$query = array();
	foreach ( array( 'app_name', 'user_id', 'return_url', 'callback_url', 'scope' ) as $name ) {
		$query[ $name ] = rawurlencode( (string) ( $given[ $name ] ?? '' ) );
	}
	if ( 'authorize' === $found[1] ) {
		$approve = wp_nonce_url( add_query_arg( $query, home_url( '/wc-auth/v1/access_granted/' ) ), 'wc_auth', 'wc_auth_nonce' );
		$deny    = add_query_arg( array( 'success' => 0, 'user_id' => $query['user_id'] ), $given['return_url'] );
		printf(
			'<!doctype html><title>Application authentication request</title><h1>%s would like to connect to your store</h1><p>Logged in as %s</p><a class="wc-auth-approve" href="%s">Approve</a> <a class="wc-auth-deny" href="%s">Deny</a>',
			esc_html( $given['app_name'] ),
			esc_html( wp_get_current_user()->display_name ),
			$approve, // Escaped by wp_nonce_url().
			esc_url( $deny )
		);
		exit;
	}
	check_admin_referer( 'wc_auth', 'wc_auth_nonce' );
	$answer = wp_remote_post(
		$given['callback_url'],
		array(
			'timeout' => 60,
			'headers' => array( 'Content-Type' => 'application/json;charset=UTF-8' ),
			'body'    => wp_json_encode(
				array(
					'key_id'          => 13,
					'user_id'         => $given['user_id'],
					'consumer_key'    => STANDIN_CONFIG['consumer_key'],
					'consumer_secret' => STANDIN_CONFIG['consumer_secret'],
					'key_permissions' => $given['scope'],
				)
			),
		)
	);
	if ( is_wp_error( $answer ) || 200 !== (int) wp_remote_retrieve_response_code( $answer ) ) {
		wp_die( 'An error occurred in the request and at the time were unable to send the consumer data', 401 );
	}
	update_option( 'standin_key_user', get_current_user_id() );
	wp_redirect( add_query_arg( array( 'success' => 1, 'user_id' => $query['user_id'] ), $given['return_url'] ) );
	exit;
}

/**
 * REST keys over plain http: OAuth 1.0a, for namespaces that begin with `wc-`.
 */
add_filter(
	'determine_current_user',
	function ( $user ) {
		$path = (string) wp_parse_url( $_SERVER['REQUEST_URI'] ?? '', PHP_URL_PATH );
		if ( $user || false === strpos( $path, '/wp-json/wc-' ) || empty( $_GET['oauth_signature'] ) ) {
			return $user;
		}
		$params = wp_unslash( $_GET );
		$given  = $params['oauth_signature'];
		unset( $params['oauth_signature'] );
		ksort( $params, SORT_STRING );
		$pairs = array();
		foreach ( $params as $name => $value ) {
			$pairs[] = rawurlencode( rawurlencode( $name ) ) . '%3D' . rawurlencode( rawurlencode( $value ) );
		}
		$said = $_SERVER['REQUEST_METHOD'] . '&' . rawurlencode( home_url( $path ) ) . '&' . implode( '%26', $pairs );
		$mac  = base64_encode( hash_hmac( 'sha256', $said, STANDIN_CONFIG['consumer_secret'] . '&', true ) );
		if ( STANDIN_CONFIG['consumer_key'] === ( $params['oauth_consumer_key'] ?? '' ) && hash_equals( $mac, $given ) ) {
			return (int) get_option( 'standin_key_user' );
		}
		return $user;
	},
	20
);
