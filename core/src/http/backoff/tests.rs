//! The sequences of delays, with a clock that only the test advances.

use super::*;
use Failure::{Certificate, Permanent, Transient};
use RetryPolicy::{LegacyStop, NeverStop};

const SECOND: Duration = Duration::from_secs(1);

fn none(_: Duration) -> Duration {
    Duration::ZERO
}

fn all(most: Duration) -> Duration {
    most
}

fn stream(policy: RetryPolicy) -> StreamBackoff {
    StreamBackoff::new(policy, SECOND, none)
}

/// The delays after these failures, in seconds.
fn delays(backoff: &mut StreamBackoff, now: Instant, failures: &[Failure]) -> Vec<u64> {
    failures
        .iter()
        .map(|failure| backoff.failed(*failure, now).unwrap().as_secs())
        .collect()
}

// SRC-2.5, SRC-F40, SRC-F41
#[test]
fn statuses_are_temporary_failures_or_refusals() {
    let of = |status| Failure::of_status(StatusCode::from_u16(status).unwrap());
    for status in [
        400, 408, 429, 500, 501, 502, 503, 504, 599, 100, 201, 204, 301, 304,
    ] {
        assert_eq!(of(status), Transient, "{status}");
    }
    for status in [401, 402, 403, 404, 405, 406, 410, 418, 451, 499] {
        assert_eq!(of(status), Permanent, "{status}");
    }
}

// SRC-2.5, SRC-F44 to SRC-F46
#[test]
fn an_untrusted_certificate_is_not_temporary_and_other_errors_are() {
    assert_eq!(
        Failure::of_transport(TransportErrorKind::Certificate),
        Certificate
    );
    let passing = [
        TransportErrorKind::Connection,
        TransportErrorKind::Timeout,
        TransportErrorKind::Redirect,
    ];
    assert!(
        passing
            .iter()
            .all(|kind| Failure::of_transport(*kind) == Transient)
    );
}

// SRC-2.6
#[test]
fn delays_double_up_to_half_a_minute() {
    let delays = delays(&mut stream(NeverStop), Instant::now(), &[Transient; 8]);
    assert_eq!(delays, [1, 2, 4, 8, 16, 30, 30, 30]);
}

// SRC-2.6
#[test]
fn rare_delays_double_up_to_an_hour_for_every_failure() {
    let failures = [
        Permanent,
        Transient,
        Permanent,
        Certificate,
        Transient,
        Permanent,
    ];
    let delays = delays(&mut stream(NeverStop), Instant::now(), &failures);
    assert_eq!(delays, [300, 600, 1200, 2400, 3600, 3600]);
}

// SRC-2.7
#[test]
fn rare_attempts_begin_with_the_first_refusal() {
    let delays = delays(
        &mut stream(NeverStop),
        Instant::now(),
        &[Transient, Transient, Transient, Certificate, Transient],
    );
    assert_eq!(delays, [1, 2, 4, 300, 600]);
}

// SRC-2.6
#[test]
fn jitter_takes_away_at_most_half() {
    let mut backoff = StreamBackoff::new(NeverStop, SECOND, all);
    let now = Instant::now();
    assert_eq!(backoff.failed(Transient, now), Some(SECOND / 2));
    assert_eq!(backoff.failed(Transient, now), Some(SECOND));
    assert_eq!(backoff.failed(Permanent, now), Some(150 * SECOND));
    for most in [
        Duration::ZERO,
        Duration::from_nanos(1),
        SECOND,
        Duration::MAX,
    ] {
        assert!((0..100).all(|_| jitter(most) <= most));
    }
    assert!((0..1000).any(|_| jitter(SECOND) > SECOND * 3 / 4));
    assert!((0..1000).any(|_| jitter(SECOND) < SECOND / 4));
}

// SRC-2.6
#[test]
fn only_a_minute_of_delivery_resets_the_failures() {
    let mut backoff = stream(NeverStop);
    let mut now = Instant::now();
    assert_eq!(delays(&mut backoff, now, &[Transient, Transient]), [1, 2]);
    backoff.delivered(now);
    now += HEALTHY - Duration::from_millis(1);
    backoff.delivered(now);
    assert_eq!(delays(&mut backoff, now, &[Transient]), [4]);
    now += 10 * HEALTHY;
    assert_eq!(
        delays(&mut backoff, now, &[Transient]),
        [8],
        "the connection delivered nothing"
    );
    backoff.delivered(now);
    now += HEALTHY;
    assert_eq!(delays(&mut backoff, now, &[Transient, Transient]), [1, 2]);
}

// SRC-2.7
#[test]
fn a_minute_of_delivery_ends_rare_attempts() {
    let mut backoff = stream(NeverStop);
    let mut now = Instant::now();
    assert_eq!(delays(&mut backoff, now, &[Permanent]), [300]);
    backoff.delivered(now);
    now += HEALTHY / 2;
    assert_eq!(delays(&mut backoff, now, &[Transient]), [600]);
    backoff.delivered(now);
    now += HEALTHY;
    assert_eq!(delays(&mut backoff, now, &[Transient, Transient]), [1, 2]);
    backoff.delivered(now);
    now += HEALTHY;
    assert_eq!(
        delays(&mut backoff, now, &[Permanent, Permanent]),
        [300, 600]
    );
}

