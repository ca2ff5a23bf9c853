"""Who may enter and what they did: passwords, second factors, sessions, tries. Pure."""
