"""Ways to reach a buyer; every folder passes the channel contract."""
