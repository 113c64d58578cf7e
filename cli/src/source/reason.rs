//! Sentences about what is wrong with a server.

use std::error::Error;

use crate::exit::{Exit, Failure};
use crate::output::escaped;

/// The messages of an error and of its causes on one line.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |&cause| cause.source()) {
        let cause = cause.to_string();
        // Some errors repeat that of their cause.
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// The failure of a connection, from the messages of its error.
pub(super) fn unreachable(source: &str, chain: &str) -> Failure {
    let says = |words: &[&str]| words.iter().any(|words| chain.contains(words));
    let failed = |message: std::fmt::Arguments<'_>| Failure::new(Exit::Unreachable, message);
    if says(&["certificate", "Certificate", "UnknownIssuer"]) {
        let begin = chain.find("invalid peer certificate: ");
        let reason = begin.and_then(|begin| chain.get(begin + 26..));
        let reason = in_words(reason.unwrap_or_else(|| last(chain)));
        return failed(format_args!(
            "the certificate of {source} is not trusted: {}",
            escaped(reason)
        ))
        .help("add ?ca=FILE, the PEM file of the certificate authority, if you trust it");
    }
    if says(&["onnection refused"]) {
        return failed(format_args!(
            "cannot connect to {source}: connection refused"
        ))
        .help(format_args!(
            "is it running? \"vexil list {source} -v\" logs each attempt"
        ));
    }
    if says(&["lookup address", "resolve", "dns error", "Name or service"]) {
        return failed(format_args!(
            "cannot connect to {source}: the host is unknown"
        ))
        .help("is the name of the host right?");
    }
    if says(&["timed out", "timeout", "in time", "deadline"]) {
        return timed_out(source);
    }
    failed(format_args!(
        "cannot connect to {source}: {}",
        escaped(last(chain))
    ))
    .help(format_args!("is it the right server? {}", log(source)))
}

/// Names the command that logs the attempts to read a source, if it can be repeated as it is shown.
fn log(source: &str) -> String {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || ":/.-_+,@".contains(character);
    if source.chars().all(is_plain) {
        format!("\"vexil list {source} -v\" logs each attempt")
    } else {
        "The option -v logs each attempt".to_owned()
    }
}

pub(super) fn timed_out(source: &str) -> Failure {
    Failure::new(
        Exit::Unreachable,
        format_args!("{source} did not answer in time"),
    )
    .help("is the address right? ?timeout=30s waits longer")
}

/// The last cause, without the number of the operating system's error.
fn last(chain: &str) -> &str {
    let cause = chain.rsplit(": ").next().unwrap_or(chain);
    cause.split(" (os error").next().unwrap_or(cause)
}

/// The names of the library's errors in words.
fn in_words(reason: &str) -> &str {
    match reason {
        "UnknownIssuer" => "its issuer is unknown",
        "BadSignature" => "its signature is wrong",
        "Expired" => "it has expired",
        "NotValidYet" => "it is not valid yet",
        "NotValidForName" => "it is for another host",
        "Revoked" => "it is revoked",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_becomes_a_sentence() {
        for (chain, message) in [
            (
                "the connection could not be made or broke: tcp connect error: Connection refused (os error 111)",
                "cannot connect to redis://h: connection refused",
            ),
            (
                "no connection to h:1: invalid peer certificate: UnknownIssuer",
                "the certificate of redis://h is not trusted: its issuer is unknown",
            ),
            (
                "dns error: failed to lookup address information: Name or service not known",
                "cannot connect to redis://h: the host is unknown",
            ),
            (
                "no data arrived in time",
                "redis://h did not answer in time",
            ),
            (
                "the connection was lost: Broken pipe (os error 32)",
                "cannot connect to redis://h: Broken pipe",
            ),
        ] {
            assert_eq!(unreachable("redis://h", chain).message, message);
        }
    }
}
