//! Methods that control the service.

use std::time::SystemTime;

use bytes::Bytes;
use vexil::model::DataKind;
use vexil::{Text, Value};
use vexil_service::{Event, HEARTBEAT, ItemsError, fdv2};

use super::data::{Change, Data};
use super::shared::Clock;
use super::streams::{Part, StreamEnd};
use super::{Answer, Endpoint, FakeService};
use crate::flag_builder::FlagBuilder;
use crate::preconfigured::PreconfiguredError;

/// Flags and segments. When a method returns, the change is queued for all open streams and visible
/// to polls.
///
/// The methods follow the rules of [`TestData`](crate::TestData): versions of a key increase, and a
/// builder continues from the last one used for its flag.
impl FakeService {
    /// Makes a flag return this value, any JSON value, for every context. Creates the flag if it
    /// does not exist.
    pub fn set(&self, key: impl Into<Text>, value: impl Into<Value>) -> &Self {
        let flag = self.flag(key);
        self.update(match value.into() {
            Value::Bool(value) => flag.variation_for_all(value),
            value => flag.value_for_all(value),
        })
    }

    /// Returns a builder for this flag: the one last passed to [`FakeService::update`], or else a
    /// boolean flag that returns `true` for every context.
    pub fn flag(&self, key: impl Into<Text>) -> FlagBuilder {
        let key = key.into();
        self.shared
            .state
            .look(|state| state.data.builder(&key).cloned())
            .unwrap_or_else(|| FlagBuilder::new(key))
    }

    /// Adds or replaces the flag that the builder describes.
    ///
    /// ```
    /// use vexil_testing::FakeService;
    ///
    /// let service = FakeService::start()?;
    /// service.update(service.flag("new-checkout").variation_for_user("ada", true).fallthrough_variation(false));
    /// # Ok::<(), vexil_testing::fake_service::StartError>(())
    /// ```
    pub fn update(&self, flag: FlagBuilder) -> &Self {
        self.publish(|data| data.put_built(flag))
    }

    /// Adds or replaces a flag, given as JSON. Only its `key` and version are inspected. The
    /// version is raised if it is not newer than the last one.
    ///
    /// # Errors
    /// Returns an error if the `key` is missing.
    pub fn use_preconfigured_flag(
        &self,
        flag: serde_json::Value,
    ) -> Result<&Self, PreconfiguredError> {
        self.try_publish(|data| data.put_ready(DataKind::Flag, flag))
    }

    /// Adds or replaces a segment, given as JSON, by the rules of
    /// [`FakeService::use_preconfigured_flag`].
    ///
    /// # Errors
    /// Returns an error if the `key` is missing.
    pub fn use_preconfigured_segment(
        &self,
        segment: serde_json::Value,
    ) -> Result<&Self, PreconfiguredError> {
        self.try_publish(|data| data.put_ready(DataKind::Segment, segment))
    }

    /// Deletes a flag. The tombstone's version is one more than the flag's last version.
    pub fn delete(&self, key: &str) -> &Self {
        self.publish(|data| data.delete(DataKind::Flag, key))
    }

    /// Deletes a segment. The tombstone's version is one more than the segment's last version.
    pub fn delete_segment(&self, key: &str) -> &Self {
        self.publish(|data| data.delete(DataKind::Segment, key))
    }

    /// Replaces all flags and segments. Versions are taken from the JSON. Open streams get a `put`,
    /// or in the second protocol the difference. The items are not validated, so they can be malformed.
    ///
    /// # Errors
    /// Returns an error if the text is not a JSON object, or its `flags` or `segments` is not one.
    pub fn set_data(&self, json: &str) -> Result<&Self, ItemsError> {
        self.try_publish(|data| data.replace(json))
    }

    /// Returns the selector of the current data: the `basis` of a client of the second protocol that
    /// has received all changes.
    ///
    /// ```
    /// use vexil_testing::FakeService;
    ///
    /// let service = FakeService::start()?;
    /// let before = service.selector();
    /// service.set("banner", "hello");
    /// assert_ne!(service.selector(), before);
    /// # Ok::<(), vexil_testing::fake_service::StartError>(())
    /// ```
    #[must_use]
    pub fn selector(&self) -> String {
        self.shared
            .state
            .look(|state| fdv2::selector(&state.data.items))
    }

