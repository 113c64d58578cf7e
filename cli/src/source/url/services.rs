//! The URLs of the flag service and of Relay Proxies.

use super::parameters::Parameters;
use super::{Authority, Given, Parsed, cut, shown_query, split_path};
use crate::exit::Failure;
use crate::output::escaped;
use crate::source::place::{Mode, Place, Protocol, Service};
use crate::source::secret::SecretFrom;

/// The variable that has the SDK key unless the URL names another one.
const KEY_VARIABLE: &str = "VEXIL_SDK_KEY";

const PROTOCOLS: [(&str, Protocol); 3] = [
    ("auto", Protocol::Auto),
    ("fdv1", Protocol::Fdv1),
    ("fdv2", Protocol::Fdv2),
];
const MODES: [(&str, Mode); 2] = [("stream", Mode::Stream), ("poll", Mode::Poll)];

/// `service[?query]`
pub(super) fn service(query: Option<&str>, given: &Given<'_>) -> Result<Parsed, Failure> {
    const KNOWN: [&str; 9] = [
        "key-env", "key-file", "base", "stream", "filter", "protocol", "mode", "ca", "timeout",
    ];
    let parameters = Parameters::parse(query, &KNOWN, "the source \"service\"")?;
    parsed(
        parameters.url("base")?,
        parameters.url("stream")?,
        false,
        format!("service{}", shown_query(query)),
        &parameters,
        given,
    )
}

/// `relay+http[s]://host[:port][prefix][?query]`
pub(super) fn relay(scheme: &str, rest: &str, given: &Given<'_>) -> Result<Parsed, Failure> {
    const KNOWN: [&str; 7] = [
        "key-env", "key-file", "filter", "protocol", "mode", "ca", "timeout",
    ];
    let (location, query) = cut(rest);
    let (authority, path) = split_path(location);
    let authority = Authority::parse(authority, location, query)?;
    authority.one_host("the URL of a Relay Proxy")?;
    if authority.credentials.is_some() {
        return Err(
            Failure::usage("the URL of a Relay Proxy has no user and password")
                .help("the SDK key authenticates: ?key-env=NAME names its variable"),
        );
    }
    let parameters = Parameters::parse(query, &KNOWN, "the URL of a Relay Proxy")?;
    let location = format!("{}{}", authority.hosts, path.trim_end_matches('/'));
    let http = scheme.trim_start_matches("relay+");
    let url = format!("{http}://{location}");
    let shown = format!("{scheme}://{location}{}", shown_query(query));
    parsed(
        Some(url.clone()),
        Some(url),
        true,
        shown,
        &parameters,
        given,
    )
}

fn parsed(
    base: Option<String>,
    stream: Option<String>,
    is_relay: bool,
    shown: String,
    parameters: &Parameters,
    given: &Given<'_>,
) -> Result<Parsed, Failure> {
    let key = parameters.secret("key-env", "key-file", given)?;
    Ok(Parsed {
        place: Place::Service(Service {
            key: key.unwrap_or_else(|| SecretFrom::Variable(KEY_VARIABLE.to_owned())),
            base,
            stream,
            filter: parameters.owned("filter"),
            protocol: parameters
                .word("protocol", &PROTOCOLS)?
                .unwrap_or(Protocol::Fdv1),
            mode: parameters.word("mode", &MODES)?,
            ca: parameters.path("ca", given),
            timeout: parameters.time("timeout")?,
            is_relay,
        }),
        shown: escaped(&shown).into_owned(),
    })
}
