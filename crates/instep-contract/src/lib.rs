//! What the engine asks of connectors and stores, and the suites that hold them to it.
