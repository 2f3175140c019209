//! Vikunja 2.4 and later, over its HTTP API.
