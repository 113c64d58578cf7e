use serde_json::json;

use super::*;

fn parse(json: serde_json::Value) -> Result<Context, ContextError> {
    Context::try_from(json)
}

fn written(context: &Context) -> serde_json::Value {
    serde_json::to_value(context).unwrap()
}

// EVAL-1.1
#[test]
fn a_kind_may_only_contain_letters_digits_dot_underscore_and_dash() {
    for code in 1..=255_u8 {
        let kind = char::from(code).to_string();
        let allowed = code.is_ascii_alphanumeric() || b"._-".contains(&code);
        assert_eq!(
            Context::with_kind("k", kind.as_str()).is_ok(),
            allowed,
            "kind {kind:?}"
        );
        let multi = json!({"kind": "multi", &kind: {"key": "k"}});
        assert_eq!(parse(multi).is_ok(), allowed, "member {kind:?}");
    }
    assert!(matches!(
        Context::with_kind("k", "kind"),
        Err(ContextError::KindIsKind)
    ));
    assert!(matches!(
        Context::with_kind("k", "multi"),
        Err(ContextError::KindIsMulti)
    ));
    assert_eq!(Context::with_kind("k", "").unwrap().kind(), "user");
}

// EVAL-1.3
#[test]
fn set_routes_built_in_names_and_ignores_values_of_the_wrong_type() {
    let mut builder = Context::builder("old");
    assert!(builder.try_set("key", "new"));
    assert!(builder.try_set("kind", "org"));
    assert!(builder.try_set("name", "N"));
    assert!(builder.try_set("anonymous", true));
    assert!(builder.try_set("zero", 0));
    for (name, value) in [
        ("key", Value::from(1)),
        ("kind", Value::Null),
        ("name", Value::from(false)),
        ("anonymous", Value::Null),
        ("_meta", Value::from("x")),
        ("", Value::from("x")),
    ] {
        assert!(!builder.try_set(name, value), "{name}");
    }
    let context = builder.clone().build().unwrap();
    assert_eq!(
        written(&context),
        json!({"kind": "org", "key": "new", "name": "N", "anonymous": true, "zero": 0})
    );

    let cleared = builder
        .set("name", Value::Null)
        .set("zero", Value::Null)
        .build()
        .unwrap();
    assert_eq!(
        written(&cleared),
        json!({"kind": "org", "key": "new", "anonymous": true})
    );
    assert_eq!(
        written(&context)["name"],
        json!("N"),
        "a built context must not change"
    );
}

// EVAL-1.4
#[test]
fn multi_contexts_flatten_sort_collapse_and_reject_duplicates() {
    let kinds = ["alpha", "_x", "Zed", "9k"].map(|kind| Context::with_kind("k", kind).unwrap());
    let multi = Context::multi(kinds).unwrap();
    let order: Vec<_> = multi.individual_contexts().map(Context::kind).collect();
    assert_eq!(order, ["9k", "Zed", "_x", "alpha"]);
    assert_eq!(
        (multi.kind(), multi.key(), multi.name(), multi.anonymous()),
        ("multi", "", None, false)
    );
    assert_eq!(multi.get("kind"), Some("multi".into()));
    assert_eq!(multi.lookup(&Reference::new("key")), None);

    let user = Context::new("u").unwrap();
    assert_eq!(Context::multi([user.clone()]).unwrap(), user);
    let wider = Context::multi([multi, user.clone()]).unwrap();
    assert_eq!(wider.individual_context_count(), 5);
    assert_eq!(wider.individual_context("user"), Some(&user));
    assert_eq!(wider.individual_context("org"), None);

    assert!(matches!(Context::multi([]), Err(ContextError::NoKinds)));
    assert!(matches!(
        Context::multi([user.clone(), user]),
        Err(ContextError::DuplicateKind { .. })
    ));
    let error = Context::multi_builder()
        .add(Context::new(""))
        .add(Context::with_kind("k", "*"))
        .build()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("must not be null or empty, context kind contains"),
        "{error}"
    );
}

