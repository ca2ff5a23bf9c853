<?php
/**
 * Personal data: export, erasure, suggested text.
 *
 * @package Postventa
 */

defined( 'ABSPATH' ) || exit;

/**
 * Brings the connector into WordPress' own tools for personal data.
 */
class Postventa_Privacy {

	const WAIT_S = 25;

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
		add_filter( 'wp_privacy_personal_data_exporters', array( $this, 'exporters' ) );
		add_filter( 'wp_privacy_personal_data_erasers', array( $this, 'erasers' ) );
		add_action( 'admin_init', array( $this, 'suggest' ) );
	}

	/**
	 * Name our exporter.
	 *
	 * @param array<string, mixed> $exporters Those there are.
	 * @return array<string, mixed>
	 */
	public function exporters( $exporters ) {
		if ( $this->connection->is_connected() ) {
			$exporters['postventa'] = array(
				'exporter_friendly_name' => __( 'Postventa: orders, messages and what rules did', 'postventa' ),
				'callback'               => array( $this, 'export' ),
			);
		}
		return $exporters;
	}

	/**
	 * Name our eraser.
	 *
	 * @param array<string, mixed> $erasers Those there are.
	 * @return array<string, mixed>
	 */
	public function erasers( $erasers ) {
		if ( $this->connection->is_connected() ) {
			$erasers['postventa'] = array(
				'eraser_friendly_name' => __( 'Postventa: orders, messages and what rules did', 'postventa' ),
				'callback'             => array( $this, 'erase' ),
			);
		}
		return $erasers;
	}

	/**
	 * Give what the connector holds about a person.
	 *
	 * @param string $email Address of the person.
	 * @param int    $page  From 1.
	 * @return array<string, mixed>|WP_Error
	 */
	public function export( $email, $page = 1 ) {
		$found = $this->connector->call(
			'privacy-export',
			array(
				'email'  => (string) $email,
				'page'   => (int) $page,
				'locale' => get_user_locale(),
			),
			self::WAIT_S
		);
		if ( is_wp_error( $found ) ) {
			// Said to whoever runs the tool; an export that lacks something must not look whole.
			return $found;
		}
		$data = array();
		foreach ( isset( $found['items'] ) && is_array( $found['items'] ) ? $found['items'] : array() as $number => $item ) {
			$values = array();
			foreach ( $item['values'] as $pair ) {
				$values[] = array(
					'name'  => (string) $pair[0],
					'value' => esc_html( (string) $pair[1] ),
				);
			}
			$data[] = array(
				'group_id'    => 'postventa-' . sanitize_key( (string) $item['group'] ),
				'group_label' => 'Postventa: ' . (string) $item['label'],
				'item_id'     => 'postventa-' . (int) $page . '-' . (int) $number,
				'data'        => $values,
			);
		}
		return array(
			'data' => $data,
			'done' => empty( $found['more'] ),
		);
	}

	/**
	 * Have the connector forget a person.
	 *
	 * @param string $email Address of the person.
	 * @param int    $page  From 1.
	 * @return array<string, mixed>|WP_Error
	 */
	public function erase( $email, $page = 1 ) {
		unset( $page );
		$found = $this->connector->call(
			'privacy-erase',
			array(
				'email'  => (string) $email,
				'locale' => get_user_locale(),
			),
			self::WAIT_S
		);
		if ( is_wp_error( $found ) ) {
			return $found;
		}
		return array(
			'items_removed'  => ! empty( $found['removed'] ),
			'items_retained' => ! empty( $found['retained'] ),
			'messages'       => isset( $found['messages'] ) && is_array( $found['messages'] ) ? array_map( 'strval', $found['messages'] ) : array(),
			'done'           => true,
		);
	}

	/**
	 * Suggest a text for the shop's privacy policy.
	 */
	public function suggest() {
		if ( function_exists( 'wp_add_privacy_policy_content' ) ) {
			wp_add_privacy_policy_content(
				'Postventa',
				'<p>' . esc_html__( 'After you order we use Postventa on a server of ours: it receives your order with name, address, e-mail address and telephone number, and acts on it, for instance with messages about your order or a discount code. The data is deleted with your order data.', 'postventa' ) . '</p>'
			);
		}
	}
}