// Behind a proxy that ends each stream after 59 seconds, one refusal must not make all later gaps
// long.
#[test]
fn a_complete_data_set_ends_rare_attempts_even_on_a_short_connection() {
    let mut backoff = stream(NeverStop);
    let mut now = Instant::now();
    assert_eq!(
        delays(&mut backoff, now, &[Permanent, Transient]),
        [300, 600]
    );
    for expected in [1, 2, 4, 8, 16, 30] {
        backoff.delivered(now);
        backoff.delivered_all();
        now += HEALTHY - SECOND;
        assert_eq!(delays(&mut backoff, now, &[Transient]), [expected]);
    }
    assert_eq!(
        delays(&mut backoff, now, &[Permanent, Transient]),
        [300, 600],
        "the connection delivered nothing"
    );
}

#[test]
fn a_single_event_does_not_end_rare_attempts() {
    let mut backoff = stream(NeverStop);
    let now = Instant::now();
    assert_eq!(delays(&mut backoff, now, &[Permanent]), [300]);
    backoff.delivered(now);
    assert_eq!(delays(&mut backoff, now + SECOND, &[Transient]), [600]);
}

// SRC-2.6
#[test]
fn every_initial_delay_grows_to_seconds() {
    for base in [Duration::from_nanos(1), Duration::from_millis(1)] {
        let mut backoff = StreamBackoff::new(NeverStop, base, none);
        let now = Instant::now();
        assert_eq!(
            backoff.failed(Transient, now),
            Some(Duration::from_millis(1))
        );
        assert_eq!(
            (0..20)
                .filter_map(|_| backoff.failed(Transient, now))
                .last(),
            Some(LONGEST_DELAY)
        );
    }
}

// SRC-2.6
#[test]
fn a_base_of_zero_is_the_default_and_a_long_one_applies_to_rare_attempts() {
    let now = Instant::now();
    assert_eq!(
        StreamBackoff::new(NeverStop, Duration::ZERO, none).failed(Transient, now),
        Some(SECOND)
    );
    let mut backoff = StreamBackoff::new(NeverStop, 1000 * SECOND, none);
    assert_eq!(
        delays(
            &mut backoff,
            now,
            &[Transient, Permanent, Permanent, Permanent]
        ),
        [30, 1000, 2000, 3600]
    );
}

// SRC-2.6
#[test]
fn delays_stay_within_bounds_for_any_number_of_failures() {
    let mut backoff = StreamBackoff::new(NeverStop, Duration::MAX, none);
    backoff.failures = u32::MAX;
    assert_eq!(
        backoff.failed(Transient, Instant::now()),
        Some(LONGEST_DELAY)
    );
}

// SRC-2.1, rule 11
#[test]
fn a_new_delay_from_the_service_restarts_the_backoff() {
    let mut backoff = stream(NeverStop);
    let now = Instant::now();
    assert_eq!(
        delays(&mut backoff, now, &[Transient, Transient, Transient]),
        [1, 2, 4]
    );
    backoff.set_base(3 * SECOND);
    assert_eq!(
        delays(&mut backoff, now, &[Transient, Transient, Transient]),
        [3, 6, 12]
    );
    backoff.set_base(3 * SECOND);
    assert_eq!(
        delays(&mut backoff, now, &[Transient]),
        [24],
        "the value has not changed"
    );
    backoff.set_base(Duration::from_millis(1));
    assert_eq!(backoff.failed(Transient, now), Some(SHORTEST_ADVISED_DELAY));
}

// SRC-2.7, SRC-F42, SRC-F44
#[test]
fn the_legacy_policy_stops_only_at_a_refusal() {
    let mut backoff = stream(LegacyStop);
    let now = Instant::now();
    assert_eq!(
        delays(&mut backoff, now, &[Transient, Certificate, Transient]),
        [1, 2, 4]
    );
    assert_eq!(backoff.failed(Permanent, now), None);
    let mut polls = PollBackoff::new(LegacyStop, 30 * SECOND, none);
    assert_eq!(polls.failed(Certificate), Some(30 * SECOND));
    assert_eq!(polls.failed(Permanent), None);
}

// SRC-3
#[test]
fn temporary_failures_do_not_change_the_poll_interval() {
    let mut polls = PollBackoff::new(NeverStop, 30 * SECOND, none);
    assert!((0..10).all(|_| polls.failed(Transient) == Some(30 * SECOND)));
    assert_eq!(polls.succeeded(), 30 * SECOND);
}

// SRC-3
#[test]
fn two_successes_in_a_row_end_rare_polls() {
    let mut polls = PollBackoff::new(NeverStop, 30 * SECOND, none);
    assert_eq!(polls.failed(Permanent), Some(300 * SECOND));
    assert_eq!(polls.failed(Transient), Some(600 * SECOND));
    assert_eq!(polls.succeeded(), 30 * SECOND);
    assert_eq!(polls.failed(Transient), Some(1200 * SECOND));
    assert_eq!([polls.succeeded(), polls.succeeded()], [30 * SECOND; 2]);
    assert_eq!(polls.failed(Transient), Some(30 * SECOND));
    assert_eq!(polls.failed(Permanent), Some(300 * SECOND));
}

// SRC-3, SRC-F41
#[test]
fn rare_polls_are_at_least_an_interval_apart() {
    let mut polls = PollBackoff::new(NeverStop, 250 * SECOND, all);
    assert_eq!(polls.failed(Permanent), Some(250 * SECOND));
    let mut polls = PollBackoff::new(NeverStop, 5000 * SECOND, none);
    assert_eq!(
        [polls.failed(Permanent), polls.failed(Permanent)],
        [Some(5000 * SECOND); 2]
    );
}
