//! [`Watched`]: a state that tells of its changes, and [`Subscription`], which hears of them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast::{self, error::RecvError};

use crate::runtime;

/// How many changes a subscriber may be behind. States change rarely; this is hours of trouble.
pub(super) const BACKLOG: usize = 256;

/// Changes of a state, in order, from the time of subscribing.
#[derive(Debug)]
pub struct Subscription<T>(broadcast::Receiver<T>);

impl<T: Clone> Subscription<T> {
    /// The next change; none when there will be no more, because the client is gone.
    pub async fn next(&mut self) -> Option<T> {
        loop {
            match self.0.recv().await {
                Ok(change) => return Some(change),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Waits on this thread for the next change; none if there is none within `timeout`.
    pub fn blocking_next(&mut self, timeout: Duration) -> Option<T> {
        runtime::park(timeout, self.next()).flatten()
    }
}

/// A state, and its changes.
#[derive(Debug)]
pub(super) struct Watched<T> {
    /// Guards the state and the order of the broadcasts; held for a few instructions, never across an await.
    current: Mutex<T>,
    changes: broadcast::Sender<T>,
}

impl<T: Clone> Watched<T> {
    pub(super) fn new(current: T) -> Self {
        Self { current: Mutex::new(current), changes: broadcast::Sender::new(BACKLOG) }
    }

    /// Changes the state; `change` tells whether it did.
    pub(super) fn update(&self, change: impl FnOnce(&mut T) -> bool) {
        let mut current = self.lock();
        if change(&mut current) {
            // Without subscribers there is nobody to tell.
            drop(self.changes.send(current.clone()));
        }
    }

    pub(super) fn get(&self) -> T {
        self.lock().clone()
    }

    pub(super) fn subscribe(&self) -> Subscription<T> {
        Subscription(self.changes.subscribe())
    }

    /// The first state, from now on, that `is_it` accepts.
    pub(super) async fn first(&self, is_it: impl Fn(&T) -> bool) -> T {
        // Subscribed before looking, so that no change falls between the two.
        let mut changes = self.subscribe();
        let mut state = self.get();
        while !is_it(&state) {
            state = changes.next().await.unwrap_or_else(|| self.get());
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
