//! The taskwarrior connector.
