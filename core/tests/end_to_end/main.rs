//! Real clients over real sockets, with a fake service at the other end that injects the faults.
//!
//! The fault table of SRC-10, and the tests of its rows. `data_sources` has a scripted transport
//! and a clock that jumps, `http_transport` has raw sockets; tests without a prefix are here.
//!
//! | row | fault | tests |
//! | --- | --- | --- |
//! | 1 | truncation | `breaks::a_truncated_put_is_not_applied`, `breaks::a_truncated_patch_is_not_applied`, `large::a_truncated_large_put_is_not_applied`, `polling::a_truncated_response_is_not_applied` |
//! | 2 | reset | `breaks::a_patch_cut_off_by_a_connection_reset_is_not_applied`, `polling::a_truncated_response_is_not_applied` |
//! | 3 | 10 MB | `large::evaluations_continue_while_ten_megabytes_arrive_in_one_line_or_many`, `polling::ten_megabytes_arrive` |
//! | 4 | over the cap | `large::an_event_over_the_limit_ends_the_connection`, `data_sources::polling_faults::a_body_over_the_limit_is_invalid` |
//! | 5 | endless line, comments | `large::an_endless_line_ends_the_connection_at_the_limit`, `large::a_flood_of_comments_is_not_buffered`, `data_sources::streaming::a_flood_of_comments_lets_other_tasks_run` |
//! | 6 | invalid UTF-8 | `malformed::data_that_is_not_utf_8_restarts_the_stream`, `malformed::a_comment_can_contain_any_bytes`, `polling::malformed_responses_leave_the_data_unchanged` |
//! | 7 | BOM, NUL | `data_sources::streaming_faults::invalid_utf_8_is_rejected_and_the_json_parser_decides_about_other_bytes`, `data_sources::polling_faults::malformed_bodies_leave_the_data_unchanged` |
//! | 8 | not JSON | `malformed::events_that_are_not_json_restart_the_stream`, `malformed::a_client_whose_first_put_is_malformed_has_no_data_until_the_next`, `polling::malformed_responses_leave_the_data_unchanged` |
//! | 9 | wrong type | `malformed::events_with_wrong_types_restart_the_stream_and_are_rejected_as_a_whole`, `polling::malformed_responses_leave_the_data_unchanged` |
//! | 10, 11 | missing, null | `data_sources::{streaming_faults, polling_faults}::missing_sections_are_empty_and_unknown_ones_skipped` |
//! | 12–14 | no maps, null items, no data | `malformed::puts_without_a_map_of_items_restart_the_stream`, `polling::malformed_responses_leave_the_data_unchanged` |
//! | 15 | no version | `malformed::a_deletion_without_a_version_restarts_the_stream`, `data_sources::streaming_faults::versions_and_keys_are_passed_on_unchanged` |
//! | 16–20 | versions, keys | `data_sources::streaming_faults::versions_and_keys_are_passed_on_unchanged`, and 17 `data_sources::streaming_faults::malformed_events_are_dropped_with_their_connection` |
//! | 21 | second put | `updates::a_second_put_replaces_everything_and_listeners_receive_the_differences` |
//! | 22 | same put | `updates::the_same_put_again_changes_nothing` |
//! | 23, 25 | stale, unknown | `updates::an_update_that_is_not_newer_is_ignored_and_a_deletion_is_remembered` |
//! | 24 | patch before put | `updates::a_patch_before_the_first_put_does_not_initialise` |
//! | 26 | unknown event | `startup::a_client_whose_first_event_is_of_an_unknown_kind_initialises`, `updates::unknown_events_and_kinds_are_ignored_and_the_stream_continues` |
//! | 27 | cycles | `updates::cycles_in_the_data_are_stored_and_evaluated_as_malformed` |
//! | 28 | deep nesting | `malformed::json_that_is_nested_too_deeply_restarts_the_stream`, `data_sources::polling_faults::malformed_bodies_leave_the_data_unchanged` |
//! | 29 | empty data | `malformed::events_without_data_in_them_restart_the_stream`, `polling::malformed_responses_leave_the_data_unchanged` |
//! | 30 | absurd retry | `data_sources::streaming::the_service_can_set_the_delay_but_not_to_zero` |
//! | 31 | slow-loris | `breaks::a_slow_stream_is_not_aborted`, `polling::a_silent_poll_is_aborted_after_the_read_timeout`, `data_sources::polling_faults::a_poll_that_does_not_end_within_a_minute_is_aborted` |
//! | 32 | no headers | `breaks::a_request_without_a_response_is_aborted_after_the_read_timeout`, `polling::a_poll_without_a_response_is_aborted_after_the_read_timeout` |
//! | 33 | silence | `breaks::a_silent_stream_is_closed_after_its_read_timeout`, `breaks::a_stream_that_stops_within_an_event_is_closed_after_the_read_timeout`, `data_sources::streaming_faults::five_minutes_of_silence_end_a_connection` |
//! | 34 | HTML | `answers::a_response_of_another_content_type_is_not_a_stream`, `polling::malformed_responses_leave_the_data_unchanged` |
//! | 35 | charset | `answers::a_stream_can_declare_the_charset_utf_8_and_no_other` |
//! | 36 | gzip | `answers::a_compressed_stream_is_decoded_as_it_arrives`, `polling::responses_are_compressed_because_the_client_requests_it` |
//! | 37, 40 | 204, temporary statuses | `answers::temporary_statuses_are_retried_soon_whatever_they_ask_for`, `answers::a_subscription_sees_every_status_of_a_reconnect_in_order`, `polling::temporary_statuses_are_errors_until_the_next_poll` |
//! | 38 | redirects | `answers::a_redirect_is_followed_with_all_headers_and_not_remembered`, `answers::a_redirect_to_another_origin_does_not_carry_the_key`, `answers::an_invalid_or_circular_redirect_is_retried`, `polling::redirects_are_followed_and_an_invalid_one_is_a_network_error` |
//! | 39 | 304 | `answers::temporary_statuses_are_retried_soon_whatever_they_ask_for`, `polling::an_unchanged_response_makes_the_source_valid_again` |
//! | 41 | refusal | `refusals::a_refused_stream_is_not_retried_soon_and_the_client_is_not_ready`, `refusals::a_stream_that_is_refused_later_keeps_its_data_and_is_not_retried_soon`, `refusals::a_refused_poll_is_not_repeated_soon`; the times: `data_sources::streaming_faults::a_refusal_and_a_bad_certificate_are_retried_rarely_and_for_ever`, `data_sources::polling_faults::after_a_refusal_polls_are_rare_until_two_in_a_row_succeed` |
//! | 42 | refusal, legacy | `refusals::under_the_legacy_policy_a_refusal_is_final` |
//! | 44 | certificates | `tls::an_untrusted_service_gets_no_request_and_is_not_retried_soon`, `tls::under_the_legacy_policy_an_untrusted_service_is_retried_soon` |
//! | 45 | TLS breaks | `tls::a_truncated_handshake_is_retried_soon`, `tls::a_stream_whose_tls_connection_is_cut_is_opened_again`, `tls::a_service_without_tls_is_retried_soon`, `breaks::a_missing_response_and_one_that_is_not_http_are_retried_soon` |
//! | 46 | refused connection | `breaks::a_service_that_refuses_connections_is_retried_repeatedly`, `breaks::a_service_that_goes_away_does_not_remove_the_data` |
//! | 47 | dead address | `http_transport::connections::all_addresses_of_a_host_are_tried` |
//! | 48 | bad base | `refusals::a_client_does_not_start_with_an_invalid_base_url` |
//! | 49 | bad key | `refusals::a_key_with_a_trailing_newline_is_accepted_and_an_invalid_key_is_an_error` |
//! | 50 | store errors | `surroundings::a_put_that_cannot_be_stored_is_requested_again_until_it_is`, `surroundings::a_patch_that_cannot_be_stored_restarts_the_stream`, `surroundings::a_poll_that_cannot_be_stored_is_repeated` |
//! | 51 | listeners | `surroundings::listeners_that_panic_or_block_do_not_delay_the_stream` |
//! | 52 | closing | `closing::closing_during_a_connect_returns_promptly_and_closes_the_socket`, `closing::closing_during_a_backoff_returns_promptly_and_ends_all_requests`, `closing::closing_while_a_response_is_pending_returns_promptly`, `closing::closing_in_the_middle_of_an_event_returns_promptly_and_stores_nothing`, `closing_late::an_update_in_progress_when_a_client_is_closed_is_not_stored`, `polling::closing_ends_a_poll_in_progress` |
//! | 53 | twice, dropped | `closing::closing_twice_equals_closing_once`, `closing::dropping_the_last_clone_closes_the_connection_promptly` |
//! | 54 | two clients | `closing::two_clients_with_the_same_key_are_independent`, `requests::two_clients_of_one_builder_have_different_instance_ids` |
//! | 55 | clock jumps | all of `data_sources`, where the monotonic clock jumps and the wall clock does not |
//! | 56 | corrupt gzip, bomb | `polling::corrupt_gzip_is_a_connection_error`, `polling::a_small_response_that_decompresses_to_a_huge_one_is_invalid` |
//! | 57 | odd ETags | `data_sources::polling::an_etag_is_sent_back_byte_for_byte` |

#![cfg(test)]
#![cfg(feature = "http")]

mod answers;
mod breaks;
mod closing;
mod closing_late;
mod data_systems;
mod faults;
mod large;
mod malformed;
mod polling;
mod refusals;
mod requests;
mod setup;
mod startup;
#[path = "../support/mod.rs"]
mod support;
mod surroundings;
mod tls;
mod updates;
