//! [`FlagsState`]: the values of all flags for a context, for bootstrapping a front end.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use vexil_eval::model::Flag;
use vexil_eval::{Context, Evaluation, Need, Outcome, Reason, Text, Value};

use super::Client;
use super::data_view::{Attempt, DataView};
use super::fetched::Fetched;
use super::layered::Layered;
use super::resolve::Deadline;
use super::value::AsContext;
use crate::store::Snapshot;

/// Selects the contents of a [`FlagsState`]. By default it has all flags, with versions, and with
/// the reasons that experiments need.
///
/// ```
/// use vexil::client::FlagsStateOptions;
/// use vexil::{Client, Context};
/// use vexil_testing::TestData;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let flags = TestData::new().with("banner", "hello");
/// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
/// let options = FlagsStateOptions::default().with_reasons(true);
/// let state = client.all_flags_state(&Context::new("ada")?, options);
/// assert_eq!(state.value("banner"), Some(&"hello".into()));
/// assert!(state.reason("banner").is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct FlagsStateOptions {
    client_side_only: bool,
    mobile_only: bool,
    with_reasons: bool,
    details_only_for_tracked_flags: bool,
}

impl FlagsStateOptions {
    /// All flags, with versions, and with the reasons that experiments need.
    ///
    /// ```
    /// use vexil::client::FlagsStateOptions;
    ///
    /// // For a browser: only what it may see, and the reasons that its debugger shows.
    /// let options = FlagsStateOptions::new().client_side_only(true).with_reasons(true);
    /// assert_ne!(options, FlagsStateOptions::default());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether only flags that are available to client-side SDKs in browsers are included. Default:
    /// all flags. Together with [`mobile_only`](Self::mobile_only), flags that are available to
    /// either kind of SDK are included.
    ///
    /// ```
    /// use vexil::client::FlagsStateOptions;
    /// # use vexil::{Client, Context};
    /// # use vexil_testing::TestData;
    ///
    /// # let flags = TestData::new().with("banner", "hello");
    /// # let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// # let ada = Context::new("ada")?;
    /// let options = FlagsStateOptions::default().client_side_only(true);
    /// let state = client.all_flags_state(&ada, options);
    /// // The flag "banner" is not available to client-side SDKs.
    /// assert_eq!(state.value("banner"), None);
    /// # assert!(state.is_valid());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "flag_filter")]
    pub fn client_side_only(mut self, on: bool) -> Self {
        self.client_side_only = on;
        self
    }

    /// Whether only flags that are available to mobile SDKs are included. Default: all flags.
    /// Together with [`client_side_only`](Self::client_side_only), flags that are available to either
    /// kind of SDK are included.
    ///
    /// ```
    /// use vexil::client::FlagsStateOptions;
    /// # use vexil::{Client, Context};
    /// # use vexil_testing::TestData;
    ///
    /// let flags = TestData::new();
    /// flags.use_preconfigured_flag(
    ///     r#"{"key": "tilt", "version": 1,
    ///         "clientSideAvailability": {"usingMobileKey": true, "usingEnvironmentId": false}}"#,
    /// )?;
    /// # let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// # let ada = Context::new("ada")?;
    /// let has_flag = |options| client.all_flags_state(&ada, options).value("tilt").is_some();
    /// assert!(has_flag(FlagsStateOptions::new().mobile_only(true)));
    /// assert!(!has_flag(FlagsStateOptions::new().client_side_only(true)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "flag_filter")]
    pub fn mobile_only(mut self, on: bool) -> Self {
        self.mobile_only = on;
        self
    }

    /// Whether a flag is included.
    fn includes(self, flag: &Flag) -> bool {
        match (self.client_side_only, self.mobile_only) {
            (false, false) => true,
            (browser, mobile) => {
                (browser && flag.using_environment_id()) || (mobile && flag.using_mobile_key())
            }
        }
    }

