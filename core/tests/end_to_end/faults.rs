//! What a stream survives: helpers that put one fault into the life of a client.

use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint, Gate};

use crate::setup::{NONE, Statuses, builder, service, stream, streaming, value};

/// A client whose first connection has this answer. It tells of this trouble, has no data, and
/// connects again.
#[track_caller]
pub(crate) fn starts_after(answer: Answer, trouble: &str) {
    starts_after_all([answer], trouble);
}

/// The same for an answer that leads to further requests, with their answers.
#[track_caller]
pub(crate) fn starts_after_all(answers: impl IntoIterator<Item = Answer>, trouble: &str) {
    let (service, gate, again) = (service("value"), Gate::new(), Gate::new());
    let mut answers = answers.into_iter();
    let first = answers.next().unwrap().after(&gate);
    service.answer(Endpoint::Stream, first);
    service.answers(Endpoint::Stream, answers);
    service.answer(Endpoint::Stream, Answer::usual().after(&again));
    let client = builder(&service).data_source(stream()).start().unwrap();
    let mut statuses = Statuses::of(&client);
    gate.open();
    assert_eq!(statuses.next(), format!("Initializing {trouble}"));
    assert_eq!(
        (client.is_initialized(), value(&client).as_str()),
        (false, NONE)
    );
    again.open();
    assert_eq!(statuses.next(), "Valid");
    assert_eq!(value(&client), "value");
    assert_eq!(service.answers_left(Endpoint::Stream), 0);
}

/// A client with data to whose stream this happens. It tells of this trouble, keeps its data, and
/// gets the new data with a new connection.
#[track_caller]
pub(crate) fn recovers(act: impl FnOnce(&FakeService) -> &FakeService, trouble: &str) {
    let (service, again) = (service("old"), Gate::new());
    let client = streaming(&service);
    let mut statuses = Statuses::of(&client);
    service.answer(Endpoint::Stream, Answer::usual().after(&again));
    act(&service);
    service.set("flag", "new");
    assert_eq!(statuses.next(), format!("Interrupted {trouble}"));
    assert_eq!(
        (client.is_initialized(), value(&client).as_str()),
        (true, "old")
    );
    again.open();
    assert_eq!(statuses.next(), "Valid");
    assert_eq!(value(&client), "new");
    assert_eq!(service.requests_to(Endpoint::Stream).len(), 2);
}
