"""The command line `postventa`: one module a topic."""
