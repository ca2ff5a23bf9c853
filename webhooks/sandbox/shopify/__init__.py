"""A pretend Shopify: Admin GraphQL API and signed webhooks.

`webhooks.sandbox.shopify.shop.ShopifyShop` is the shop.
"""
