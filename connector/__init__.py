"""The core of Postventa: pure, without web, database or network."""
