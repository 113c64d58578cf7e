//! [`Scripts`]: scripted answers.

use std::collections::{HashMap, VecDeque};

use vexil_service::Endpoint;

use super::answer::Answer;

/// For each endpoint, the queued answers to the next requests, and the answer to all later ones.
#[derive(Debug, Default)]
pub(super) struct Scripts {
    next: HashMap<Endpoint, VecDeque<Answer>>,
    always: HashMap<Endpoint, Answer>,
}

impl Scripts {
    pub(super) fn add(&mut self, endpoint: Endpoint, answer: Answer) {
        self.next.entry(endpoint).or_default().push_back(answer);
    }

    pub(super) fn always(&mut self, endpoint: Endpoint, answer: Answer) {
        self.always.insert(endpoint, answer);
    }

    pub(super) fn clear(&mut self, endpoint: Endpoint) {
        self.next.remove(&endpoint);
        self.always.remove(&endpoint);
    }

    pub(super) fn take(&mut self, endpoint: Endpoint) -> Answer {
        let next = self.next.get_mut(&endpoint).and_then(VecDeque::pop_front);
        next.or_else(|| self.always.get(&endpoint).cloned())
            .unwrap_or_else(Answer::usual)
    }

    /// Returns how many queued answers are left for an endpoint.
    pub(super) fn left(&self, endpoint: Endpoint) -> usize {
        self.next.get(&endpoint).map_or(0, VecDeque::len)
    }
}
