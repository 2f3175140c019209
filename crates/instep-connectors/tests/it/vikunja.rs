//! The vikunja connector.
