//! The grammar of sources: `"-"`, a path, a URL, `env:NAME`, `@name`.

mod databases;
mod parameters;
mod services;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use vexil::model::DataKind;
use vexil_file_data::FileFormat;

use self::parameters::{Parameters, is_variable};
use super::place::{FileOptions, Http, Place};
use super::secret::Secret;
use crate::exit::Failure;
use crate::output::escaped;
use crate::session::Session;

/// The schemes, as errors list them.
const SCHEMES: [&str; 15] = [
    "redis",
    "rediss",
    "redis+cluster",
    "rediss+cluster",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+unix",
    "dynamodb",
    "service",
    "relay+http",
    "relay+https",
    "http",
    "https",
    "file",
    "env",
];

/// A parsed source, and how it is shown.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) place: Place,
    pub(super) shown: String,
}

/// Where the text of a source comes from.
#[derive(Debug)]
pub(super) struct Given<'s> {
    /// The folder that relative paths start from.
    folder: &'s Path,
    /// Whether the text may contain a password: other users can read a command line.
    is_private: bool,
}

impl<'s> Given<'s> {
    fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Refuses credentials on the command line.
    fn accept(&self, credentials: Option<&Credentials>, variable: &str) -> Result<(), Failure> {
        let has_password = credentials.is_some_and(|given| given.password.is_some());
        if !has_password || self.is_private {
            return Ok(());
        }
        Err(Failure::usage(
            "the URL on the command line holds a password, which other users of this machine can read",
        )
        .help(format_args!("put the URL into a variable and write env:{variable}")))
    }
}

/// Parses a source that stands on the command line.
pub(super) fn parse(text: &str, session: &Session<'_>) -> Result<Parsed, Failure> {
    if let Some(name) = text.strip_prefix('@') {
        return named(name, session);
    }
    if let Some(name) = text.strip_prefix("env:") {
        return in_variable(name, &session.io.directory, session);
    }
    direct(
        text,
        &Given {
            folder: &session.io.directory,
            is_private: false,
        },
    )
}

/// A source of the configuration file.
fn named(name: &str, session: &Session<'_>) -> Result<Parsed, Failure> {
    let settings = &session.settings;
    let Some(url) = settings.sources.get(name) else {
        let names: Vec<_> = settings.sources.keys().map(String::as_str).collect();
        let failure = Failure::usage(format_args!(
            "no source is named \"{}\" in vexil.toml",
            escaped(name)
        ));
        return Err(match (nearest(name, &names), settings.file.is_some()) {
            (Some(near), _) => failure.help(format_args!("did you mean @{}?", escaped(near))),
            (None, true) => failure.help("the section [sources] of vexil.toml defines the names"),
            (None, false) => failure.help(
                "there is no vexil.toml here or in a folder above; a file of this name is ./@NAME",
            ),
        });
    };
    let file = settings.file.as_deref();
    let folder = file.and_then(Path::parent);
    let folder = folder.unwrap_or(&session.io.directory);
    let url = url.expose();
    if url.starts_with('@') {
        return Err(Failure::usage(format_args!(
            "the source \"{}\" of vexil.toml names another one",
            escaped(name)
        ))
        .help("write its URL there"));
    }
    if let Some(variable) = url.strip_prefix("env:") {
        return in_variable(variable, folder, session);
    }
    direct(
        url,
        &Given {
            folder,
            is_private: true,
        },
    )
}

/// A source whose URL is in an environment variable.
fn in_variable(name: &str, folder: &Path, session: &Session<'_>) -> Result<Parsed, Failure> {
    // The text may be a URL with a password, written here by mistake.
    if !is_variable(name) {
        return Err(
            Failure::usage("env: is not followed by the name of an environment variable").help(
                "put the URL into a variable, for example REDIS_URL, and write env:REDIS_URL",
            ),
        );
    }
    let Some(url) = session.io.variable(name) else {
        return Err(
            Failure::usage(format_args!("the environment variable {name} is not set"))
                .help(format_args!("export {name}=redis://…")),
        );
    };
    if url.starts_with('@') || url.starts_with("env:") {
        return Err(Failure::usage(format_args!(
            "the environment variable {name} names another source"
        ))
        .help("put a path or a URL into it"));
    }
    direct(
        url,
        &Given {
            folder,
            is_private: true,
        },
    )
}

