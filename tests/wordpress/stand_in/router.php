<?php
/**
 * For PHP's own server: WooCommerce's REST API is the pretend shop's, the rest WordPress'.
 */

$config = json_decode( getenv( 'STANDIN_CONFIG' ), true );
$path   = rawurldecode( (string) parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH ) );

if ( '/wp-json/' === $path || '/wp-json' === $path || 0 === strpos( $path, '/wp-json/wc/' ) ) {
	$handle  = curl_init( $config['sandbox'] . $_SERVER['REQUEST_URI'] );
	$headers = array( 'Content-Type: ' . ( $_SERVER['CONTENT_TYPE'] ?? '' ), 'Expect:' );
	curl_setopt_array(
		$handle,
		array(
			CURLOPT_CUSTOMREQUEST  => $_SERVER['REQUEST_METHOD'],
			CURLOPT_HTTPHEADER     => $headers,
			CURLOPT_RETURNTRANSFER => true,
			CURLOPT_HEADERFUNCTION => function ( $handle, $line ) {
				if ( preg_match( '~^(content-type|x-wp-|date|link)~i', $line ) ) {
					header( trim( $line ) );
				}
				return strlen( $line );
			},
		)
	);
	if ( ! in_array( $_SERVER['REQUEST_METHOD'], array( 'GET', 'HEAD' ), true ) ) {
		curl_setopt( $handle, CURLOPT_POSTFIELDS, file_get_contents( 'php://input' ) );
	}
	$body = curl_exec( $handle );
	http_response_code( false === $body ? 502 : curl_getinfo( $handle, CURLINFO_RESPONSE_CODE ) );
	echo $body;
	return true;
}

$file = $_SERVER['DOCUMENT_ROOT'] . $path;
if ( is_file( $file ) && false === strpos( $path, '/.' ) ) {
	return false;
}
if ( is_dir( $file ) && is_file( rtrim( $file, '/' ) . '/index.php' ) && '/' !== $path ) {
	$_SERVER['PHP_SELF']    = rtrim( $path, '/' ) . '/index.php';
	$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'];
	chdir( $file );
	require rtrim( $file, '/' ) . '/index.php';
	return true;
}
$_SERVER['SCRIPT_NAME'] = '/index.php';
$_SERVER['PHP_SELF']    = '/index.php';
chdir( $_SERVER['DOCUMENT_ROOT'] );
require $_SERVER['DOCUMENT_ROOT'] . '/index.php';
return true;
