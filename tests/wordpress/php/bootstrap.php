<?php
/**
 * The few functions of WordPress that the tested classes call, kept in memory.
 */

define( 'ABSPATH', __DIR__ . '/' );
define( 'POSTVENTA_DIR', getenv( 'POSTVENTA_PLUGIN' ) );

$GLOBALS['test_options'] = array();
$GLOBALS['test_salt']    = 'salt';

function get_option( $name, $otherwise = false ) {
	return $GLOBALS['test_options'][ $name ] ?? $otherwise;
}
function update_option( $name, $value, $autoload = null ) {
	if ( false !== $autoload ) {
		throw new LogicException( "{$name} would be loaded on every page" );
	}
	$GLOBALS['test_options'][ $name ] = $value;
	return true;
}
function delete_option( $name ) {
	unset( $GLOBALS['test_options'][ $name ] );
	return true;
}
function wp_salt( $scheme = 'auth' ) {
	return $GLOBALS['test_salt'] . $scheme;
}
function get_current_user_id() {
	return 7;
}

foreach ( array( 'token', 'seal', 'connection', 'admin' ) as $name ) {
	require POSTVENTA_DIR . "/includes/class-postventa-{$name}.php";
}