// EVAL-1.4
#[test]
fn without_anonymous_removes_anonymous_members() {
    let known = Context::with_kind("acme", "org").unwrap();
    let guest = Context::builder("guest").anonymous(true).build().unwrap();
    let device = Context::with_kind("d-9", "device").unwrap();
    let multi = |members: &[&Context]| Context::multi(members.iter().copied().cloned()).unwrap();

    assert_eq!(known.without_anonymous(), Some(known.clone()));
    assert_eq!(guest.without_anonymous(), None);
    assert_eq!(
        multi(&[&known, &device]).without_anonymous(),
        Some(multi(&[&known, &device]))
    );
    assert_eq!(
        multi(&[&known, &device, &guest]).without_anonymous(),
        Some(multi(&[&known, &device]))
    );
    assert_eq!(
        multi(&[&known, &guest]).without_anonymous(),
        Some(known),
        "a single remaining member is returned unchanged"
    );

    let robot = guest.to_builder().kind("robot").build().unwrap();
    assert_eq!(multi(&[&guest, &robot]).without_anonymous(), None);
}

// EVAL-1.5
#[test]
fn the_property_kind_selects_the_json_format() {
    for bad in [
        json!(null),
        json!(true),
        json!([]),
        json!({"kind": "", "key": "k"}),
        json!({"kind": null, "key": "k"}),
        json!({"kind": 3, "key": "k"}),
        json!({"kind": "kind", "key": "k"}),
        json!({"kind": "org"}),
        json!({"kind": "org", "key": ""}),
        json!({"kind": "org", "key": null}),
        json!({"kind": "org", "key": 3}),
        json!({"kind": "org", "key": "k", "name": 3}),
        json!({"kind": "org", "key": "k", "anonymous": null}),
        json!({"kind": "org", "key": "k", "anonymous": "yes"}),
        json!({"kind": "org", "key": "k", "_meta": true}),
        json!({"kind": "org", "key": "k", "_meta": {"privateAttributes": {}}}),
        json!({"kind": "org", "key": "k", "_meta": {"privateAttributes": [3]}}),
        json!({"kind": "multi"}),
        json!({"kind": "multi", "org": null}),
        json!({"kind": "multi", "org": {"key": ""}}),
        json!({"kind": "multi", "multi": {"key": "k"}}),
        json!({"kind": "multi", "": {"key": "k"}}),
    ] {
        assert!(parse(bad.clone()).is_err(), "{bad}");
    }
    for bad in ["", "{", "{\"kind\":\"org\"", "nul"] {
        assert!(
            matches!(bad.parse::<Context>(), Err(ContextError::Json { .. })),
            "{bad}"
        );
    }
    let deep = format!(
        "{{\"kind\":\"org\",\"key\":\"k\",\"a\":{}",
        "[".repeat(10_000)
    );
    assert!(deep.parse::<Context>().is_err());
}

// EVAL-1.5 and EVAL-1.7
#[test]
fn json_formats_are_read_completely_and_written_without_defaults() {
    let full = json!({"kind": "org", "key": "k", "name": "N", "anonymous": true, "a": [1, {"b": null}], "": 1,
        "_meta": {"privateAttributes": ["a", "/x/y"]}});
    assert_eq!(written(&parse(full.clone()).unwrap()), full);

    let sparse = json!({"kind": "org", "key": "k", "name": null, "anonymous": false, "gone": null,
        "_meta": {"privateAttributes": null, "redactedAttributes": 7}});
    assert_eq!(
        written(&parse(sparse).unwrap()),
        json!({"kind": "org", "key": "k"})
    );

    let multi = json!({"kind": "multi", "device": {"key": "d-9"},
        "user": {"key": "u-1", "name": "Io", "_meta": {"privateAttributes": ["name"]}}});
    assert_eq!(written(&parse(multi.clone()).unwrap()), multi);

    let sole = json!({"kind": "multi", "org": {"key": "k", "kind": "ignored"}});
    assert_eq!(
        written(&parse(sole).unwrap()),
        json!({"kind": "org", "key": "k"})
    );
}

