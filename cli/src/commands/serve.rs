//! `vexil serve`: a flag server for development and tests.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::{mpsc, watch};
use vexil::big_segments::BigSegmentStore;
use vexil::model::DataKind;
use vexil_service::{AccessRules, Credentials, EnvironmentCredentials};

use crate::args::{ReadingArgs, duration};
use crate::exit::{Exit, Failure};
use crate::output::counted;
use crate::serve::{
    Environment, EnvironmentOptions, Listener, Loaded, OverridesFile, Refresh, Server,
    ServerOptions, serve,
};
use crate::session::{DEFAULT_TIMEOUT, Session, timed_out};
use crate::snapshot::{Snapshot, StoredText};
use crate::source::{Change, Follow, Secret, Source};

/// The files that are served if the command line names no source.
const DEFAULT_FILES: [&str; 3] = ["flags.yaml", "flags.yml", "flags.json"];
/// The name of the only environment.
const DEFAULT_NAME: &str = "default";

/// Serve the flags of a source to SDKs of all kinds, on this machine, with a page to change them.
///
/// The server answers server-side, mobile and JavaScript SDKs as the flag service does. Changes on
/// the page are overrides: they are laid over the source, which is never written to.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vexil serve flags.yaml
  vexil serve 'redis://localhost?prefix=ld:shop:live' --follow --overrides overrides.yaml
  vexil serve --env shop=shop.yaml --env admin=admin.yaml --listen 127.0.0.1:0")]
pub(crate) struct ServeArgs {
    /// A file, "-", or a URL; see "vexil help sources". Default: flags.yaml, flags.yml or
    /// flags.json, or else no flags.
    #[arg(value_name = "SOURCE", conflicts_with = "environments")]
    source: Option<String>,
    #[command(flatten)]
    reading: ReadingArgs,
    /// Serve several environments, each from its own source. May be repeated.
    #[arg(long = "env", value_name = "NAME=SOURCE")]
    environments: Vec<String>,
    /// The address to listen on. Port 0 is a free port. A loopback address also means that of IPv6.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8765")]
    listen: SocketAddr,
    /// Load overrides from this file, and save them to it. With several environments: NAME=FILE.
    #[arg(long, value_name = "FILE")]
    overrides: Vec<String>,
    /// Save each override at once.
    #[arg(long, requires = "overrides")]
    autosave: bool,
    /// Do not reload files when they change.
    #[arg(long)]
    no_watch: bool,
    /// Follow databases, services and URLs too, instead of reading them once.
    #[arg(long, conflicts_with = "no_watch")]
    follow: bool,
    /// With --follow, the time between two reads of sources that do not send changes. Default: 30s.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s", hide_default_value = true)]
    interval: Duration,
    /// Require the secure-mode hash of contexts from JavaScript SDKs.
    #[arg(long)]
    secure_mode: bool,
    /// Let web pages of this origin read the values of flags. Pages on this machine always can.
    #[arg(long = "allow-origin", value_name = "ORIGIN")]
    origins: Vec<String>,
    /// Answer requests for this host, such as the name of a container. May be repeated.
    #[arg(long = "allow-host", value_name = "HOST")]
    hosts: Vec<String>,
    /// Do not serve the page and its API.
    #[arg(long)]
    no_page: bool,
    /// Require the token in this environment variable from users of the page and its API.
    #[arg(long, value_name = "VARIABLE")]
    token_env: Option<String>,
}

/// An environment to be served.
struct Wanted {
    name: String,
    source: Option<Source>,
}

/// An environment with the changes of its source.
struct Started {
    environment: Arc<Environment>,
    source: Option<Source>,
    follow: Option<(Follow, Snapshot)>,
}

pub(super) async fn run(args: ServeArgs, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let mut signals = session.io.signals.clone();
    tokio::select! {
        ended = start(&args, session) => ended,
        exit = signals.requested() => Ok(exit),
    }
}

