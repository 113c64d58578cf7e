use proptest::prelude::*;

use super::*;
use crate::source::Source;
use crate::source::place::{Mode, Protocol, RedisServers};
use crate::source::secret::SecretFrom;
use crate::source::testing::in_session;

/// Parses a source of the command line.
fn argument(text: &str) -> Result<Source, Failure> {
    in_session(&[], &[], |session| Source::parse(text, session))
}

/// Parses a source in a variable.
fn in_env(url: &str) -> Result<Source, Failure> {
    in_session(&[("URL", url)], &[], |session| {
        Source::parse("env:URL", session)
    })
}

fn redis_of(source: Source) -> crate::source::place::Redis {
    match source.place {
        Place::Redis(redis) => redis,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_source_is_shown_as_it_was_written_without_its_secrets() {
    for (text, shown) in [
        ("flags.yaml", "flags.yaml"),
        ("./redis:x", "./redis:x"),
        ("a,b.yaml", "a,b.yaml"),
        ("C:\\flags.json", "C:\\flags.json"),
        ("c:/flags.json", "c:/flags.json"),
        ("notes:today.yaml", "notes:today.yaml"),
        ("file:my%20flags.yaml?format=yaml", "my flags.yaml"),
        ("file:///etc/flags.json", "/etc/flags.json"),
        ("file://localhost/etc/flags.json", "/etc/flags.json"),
        ("-", "standard input"),
        ("-?format=json", "standard input"),
        ("redis://localhost", "redis://localhost"),
        ("REDIS://localhost", "redis://localhost"),
        (
            "redis://cache:6380/2?prefix=ld:shop:live&timeout=2s",
            "redis://cache:6380/2?prefix=ld:shop:live&timeout=2s",
        ),
        ("redis://ada@cache", "redis://…@cache"),
        (
            "redis+cluster://n1,n2:7000?prefix={ld:shop}",
            "redis+cluster://n1,n2:7000?prefix={ld:shop}",
        ),
        (
            "rediss+sentinel://s1:26379,s2:26379/0?master=flags&ca=ca.pem&password-env=REDIS_PW",
            "rediss+sentinel://s1:26379,s2:26379/0?master=flags&ca=ca.pem&password-env=REDIS_PW",
        ),
        ("redis://[::1]:6379", "redis://[::1]:6379"),
        (
            "redis+unix:/run/redis.sock?db=2",
            "redis+unix:/run/redis.sock?db=2",
        ),
        (
            "dynamodb://flags?prefix=shop&region=eu-central-1",
            "dynamodb://flags?prefix=shop&region=eu-central-1",
        ),
        (
            "dynamodb://arn:aws:dynamodb:eu-central-1:123456789012:table/flags",
            "dynamodb://arn:aws:dynamodb:eu-central-1:123456789012:table/flags",
        ),
        ("service", "service"),
        ("service?key-env=LD_PROD", "service?key-env=LD_PROD"),
        ("relay+http://relay:8030", "relay+http://relay:8030"),
        ("relay+https://relay/ld/", "relay+https://relay/ld"),
        (
            "https://flags.example.com/f.json",
            "https://flags.example.com/f.json",
        ),
        ("https://h/f?token=secret&format=json", "https://h/f?…"),
        ("\u{1b}[2J.yaml", "\\u{1b}[2J.yaml"),
    ] {
        match argument(text) {
            Ok(source) => assert_eq!(source.to_string(), shown, "{text}"),
            Err(failure) => panic!("{text}: {failure:?}"),
        }
    }
    for (url, shown) in [
        ("redis://ada:s%40crt@h/1?prefix=p", "redis://…@h/1?prefix=p"),
        ("rediss://:secret@h", "rediss://…@h"),
        ("https://ada:secret@h/f.json", "https://h/f.json"),
        ("flags.yaml", "flags.yaml"),
    ] {
        assert_eq!(in_env(url).unwrap().to_string(), shown);
    }
}

#[test]
fn a_wrong_source_is_refused_with_a_sentence_and_a_remedy() {
    for (text, message, help) in [
        ("", "the source is empty", "help sources"),
        (
            "redis2://h",
            "the scheme redis2: is unknown",
            "did you mean redis?",
        ),
        ("ftp://h/f", "the scheme ftp: is unknown", "redis, rediss"),
        ("redis:localhost", "no // after redis:", "redis://…"),
        (
            "redis://h?prefx=a",
            "no parameter \"prefx\"",
            "did you mean prefix?",
        ),
        (
            "redis://h?zzz=a",
            "no parameter \"zzz\"",
            "it has prefix, db",
        ),
        (
            "redis://h?secret",
            "a parameter without a name or a value",
            "NAME=VALUE",
        ),
        (
            "redis://h?prefix",
            "the parameter prefix of a Redis URL has no value",
            "prefix=VALUE",
        ),
        ("redis://h?db=1&db=2", "is there twice", "leave one out"),
        (
            "redis://h?db=x",
            "the parameter db is wrong",
            "help sources",
        ),
        ("redis://h/1?db=2", "the path names another database", ""),
        (
            "redis://h/x",
            "the database of the Redis URL is not a number",
            "",
        ),
        ("redis://h?timeout=5", "the parameter timeout is wrong", ""),
        ("redis://h?timeout=0s", "expected more than zero", ""),
        ("redis://h?ca=x.pem", "only rediss:// is encrypted", ""),
        ("redis://h?master=x", "only redis+sentinel:// has it", ""),
        ("redis+sentinel://h", "has no master", "?master=NAME"),
        ("redis://a,b", "a Redis URL has one host", "redis+cluster"),
        ("redis://", "no valid host", ""),
        ("redis://h:0", "no valid host", ""),
        ("redis://h:99999", "no valid host", ""),
        ("redis://[::g]", "no valid host", ""),
        ("redis://u:p/w@h", "an @ behind its host", "%2F"),
        ("redis://u:p?w@h", "an @ behind its host", "%3F"),
        ("redis+unix:", "has no path", ""),
        ("redis+unix://:secret@/s", "has an @", "%40"),
        ("redis+unix:/s?ca=x", "no parameter \"ca\"", ""),
        (
            "redis://h?password-env=a b",
            "not the name of an environment variable",
            "=NAME",
        ),
        (
            "redis://h?password-env=A&password-file=b",
            "exclude each other",
            "",
        ),
        ("dynamodb://", "names no table", ""),
        (
            "dynamodb://id:key@flags",
            "no user and password",
            "AWS_ACCESS_KEY_ID",
        ),
        ("dynamodb://flags?endpoint=h:8000", "expected a URL", ""),
        (
            "dynamodb://flags?endpoint=http://a:b@h",
            "must not have a password",
            "",
        ),
        ("service?protocol=v3", "expected auto or fdv1 or fdv2", ""),
        (
            "service?base=https://h?token=x",
            "must not have a password or a query",
            "",
        ),
        ("service?mode=streams", "expected stream or poll", ""),
        (
            "service?key-env=sdk-1234",
            "not the name of an environment variable",
            "",
        ),
        ("relay+http://a:b@relay", "no user and password", "key-env"),
        ("relay+http://relay?base=x", "no parameter \"base\"", ""),
        ("file:a?format=toml", "expected json or yaml", ""),
        ("-?section=rules", "expected flags or segments", ""),
        ("env:", "not followed by the name", ""),
        (
            "env:redis://secret@h",
            "not followed by the name",
            "REDIS_URL",
        ),
        ("env:UNSET", "UNSET is not set", "export UNSET"),
        ("@nowhere", "no source is named \"nowhere\"", "[sources]"),
    ] {
        let failure = argument(text).expect_err(text);
        assert_eq!(failure.exit, crate::exit::Exit::Usage, "{text}");
        assert!(failure.message.contains(message), "{text}: {failure:?}");
        let has_help = failure
            .help
            .as_deref()
            .is_some_and(|text| text.contains(help));
        assert!(has_help, "{text}: {failure:?}");
        assert!(!failure.message.contains("secret"), "{failure:?}");
    }
}

#[test]
fn a_password_is_accepted_unless_it_is_on_the_command_line() {
    let url = "redis://ada:s%40crt@h";
    let failure = argument(url).unwrap_err();
    assert_eq!(
        failure.message,
        "the URL on the command line holds a password, which other users of this machine can read"
    );
    assert_eq!(
        failure.help.as_deref(),
        Some("put the URL into a variable and write env:REDIS_URL")
    );
    let redis = redis_of(in_env(url).unwrap());
    assert_eq!(redis.user.as_deref(), Some("ada"));
    let Some(SecretFrom::Url(password)) = redis.password else {
        panic!("{redis:?}")
    };
    assert_eq!(password.expose(), "s@crt");
    let named = in_session(&[], &[("live", url)], |session| {
        Source::parse("@live", session)
    });
    assert!(redis_of(named.unwrap()).password.is_some());
}

#[test]
fn a_named_source_starts_at_its_file_and_may_name_a_variable() {
    let variables = [
        ("URL", "local.yaml"),
        ("AGAIN", "@flags"),
        ("CIRCLE", "env:URL"),
    ];
    let sources = [
        ("flags", "flags.yaml"),
        ("live", "env:URL"),
        ("other", "@flags"),
    ];
    in_session(&variables, &sources, |session| {
        let path = |text: &str| match Source::parse(text, session) {
            Ok(source) => match source.place {
                Place::File(path, _) => path,
                other => panic!("{other:?}"),
            },
            Err(failure) => panic!("{failure:?}"),
        };
        assert_eq!(path("@flags"), Path::new("/etc/vexil/flags.yaml"));
        assert_eq!(path("@live"), Path::new("/etc/vexil/local.yaml"));
        assert_eq!(path("env:URL"), Path::new("/shop/local.yaml"));
        for text in ["@other", "env:AGAIN", "env:CIRCLE"] {
            let failure = Source::parse(text, session).expect_err(text);
            assert!(failure.message.contains("another"), "{failure:?}");
        }
        let failure = Source::parse("@flag", session).unwrap_err();
        assert_eq!(failure.help.as_deref(), Some("did you mean @flags?"));
    });
}

#[test]
fn the_parameters_reach_the_place() {
    let redis = redis_of(
        argument("rediss+sentinel://s1,s2:1/3?master=m%20m&ca=ca.pem&cert=/c.pem&password-file=pw&timeout=1.5s&prefix=a%26b")
            .unwrap(),
    );
    let RedisServers::Sentinel { master, sentinels } = &redis.servers else {
        panic!("{redis:?}")
    };
    assert_eq!((master.as_str(), sentinels.len()), ("m m", 2));
    assert!(redis.secure);
    assert_eq!(redis.database, Some(3));
    assert_eq!(redis.prefix.as_deref(), Some("a&b"));
    assert_eq!(redis.ca.as_deref(), Some(Path::new("/shop/ca.pem")));
    assert_eq!(redis.cert.as_deref(), Some(Path::new("/c.pem")));
    assert_eq!(redis.timeout, Some(std::time::Duration::from_millis(1500)));

    let source = argument("service?key-file=k&base=https://b&filter=f&protocol=auto&mode=stream");
    let Place::Service(service) = source.unwrap().place else {
        panic!("not a service")
    };
    assert_eq!(service.key.describe(), "/shop/k");
    assert_eq!(service.base.as_deref(), Some("https://b"));
    assert_eq!(service.protocol, Protocol::Auto);
    assert_eq!(service.mode, Some(Mode::Stream));

    let Place::Service(relay) = argument("relay+https://h:1/p/").unwrap().place else {
        panic!("not a service")
    };
    assert_eq!(relay.stream.as_deref(), Some("https://h:1/p"));
    assert_eq!(relay.key.describe(), "VEXIL_SDK_KEY");

    let Place::Http(http) = in_env("https://ada:pw@h:1/f?a=1&format=yaml&b=2")
        .unwrap()
        .place
    else {
        panic!("not HTTP")
    };
    assert_eq!(http.url.expose(), "https://h:1/f?a=1&b=2");
    assert_eq!(http.options.format, Some(FileFormat::Yaml));
}

proptest! {
    #[test]
    fn parsing_never_panics(text in ".{0,60}") {
        drop(argument(&text));
        drop(in_env(&text));
    }

    #[test]
    fn a_url_like_text_never_panics_and_never_shows_its_password(
        scheme in "(redis|rediss|redis\\+cluster|redis\\+sentinel|redis\\+unix|dynamodb|service|relay\\+http|http|https|file|env|xyz)",
        mark in "(://|:|//|\\?)",
        before in "[a-z:@/?&=%,\\[\\]]{0,6}",
        after in "[a-z0-9:@/?&=%,.#\\[\\]]{0,20}",
        query in "(|\\?prefix=a|\\?db=1|\\?prefix=a@b|\\?format=json|\\?base=https://u:pl4nted@h|\\?password-env=pl4nted!)",
    ) {
        let text = format!("{scheme}{mark}{before}:pl4nted@{after}{query}");
        for parsed in [argument(&text), in_env(&text)] {
            match parsed {
                // A path is no secret.
                Ok(source) if matches!(source.place, Place::File(..)) => {}
                Ok(source) => {
                    let shown = format!("{source} {source:?}");
                    // A name of a table or socket that contains the text is not a password.
                    if !matches!(source.place, Place::DynamoDb(_)) {
                        prop_assert!(!shown.contains("pl4nted"), "{shown}");
                    }
                }
                Err(failure) => {
                    let shown = format!("{failure:?}");
                    prop_assert!(!shown.contains("pl4nted"), "{text}: {shown}");
                }
            }
        }
    }
}
