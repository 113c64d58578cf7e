//! Clauses for HTTP transports, by group.
//! [`transport_conformance!`](crate::transport_conformance) turns them into tests.
//!
//! The clauses run against servers on loopback, which are scripted byte by byte.
//!
//! | group | applies to |
//! | --- | --- |
//! | [`requests`] | every transport |
//! | [`responses`] | every transport |
//! | [`connections`] | every transport |
//! | [`timeouts`] | every transport |
//! | [`redirects`] | every transport |
//! | [`tls`] | transports with TLS, with a harness that sets the certificate authority |

pub mod connections;
mod exchange;
mod harness;
pub mod redirects;
pub mod requests;
pub mod responses;
mod server;
pub mod timeouts;
pub mod tls;

pub use self::harness::TransportHarness;

/// Generates a test for each clause of the contract of
/// [`HttpTransport`](vexil::transport::HttpTransport).
///
/// The argument is an expression that creates a
/// [`TransportHarness`](crate::conformance::TransportHarness); each test evaluates it separately.
/// By default, all [groups](crate::conformance::transport) but `tls` are tested; a list of groups
/// can follow it.
///
/// ```
/// use std::sync::Arc;
/// use vexil::config::HttpConfig;
/// use vexil::transport::HttpTransport;
/// use vexil_testing::conformance::TransportHarness;
///
/// struct Harness;
///
/// impl TransportHarness for Harness {
///     fn transport(&self) -> Arc<dyn HttpTransport> {
///         HttpConfig::new().build().unwrap()
///     }
/// }
///
/// vexil_testing::transport_conformance!(Harness);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! transport_conformance {
    ($harness:expr $(,)?) => {
        $crate::transport_conformance!(
            $harness,
            requests,
            responses,
            connections,
            timeouts,
            redirects
        );
    };
    ($harness:expr, $($group:ident),+ $(,)?) => {
        $($crate::transport_conformance! { @group $group tests ($harness) })+
    };
    (@group requests $then:ident $rest:tt) => {
        $crate::transport_conformance! { @$then $rest requests [
            the_method_arrives
            the_path_and_the_query_arrive_unchanged
            headers_arrive_unchanged
            a_large_body_arrives_whole
            a_request_without_a_body_has_none
        ] }
    };
    (@group responses $then:ident $rest:tt) => {
        $crate::transport_conformance! { @$then $rest responses [
            the_status_is_returned
            an_error_status_is_a_response
            headers_are_returned
            a_response_is_returned_before_its_body
            a_piece_of_a_body_arrives_before_the_next_is_sent
            a_large_response_arrives_whole
            an_empty_response_ends
            a_response_without_a_length_ends_with_its_connection
            a_truncated_response_is_an_error_of_the_connection
            an_accepted_encoding_is_decoded
        ] }
    };
    (@group connections $then:ident $rest:tt) => {
        $crate::transport_conformance! { @$then $rest connections [
            concurrent_requests_do_not_wait_for_one_another
            a_dropped_request_closes_its_connection
            a_dropped_body_closes_its_connection
            a_refused_connection_is_an_error_of_the_connection
            a_connection_that_breaks_is_an_error_of_the_connection
            an_invalid_url_is_an_error_of_the_request
        ] }
    };
    (@group timeouts $then:ident $rest:tt) => {
        $crate::transport_conformance! { @$then $rest timeouts [
            silence_before_the_headers_is_a_timeout
            silence_within_a_body_is_a_timeout
            a_slow_body_is_no_timeout
        ] }
    };
    (@group redirects $then:ident $rest:tt) => {
        $crate::transport_conformance! { @$then $rest redirects [
            a_get_is_redirected
            a_post_is_redirected_within_its_origin
            ten_redirects_are_followed
            an_endless_redirect_is_refused
            the_authorization_is_not_sent_to_another_origin
            a_post_is_not_redirected_to_another_origin
        ] }
    };
    (@group tls $then:ident $rest:tt) => {
        $crate::transport_conformance! { @$then $rest tls [
            a_trusted_server_is_reached
            an_untrusted_certificate_is_an_error_of_the_certificate
            a_handshake_without_an_end_is_a_timeout
            a_redirect_to_http_is_refused
        ] }
    };
    (@tests ($harness:expr) $group:ident [$($clause:ident)+]) => {
        $(
            #[test]
            fn $clause() {
                $crate::conformance::hold(
                    || $harness,
                    |harness| ::std::boxed::Box::pin($crate::conformance::transport::$group::$clause(harness)),
                );
            }
        )+
    };
    (@names () $group:ident [$($clause:ident)+]) => {
        &[$(::core::stringify!($clause)),+]
    };
}

/// The names of the clauses of each group, as listed in the macro.
pub const GROUPS: [(&str, &[&str]); 6] = [
    (
        "requests",
        transport_conformance! { @group requests names () },
    ),
    (
        "responses",
        transport_conformance! { @group responses names () },
    ),
    (
        "connections",
        transport_conformance! { @group connections names () },
    ),
    (
        "timeouts",
        transport_conformance! { @group timeouts names () },
    ),
    (
        "redirects",
        transport_conformance! { @group redirects names () },
    ),
    ("tls", transport_conformance! { @group tls names () }),
];
