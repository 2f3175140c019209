//! Tests of the doubles through their public API and over the wire.

mod wire_cases;
