"""Shop platforms; each folder is one adapter and passes the ShopContract."""
