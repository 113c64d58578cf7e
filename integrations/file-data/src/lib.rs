//! Flags from files.
