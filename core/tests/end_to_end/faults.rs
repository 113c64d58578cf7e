//! Helpers that inject one fault into the life of a streaming client.

use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint, Gate};

use crate::setup::{NONE, Statuses, builder, service, stream, streaming, value};

/// A client whose first connection gets this response. It reports this error, has no data, and
/// reconnects.
#[track_caller]
pub(crate) fn starts_after(answer: Answer, error: &str) {
    starts_after_all([answer], error);
}

/// Like [`starts_after`], for a response that leads to further requests, with their responses.
#[track_caller]
pub(crate) fn starts_after_all(answers: impl IntoIterator<Item = Answer>, error: &str) {
    let (service, gate, again) = (service("value"), Gate::new(), Gate::new());
    let mut answers = answers.into_iter();
    let first = answers.next().unwrap().after(&gate);
    service.answer(Endpoint::Stream, first);
    service.answers(Endpoint::Stream, answers);
    service.answer(Endpoint::Stream, Answer::usual().after(&again));
    let client = builder(&service).data_source(stream()).start().unwrap();
    let mut statuses = Statuses::of(&client);
    gate.open();
    assert_eq!(statuses.next(), format!("Initializing {error}"));
    assert_eq!(
        (client.is_initialized(), value(&client).as_str()),
        (false, NONE)
    );
    again.open();
    assert_eq!(statuses.next(), "Valid");
    assert_eq!(value(&client), "value");
    assert_eq!(service.answers_left(Endpoint::Stream), 0);
}

/// A client with data whose stream is interrupted by `act`. It reports this error, keeps its data,
/// and gets the new data on a new connection.
#[track_caller]
pub(crate) fn recovers(act: impl FnOnce(&FakeService) -> &FakeService, error: &str) {
    let (service, again) = (service("old"), Gate::new());
    let client = streaming(&service);
    let mut statuses = Statuses::of(&client);
    service.answer(Endpoint::Stream, Answer::usual().after(&again));
    act(&service);
    service.set("flag", "new");
    assert_eq!(statuses.next(), format!("Interrupted {error}"));
    assert_eq!(
        (client.is_initialized(), value(&client).as_str()),
        (true, "old")
    );
    again.open();
    assert_eq!(statuses.next(), "Valid");
    assert_eq!(value(&client), "new");
    assert_eq!(service.requests_to(Endpoint::Stream).len(), 2);
}
