//! [`Endpoint`] and [`Route`]: what a request asks for.

use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::query::{parameters, percent_decoded};

/// One of the service's endpoints. The end of a request's path selects it, whatever the prefix.
///
/// ```
/// use vexil_service::Endpoint;
///
/// assert_eq!(Endpoint::of("/sdk/latest-all"), Endpoint::Poll);
/// assert_eq!(Endpoint::of("/proxy/flags/all"), Endpoint::Stream);
/// assert_eq!(Endpoint::of("//all"), Endpoint::Other);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `GET …/all`: the stream of flag changes, in the classic protocol.
    Stream,
    /// `GET …/flags`: the stream of SDKs from before segments, with flags only.
    FlagStream,
    /// `GET …/sdk/latest-all`: all flags at once, in the classic protocol.
    Poll,
    /// `GET …/sdk/stream`: the stream of change sets, in the second protocol.
    PayloadStream,
    /// `GET …/sdk/poll`: one change set, in the second protocol.
    PayloadPoll,
    /// `GET …/sdk/flags`: the map of flags.
    Flags,
    /// `GET …/sdk/flags/{key}`: one flag.
    Flag,
    /// `GET …/sdk/segments/{key}`: one segment.
    Segment,
    /// `POST …/bulk`, `…/mobile/events/bulk`, `…/events/bulk/{environment}` and similar: analytics
    /// events.
    Events,
    /// `POST …/diagnostic`, `…/events/diagnostic/{environment}` and similar: statistics about the
    /// SDK.
    Diagnostics,
    /// `GET …/a/{environment}.gif`: analytics events in the query.
    Pixel,
    /// `GET …/msdk/evalx/contexts/{context}`, `…/sdk/evalx/{environment}/contexts/{context}` and
    /// similar: the values of flags for a context.
    ClientPoll,
    /// `GET …/meval/{context}`, `…/eval/{environment}/{context}`: the stream of the values of flags
    /// for a context.
    ClientStream,
    /// `GET …/mping`, `…/ping/{environment}`: the stream that announces changes without values.
    ClientPing,
    /// `GET …/sdk/goals/{environment}`: the goals of a website.
    Goals,
    /// `GET …/sdk/poll/eval/{context}`: the values of flags for a context, in the second protocol.
    ClientPayloadPoll,
    /// `GET …/sdk/stream/eval/{context}`: the stream of the values of flags for a context, in the
    /// second protocol.
    ClientPayloadStream,
    /// `GET …/status`: the state of the service.
    Status,
    /// Every other path. The usual answer is 404.
    Other,
}

/// The family of an SDK, which decides which flags it sees and which credential it has. In JSON it is
/// `server`, `mobile` or `js`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(
    clippy::exhaustive_enums,
    reason = "a service must know what each family may see"
)]
pub enum SdkFamily {
    /// Server-side SDKs, with an SDK key.
    Server,
    /// SDKs on mobile devices, with a mobile key.
    Mobile,
    /// SDKs in browsers and similar, with an environment id.
    #[serde(rename = "js")]
    JavaScript,
}

/// A path of the service. A name in braces is any segment.
struct Row {
    path: &'static str,
    methods: &'static [&'static str],
    endpoint: Endpoint,
    family: SdkFamily,
}

const GET: &[&str] = &["GET"];
const POST: &[&str] = &["POST"];
const REPORT: &[&str] = &["REPORT"];
const BODY: &[&str] = &["POST", "REPORT"];

macro_rules! rows {
    ($($family:ident $methods:ident $path:literal $endpoint:ident)*) => {
        &[$(Row {
            path: $path,
            methods: $methods,
            endpoint: Endpoint::$endpoint,
            family: SdkFamily::$family,
        }),*]
    };
}