// EVAL-1.6
#[test]
fn the_legacy_user_format_becomes_a_context_of_kind_user() {
    let old = json!({"key": "", "name": "N", "firstName": "F", "email": "top", "anonymous": null, "secondary": "s",
        "unknown": 1, "custom": {"email": "custom", "n": 3, "gone": null, "name": "no", "kind": "no"},
        "privateAttributeNames": ["email", "/a"]});
    let new = json!({"kind": "user", "key": "", "name": "N", "firstName": "F", "email": "custom", "n": 3,
        "_meta": {"privateAttributes": ["email", "/~1a"]}});
    assert_eq!(written(&parse(old).unwrap()), new);

    for bad in [
        json!({}),
        json!({"key": true}),
        json!({"key": null}),
        json!({"key": "k", "custom": 3}),
        json!({"key": "k", "anonymous": "x"}),
        json!({"key": "k", "privateAttributeNames": 3}),
        json!({"key": "k", "firstName": 3}),
        json!({"key": "k", "secondary": 3}),
    ] {
        assert!(parse(bad.clone()).is_err(), "{bad}");
    }
}

// EVAL-7.3
#[test]
fn references_follow_the_table_of_vectors() {
    let context = parse(
        json!({"kind": "user", "key": "k", "name": "N", "a/b": 1, "a~b": 2, "/x/y": 3,
        "o": {"p": {"q": "deep"}, "2": "two", "s/t": 4}, "l": ["z"], "s": "str"}),
    )
    .unwrap();
    let found = |value: &str| Some(Value::from(value));
    let number = |value: i32| Some(Value::from(value));
    for (text, as_reference, as_literal) in [
        ("key", found("k"), found("k")),
        ("/key", found("k"), None),
        ("a/b", number(1), number(1)),
        ("/a~1b", number(1), None),
        ("a~b", number(2), number(2)),
        ("/a~0b", number(2), None),
        ("/x/y", None, number(3)),
        ("/~1x~1y", number(3), None),
        ("/o/p/q", found("deep"), None),
        ("/o/2", found("two"), None),
        ("/o/s~1t", number(4), None),
        ("/l/0", None, None),
        ("/s/len", None, None),
        ("/o/none", None, None),
        ("anonymous", Some(false.into()), Some(false.into())),
        ("kind", found("user"), found("user")),
        ("/~01", None, None),
        ("name~0~1x", None, None),
    ] {
        let reference = Reference::new(text);
        assert_eq!(reference.error(), None, "{text}");
        assert_eq!(reference.as_str(), text);
        assert_eq!(context.lookup(&reference), as_reference, "{text}");
        assert_eq!(
            context.lookup(&Reference::literal(text)),
            as_literal,
            "literal {text}"
        );
        assert_eq!(context.get(text), as_literal, "get {text}");
    }
    assert_eq!(Reference::new("/~01").components(), ["~1"]);
    for (text, error) in [
        ("", ReferenceError::Empty),
        ("/", ReferenceError::Empty),
        ("//", ReferenceError::EmptyComponent),
        ("/o//p", ReferenceError::EmptyComponent),
        ("/o/", ReferenceError::EmptyComponent),
        ("/a~b", ReferenceError::Escape),
        ("/a~", ReferenceError::Escape),
        ("/a~2", ReferenceError::Escape),
        ("/o/p~", ReferenceError::Escape),
    ] {
        let reference = Reference::new(text);
        assert_eq!(
            (reference.error(), reference.depth(), reference.as_str()),
            (Some(error), 0, text)
        );
        assert_eq!(context.lookup(&reference), None);
        assert_eq!(
            Reference::literal(text).error().is_some(),
            text.is_empty(),
            "literal {text}"
        );
    }
    assert_eq!(Reference::literal("a/b").as_str(), "a/b");
    assert_eq!(Reference::literal("/a/b~c").as_str(), "/~1a~1b~0c");
    assert_eq!(Reference::literal("/").as_str(), "/~1");
}

// EVAL-7.5
#[test]
fn canonical_keys_follow_the_table_of_vectors() {
    let multi = |members: &[(&str, &str)]| {
        Context::multi(
            members
                .iter()
                .map(|(kind, key)| Context::with_kind(*key, *kind).unwrap()),
        )
        .unwrap()
    };
    for (context, key) in [
        (multi(&[("user", "abc")]), "abc"),
        (multi(&[("user", "a:b%c")]), "a:b%c"),
        (multi(&[("org", "abc")]), "org:abc"),
        (multi(&[("org", "my:key%x/y")]), "org:my%3Akey%25x/y"),
        (
            multi(&[("user", "u1"), ("org", "o:1")]),
            "org:o%3A1:user:u1",
        ),
        (
            multi(&[("org", "100%:x"), ("device", "d/1"), ("user", "v")]),
            "device:d/1:org:100%25%3Ax:user:v",
        ),
        (
            multi(&[("Zed", "1"), ("alpha", "2"), ("_x", "3"), ("9k", "4")]),
            "9k:4:Zed:1:_x:3:alpha:2",
        ),
    ] {
        assert_eq!(context.fully_qualified_key(), key);
    }
}

