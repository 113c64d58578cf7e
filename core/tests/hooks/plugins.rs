//! Plugins: when they are called, and what they receive.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};

use serde_json::json;
use vexil::client::{EnvironmentMetadata, Plugin, PluginError, PluginMetadata};
use vexil::data_source::{DataSink, DataSource, DataSourceError};
use vexil::hooks::Hook;
use vexil::{Client, async_trait};

use crate::logged;
use crate::recording::Chronicle;
use crate::support::{Fixed, SOON, ada, serving};

/// Provides one hook, and evaluates a flag when it is registered.
#[derive(Clone, Debug)]
struct Observer {
    name: &'static str,
    chronicle: Chronicle,
    /// The method that panics.
    panics: Option<&'static str>,
}

impl Observer {
    fn enter(&self, method: &'static str) {
        self.chronicle.write(format!("{method} {}", self.name));
        assert!(
            self.panics != Some(method),
            "this plugin panics in {method}"
        );
    }
}

impl Plugin for Observer {
    fn metadata(&self) -> PluginMetadata {
        PluginMetadata::new(self.name)
    }

    fn hooks(&self, _: &EnvironmentMetadata) -> Result<Vec<Arc<dyn Hook>>, PluginError> {
        self.enter("hooks");
        Ok(vec![Arc::new(self.chronicle.hook(self.name))])
    }

    fn register(&self, client: &Client, _: &EnvironmentMetadata) -> Result<(), PluginError> {
        self.enter("register");
        assert!(
            !client.bool_variation("flag", &ada(), false),
            "there is no data yet"
        );
        Ok(())
    }
}

// EVT-6.2 (rule 4) and EVT-6.3
#[test]
fn plugins_provide_hooks_first_and_are_registered_before_there_is_data() {
    let chronicle = Chronicle::default();
    let plugin = |name| Observer {
        name,
        chronicle: chronicle.clone(),
        panics: None,
    };
    let builder = Client::builder("sdk-key")
        .data_source(Fixed::new(&json!({"flags": {"flag": serving(1, true)}})));
    let builder = builder
        .plugin(plugin("p"))
        .plugin(plugin("q"))
        .hook(chronicle.hook("own"));
    let client = builder.start().unwrap();
    let series = [
        "before own",
        "before p",
        "before q",
        "after q q-saw-flag",
        "after p p-saw-flag",
        "after own own-saw-flag",
    ];
    let expected = [
        ["hooks p", "hooks q", "register p"].as_slice(),
        &series,
        &["register q"],
        &series,
    ]
    .concat();
    assert_eq!(chronicle.take(), expected);
    assert!(client.bool_variation("flag", &ada(), false));
    assert_eq!(chronicle.take(), series);
}

// EVT-6.3
#[test]
fn a_plugin_that_panics_is_logged_and_the_others_work() {
    for method in ["hooks", "register"] {
        let chronicle = Chronicle::default();
        let plugin = |name, panics| Observer {
            name,
            chronicle: chronicle.clone(),
            panics,
        };
        let (lines, client) = logged(|| {
            let flags = Fixed::new(&json!({"flags": {"flag": serving(1, true)}}));
            let builder = Client::builder("sdk-key")
                .data_source(flags)
                .plugin(plugin("bad", Some(method)));
            builder.plugin(plugin("good", None)).start().unwrap()
        });
        let words = [" ERROR vexil::client", "bad", method, "panicked"];
        let received = lines
            .iter()
            .filter(|line| words.iter().all(|word| line.contains(word)));
        assert_eq!(received.count(), 1, "{lines:#?}");
        let entered: Vec<_> = chronicle
            .take()
            .into_iter()
            .filter(|line| line.starts_with(['h', 'r']))
            .collect();
        assert_eq!(
            entered,
            ["hooks bad", "hooks good", "register bad", "register good"]
        );
        assert!(client.bool_variation("flag", &ada(), false));
    }
}

/// Keeps the metadata it receives.
#[derive(Clone, Debug, Default)]
struct Receiving(Arc<std::sync::Mutex<Option<EnvironmentMetadata>>>);

impl Plugin for Receiving {
    fn metadata(&self) -> PluginMetadata {
        PluginMetadata::new("received")
    }

    fn register(&self, _: &Client, environment: &EnvironmentMetadata) -> Result<(), PluginError> {
        *self.0.lock().unwrap() = Some(environment.clone());
        Ok(())
    }
}

// EVT-6.3
#[cfg(feature = "http")]
#[test]
fn a_plugin_receives_sdk_wrapper_key_and_application() {
    use vexil::config::{ApplicationInfo, WrapperInfo};

    let environment = |application, wrapper: Option<WrapperInfo>| {
        let (received, builder) = (
            Receiving::default(),
            Client::builder("sdk-secret")
                .offline(true)
                .application(application),
        );
        let builder = wrapper
            .into_iter()
            .fold(builder, |builder, wrapper| builder.wrapper(wrapper));
        builder.plugin(received.clone()).start().unwrap();
        received.0.lock().unwrap().take().unwrap()
    };
    let received = environment(
        ApplicationInfo::new()
            .id("shop")
            .name("Shop")
            .version("not valid")
            .version_name("2026.11"),
        Some(WrapperInfo::new("axum-flags")),
    );
    assert_eq!(
        (received.sdk.name.as_str(), received.sdk.version.as_str()),
        ("VexilRust", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(
        (
            received.sdk.wrapper_name.as_deref(),
            &received.sdk.wrapper_version
        ),
        (Some("axum-flags"), &None)
    );
    let application = received.application.as_ref().unwrap();
    let described = [
        &application.id,
        &application.name,
        &application.version,
        &application.version_name,
    ];
    assert_eq!(
        described.map(Option::as_deref),
        [Some("shop"), Some("Shop"), None, Some("2026.11")]
    );
    assert_eq!(received.sdk_key.as_str(), "sdk-secret");
    assert!(!format!("{received:?}").contains("sdk-secret"));

    let received = environment(ApplicationInfo::new(), None);
    assert_eq!(
        (received.application, received.sdk.wrapper_name),
        (None, None)
    );
}

/// Closes the client that it is registered with.
#[derive(Debug)]
struct Closing;

impl Plugin for Closing {
    fn metadata(&self) -> PluginMetadata {
        PluginMetadata::new("closing")
    }

    fn register(&self, client: &Client, _: &EnvironmentMetadata) -> Result<(), PluginError> {
        pollster::block_on(client.close(SOON));
        Ok(())
    }
}

/// Waits for ever and keeps its channel open.
#[derive(Clone, Debug)]
struct Waiting(#[expect(dead_code, reason = "only its drop is observed")] Sender<()>);

#[async_trait]
impl DataSource for Waiting {
    async fn run(&self, _: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        std::future::pending().await
    }
}

#[test]
fn a_client_closed_by_a_plugin_runs_no_data_source() {
    let (held, source) = channel();
    let builder = Client::builder("sdk-key")
        .data_source(Waiting(held))
        .without_events();
    let client = builder.plugin(Closing).start().unwrap();
    assert_eq!(
        source.recv_timeout(SOON),
        Err(RecvTimeoutError::Disconnected),
        "the data source was not dropped"
    );
    assert!(!client.is_initialized());
}
