//! The files connector.