// EVAL-1.12
#[test]
fn equality_ignores_order_and_compares_private_references_by_path() {
    let base = Context::builder("k")
        .set("a", 1)
        .set("b", json!({"x": 1, "y": 2}));
    let one = base.clone().private(["x", "/~1a~1b"]).build().unwrap();
    let two = Context::builder("k")
        .set("b", json!({"y": 2.0, "x": 1.0}))
        .set("a", 1.0)
        .private([Reference::literal("/a/b"), Reference::new("x")])
        .build()
        .unwrap();
    assert_eq!(one, two);
    assert_ne!(one, base.clone().private(["x", "x"]).build().unwrap());
    assert_ne!(one, base.clone().build().unwrap());
    assert_ne!(
        base.clone().build().unwrap(),
        base.kind("org").build().unwrap()
    );
    assert_eq!(one.to_builder().build().unwrap(), one);
}

#[test]
fn debug_output_contains_neither_key_nor_attributes() {
    let builder = Context::builder("secret-key")
        .name("secret-name")
        .set("email", "secret-mail");
    let shown = format!("{builder:?} {:?}", builder.clone().build().unwrap());
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn lone_surrogates_in_json_become_replacement_characters() {
    let context: Context =
        r#"{"kind": "user", "key": "k\ud800", "name": "\ud83d\ude00", "a\udc00": ["\udfff"]}"#
            .parse()
            .unwrap();
    assert_eq!(context.key(), "k\u{fffd}");
    assert_eq!(context.get("name"), Some("😀".into()));
    assert_eq!(context.get("a\u{fffd}"), Some(vec!["\u{fffd}"].into()));
    assert!(matches!(
        r#"{"key": "\ud800""#.parse::<Context>(),
        Err(ContextError::Json { .. })
    ));
}

#[test]
fn attributes_of_the_maximum_depth_survive_a_json_round_trip() {
    let deepest = (0..Value::MAX_DEPTH).fold(Value::from(1), |inner, _| Value::from([inner]));
    let user = Context::builder("ada")
        .set("deepest", deepest)
        .build()
        .unwrap();
    let both = Context::multi([user.clone(), Context::with_kind("acme", "org").unwrap()]).unwrap();
    for context in [user, both] {
        assert_eq!(parse(written(&context)).unwrap(), context);
        assert_eq!(
            written(&context).to_string().parse::<Context>().unwrap(),
            context
        );
        assert_eq!(
            serde_json::from_value::<Context>(written(&context)).unwrap(),
            context
        );
    }
}

#[test]
fn a_context_of_ten_thousand_levels_is_rejected_as_text_and_cut_otherwise() {
    let text = format!(
        r#"{{"kind": "user", "key": "ada", "deep": {}{}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert!(matches!(
        text.parse::<Context>(),
        Err(ContextError::Json { .. })
    ));
    let deep = (0..50_000).fold(json!(1), |inner, _| serde_json::Value::Array(vec![inner]));
    let members = [
        ("kind".to_owned(), "user".into()),
        ("key".to_owned(), "ada".into()),
        ("deep".to_owned(), deep),
    ];
    let context = parse(serde_json::Value::Object(members.into_iter().collect())).unwrap();
    let deep = written(&context)["deep"].to_string();
    assert_eq!(
        deep,
        format!(
            "{}null{}",
            "[".repeat(Value::MAX_DEPTH),
            "]".repeat(Value::MAX_DEPTH)
        )
    );
}

// EVAL-1.6
#[test]
fn each_attribute_of_the_legacy_user_format_must_be_text() {
    for name in ["firstName", "lastName", "email", "country", "avatar", "ip"] {
        let context = parse(json!({"key": "ada", name: "text"})).unwrap();
        assert_eq!(context.get(name), Some("text".into()), "{name}");
        let context = parse(json!({"key": "ada", name: null})).unwrap();
        assert_eq!(context.get(name), None, "{name}");
        assert!(parse(json!({"key": "ada", name: 1})).is_err(), "{name}");
    }
}

