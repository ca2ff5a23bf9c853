<?php
/**
 * Forget everything when the plugin is deleted.
 *
 * @package Postventa
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

require_once __DIR__ . '/includes/class-postventa-token.php';
require_once __DIR__ . '/includes/class-postventa-seal.php';
require_once __DIR__ . '/includes/class-postventa-connection.php';
require_once __DIR__ . '/includes/class-postventa-connector.php';

/**
 * Tell the connector, then delete what is stored here. The REST key and the webhooks belong
 * to the connector; the owner ends them there or in WooCommerce > Settings > Advanced.
 */
function postventa_uninstall() {
	$connection = new Postventa_Connection();
	if ( $connection->is_connected() ) {
		( new Postventa_Connector( $connection ) )->call( 'disconnect', array(), 5 );
	}
	$connection->forget();
	global $wpdb;
	// phpcs:ignore WordPress.DB.DirectDatabaseQuery
	$wpdb->query( $wpdb->prepare( "DELETE FROM {$wpdb->options} WHERE option_name LIKE %s OR option_name LIKE %s", $wpdb->esc_like( '_transient_postventa_' ) . '%', $wpdb->esc_like( '_transient_timeout_postventa_' ) . '%' ) );
}
postventa_uninstall();
