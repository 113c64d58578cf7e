//! What a test makes the service do.

use std::time::SystemTime;

use bytes::Bytes;
use vexil::{Text, Value};

use super::data::{Category, Data};
use super::shared::Clock;
use super::streams::{Part, StreamEnd};
use super::{Answer, DataError, Endpoint, FakeService, sse};
use crate::flag_builder::FlagBuilder;
use crate::preconfigured::PreconfiguredError;

/// Flags and segments. A change is queued for all open streams when its method returns, and polls
/// see it.
///
/// The methods and their rules are those of [`TestData`](crate::TestData): versions of a key count
/// up, and a builder goes on from what it was last given.
impl FakeService {
    /// Makes a flag give everybody this value, any JSON value; the flag is made if there is none.
    pub fn set(&self, key: impl Into<Text>, value: impl Into<Value>) -> &Self {
        let flag = self.flag(key);
        self.update(match value.into() {
            Value::Bool(value) => flag.variation_for_all(value),
            value => flag.value_for_all(value),
        })
    }

    /// A builder for this flag: what [`FakeService::update`] was last given for it, or else a
    /// boolean flag that gives everybody `true`.
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

    /// Adds or replaces a flag as it is: its JSON, of which only the `key` is looked at. The
    /// version is raised if it is not newer than the last one.
    ///
    /// # Errors
    /// If there is no `key`.
    pub fn use_preconfigured_flag(
        &self,
        flag: serde_json::Value,
    ) -> Result<&Self, PreconfiguredError> {
        self.try_publish(|data| data.put_ready(Category::Flags, flag))
    }

    /// Adds or replaces a segment as it is, as [`FakeService::use_preconfigured_flag`] does with a
    /// flag.
    ///
    /// # Errors
    /// If there is no `key`.
    pub fn use_preconfigured_segment(
        &self,
        segment: serde_json::Value,
    ) -> Result<&Self, PreconfiguredError> {
        self.try_publish(|data| data.put_ready(Category::Segments, segment))
    }

    /// Deletes a flag, in the version after its last one.
    pub fn delete(&self, key: &str) -> &Self {
        self.publish(|data| data.delete(Category::Flags, key))
    }

    /// Deletes a segment, in the version after its last one.
    pub fn delete_segment(&self, key: &str) -> &Self {
        self.publish(|data| data.delete(Category::Segments, key))
    }

    /// Replaces all flags and segments, in the versions that the JSON gives them; open streams get
    /// a `put`. The items are not looked at: they may be what no SDK can read.
    ///
    /// # Errors
    /// If the text is no JSON object, or its `flags` or `segments` are none.
    pub fn set_data(&self, json: &str) -> Result<&Self, DataError> {
        self.try_publish(|data| data.replace(json))
    }

    fn publish(&self, change: impl FnOnce(&mut Data) -> Bytes) -> &Self {
        self.shared.state.change(|state| {
            let event = change(&mut state.data);
            state.streams.tell(&Part::Send(event));
        });
        self
    }

    fn try_publish<E>(
        &self,
        change: impl FnOnce(&mut Data) -> Result<Bytes, E>,
    ) -> Result<&Self, E> {
        self.shared.state.change(|state| {
            let event = change(&mut state.data)?;
            state.streams.tell(&Part::Send(event));
            Ok(self)
        })
    }
}

/// The streams that are open now.
impl FakeService {
    /// Sends an event with any name and any data, without changing the flags.
    pub fn send_event(&self, name: &str, data: &str) -> &Self {
        self.tell(Part::Send(sse::event(name, data)))
    }

    /// Sends bytes as they are, in a chunk of their own: half an event, say.
    pub fn send_raw(&self, bytes: impl Into<Vec<u8>>) -> &Self {
        self.tell(Part::Send(bytes.into().into()))
    }

    /// Sends a heartbeat now.
    pub fn send_heartbeat(&self) -> &Self {
        self.tell(Part::Send(sse::HEARTBEAT))
    }

    /// Ends all streams in an orderly way, after what was sent before.
    pub fn close_streams(&self) -> &Self {
        self.tell(Part::End(StreamEnd::Orderly))
    }

    /// Ends all streams by closing their connections, as if the service had crashed.
    pub fn cut_streams(&self) -> &Self {
        self.tell(Part::End(StreamEnd::Cut))
    }

    /// Ends all streams by resetting their connections.
    pub fn reset_streams(&self) -> &Self {
        self.tell(Part::End(StreamEnd::Reset))
    }

    fn tell(&self, part: Part) -> &Self {
        self.shared.state.change(|state| state.streams.tell(&part));
        self
    }
}

/// Answers other than the usual.
impl FakeService {
    /// Gives this answer to the next request to an endpoint, or to the one after those that have
    /// theirs already.
    pub fn answer(&self, endpoint: Endpoint, answer: Answer) -> &Self {
        self.answers(endpoint, [answer])
    }

    /// Gives these answers to the next requests to an endpoint, one each.
    pub fn answers(&self, endpoint: Endpoint, answers: impl IntoIterator<Item = Answer>) -> &Self {
        let answers: Vec<_> = answers.into_iter().collect();
        self.shared.state.change(|state| {
            answers
                .into_iter()
                .for_each(|answer| state.scripts.add(endpoint, answer))
        });
        self
    }

    /// Gives this answer to all requests to an endpoint that have none of their own.
    pub fn always(&self, endpoint: Endpoint, answer: Answer) -> &Self {
        self.shared
            .state
            .change(|state| state.scripts.always(endpoint, answer));
        self
    }

    /// Goes back to the usual answers of an endpoint. Those that are under way are not touched.
    pub fn as_usual(&self, endpoint: Endpoint) -> &Self {
        self.shared
            .state
            .change(|state| state.scripts.clear(endpoint));
        self
    }

    /// Resets the next `count` connections as soon as they are made: before TLS, and before a
    /// request.
    pub fn reset_connections(&self, count: usize) -> &Self {
        self.shared.state.change(|state| state.resets = count);
        self
    }

    /// What the header `date` says from now on; `None` leaves it out. Before this is called, it is
    /// the real time.
    pub fn set_date(&self, time: impl Into<Option<SystemTime>>) -> &Self {
        let clock = time.into().map_or(Clock::Absent, Clock::Fixed);
        self.shared.state.change(|state| state.clock = clock);
        self
    }
}
