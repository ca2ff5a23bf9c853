<?php
/**
 * A test for Site Health.
 *
 * @package Postventa
 */

defined( 'ABSPATH' ) || exit;

/**
 * Asks the connector what it finds in this shop: the same looks as `postventa doctor`.
 */
class Postventa_Health {

	const WAIT_S = 15;

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
	 * Take what it works with.
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
		add_filter( 'site_status_tests', array( $this, 'tests' ) );
		add_action( 'wp_ajax_health-check-postventa', array( $this, 'answer' ) );
	}

	/**
	 * Name the test; it asks another server, so it runs beside the page.
	 *
	 * @param array<string, array<string, mixed>> $tests Those there are.
	 * @return array<string, array<string, mixed>>
	 */
	public function tests( $tests ) {
		$tests['async']['postventa'] = array(
			'label'             => 'Postventa',
			'test'              => 'postventa',
			'async_direct_test' => array( $this, 'run' ),
		);
		return $tests;
	}

	/**
	 * Answer the page.
	 */
	public function answer() {
		check_ajax_referer( 'health-check-site-status' );
		if ( ! current_user_can( 'view_site_health_checks' ) ) {
			wp_send_json_error( null, 403 );
		}
		wp_send_json_success( $this->run() );
	}

	/**
	 * Run the test.
	 *
	 * @return array<string, mixed>
	 */
	public function run() {
		$settings = sprintf( '<p><a href="%s">%s</a></p>', esc_url( Postventa_Admin::url( array( 'view' => 'settings' ) ) ), esc_html__( 'Open the settings of Postventa', 'postventa' ) );
		if ( ! $this->connection->is_connected() ) {
			return $this->result( 'recommended', __( 'Postventa is not connected', 'postventa' ), '<p>' . esc_html__( 'The plugin is active, but the shop has no connector.', 'postventa' ) . '</p>', $settings );
		}
		$found = $this->connector->call( 'health', array( 'locale' => get_user_locale() ), self::WAIT_S );
		if ( is_wp_error( $found ) ) {
			return $this->result( 'critical', __( 'Postventa cannot be reached', 'postventa' ), '<p>' . esc_html( $found->get_error_message() ) . '</p>', $settings );
		}
		$worst = 'good';
		$lines = '';
		foreach ( isset( $found['checks'] ) && is_array( $found['checks'] ) ? $found['checks'] : array() as $check ) {
			$state = isset( $check['state'] ) ? (string) $check['state'] : 'unknown';
			if ( 'bad' === $state ) {
				$worst = 'critical';
			} elseif ( 'ok' !== $state && 'good' === $worst ) {
				$worst = 'recommended';
			}
			if ( 'ok' !== $state ) {
				$lines .= '<li><strong>' . esc_html( (string) $check['title'] ) . '</strong> ' . esc_html( trim( $check['found'] . ' ' . $check['mend'] ) ) . '</li>';
			}
		}
		$label = 'good' === $worst ? __( 'Postventa and this shop work together', 'postventa' ) : __( 'Postventa found something in this shop', 'postventa' );
		return $this->result( $worst, $label, $lines ? "<ul>{$lines}</ul>" : '<p>' . esc_html__( 'Keys, webhooks, clock and addresses are in order.', 'postventa' ) . '</p>', $settings );
	}

	/**
	 * Write a result as Site Health wants it.
	 *
	 * @param string $status      good, recommended or critical.
	 * @param string $label       Heading.
	 * @param string $description HTML, escaped.
	 * @param string $actions     HTML, escaped.
	 * @return array<string, mixed>
	 */
	private function result( $status, $label, $description, $actions ) {
		return array(
			'label'       => $label,
			'status'      => $status,
			'badge'       => array(
				'label' => 'Postventa',
				'color' => 'blue',
			),
			'description' => $description,
			'actions'     => $actions,
			'test'        => 'postventa',
		);
	}
}
