<?php
/**
 * The box on the order screen.
 *
 * @package Postventa
 */

defined( 'ABSPATH' ) || exit;

/**
 * Shows what was done for an order, what is planned and why not; for both order storages.
 */
class Postventa_Order_Box {

	const CACHE_S  = 60;
	const FAILED_S = 30;
	const WAIT_S   = 4;

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
	 * Take what the box works with.
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
		add_action( 'add_meta_boxes', array( $this, 'add' ) );
	}

	/**
	 * Add the box to the order screen of the storage in use.
	 */
	public function add() {
		if ( ! $this->connection->is_connected() || ! current_user_can( Postventa_Connection::CAPABILITY ) ) {
			return;
		}
		$screen = function_exists( 'wc_get_page_screen_id' ) ? wc_get_page_screen_id( 'shop-order' ) : 'shop_order';
		add_meta_box( 'postventa-order', 'Postventa', array( $this, 'show' ), $screen, 'side', 'default' );
	}

	/**
	 * Show the box.
	 *
	 * @param WP_Post|WC_Order $given A post in the old storage, an order in the new one.
	 */
	public function show( $given ) {
		$id = is_callable( array( $given, 'get_id' ) ) ? (int) $given->get_id() : (int) $given->ID;
		if ( ! $id || ! current_user_can( Postventa_Connection::CAPABILITY ) ) {
			return;
		}
		$timeline = $this->timeline( $id );
		if ( ! isset( $timeline['entries'] ) || ! is_array( $timeline['entries'] ) ) {
			echo '<p>' . esc_html__( 'Postventa cannot be reached now. The order itself is not touched by this.', 'postventa' ) . '</p>';
		} elseif ( ! $timeline['entries'] ) {
			echo '<p>' . esc_html__( 'Nothing was done for this order yet, and nothing is planned.', 'postventa' ) . '</p>';
		} else {
			echo '<ul class="postventa-timeline">';
			foreach ( $timeline['entries'] as $entry ) {
				$this->entry( is_array( $entry ) ? $entry : array() );
			}
			echo '</ul>';
		}
		printf( '<p><a href="%s">%s</a></p>', esc_url( Postventa_Admin::url( array( 'order' => (string) $id ) ) ), esc_html__( 'Open in Postventa', 'postventa' ) );
	}

	/**
	 * Show one line: time, what, why.
	 *
	 * @param array<string, mixed> $entry at, text, state, why.
	 */
	private function entry( array $entry ) {
		$at   = isset( $entry['at'] ) ? strtotime( (string) $entry['at'] ) : false;
		$when = $at ? wp_date( get_option( 'date_format' ) . ' ' . get_option( 'time_format' ), $at ) : '';
		printf(
			'<li><strong>%s</strong> <span>%s</span>%s<br><small>%s</small></li>',
			esc_html( isset( $entry['label'] ) ? (string) $entry['label'] : '' ),
			esc_html( isset( $entry['text'] ) ? (string) $entry['text'] : '' ),
			empty( $entry['why'] ) ? '' : '<br>' . esc_html( (string) $entry['why'] ),
			esc_html( (string) $when )
		);
	}

	/**
	 * Ask the connector, at most once a minute for an order.
	 *
	 * @param int $id Of the order.
	 * @return array<string, mixed>
	 */
	private function timeline( $id ) {
		$name = 'postventa_order_' . substr( hash( 'sha256', $this->connection->shop() . get_user_locale() ), 0, 12 ) . '_' . $id;
		$kept = get_transient( $name );
		if ( is_array( $kept ) ) {
			return $kept;
		}
		$found = $this->connector->call(
			'timeline',
			array(
				'order'  => (string) $id,
				'locale' => get_user_locale(),
			),
			self::WAIT_S
		);
		$found = is_wp_error( $found ) ? array() : $found;
		set_transient( $name, $found, $found ? self::CACHE_S : self::FAILED_S );
		return $found;
	}
}