async fn start(args: &ServeArgs, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let wanted = wanted(args, session)?;
    let credentials = credentials(args, &wanted, session)?;
    let mut files = overrides_files(args, &wanted, session)?;
    let is_local = args.listen.ip().is_loopback();
    let token = token(args, is_local, session)?;
    let wake = watch::Sender::new(());
    let mut started = Vec::new();
    for Wanted { name, source } in wanted {
        let options = EnvironmentOptions {
            overrides_file: files.remove(&name),
            environment_id: credentials
                .environment_id(&name)
                .unwrap_or(&name)
                .to_owned(),
            is_followed: source.as_ref().is_some_and(|source| follows(args, source)),
            is_production: source.as_ref().is_some_and(|source| !source.is_local()),
        };
        let shown = source
            .as_ref()
            .map_or_else(|| "no source".to_owned(), Source::to_string);
        let environment = Arc::new(Environment::new(&name, shown, options, wake.clone()));
        let limit = session.common.timeout.unwrap_or(DEFAULT_TIMEOUT);
        let follow = tokio::select! {
            loaded = load(args, source.as_ref(), &environment, session) => loaded?,
            failure = timed_out(Some(limit)) => return Err(failure),
        };
        environment.load_overrides().map_err(|error| {
            Failure::new(Exit::Unreadable, error)
                .help("correct the file of --overrides, or remove it")
        })?;
        started.push(Started {
            environment,
            source,
            follow,
        });
    }
    let listener = Listener::bind(args.listen).await.map_err(|error| {
        Failure::new(
            Exit::Unreachable,
            format_args!("cannot listen on {}: {error}", args.listen),
        )
        .help("--listen 127.0.0.1:0 chooses a free port")
    })?;
    let address = format!("http://{}", listener.address());
    let environments: Vec<_> = started
        .iter()
        .map(|started| Arc::clone(&started.environment))
        .collect();
    let mut access = AccessRules::default();
    if !listener.address().ip().is_unspecified() {
        access = access.allow_host(listener.address().ip().to_string());
    }
    access = args
        .hosts
        .iter()
        .fold(access, |access, host| access.allow_host(host));
    access = args
        .origins
        .iter()
        .fold(access, |access, origin| access.allow_origin(origin));
    let options = ServerOptions {
        access,
        has_page: !args.no_page,
        token,
        secure_mode: args.secure_mode,
        autosave: args.autosave,
    };
    let (refresh, refreshes) = mpsc::channel(1);
    let server = Server::new(
        environments,
        credentials,
        options,
        address.clone(),
        wake,
        refresh,
    );
    let revision = started
        .iter()
        .map(|started| started.environment.revision())
        .max();
    let count = |kind| -> usize {
        let counts = started
            .iter()
            .map(|started| started.environment.count(kind));
        counts.sum()
    };
    session.output.line(format_args!(
        "vexil serve listening on {address} ({}, {}, revision {})",
        counted(count(DataKind::Flag), "flag"),
        counted(count(DataKind::Segment), "segment"),
        revision.unwrap_or_default(),
    ))?;
    std::io::Write::flush(&mut session.io.stdout)?;
    let mut sources = Vec::new();
    for Started {
        environment,
        source,
        follow,
    } in started
    {
        if let Some((follow, known)) = follow {
            tokio::spawn(Arc::clone(&environment).follow(follow, known, args.reading.tolerant));
        }
        tokio::spawn(Arc::clone(&environment).follow_overrides());
        tokio::spawn(Arc::clone(&environment).expire_sdks());
        tokio::spawn(Arc::clone(&environment).index());
        sources.push((environment, source));
    }
    run_server(args, listener, server, sources, refreshes, session).await
}

