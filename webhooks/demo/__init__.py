"""The demo: two pretend shops, a real server, and a story that is checked at its end."""
