<?php
/**
 * Plugin Name: Postventa for WooCommerce
 * Description: Connects your shop with your Postventa server and shows its pages in wp-admin: rules that act on orders after the sale.
 * Version: 0.1.0
 * Requires at least: 6.2
 * Requires PHP: 7.4
 * Requires Plugins: woocommerce
 * WC requires at least: 8.0
 * WC tested up to: 10.2
 * Author: Postventa
 * License: GPL-2.0-or-later
 * License URI: https://www.gnu.org/licenses/gpl-2.0.html
 * Text Domain: postventa
 * Domain Path: /languages
 *
 * @package Postventa
 */

defined( 'ABSPATH' ) || exit;

define( 'POSTVENTA_VERSION', '0.1.0' );
define( 'POSTVENTA_FILE', __FILE__ );
define( 'POSTVENTA_DIR', __DIR__ );

require_once POSTVENTA_DIR . '/includes/class-postventa-token.php';
require_once POSTVENTA_DIR . '/includes/class-postventa-seal.php';
require_once POSTVENTA_DIR . '/includes/class-postventa-connection.php';
require_once POSTVENTA_DIR . '/includes/class-postventa-connector.php';
require_once POSTVENTA_DIR . '/includes/class-postventa-rest.php';
require_once POSTVENTA_DIR . '/includes/class-postventa-admin.php';
require_once POSTVENTA_DIR . '/includes/class-postventa-order-box.php';
require_once POSTVENTA_DIR . '/includes/class-postventa-privacy.php';
require_once POSTVENTA_DIR . '/includes/class-postventa-health.php';

/**
 * Tell WooCommerce that orders are touched through its own functions only.
 */
function postventa_declare_compatibility() {
	if ( class_exists( '\Automattic\WooCommerce\Utilities\FeaturesUtil' ) ) {
		\Automattic\WooCommerce\Utilities\FeaturesUtil::declare_compatibility( 'custom_order_tables', POSTVENTA_FILE, true );
	}
}
add_action( 'before_woocommerce_init', 'postventa_declare_compatibility' );

/**
 * Hook everything in.
 */
function postventa_start() {
	load_plugin_textdomain( 'postventa', false, dirname( plugin_basename( POSTVENTA_FILE ) ) . '/languages' );
	$connection = new Postventa_Connection();
	$connector  = new Postventa_Connector( $connection );
	( new Postventa_Rest( $connection ) )->hook();
	( new Postventa_Privacy( $connection, $connector ) )->hook();
	( new Postventa_Health( $connection, $connector ) )->hook();
	if ( is_admin() ) {
		( new Postventa_Admin( $connection, $connector ) )->hook();
		( new Postventa_Order_Box( $connection, $connector ) )->hook();
	}
}
add_action( 'init', 'postventa_start' );