/// Serves until the end is requested, and reads sources again for the page.
async fn run_server(
    args: &ServeArgs,
    listener: Listener,
    server: Arc<Server>,
    sources: Vec<(Arc<Environment>, Option<Source>)>,
    mut refreshes: mpsc::Receiver<Refresh>,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let mut signals = session.io.signals.clone();
    let serving = tokio::spawn(serve(listener, Arc::clone(&server)));
    let exit = loop {
        let refresh = tokio::select! {
            exit = signals.requested() => break exit,
            refresh = refreshes.recv() => refresh,
        };
        let Some(Refresh { environment, reply }) = refresh else {
            break Exit::Defect;
        };
        let mut wanted = sources.iter();
        let found = wanted.find(|(known, _)| Arc::ptr_eq(known, &environment));
        let read = match found.and_then(|(_, source)| source.as_ref()) {
            Some(source) => {
                let read = source.read_with(&args.reading, session).await;
                read.map(|contents| contents.snapshot)
                    .map_err(|failure| failure.message)
            }
            None => Ok(Snapshot::default()),
        };
        // The page has gone meanwhile if nothing receives it.
        let _ = reply.send(read);
    };
    server.stop();
    // Bounded by the time that open requests have.
    let _ = serving.await;
    Ok(exit)
}

/// Returns the environments of the command line.
fn wanted(args: &ServeArgs, session: &Session<'_>) -> Result<Vec<Wanted>, Failure> {
    if args.environments.is_empty() {
        let mut files = DEFAULT_FILES.iter();
        let mut default = || files.find(|file| session.io.path(file).is_file());
        let named = args
            .source
            .clone()
            .or_else(|| default().map(|file| (*file).to_owned()));
        let source = named
            .map(|text| Source::parse(&text, session))
            .transpose()?;
        let name = DEFAULT_NAME.to_owned();
        return Ok(vec![Wanted { name, source }]);
    }
    let mut wanted = Vec::new();
    for text in &args.environments {
        let (name, source) = named(text, "--env")?;
        let source = Some(Source::parse(source, session)?);
        wanted.push(Wanted {
            name: name.to_owned(),
            source,
        });
    }
    Ok(wanted)
}

/// Parses `NAME=VALUE`.
fn named<'t>(text: &'t str, option: &str) -> Result<(&'t str, &'t str), Failure> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && name.bytes().all(is_plain) => Ok((name, value)),
        _ => Err(
            Failure::usage(format_args!("{option} {text:?} does not begin with a name"))
                .help("write NAME=VALUE; a name has letters, digits, \"-\", \"_\" and \".\""),
        ),
    }
}

/// Returns the files of overrides by environment.
fn overrides_files(
    args: &ServeArgs,
    wanted: &[Wanted],
    session: &Session<'_>,
) -> Result<BTreeMap<String, OverridesFile>, Failure> {
    let mut files = BTreeMap::new();
    for text in &args.overrides {
        let (name, file) = match wanted {
            [only] => (only.name.as_str(), text.as_str()),
            _ => named(text, "--overrides")?,
        };
        if !wanted.iter().any(|wanted| wanted.name == name) {
            return Err(
                Failure::usage(format_args!("there is no environment {name:?}"))
                    .help("--overrides NAME=FILE names an environment of --env"),
            );
        }
        let path = session.io.path(file);
        files.insert(name.to_owned(), OverridesFile::new(file, path));
    }
    Ok(files)
}

/// Returns the credentials of the environments.
fn credentials(
    args: &ServeArgs,
    wanted: &[Wanted],
    session: &Session<'_>,
) -> Result<Credentials, Failure> {
    let mut all = Vec::new();
    for Wanted { name, .. } in wanted {
        let settings = session
            .settings
            .serve
            .env
            .get(name)
            .cloned()
            .unwrap_or_default();
        if settings.sdk_key_env.is_none() && !args.listen.ip().is_loopback() {
            return Err(Failure::usage(
                "other machines can reach this address, so the server needs keys",
            )
            .help(format_args!(
                "name the variable of an SDK key in vexil.toml: [serve.env.{name}] \
                         sdk-key-env = \"SHOP_SDK_KEY\""
            )));
        }
        let mut credentials = EnvironmentCredentials::new(name);
        if let Some(variable) = settings.sdk_key_env {
            credentials = credentials.sdk_key(secret(&variable, session)?.expose());
        }
        if let Some(variable) = settings.mobile_key_env {
            credentials = credentials.mobile_key(secret(&variable, session)?.expose());
        }
        if let Some(id) = settings.environment_id {
            credentials = credentials.environment_id(id);
        }
        all.push(credentials);
    }
    let credentials = Credentials::new(all).map_err(|error| {
        Failure::usage(error).help("give each environment a name and keys of its own")
    })?;
    let has_key = |wanted: &Wanted| credentials.sdk_key(&wanted.name).is_some();
    if args.secure_mode && !wanted.iter().all(has_key) {
        return Err(Failure::usage("--secure-mode needs an SDK key").help(
            "name its variable in vexil.toml: [serve.env.default] sdk-key-env = \"SHOP_SDK_KEY\"",
        ));
    }
    Ok(credentials)
}