#[test]
fn a_context_lists_what_it_holds() {
    let ada = Context::builder("ada")
        .name("Ada")
        .set("plan", "pro")
        .private(["/plan"])
        .build()
        .unwrap();
    assert_eq!(ada.name(), Some("Ada"));
    assert_eq!(ada.custom_attributes().collect::<Vec<_>>(), ["plan"]);
    assert_eq!(ada.custom_attribute("plan"), Some(&"pro".into()));
    assert_eq!(ada.custom_attribute("other"), None);
    assert_eq!(ada.private_attributes(), [Reference::new("/plan")]);
    assert!(!ada.multiple());
    let both = Context::multi([ada, Context::with_kind("acme", "org").unwrap()]).unwrap();
    assert!(both.multiple());
    assert_eq!(both.name(), None);
    assert_eq!(both.custom_attributes().count(), 0);
}

#[test]
fn an_attribute_is_found_among_few_and_among_many() {
    for count in [1, 16, 17, 100] {
        let mut builder = Context::builder("ada");
        for n in 0..count {
            builder = builder.set(format!("attribute-{n}"), n);
        }
        let context = builder.build().unwrap();
        for n in 0..count {
            assert_eq!(context.get(&format!("attribute-{n}")), Some(n.into()));
        }
        assert_eq!(context.get("attribute"), None);
    }
}

#[test]
fn the_weight_of_a_context_grows_with_all_that_it_holds() {
    let builder = || Context::builder("ada");
    let weight = |builder: crate::ContextBuilder| builder.build().unwrap().weight();
    let plain = weight(builder());
    assert!(plain > "adauser".len());
    let long = "x".repeat(1_000);
    assert_eq!(
        weight(Context::builder(format!("ada{long}"))),
        plain + 1_000
    );
    let value = Value::from("pro").weight();
    assert_eq!(weight(builder().set("plan", "pro")), plain + 4 + value);
    assert_eq!(weight(builder().private(["/plan"])), plain + 5);
    let org = Context::with_kind("acme", "org").unwrap();
    let both = Context::multi([builder().build().unwrap(), org.clone()]).unwrap();
    assert_eq!(both.weight(), plain + org.weight());
}

#[test]
fn hashes_tell_keys_and_kinds_apart() {
    let org = |key: &str| Context::with_kind(key, "org").unwrap();
    let ada = Context::new("ada").unwrap();
    assert_eq!(ada.key_hash(), crate::key_hash(ada.fully_qualified_key()));
    assert_ne!(ada.key_hash(), org("ada").key_hash());
    assert_eq!(org("acme").kinds_hash(), org("other").kinds_hash());
    let many = |last: &str| {
        let kinds = (0..60)
            .map(|n| format!("kind-{n}"))
            .chain([last.to_owned()]);
        Context::multi(kinds.map(|kind| Context::with_kind("ada", kind).unwrap())).unwrap()
    };
    assert_ne!(many("x").kinds_hash(), many("y").kinds_hash());
    assert_ne!(ada.kinds_hash(), org("ada").kinds_hash());
}

#[test]
fn equal_contexts_and_references_are_one_member_of_a_set() {
    let key = |key: &str| Context::new(key).unwrap();
    let contexts = std::collections::HashSet::from([key("ada"), key("ada"), key("bob")]);
    assert_eq!(contexts.len(), 2);
    let references = ["/a", "a", "/a/b", "/", "", "//"].map(Reference::new);
    let distinct: std::collections::HashSet<_> = references.into_iter().collect();
    // `/a` and `a` are the same; each of the three invalid ones is only equal to itself.
    assert_eq!(distinct.len(), 5);
    assert!(distinct.contains(&Reference::literal("a")));
    assert!(distinct.contains(&Reference::new("//")));
}

#[test]
fn private_references_are_compared_with_their_number() {
    let private = |names: [&str; 3]| Context::builder("ada").private(names).build().unwrap();
    assert_eq!(private(["a", "b", "a"]), private(["b", "/a", "a"]));
    assert_ne!(private(["a", "a", "b"]), private(["a", "b", "b"]));
}

#[test]
fn a_reference_is_shown_as_it_was_written() {
    for text in ["a", "/a~1b", "", "//"] {
        assert_eq!(Reference::new(text).to_string(), text);
    }
}