/// A path or a URL.
fn direct(text: &str, given: &Given<'_>) -> Result<Parsed, Failure> {
    if text.is_empty() {
        return Err(Failure::usage("the source is empty")
            .help("name a file, \"-\", or a URL: see \"vexil help sources\""));
    }
    let (before_query, query) = cut(text);
    match before_query {
        "-" => {
            let options = file_options(query, "standard input")?;
            return Ok(Parsed {
                place: Place::Stdin(options),
                shown: "standard input".to_owned(),
            });
        }
        "service" => return services::service(query, given),
        _ => {}
    }
    let Some((scheme, rest)) = scheme(text) else {
        return Ok(file(text, FileOptions::default(), given));
    };
    let authority = || match rest.strip_prefix("//") {
        Some(rest) => Ok(rest),
        None => Err(
            Failure::usage(format_args!("the URL has no // after {scheme}:")).help(format_args!(
                "write {scheme}://…, or ./{scheme}:… for a file"
            )),
        ),
    };
    match scheme.as_str() {
        "file" => {
            let (path, query) = cut(rest);
            let path = match path.strip_prefix("//localhost/") {
                Some(_) => path.trim_start_matches("//localhost"),
                None => path.strip_prefix("//").unwrap_or(path),
            };
            let path = percent_decode_str(path).decode_utf8_lossy();
            // `file:///C:/flags.json`
            let path = match path.strip_prefix('/') {
                Some(path) if cfg!(windows) && path.get(1..2) == Some(":") => path,
                _ => &path,
            };
            Ok(file(path, file_options(query, "a file")?, given))
        }
        "redis" | "rediss" | "redis+cluster" | "rediss+cluster" | "redis+sentinel"
        | "rediss+sentinel" => databases::redis(&scheme, authority()?, given),
        "redis+unix" => databases::redis_socket(rest, given),
        "dynamodb" => databases::dynamodb(authority()?),
        "relay+http" | "relay+https" => services::relay(&scheme, authority()?, given),
        "http" | "https" => http(&scheme, authority()?, given),
        _ if rest.starts_with("//") => Err(unknown_scheme(&scheme)),
        _ => Ok(file(text, FileOptions::default(), given)),
    }
}

fn file(path: &str, options: FileOptions, given: &Given<'_>) -> Parsed {
    Parsed {
        place: Place::File(given.path(path), options),
        shown: escaped(path).into_owned(),
    }
}

fn file_options(query: Option<&str>, what: &str) -> Result<FileOptions, Failure> {
    options(&Parameters::parse(query, &["format", "section"], what)?)
}

fn options(parameters: &Parameters) -> Result<FileOptions, Failure> {
    let formats = [("json", FileFormat::Json), ("yaml", FileFormat::Yaml)];
    let sections = [("flags", DataKind::Flag), ("segments", DataKind::Segment)];
    Ok(FileOptions {
        format: parameters.word("format", &formats)?,
        section: parameters.word("section", &sections)?,
    })
}

/// A document that is fetched. Parameters other than those of a file are the server's, and may be
/// secret.
fn http(scheme: &str, rest: &str, given: &Given<'_>) -> Result<Parsed, Failure> {
    const OURS: [&str; 3] = ["format", "section", "ca"];
    let (location, query) = cut(rest);
    let (authority, path) = split_path(location);
    let authority = Authority::parse(authority, location, query)?;
    given.accept(authority.credentials.as_ref(), "FLAGS_URL")?;
    authority.one_host("an HTTP URL")?;
    let query = query.unwrap_or_default();
    let is_ours = |part: &&str| {
        let (name, _) = part.split_once('=').unwrap_or((part, ""));
        OURS.contains(&name)
    };
    let parts = || query.split('&').filter(|part| !part.is_empty());
    let ours: Vec<_> = parts().filter(is_ours).collect();
    let others: Vec<_> = parts().filter(|part| !is_ours(part)).collect();
    let parameters = Parameters::parse(Some(&ours.join("&")), &OURS, "an HTTP URL")?;
    let url = format!("{scheme}://{}{path}", authority.hosts);
    let (url, shown) = if others.is_empty() {
        (url.clone(), url)
    } else {
        (format!("{url}?{}", others.join("&")), format!("{url}?…"))
    };
    Ok(Parsed {
        place: Place::Http(Http {
            url: Secret::new(url),
            credentials: authority.credentials,
            ca: parameters.path("ca", given),
            options: options(&parameters)?,
        }),
        shown: escaped(&shown).into_owned(),
    })
}

/// Splits a text at its first question mark.
fn cut(text: &str) -> (&str, Option<&str>) {
    match text.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (text, None),
    }
}

/// Splits a path from what is before it. It keeps its slash.
fn split_path(location: &str) -> (&str, &str) {
    location.split_at(location.find('/').unwrap_or(location.len()))
}

