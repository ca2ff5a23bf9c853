<?php
/**
 * The Postventa page under WooCommerce.
 *
 * @package Postventa
 */

defined( 'ABSPATH' ) || exit;

/**
 * Shows the connector's pages in a frame, and the settings.
 */
class Postventa_Admin {

	const SLUG = 'postventa';

	/**
	 * What was agreed on.
	 *
	 * @var Postventa_Connection
	 */
	private $connection;

	/**
	 * Calls to the connector.
	 *
	 * @var Postventa_Connector
	 */
	private $connector;

	/**
	 * Take what the page works with.
	 *
	 * @param Postventa_Connection $connection What was agreed on.
	 * @param Postventa_Connector  $connector  Calls to the connector.
	 */
	public function __construct( Postventa_Connection $connection, Postventa_Connector $connector ) {
		$this->connection = $connection;
		$this->connector  = $connector;
	}

	/**
	 * Hook in.
	 */
	public function hook() {
		add_action( 'admin_menu', array( $this, 'menu' ), 60 );
		add_action( 'admin_enqueue_scripts', array( $this, 'assets' ) );
		add_action( 'admin_post_postventa_connect', array( $this, 'connect' ) );
		add_action( 'admin_post_postventa_disconnect', array( $this, 'disconnect' ) );
		add_filter( 'plugin_action_links_' . plugin_basename( POSTVENTA_FILE ), array( $this, 'links' ) );
	}

	/**
	 * Add the page to the menu.
	 */
	public function menu() {
		add_submenu_page( 'woocommerce', 'Postventa', 'Postventa', Postventa_Connection::CAPABILITY, self::SLUG, array( $this, 'page' ) );
	}

	/**
	 * Add a link to the list of plugins.
	 *
	 * @param string[] $links Links there are.
	 * @return string[]
	 */
	public function links( $links ) {
		$link = '<a href="' . esc_url( self::url( array( 'view' => 'settings' ) ) ) . '">' . esc_html__( 'Settings', 'postventa' ) . '</a>';
		return array_merge( array( $link ), $links );
	}

	/**
	 * Give the address of the page.
	 *
	 * @param array<string, string> $more Query.
	 * @return string
	 */
	public static function url( array $more = array() ) {
		return add_query_arg( array_merge( array( 'page' => self::SLUG ), $more ), admin_url( 'admin.php' ) );
	}

	/**
	 * Bring style and script on our page and on orders only.
	 *
	 * @param string $hook Screen.
	 */
	public function assets( $hook ) {
		if ( 'woocommerce_page_' . self::SLUG === $hook ) {
			wp_enqueue_style( 'postventa', plugins_url( 'assets/postventa.css', POSTVENTA_FILE ), array(), POSTVENTA_VERSION );
			wp_enqueue_script( 'postventa', plugins_url( 'assets/postventa.js', POSTVENTA_FILE ), array(), POSTVENTA_VERSION, true );
		}
	}

	/**
	 * Show the page.
	 */
	public function page() {
		if ( ! current_user_can( Postventa_Connection::CAPABILITY ) ) {
			wp_die( esc_html__( 'You may not see this page.', 'postventa' ), 403 );
		}
		// Which view is shown changes nothing, so it needs no nonce.
		// phpcs:ignore WordPress.Security.NonceVerification.Recommended
		$view = isset( $_GET['view'] ) ? sanitize_key( wp_unslash( $_GET['view'] ) ) : '';
		echo '<div class="wrap postventa-wrap"><h1>Postventa</h1>';
		$this->notice();
		if ( $this->connection->is_connected() && 'settings' !== $view ) {
			$this->frame();
		} else {
			$this->settings();
		}
		echo '</div>';
	}

	/**
	 * Sign the person in by a form into the frame: the token stands in no address.
	 */
	private function frame() {
		$user  = wp_get_current_user();
		$path  = '/admin/wordpress/enter';
		$token = $this->connection->token(
			Postventa_Token::ENTER,
			$path,
			array(
				'uid'    => $user->ID,
				'login'  => $user->user_login,
				'role'   => current_user_can( 'manage_options' ) ? 'administrator' : 'shop_manager',
				'locale' => get_user_locale(),
				'page'   => $this->wanted_page(),
			)
		);
		?>
		<p class="postventa-links"><a href="<?php echo esc_url( self::url( array( 'view' => 'settings' ) ) ); ?>"><?php esc_html_e( 'Settings', 'postventa' ); ?></a></p>
		<form id="postventa-enter" method="post" target="postventa-frame" action="<?php echo esc_url( $this->connection->connector() . $path ); ?>">
			<input type="hidden" name="token" value="<?php echo esc_attr( $token ); ?>">
			<noscript><p><button class="button button-primary"><?php esc_html_e( 'Open Postventa', 'postventa' ); ?></button></p></noscript>
		</form>
		<iframe id="postventa-frame" name="postventa-frame" title="Postventa" referrerpolicy="no-referrer" sandbox="allow-forms allow-scripts allow-same-origin allow-downloads allow-popups"></iframe>
		<?php
	}

