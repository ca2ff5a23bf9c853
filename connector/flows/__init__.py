"""One use case a file: what happens between a delivery and its effects."""