    /// Forgets all earlier selectors, as a service that was replaced by another one. A client with an
    /// earlier `basis` then receives everything with its next request.
    pub fn forget_selectors(&self) -> &Self {
        self.shared
            .state
            .change(|state| state.data.start_new_payload());
        self
    }

    fn publish(&self, change: impl FnOnce(&mut Data) -> Change) -> &Self {
        self.shared.state.change(|state| {
            let change = change(&mut state.data);
            state.streams.publish(&state.data.items, change);
        });
        self
    }

    fn try_publish<E>(
        &self,
        change: impl FnOnce(&mut Data) -> Result<Change, E>,
    ) -> Result<&Self, E> {
        self.shared.state.change(|state| {
            let change = change(&mut state.data)?;
            state.streams.publish(&state.data.items, change);
            Ok(self)
        })
    }
}

/// Open streams.
impl FakeService {
    /// Sends an event with this name and data, without changing the flags.
    ///
    /// ```
    /// use vexil_testing::FakeService;
    ///
    /// let service = FakeService::start()?;
    /// service.send_event("goodbye", r#"{"reason": "maintenance"}"#);
    /// # Ok::<(), vexil_testing::fake_service::StartError>(())
    /// ```
    pub fn send_event(&self, name: &str, data: &str) -> &Self {
        self.send_piece(Event::new(name, data).to_sse())
    }

    /// Sends bytes unchanged, in a separate chunk; for example, half an event.
    pub fn send_raw(&self, bytes: impl Into<Vec<u8>>) -> &Self {
        self.send_piece(bytes.into().into())
    }

    /// Sends a heartbeat now.
    pub fn send_heartbeat(&self) -> &Self {
        self.send_piece(HEARTBEAT)
    }

    /// Closes all streams gracefully, after everything that is queued was sent.
    pub fn close_streams(&self) -> &Self {
        self.send(&Part::End(StreamEnd::Orderly))
    }

    /// Closes the connections of all streams, as if the service had crashed.
    pub fn cut_streams(&self) -> &Self {
        self.send(&Part::End(StreamEnd::Cut))
    }

    /// Resets the connections of all streams.
    pub fn reset_streams(&self) -> &Self {
        self.send(&Part::End(StreamEnd::Reset))
    }

    fn send_piece(&self, piece: Bytes) -> &Self {
        self.send(&Part::Send([piece].into()))
    }

    fn send(&self, part: &Part) -> &Self {
        self.shared.state.change(|state| state.streams.send(part));
        self
    }
}

/// Scripted responses.
impl FakeService {
    /// Sets the answer to the next request to an endpoint. Queued after answers that are already
    /// set.
    pub fn answer(&self, endpoint: Endpoint, answer: Answer) -> &Self {
        self.answers(endpoint, [answer])
    }

    /// Sets the answers to the next requests to an endpoint, one for each request.
    pub fn answers(&self, endpoint: Endpoint, answers: impl IntoIterator<Item = Answer>) -> &Self {
        let answers: Vec<_> = answers.into_iter().collect();
        self.shared.state.change(|state| {
            answers
                .into_iter()
                .for_each(|answer| state.scripts.add(endpoint, answer))
        });
        self
    }

    /// Sets the answer to all requests to an endpoint that have no queued answer.
    pub fn always(&self, endpoint: Endpoint, answer: Answer) -> &Self {
        self.shared
            .state
            .change(|state| state.scripts.always(endpoint, answer));
        self
    }

    /// Restores the usual answers of an endpoint. Answers in progress are not affected.
    pub fn as_usual(&self, endpoint: Endpoint) -> &Self {
        self.shared
            .state
            .change(|state| state.scripts.clear(endpoint));
        self
    }

    /// Resets the next `count` connections as soon as they are accepted: before TLS and before any
    /// request.
    pub fn reset_connections(&self, count: usize) -> &Self {
        self.shared.state.change(|state| state.resets = count);
        self
    }

    /// Sets the time in the header `date`; `None` leaves the header out. By default it is the real
    /// time.
    pub fn set_date(&self, time: impl Into<Option<SystemTime>>) -> &Self {
        let clock = time.into().map_or(Clock::Absent, Clock::Fixed);
        self.shared.state.change(|state| state.clock = clock);
        self
    }
}
