"""The store on SQLAlchemy Core, for SQLite and PostgreSQL."""