const TABLE: &[Row] = rows! {
    Server     GET    "/all"                                  Stream
    Server     GET    "/flags"                                FlagStream
    Server     GET    "/sdk/latest-all"                       Poll
    Server     GET    "/sdk/stream"                           PayloadStream
    Server     GET    "/sdk/poll"                             PayloadPoll
    Server     GET    "/sdk/flags"                            Flags
    Server     GET    "/sdk/flags/{key}"                      Flag
    Server     GET    "/sdk/segments/{key}"                   Segment
    Server     POST   "/bulk"                                 Events
    Server     POST   "/diagnostic"                           Diagnostics
    Server     GET    "/sdk/evalx/contexts/{context}"         ClientPoll
    Server     GET    "/sdk/evalx/users/{context}"            ClientPoll
    Server     REPORT "/sdk/evalx/context"                    ClientPoll
    Server     REPORT "/sdk/evalx/user"                       ClientPoll
    Server     GET    "/status"                               Status

    Mobile     GET    "/msdk/evalx/contexts/{context}"        ClientPoll
    Mobile     GET    "/msdk/evalx/users/{context}"           ClientPoll
    Mobile     REPORT "/msdk/evalx/context"                   ClientPoll
    Mobile     REPORT "/msdk/evalx/user"                      ClientPoll
    Mobile     GET    "/meval/{context}"                      ClientStream
    Mobile     REPORT "/meval"                                ClientStream
    Mobile     GET    "/mping"                                ClientPing
    Mobile     POST   "/mobile"                               Events
    Mobile     POST   "/mobile/events"                        Events
    Mobile     POST   "/mobile/events/bulk"                   Events
    Mobile     POST   "/mobile/events/diagnostic"             Diagnostics

    JavaScript GET    "/sdk/evalx/{env}/contexts/{context}"   ClientPoll
    JavaScript GET    "/sdk/evalx/{env}/users/{context}"      ClientPoll
    JavaScript REPORT "/sdk/evalx/{env}/context"              ClientPoll
    JavaScript REPORT "/sdk/evalx/{env}/contexts"             ClientPoll
    JavaScript REPORT "/sdk/evalx/{env}/user"                 ClientPoll
    JavaScript REPORT "/sdk/evalx/{env}/users"                ClientPoll
    JavaScript GET    "/eval/{env}/{context}"                 ClientStream
    JavaScript REPORT "/eval/{env}"                           ClientStream
    JavaScript GET    "/ping/{env}"                           ClientPing
    JavaScript GET    "/sdk/goals/{env}"                      Goals
    JavaScript POST   "/events/bulk/{env}"                    Events
    JavaScript POST   "/events/diagnostic/{env}"              Diagnostics
    JavaScript GET    "/a/{env}.gif"                          Pixel

    // Also of JavaScript SDKs, which have the environment id in the query.
    Mobile     GET    "/sdk/poll/eval/{context}"              ClientPayloadPoll
    Mobile     BODY   "/sdk/poll/eval"                        ClientPayloadPoll
    Mobile     GET    "/sdk/stream/eval/{context}"            ClientPayloadStream
    Mobile     BODY   "/sdk/stream/eval"                      ClientPayloadStream
};

/// A request that the service knows, taken apart.
///
/// ```
/// use vexil_service::{Endpoint, Route, SdkFamily};
///
/// let path = "/proxy/sdk/evalx/shop/contexts/eyJrZXkiOiJhZGEifQ";
/// let route = Route::find("GET", path, Some("withReasons=true&h=1f"))?;
/// assert_eq!((route.endpoint(), route.family()), (Endpoint::ClientPoll, SdkFamily::JavaScript));
/// assert_eq!((route.prefix(), route.environment()), ("/proxy", Some("shop")));
/// assert_eq!(route.context_segment(), Some("eyJrZXkiOiJhZGEifQ"));
/// assert!(route.with_reasons());
/// assert_eq!(route.hash(), Some("1f"));
/// # Ok::<(), vexil_service::RouteError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Route {
    endpoint: Endpoint,
    family: SdkFamily,
    prefix: String,
    environment: Option<String>,
    key: Option<String>,
    context: Option<String>,
    with_reasons: bool,
    hash: Option<String>,
    basis: Option<String>,
    filter: Option<String>,
    events: Option<String>,
}

impl Endpoint {
    /// Returns the endpoint that a path belongs to, whatever the method. A path with an empty segment
    /// (`//all`) belongs to none: such paths result from joining URLs incorrectly.
    #[must_use]
    pub fn of(path: &str) -> Self {
        best_match(path).map_or(Self::Other, |found| found.row.endpoint)
    }
}

impl Route {
    /// Finds the endpoint of a request, and takes its path and query apart.
    ///
    /// The method is compared exactly. The path and the query are as received, with escapes.
    ///
    /// # Errors
    /// Returns an error if the service has no such path, or the path does not allow the method.
    pub fn find(method: &str, path: &str, query: Option<&str>) -> Result<Self, RouteError> {
        let found = best_match(path).ok_or(RouteError::NotFound)?;
        if !found.row.methods.contains(&method) {
            let allow = format!("{}, OPTIONS", found.row.methods.join(", "));
            return Err(RouteError::Method { allow });
        }
        let mut route = Self {
            endpoint: found.row.endpoint,
            family: found.row.family,
            prefix: found.prefix.to_owned(),
            environment: found.env.map(percent_decoded_segment),
            key: found.key.map(percent_decoded_segment),
            context: found.context.map(percent_decoded_segment),
            with_reasons: false,
            hash: None,
            basis: None,
            filter: None,
            events: None,
        };
        for (name, value) in parameters(query.unwrap_or_default()) {
            let place = match &*name {
                "withReasons" => {
                    route.with_reasons = value == "true";
                    continue;
                }
                "h" => &mut route.hash,
                "basis" => &mut route.basis,
                "filter" => &mut route.filter,
                "d" => &mut route.events,
                "auth" if found.row.is_shared() => {
                    route.family = SdkFamily::JavaScript;
                    &mut route.environment
                }
                _ => continue,
            };
            *place = Some(value);
        }
        Ok(route)
    }

