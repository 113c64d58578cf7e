//! Locks, atomics and swapped snapshots of the state that threads share.
//!
//! They are those of `std` and `arc_swap`. The tests that `scripts/loom` runs replace them by types
//! of loom, which explores every order in which threads may use them, and every value that a relaxed
//! load may return. Code whose order matters imports them from here.

#[cfg(all(test, vexil_loom))]
mod modelled;

#[cfg(all(test, vexil_loom))]
pub(crate) use self::modelled::{ArcSwap, Guard, Mutex, MutexGuard, atomic, block_on, explore};
#[cfg(not(all(test, vexil_loom)))]
pub(crate) use self::real::{ArcSwap, Guard, Mutex, MutexGuard, atomic};

#[cfg(not(all(test, vexil_loom)))]
mod real {
    pub(crate) use std::sync::{Mutex, MutexGuard, atomic};

    pub(crate) use arc_swap::{ArcSwap, Guard};
}