    /// Whether the reason of every flag is included. Default: only those that experiments need.
    ///
    /// ```
    /// use vexil::client::FlagsStateOptions;
    /// # use vexil::{Client, Context};
    /// # use vexil_testing::TestData;
    ///
    /// # let flags = TestData::new().with("banner", "hello");
    /// # let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// # let ada = Context::new("ada")?;
    /// let options = FlagsStateOptions::default();
    /// let json = client.all_flags_state(&ada, options.with_reasons(true)).to_json();
    /// assert_eq!(json["$flagsState"]["banner"]["reason"]["kind"], "FALLTHROUGH");
    ///
    /// let json = client.all_flags_state(&ada, options).to_json();
    /// assert!(json["$flagsState"]["banner"].get("reason").is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_reasons(mut self, on: bool) -> Self {
        self.with_reasons = on;
        self
    }

    /// Whether versions and reasons are included only for flags whose evaluations are reported in
    /// full. Default: for all flags.
    ///
    /// ```
    /// use vexil::client::FlagsStateOptions;
    /// # use vexil::{Client, Context};
    /// # use vexil_testing::TestData;
    ///
    /// # let flags = TestData::new().with("banner", "hello");
    /// # let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// # let ada = Context::new("ada")?;
    /// let options = FlagsStateOptions::default().details_only_for_tracked_flags(true);
    /// let json = client.all_flags_state(&ada, options).to_json();
    /// assert_eq!(json["banner"], "hello");
    /// assert!(json["$flagsState"]["banner"].get("version").is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn details_only_for_tracked_flags(mut self, on: bool) -> Self {
        self.details_only_for_tracked_flags = on;
        self
    }
}

/// The values of all flags for one context, with the metadata that a front end's SDK needs.
///
/// It serialises to the bootstrap JSON that client-side SDKs read.
///
/// ```
/// use vexil::client::FlagsStateOptions;
/// use vexil::{Client, Context};
/// use vexil_testing::TestData;
///
/// let flags = TestData::new().with("banner", "hello");
/// let client = Client::builder("sdk-key").data_source(flags).start()?;
/// let state = client.all_flags_state(&Context::new("ada")?, FlagsStateOptions::default());
/// let page = format!("<script>const flags = {};</script>", state.to_json());
/// assert!(page.contains(r#""banner":"hello""#));
/// # assert!(page.contains(r#""$valid":true"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlagsState {
    valid: bool,
    flags: HashMap<Text, FlagState>,
}

#[derive(Clone, Debug, PartialEq)]
struct FlagState {
    value: Value,
    reason: Option<Reason>,
    metadata: Metadata,
}

/// The serialised metadata of a flag, except the reason.
#[derive(Clone, Debug, Default, PartialEq)]
struct Metadata {
    variation: Option<usize>,
    version: Option<u64>,
    track_events: bool,
    track_reason: bool,
    debug_events_until: Option<u64>,
    prerequisites: Vec<Text>,
}