	/**
	 * Read which page of the connector is wanted: that of an order.
	 *
	 * @return string A local path; empty for the first page.
	 */
	private function wanted_page() {
		// phpcs:ignore WordPress.Security.NonceVerification.Recommended
		$order = isset( $_GET['order'] ) ? absint( wp_unslash( $_GET['order'] ) ) : 0;
		return $order ? '/admin/shops/' . $this->connection->shop() . '/orders/' . $order : '';
	}

	/**
	 * Show the settings.
	 */
	private function settings() {
		$pretty = '' !== (string) get_option( 'permalink_structure' );
		$secure = 'https' === wp_parse_url( home_url(), PHP_URL_SCHEME );
		if ( $this->connection->is_connected() ) {
			?>
			<h2><?php esc_html_e( 'Connection', 'postventa' ); ?></h2>
			<p>
			<?php
			/* translators: %s: address of the connector */
			printf( esc_html__( 'This shop is connected with %s.', 'postventa' ), '<strong>' . esc_html( $this->connection->connector() ) . '</strong>' );
			?>
			<a href="<?php echo esc_url( self::url() ); ?>"><?php esc_html_e( 'Open Postventa', 'postventa' ); ?></a></p>
			<form method="post" action="<?php echo esc_url( admin_url( 'admin-post.php' ) ); ?>">
				<input type="hidden" name="action" value="postventa_disconnect">
				<?php wp_nonce_field( 'postventa_disconnect' ); ?>
				<p><button class="button"><?php esc_html_e( 'Disconnect', 'postventa' ); ?></button></p>
				<p class="description"><?php esc_html_e( 'This page and the order box end. The connector keeps its REST key and its webhooks until the shop is removed there.', 'postventa' ); ?></p>
			</form>
			<?php
		}
		?>
		<h2><?php $this->connection->is_connected() ? esc_html_e( 'Connect again', 'postventa' ) : esc_html_e( 'Connect', 'postventa' ); ?></h2>
		<?php if ( ! $pretty ) : ?>
			<div class="notice notice-error inline"><p><?php esc_html_e( 'Permalinks are “Plain”, so nobody can use the REST API of the shop.', 'postventa' ); ?> <a href="<?php echo esc_url( admin_url( 'options-permalink.php' ) ); ?>"><?php esc_html_e( 'Choose another structure', 'postventa' ); ?></a></p></div>
		<?php endif; ?>
		<?php if ( ! $secure ) : ?>
			<div class="notice notice-warning inline"><p><?php esc_html_e( 'This shop has no https address. Keys and orders can be read on the way.', 'postventa' ); ?></p></div>
		<?php endif; ?>
		<form method="post" action="<?php echo esc_url( admin_url( 'admin-post.php' ) ); ?>">
			<input type="hidden" name="action" value="postventa_connect">
			<?php wp_nonce_field( 'postventa_connect' ); ?>
			<table class="form-table" role="presentation"><tr>
				<th scope="row"><label for="postventa-address"><?php esc_html_e( 'Connector address', 'postventa' ); ?></label></th>
				<td>
					<input class="large-text code" type="url" id="postventa-address" name="address" required aria-describedby="postventa-address-help" placeholder="https://postventa.example.com/connect/…">
					<p class="description" id="postventa-address-help"><?php esc_html_e( 'The whole address with its connection code, as the connector gives it: with “postventa shops connect woocommerce --url” or in its admin pages under Shops. It works once and for 24 hours.', 'postventa' ); ?></p>
				</td>
			</tr></table>
			<p><?php esc_html_e( 'Connect leads to a page of WooCommerce that asks whether Postventa may read and write orders, customers, coupons and products. The connector is your own server: order data with names and addresses goes there.', 'postventa' ); ?></p>
			<p><button class="button button-primary"<?php disabled( ! $pretty ); ?>><?php esc_html_e( 'Connect', 'postventa' ); ?></button></p>
		</form>
		<?php
	}

