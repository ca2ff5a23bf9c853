<?php
/**
 * Install WordPress into an empty database: php install.php FOLDER ADDRESS.
 */

define( 'WP_INSTALLING', true );
$_SERVER['HTTP_HOST']       = parse_url( $argv[2], PHP_URL_HOST ) . ':' . parse_url( $argv[2], PHP_URL_PORT );
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
$_SERVER['REQUEST_URI']     = '/';
$_SERVER['REQUEST_METHOD']  = 'GET';

require $argv[1] . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
require_once ABSPATH . 'wp-admin/includes/plugin.php';

add_filter( 'pre_wp_mail', '__return_true' );
wp_install( 'Mi tienda', 'admin', 'admin@example.com', true, '', 'pw-admin' );
update_option( 'siteurl', $argv[2] );
update_option( 'home', $argv[2] );
update_option( 'permalink_structure', '/%postname%/' );
update_option( 'timezone_string', 'Europe/Madrid' );
add_role( 'shop_manager', 'Shop manager', array( 'read' => true, 'manage_woocommerce' => true, 'edit_posts' => true, 'edit_others_posts' => true, 'edit_published_posts' => true ) );
get_role( 'administrator' )->add_cap( 'manage_woocommerce' );
add_role( 'customer', 'Customer', array( 'read' => true ) );
foreach ( array( 'shop_manager' => 'gestora', 'customer' => 'clienta' ) as $role => $name ) {
	$user = wp_insert_user(
		array(
			'user_login' => $name,
			'user_pass'  => "pw-{$name}",
			'user_email' => "{$name}@example.com",
			'role'       => $role,
		)
	);
	update_user_meta( $user, 'locale', 'shop_manager' === $role ? 'es_ES' : '' );
}
$error = activate_plugins( array( 'woocommerce/woocommerce.php', 'postventa/postventa.php' ) );
if ( is_wp_error( $error ) ) {
	fwrite( STDERR, $error->get_error_message() . "\n" );
	exit( 1 );
}
echo "installed\n";
