"""Texts to buyers: what they may name, how they are rendered and composed."""
