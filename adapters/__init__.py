"""Everything that reaches outside: each folder two levels down implements one port."""
