//! The URLs of databases.

use percent_encoding::percent_decode_str;

use super::parameters::{Parameters, decoded, wrong};
use super::{Authority, Given, Parsed, cut, shown_query, split_path};
use crate::exit::Failure;
use crate::output::escaped;
use crate::source::place::{DynamoDb, Place, Redis, RedisServers};
use crate::source::secret::SecretFrom;

const OF_REDIS: &[&str] = &[
    "prefix",
    "db",
    "master",
    "ca",
    "cert",
    "password-env",
    "password-file",
    "timeout",
];

/// `redis[s][+cluster|+sentinel]://[user@]host[:port][,host[:port]…][/db][?query]`
pub(super) fn redis(scheme: &str, rest: &str, given: &Given<'_>) -> Result<Parsed, Failure> {
    let (location, query) = cut(rest);
    let (authority, path) = split_path(location);
    let authority = Authority::parse(authority, location, query)?;
    given.accept(authority.credentials.as_ref(), "REDIS_URL")?;
    let parameters = Parameters::parse(query, OF_REDIS, "a Redis URL")?;
    let database = match path.trim_matches('/') {
        "" => None,
        digits => match digits.parse() {
            Ok(number) => Some(number),
            Err(_) => {
                return Err(
                    Failure::usage("the database of the Redis URL is not a number")
                        .help("write redis://HOST/0, or leave it out"),
                );
            }
        },
    };
    let hosts: Vec<String> = authority.hosts.split(',').map(str::to_owned).collect();
    let (secure, kind) = match scheme.split_once('+') {
        Some((scheme, kind)) => (scheme == "rediss", kind),
        None => (scheme == "rediss", ""),
    };
    let servers = match kind {
        "cluster" => RedisServers::Cluster(hosts),
        "sentinel" => {
            let Some(master) = parameters.owned("master") else {
                return Err(Failure::usage("the URL of Redis Sentinel has no master")
                    .help("add ?master=NAME, the name that the sentinels know it by"));
            };
            RedisServers::Sentinel {
                master,
                sentinels: hosts,
            }
        }
        _ => {
            authority.one_host("a Redis URL")?;
            RedisServers::One(authority.hosts.to_owned())
        }
    };
    if kind != "sentinel" && parameters.text("master").is_some() {
        return Err(wrong("master", "only redis+sentinel:// has it"));
    }
    for name in ["ca", "cert"] {
        if !secure && parameters.text(name).is_some() {
            return Err(wrong(name, "only rediss:// is encrypted"));
        }
    }
    let shown = format!(
        "{scheme}://{}{path}{}",
        authority.shown(),
        shown_query(query)
    );
    let credentials = authority.credentials;
    let database = one_of(database, &parameters)?;
    let (user, password) = match credentials {
        Some(given) => (Some(given.user), given.password),
        None => (None, None),
    };
    parsed(
        Redis {
            servers,
            secure,
            database,
            user: user.filter(|user| !user.is_empty()),
            password: password.map(SecretFrom::Url),
            prefix: None,
            ca: None,
            cert: None,
            timeout: None,
        },
        &shown,
        &parameters,
        given,
    )
}

/// `redis+unix:path[?query]`
pub(super) fn redis_socket(rest: &str, given: &Given<'_>) -> Result<Parsed, Failure> {
    let (path, query) = cut(rest);
    let known: Vec<_> = OF_REDIS
        .iter()
        .copied()
        .filter(|name| !matches!(*name, "master" | "ca" | "cert"))
        .collect();
    let parameters = Parameters::parse(query, &known, "a Redis URL")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.contains('@') {
        return Err(Failure::usage("the path of the socket has an @")
            .help("write it as %40; ?password-env=NAME names the variable of the password"));
    }
    let path = decoded(path, "path")?;
    if path.is_empty() {
        return Err(Failure::usage("the URL redis+unix: has no path")
            .help("write redis+unix:/run/redis/redis.sock"));
    }
    let shown = format!("redis+unix:{path}{}", shown_query(query));
    parsed(
        Redis {
            servers: RedisServers::Socket(given.path(&path)),
            secure: false,
            database: parameters.number("db")?,
            user: None,
            password: None,
            prefix: None,
            ca: None,
            cert: None,
            timeout: None,
        },
        &shown,
        &parameters,
        given,
    )
}

/// Adds what all Redis URLs have.
fn parsed(
    redis: Redis,
    shown: &str,
    parameters: &Parameters,
    given: &Given<'_>,
) -> Result<Parsed, Failure> {
    let elsewhere = parameters.secret("password-env", "password-file", given)?;
    if redis.password.is_some() && elsewhere.is_some() {
        return Err(
            Failure::usage("the URL has a password and names another one").help("leave one out"),
        );
    }
    Ok(Parsed {
        place: Place::Redis(Redis {
            password: redis.password.or(elsewhere),
            prefix: parameters.owned("prefix"),
            ca: parameters.path("ca", given),
            cert: parameters.path("cert", given),
            timeout: parameters.time("timeout")?,
            ..redis
        }),
        shown: escaped(shown).into_owned(),
    })
}

/// The database of the path or of the parameter.
fn one_of(path: Option<u32>, parameters: &Parameters) -> Result<Option<u32>, Failure> {
    match (path, parameters.number("db")?) {
        (Some(path), Some(parameter)) if path != parameter => {
            Err(wrong("db", "the path names another database"))
        }
        (path, parameter) => Ok(path.or(parameter)),
    }
}

/// `dynamodb://table[?query]`
pub(super) fn dynamodb(rest: &str) -> Result<Parsed, Failure> {
    const KNOWN: [&str; 4] = ["prefix", "region", "endpoint", "timeout"];
    let (table, query) = cut(rest);
    if table.contains('@') {
        return Err(
            Failure::usage("a DynamoDB URL has no user and password").help(
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or a role authenticate",
            ),
        );
    }
    let parameters = Parameters::parse(query, &KNOWN, "a DynamoDB URL")?;
    let endpoint = parameters.url("endpoint")?;
    let name = percent_decode_str(table.trim_end_matches('/'))
        .decode_utf8_lossy()
        .into_owned();
    if name.is_empty() {
        return Err(Failure::usage("the DynamoDB URL names no table")
            .help("write dynamodb://TABLE?region=REGION"));
    }
    let shown = format!("dynamodb://{table}{}", shown_query(query));
    Ok(Parsed {
        place: Place::DynamoDb(DynamoDb {
            table: name,
            prefix: parameters.owned("prefix").unwrap_or_default(),
            region: parameters.owned("region"),
            endpoint,
            timeout: parameters.time("timeout")?,
        }),
        shown: escaped(&shown).into_owned(),
    })
}
