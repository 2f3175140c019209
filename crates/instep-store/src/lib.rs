//! The hub database: one SQL text for SQLite and PostgreSQL.