impl FlagsState {
    /// Whether the state is valid. It is not if the client has no data, is offline, or the context
    /// is invalid.
    ///
    /// ```
    /// use vexil::client::FlagsStateOptions;
    /// use vexil::{Client, Context};
    ///
    /// let client = Client::builder("sdk-key").offline(true).start()?;
    /// let state = client.all_flags_state(&Context::new("ada")?, FlagsStateOptions::default());
    /// // The front end is told to fetch the flags itself.
    /// assert!(!state.is_valid());
    /// assert_eq!(state.to_json()["$valid"], false);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.valid
    }

    /// The value of a flag: null if the flag has no value for the context, `None` if there is no
    /// such flag.
    ///
    /// ```
    /// use vexil::client::FlagsStateOptions;
    /// use vexil::{Client, Context, Value};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new().with("limit", 10);
    /// // A flag that is off and has no variation for that.
    /// flags.use_preconfigured_flag(r#"{"key": "off", "version": 1, "variations": [1]}"#)?;
    /// let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// let state = client.all_flags_state(&Context::new("ada")?, FlagsStateOptions::default());
    /// assert_eq!(state.value("limit"), Some(&Value::from(10)));
    /// assert_eq!(state.value("off"), Some(&Value::Null));
    /// assert_eq!(state.value("no-such-flag"), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "get_flag_value")]
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.flags.get(key).map(|flag| &flag.value)
    }

    /// The reason of a flag's value; `None` if the options leave it out.
    ///
    /// ```
    /// use vexil::client::FlagsStateOptions;
    /// # use vexil::{Client, Context};
    /// # use vexil_testing::TestData;
    ///
    /// # let flags = TestData::new();
    /// # flags.update(flags.flag("beta").on(false));
    /// # let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// # let ada = Context::new("ada")?;
    /// let state = client.all_flags_state(&ada, FlagsStateOptions::new().with_reasons(true));
    /// assert_eq!(state.reason("beta").map(ToString::to_string).as_deref(), Some("the flag is off"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "get_flag_reason")]
    #[must_use]
    pub fn reason(&self, key: &str) -> Option<&Reason> {
        self.flags.get(key)?.reason.as_ref()
    }

    /// All values by key.
    ///
    /// In no particular order.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use vexil::client::FlagsStateOptions;
    /// # use vexil::{Client, Context};
    /// # use vexil_testing::TestData;
    ///
    /// # let flags = TestData::from([("new-checkout", true), ("beta", false)]);
    /// # let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// # let ada = Context::new("ada")?;
    /// let state = client.all_flags_state(&ada, FlagsStateOptions::default());
    /// let sorted: BTreeMap<_, _> = state.values().collect();
    /// let lines: Vec<_> = sorted.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    /// assert_eq!(lines, ["beta = false", "new-checkout = true"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias("to_values_map", "all_values"))]
    pub fn values(&self) -> impl ExactSizeIterator<Item = (&Text, &Value)> {
        self.flags.iter().map(|(key, flag)| (key, &flag.value))
    }

    /// The bootstrap JSON for a front end.
    ///
    /// ```
    /// use vexil::client::FlagsStateOptions;
    /// # use vexil::{Client, Context};
    /// # use vexil_testing::TestData;
    ///
    /// # let flags = TestData::new().with("banner", "</script>");
    /// # let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// # let ada = Context::new("ada")?;
    /// let json = client.all_flags_state(&ada, FlagsStateOptions::default()).to_json();
    /// assert_eq!(json["$flagsState"]["banner"]["variation"], 0);
    /// // Within a page, `<` must be escaped: values may hold any text.
    /// let script = json.to_string().replace('<', "\\u003c");
    /// assert!(!script.contains("</script>"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        // Serialisation fails only for map keys that are not strings and for failing writers;
        // neither occurs here.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Client {
    /// Evaluates all flags for a context. This reports no events.
    ///
    /// Like [`Client::variation`], it waits for I/O if big segments or a store outside memory are
    /// involved.
    ///
    /// ```
    /// use vexil::client::FlagsStateOptions;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::from([("new-checkout", true), ("beta", false)]);
    /// let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// let state = client.all_flags_state(&Context::new("ada")?, FlagsStateOptions::default());
    /// assert_eq!(state.values().len(), 2);
    /// assert_eq!(state.value("beta"), Some(&false.into()));
    ///
    /// // An invalid context has no state.
    /// let state = client.all_flags_state(&Context::new(""), FlagsStateOptions::default());
    /// assert!(!state.is_valid());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias("all_flags_detail", "all_flags"))]
    #[must_use]
    pub fn all_flags_state(
        &self,
        context: &(impl AsContext + ?Sized),
        options: FlagsStateOptions,
    ) -> FlagsState {
        let view = self.view(context);
        let Ok(context) = view.admit(None, context.as_context()) else {
            return FlagsState::default();
        };
        match attempt_all(view, context, options) {
            Ok(state) => state,
            Err(lack) => {
                let deadline = Deadline::default();
                self.shared
                    .resolver
                    .wait(&deadline, complete(view, context, options, lack, &deadline))
                    .unwrap_or_default()
            }
        }
    }

    /// Async form of [`Client::all_flags_state`]: awaits I/O instead of blocking.
    ///
    /// ```
    /// use vexil::client::FlagsStateOptions;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # pollster::block_on(async {
    /// let flags = TestData::new().with("banner", "hello");
    /// let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// let ada = Context::new("ada")?;
    /// let state = client.all_flags_state_async(&ada, FlagsStateOptions::default()).await;
    /// assert_eq!(state.value("banner"), Some(&"hello".into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn all_flags_state_async(
        &self,
        context: &(impl AsContext + ?Sized),
        options: FlagsStateOptions,
    ) -> FlagsState {
        let view = self.view(context);
        let Ok(context) = view.admit(None, context.as_context()) else {
            return FlagsState::default();
        };
        match attempt_all(view, context, options) {
            Ok(state) => state,
            Err(lack) => complete(view, context, options, lack, &Deadline::default())
                .await
                .unwrap_or_default(),
        }
    }
}

/// Evaluates all flags without I/O.
fn attempt_all(
    view: DataView<'_>,
    context: &Context,
    options: FlagsStateOptions,
) -> Result<FlagsState, Lack> {
    let fetched = view.fetched();
    let read = |snapshot: &dyn Snapshot| match snapshot.is_complete() {
        true => match collect(context, options, snapshot, &fetched) {
            Attempt::Done(state) => Ok(state),
            Attempt::Needs(need) => Err(Lack::One(need)),
        },
        false => Err(Lack::Everything),
    };
    view.read(read).unwrap_or_else(|| Ok(FlagsState::default()))
}

