"""The Shopify adapter: webhooks in, Admin GraphQL API out."""
