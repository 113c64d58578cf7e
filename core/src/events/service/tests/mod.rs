//! Tests of several parts of the processor.

#[cfg(vexil_loom)]
mod orders;