	/**
	 * Begin a connection.
	 */
	public function connect() {
		$this->allow( 'postventa_connect' );
		// phpcs:ignore WordPress.Security.NonceVerification.Missing -- looked at in allow().
		$address = isset( $_POST['address'] ) ? esc_url_raw( trim( sanitize_text_field( wp_unslash( $_POST['address'] ) ) ), array( 'http', 'https' ) ) : '';
		$parts   = self::address_parts( $address );
		if ( null === $parts ) {
			$this->leave( __( 'This is no address of a connector. It looks like https://postventa.example.com/connect/…', 'postventa' ) );
		}
		$user   = wp_get_current_user();
		$answer = $this->connector->begin(
			$parts['base'] . '/connect/' . $parts['code'],
			array(
				'shop'   => home_url(),
				'admin'  => admin_url(),
				'user'   => $user->user_login,
				'nonce'  => $this->connection->begin( $parts['base'] ),
				'name'   => wp_specialchars_decode( get_bloginfo( 'name' ), ENT_QUOTES ),
				'locale' => get_user_locale(),
			)
		);
		if ( is_wp_error( $answer ) ) {
			$this->leave( $answer->get_error_message() );
		}
		$next = isset( $answer['authorize'] ) && is_string( $answer['authorize'] ) ? $answer['authorize'] : '';
		// WooCommerce's own page and no other: a connector sends nobody elsewhere.
		if ( 0 !== stripos( $next, untrailingslashit( home_url() ) . '/wc-auth/v1/authorize?' ) ) {
			$this->leave( __( 'The connector gave an address that is not of this shop.', 'postventa' ) );
		}
		wp_safe_redirect( esc_url_raw( $next ) );
		exit;
	}

	/**
	 * End the connection.
	 */
	public function disconnect() {
		$this->allow( 'postventa_disconnect' );
		$answer = $this->connector->call( 'disconnect', array() );
		$this->connection->forget();
		$this->leave(
			is_wp_error( $answer )
				? __( 'Disconnected here. The connector could not be told; remove the shop there.', 'postventa' )
				: __( 'Disconnected.', 'postventa' ),
			! is_wp_error( $answer )
		);
	}

	/**
	 * Take an address apart; the code may be missing, the connector says so then.
	 *
	 * @param string $address As typed.
	 * @return array{base: string, code: string}|null
	 */
	public static function address_parts( $address ) {
		$base = rtrim( $address, '/' );
		$code = '';
		if ( preg_match( '~\A(.+)/connect/([A-Za-z0-9_-]{43})\z~', $base, $found ) ) {
			$base = rtrim( $found[1], '/' );
			$code = $found[2];
		}
		if ( ! preg_match( '~\Ahttps?://[^/?#@\s\\\\]+(?:/[^?#\s\\\\]*)?\z~', $base ) ) {
			return null;
		}
		return array(
			'base' => $base,
			'code' => $code,
		);
	}

	/**
	 * Stop whoever may not do this, or was led here by another site.
	 *
	 * @param string $action Name of the nonce.
	 */
	private function allow( $action ) {
		if ( ! current_user_can( Postventa_Connection::CAPABILITY ) ) {
			wp_die( esc_html__( 'You may not do this.', 'postventa' ), 403 );
		}
		check_admin_referer( $action );
	}

	/**
	 * Go back to the settings and say something.
	 *
	 * @param string $message What to say.
	 * @param bool   $good    Whether it went well.
	 */
	private function leave( $message, $good = false ) {
		set_transient( 'postventa_notice_' . get_current_user_id(), array( $good ? 'success' : 'error', $message ), MINUTE_IN_SECONDS );
		wp_safe_redirect( self::url( array( 'view' => 'settings' ) ) );
		exit;
	}

	/**
	 * Say what was left to say.
	 */
	private function notice() {
		$name   = 'postventa_notice_' . get_current_user_id();
		$notice = get_transient( $name );
		if ( is_array( $notice ) ) {
			delete_transient( $name );
			printf( '<div class="notice notice-%s inline"><p>%s</p></div>', esc_attr( $notice[0] ), esc_html( $notice[1] ) );
		}
	}
}
