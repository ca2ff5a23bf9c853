"""Rules: pure data, read once, asked about each occurrence; no clock and no I/O."""
