"""The admin pages: server-rendered, in Spanish and English, alone or inside a shop's backend."""
