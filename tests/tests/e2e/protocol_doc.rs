//! docs/protocol.md