/// Fetches the missing data and evaluates all flags. Returns `None` if fetching fails.
async fn complete(
    view: DataView<'_>,
    context: &Context,
    options: FlagsStateOptions,
    lack: Lack,
    deadline: &Deadline,
) -> Option<FlagsState> {
    let everything = match &lack {
        Lack::Everything => Some(view.fetch_all().await?),
        Lack::One(_) => None,
    };
    let attempt = |fetched: &Fetched| {
        let collect = |snapshot: &dyn Snapshot| collect(context, options, snapshot, fetched);
        match &everything {
            Some(everything) => view.read_all(&**everything, collect),
            None => view.read(collect),
        }
        .unwrap_or_else(|| Attempt::Done(FlagsState::default()))
        .unless_not_ready(fetched, FlagsState::default)
    };
    let need = match lack {
        Lack::One(need) => need,
        Lack::Everything => match attempt(&view.fetched()) {
            Attempt::Done(state) => return Some(state),
            Attempt::Needs(need) => need,
        },
    };
    view.fetch_until_done(need, attempt, deadline).await
}

/// Data to fetch before all flags can be evaluated.
enum Lack {
    /// The flags and segments themselves.
    Everything,
    One(Need),
}

fn collect(
    context: &Context,
    options: FlagsStateOptions,
    snapshot: &dyn Snapshot,
    fetched: &Fetched,
) -> Attempt<FlagsState> {
    let data = Layered {
        upper: fetched,
        lower: snapshot,
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_millis());
    let mut flags = HashMap::new();
    for flag in data.flags() {
        if !options.includes(flag) {
            continue;
        }
        match vexil_eval::evaluate(flag, context, &data) {
            Outcome::Done(evaluation) => flags.insert(
                flag.key().clone(),
                FlagState::new(flag, &evaluation, options, now),
            ),
            Outcome::Needs(need) => return Attempt::Needs(need),
        };
    }
    Attempt::Done(FlagsState { valid: true, flags })
}

impl FlagState {
    fn new(
        flag: &Flag,
        evaluation: &Evaluation<'_>,
        options: FlagsStateOptions,
        now: u128,
    ) -> Self {
        let experiment = evaluation.verdict.is_experiment(flag);
        let track_events = flag.track_events() || experiment;
        let debugged = flag
            .debug_events_until()
            .is_some_and(|until| u128::from(until) > now);
        let detailed = !options.details_only_for_tracked_flags || track_events || debugged;
        let direct = evaluation
            .prerequisites()
            .iter()
            .filter(|evaluated| evaluated.prerequisite_of == flag.key());
        Self {
            value: evaluation
                .variation
                .map_or(Value::Null, |(_, value)| value.clone()),
            reason: (detailed && (options.with_reasons || experiment)).then(|| evaluation.reason()),
            metadata: Metadata {
                variation: evaluation.variation.map(|(index, _)| index),
                version: detailed.then_some(flag.version()),
                track_events,
                track_reason: experiment,
                debug_events_until: flag.debug_events_until(),
                prerequisites: direct
                    .map(|evaluated| evaluated.flag.key().clone())
                    .collect(),
            },
        }
    }
}

impl Serialize for FlagsState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.flags.len() + 2))?;
        for (key, flag) in &self.flags {
            map.serialize_entry(key, &flag.value)?;
        }
        map.serialize_entry("$flagsState", &AllMetadata(&self.flags))?;
        map.serialize_entry("$valid", &self.valid)?;
        map.end()
    }
}

struct AllMetadata<'a>(&'a HashMap<Text, FlagState>);

impl Serialize for AllMetadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0)
    }
}

/// Only the metadata: the value is serialised at the top level.
impl Serialize for FlagState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            reason, metadata, ..
        } = self;
        let mut map = serializer.serialize_map(None)?;
        if let Some(index) = metadata.variation {
            map.serialize_entry("variation", &index)?;
        }
        if let Some(version) = metadata.version {
            map.serialize_entry("version", &version)?;
        }
        if let Some(reason) = reason {
            map.serialize_entry("reason", reason)?;
        }
        if metadata.track_events {
            map.serialize_entry("trackEvents", &true)?;
        }
        if metadata.track_reason {
            map.serialize_entry("trackReason", &true)?;
        }
        if let Some(date) = metadata.debug_events_until {
            map.serialize_entry("debugEventsUntilDate", &date)?;
        }
        if !metadata.prerequisites.is_empty() {
            map.serialize_entry("prerequisites", &metadata.prerequisites)?;
        }
        map.end()
    }
}