fn secret(variable: &str, session: &Session<'_>) -> Result<Secret, Failure> {
    match session.io.variables.get(variable) {
        Some(value) if !value.is_empty() => Ok(Secret::new(value.clone())),
        _ => Err(Failure::usage(format_args!(
            "the environment variable {variable} is not set"
        ))
        .help("set it, or name another one")),
    }
}

/// Returns the token that the page requires. One is generated if other machines can reach it.
fn token(
    args: &ServeArgs,
    is_local: bool,
    session: &mut Session<'_>,
) -> Result<Option<Secret>, Failure> {
    if let Some(variable) = &args.token_env {
        return secret(variable, session).map(Some);
    }
    if is_local || args.no_page {
        return Ok(None);
    }
    let token: String = std::iter::repeat_with(fastrand::alphanumeric)
        .take(32)
        .collect();
    session.output.warn(format_args!(
        "other machines can reach this address. The page requires a token: {}/#token={token}",
        format_args!("http://{}", args.listen)
    ));
    Ok(Some(Secret::new(token)))
}

/// Whether an environment follows its source.
fn follows(args: &ServeArgs, source: &Source) -> bool {
    args.follow || (source.is_file() && !args.no_watch)
}

/// Loads the source of an environment. Returns its changes, if it is followed.
async fn load(
    args: &ServeArgs,
    source: Option<&Source>,
    environment: &Environment,
    session: &mut Session<'_>,
) -> Result<Option<(Follow, Snapshot)>, Failure> {
    let Some(source) = source else {
        return Ok(None);
    };
    if !follows(args, source) {
        let contents = source.read_with(&args.reading, session).await?;
        load_contents(args, &contents.snapshot, environment, session)?;
        if let Some(store) = contents.big_segments {
            environment.set_big_segments(store);
        }
        return Ok(None);
    }
    let mut follow = source.follow(&args.reading, args.interval, session)?;
    let mut known = Snapshot::default();
    loop {
        match follow.next().await? {
            Change::Whole(snapshot) => {
                load_contents(args, &snapshot, environment, session)?;
                if let Some(store) = big_segments(args, source, &snapshot, session).await? {
                    environment.set_big_segments(store);
                }
                return Ok(Some((follow, snapshot)));
            }
            Change::Item { kind, key, item } => {
                known.of_mut(kind).insert(key, item);
            }
            Change::OutageBegan(message) => session.output.warn(message),
            Change::OutageEnded => {}
        }
    }
}

/// Returns the store of big segments of a source that is followed: the database, or the members that a
/// file has at the start.
async fn big_segments(
    args: &ServeArgs,
    source: &Source,
    snapshot: &Snapshot,
    session: &mut Session<'_>,
) -> Result<Option<Arc<dyn BigSegmentStore>>, Failure> {
    let may_be_big = |stored: &StoredText| stored.text().contains("\"unbounded\"");
    if source.is_file() && snapshot.segments.values().any(may_be_big) {
        return Ok(source.read_with(&args.reading, session).await?.big_segments);
    }
    source.big_segments(session)
}

fn load_contents(
    args: &ServeArgs,
    snapshot: &Snapshot,
    environment: &Environment,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let loaded = match args.reading.tolerant {
        false => Loaded::all(snapshot),
        true => {
            let (loaded, unreadable) = Loaded::readable(snapshot.clone());
            super::finish(&unreadable, &args.reading, session)?;
            loaded
        }
    };
    environment.load(loaded).map_err(|error| {
        Failure::new(Exit::Unreadable, error)
            .help("\"vexil check\" shows what is wrong; --tolerant leaves such items out")
    })
}