    /// Returns the endpoint.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// Returns the family of the SDK, by the path and the credential that it has.
    #[must_use]
    pub fn family(&self) -> SdkFamily {
        self.family
    }

    /// Returns the part of the path before that of the endpoint, with escapes; empty if there is
    /// none.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the environment id in the path or, in the second protocol, in the query.
    #[must_use]
    pub fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// Returns the key of the requested flag or segment.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns the context in the path, still in base64. `None` if the path has none: then the
    /// request's body has it.
    #[must_use]
    pub fn context_segment(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// Whether the SDK requests the reasons of values.
    #[must_use]
    pub fn with_reasons(&self) -> bool {
        self.with_reasons
    }

    /// Returns the hash of the context that secure mode requires.
    #[must_use]
    pub fn hash(&self) -> Option<&str> {
        self.hash.as_deref()
    }

    /// Returns the selector of the data that a client of the second protocol has.
    #[must_use]
    pub fn basis(&self) -> Option<&str> {
        self.basis.as_deref()
    }

    /// Returns the payload filter.
    #[must_use]
    pub fn filter(&self) -> Option<&str> {
        self.filter.as_deref()
    }

    /// Returns the events in the query of an [`Endpoint::Pixel`], still in base64.
    #[must_use]
    pub fn events(&self) -> Option<&str> {
        self.events.as_deref()
    }
}

/// Omits the context and its hash, which are personal data, and the events.
impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("endpoint", &self.endpoint)
            .field("family", &self.family)
            .field("prefix", &self.prefix)
            .field("environment", &self.environment)
            .field("key", &self.key)
            .field("with_reasons", &self.with_reasons)
            .field("basis", &self.basis)
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

impl Row {
    /// Whether SDKs of several families use the path.
    fn is_shared(&self) -> bool {
        matches!(
            self.endpoint,
            Endpoint::ClientPayloadPoll | Endpoint::ClientPayloadStream
        )
    }

    fn matches<'p>(&'static self, path: &'p str) -> Option<Match<'p>> {
        let mut found = Match {
            row: self,
            literals: 0,
            segments: 0,
            prefix: path,
            env: None,
            key: None,
            context: None,
        };
        // From the end, because any prefix may come before.
        for pattern in self.path.rsplit('/').take_while(|name| !name.is_empty()) {
            let (before, segment) = found.prefix.rsplit_once('/')?;
            match pattern {
                "{env}" => found.env = Some(segment),
                "{key}" => found.key = Some(segment),
                "{context}" => found.context = Some(segment),
                "{env}.gif" => found.env = Some(segment.strip_suffix(".gif")?),
                literal if literal == segment => found.literals += 1,
                _ => return None,
            }
            found.segments += 1;
            found.prefix = before;
        }
        Some(found)
    }
}

/// A row that a path matches.
struct Match<'p> {
    row: &'static Row,
    literals: usize,
    segments: usize,
    prefix: &'p str,
    env: Option<&'p str>,
    key: Option<&'p str>,
    context: Option<&'p str>,
}

/// Returns the most specific row: the one with the most segments, then with the most names.
fn best_match(path: &str) -> Option<Match<'_>> {
    let is_joined_well = path.starts_with('/') && !path.contains("//") && !path.ends_with('/');
    let rows = TABLE.iter().filter(|_| is_joined_well);
    rows.filter_map(|row| row.matches(path))
        .max_by_key(|found| (found.segments, found.literals))
}

/// The family that a path belongs to, whatever the method. A path that several families use counts as
/// one of browsers.
pub(crate) fn family_of(path: &str) -> Option<SdkFamily> {
    let row = best_match(path)?.row;
    Some(match row.is_shared() {
        true => SdkFamily::JavaScript,
        false => row.family,
    })
}

/// In a path, a plus sign stands for itself.
fn percent_decoded_segment(segment: &str) -> String {
    percent_decoded(segment, false)
}

/// An error of a request's method or path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteError {
    /// The service has no such path: 404.
    NotFound,
    /// The path does not allow the method: 405.
    Method {
        /// The methods that it allows, as the value of the header `Allow`.
        allow: String,
    },
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("the service has no such path"),
            Self::Method { allow } => write!(f, "the path allows only the methods {allow}"),
        }
    }
}

impl Error for RouteError {}

#[cfg(test)]
mod tests;
