//! Flags under a test's control.