/// The scheme of a URL, in lower case, and what follows its colon. A scheme has two letters or more,
/// so that `C:\flags.json` is a path.
fn scheme(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character));
    is_scheme.then(|| (scheme.to_ascii_lowercase(), rest))
}

fn unknown_scheme(scheme: &str) -> Failure {
    let near = nearest(scheme, &SCHEMES).map(|near| format!("did you mean {near}? "));
    Failure::usage(format_args!("the scheme {scheme}: is unknown")).help(format_args!(
        "{}The schemes are {}",
        near.unwrap_or_default(),
        SCHEMES.join(", ")
    ))
}

/// The known name that is most similar to a mistyped one.
pub(super) fn nearest<'n>(name: &str, known: &[&'n str]) -> Option<&'n str> {
    let distances = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), *known));
    let (distance, near) = distances.min()?;
    (distance <= 3 && distance < name.chars().count()).then_some(near)
}

/// The user and password of a URL.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: Option<Secret>,
}

/// The part of a URL that names servers.
#[derive(Debug)]
struct Authority<'u> {
    credentials: Option<Credentials>,
    /// The hosts with their ports, separated by commas.
    hosts: &'u str,
}

impl<'u> Authority<'u> {
    /// Parses `[user[:password]@]host[:port][,host[:port]…]`. Errors do not show the text, which
    /// may contain a password with special characters.
    fn parse(authority: &'u str, location: &str, query: Option<&str>) -> Result<Self, Failure> {
        let malformed = |reason| {
            Failure::usage(reason)
                .help("write special characters of a user, password or prefix as %40 (@), %2F (/), %3F (?)")
        };
        let behind = location.get(authority.len()..).unwrap_or_default();
        if behind.contains('@') || query.is_some_and(|query| query.contains('@')) {
            return Err(malformed("the URL has an @ behind its host"));
        }
        let (credentials, hosts) = match authority.rsplit_once('@') {
            None => (None, authority),
            Some((credentials, hosts)) => (Some(credentials), hosts),
        };
        let credentials = match credentials {
            None | Some("") => None,
            Some(text) => {
                let decode = |part: &str| {
                    let decoded = percent_decode_str(part).decode_utf8();
                    decoded
                        .map(std::borrow::Cow::into_owned)
                        .map_err(|_| malformed("the user or password of the URL is not UTF-8"))
                };
                let (user, password) = match text.split_once(':') {
                    Some((user, password)) => (user, Some(password)),
                    None => (text, None),
                };
                let password = password.filter(|password| !password.is_empty());
                Some(Credentials {
                    user: decode(user)?,
                    password: password.map(&decode).transpose()?.map(Secret::new),
                })
            }
        };
        if hosts.split(',').any(|host| !is_host(host)) {
            return Err(malformed("the URL has no valid host"));
        }
        Ok(Self { credentials, hosts })
    }

    fn one_host(&self, what: &str) -> Result<(), Failure> {
        if self.hosts.contains(',') {
            return Err(Failure::usage(format_args!("{what} has one host"))
                .help("only redis+cluster and redis+sentinel have several"));
        }
        Ok(())
    }

    /// The hosts as they are shown, after `…@` if there are credentials.
    fn shown(&self) -> String {
        let mark = if self.credentials.is_some() {
            "…@"
        } else {
            ""
        };
        format!("{mark}{}", self.hosts)
    }
}

/// Whether a text is a host name or address with an optional port.
fn is_host(text: &str) -> bool {
    let (name, port) = match text.strip_prefix('[') {
        Some(address) => match address.split_once(']') {
            Some((address, port)) => {
                if address.parse::<std::net::Ipv6Addr>().is_err() {
                    return false;
                }
                ("v6", port)
            }
            None => return false,
        },
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_port = match port.strip_prefix(':') {
        Some(port) => port.parse::<u16>().is_ok_and(|port| port > 0),
        None => port.is_empty(),
    };
    let is_name = name
        .chars()
        .all(|character| character.is_alphanumeric() || "-._".contains(character));
    is_port && is_name && !name.is_empty()
}

/// A query as it is shown: as it was written, which contains no secrets.
fn shown_query(query: Option<&str>) -> String {
    match query {
        Some(query) if !query.is_empty() => format!("?{query}"),
        _ => String::new(),
    }
}

/// The failure of a feature that was left out of this program.
#[cfg(not(all(feature = "redis", feature = "dynamodb")))]
pub(super) fn not_built(what: &str, feature: &str) -> Failure {
    Failure::usage(format_args!("this vexil was built without {what}"))
        .help(format_args!("cargo install vexil-cli --features {feature}"))
}
