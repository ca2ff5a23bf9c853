"""Connect a shop from its own back office: WooCommerce and Shopify."""
