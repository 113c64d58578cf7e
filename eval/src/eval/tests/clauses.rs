//! Rules, clauses and operators.

use super::*;

const OPERATORS: [&str; 14] = [
    "in",
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "lessThan",
    "lessThanOrEqual",
    "greaterThan",
    "greaterThanOrEqual",
    "before",
    "after",
    "semVerEqual",
    "semVerLessThan",
    "semVerGreaterThan",
];

// EVAL-4.6
#[test]
fn a_rule_matches_if_all_of_its_clauses_do() {
    let yes = json!({"attribute": "key", "op": "in", "values": ["ada"]});
    let no = json!({"attribute": "key", "op": "in", "values": ["bob"]});
    let bad = json!({"op": "in", "values": ["ada"]});
    for (clauses, expected) in [
        (json!([]), Some(true)),
        (json!([yes]), Some(true)),
        (json!([yes, yes]), Some(true)),
        (json!([yes, no]), Some(false)),
        (json!([no, yes]), Some(false)),
        (json!([yes, bad]), None),
        (json!([bad, no]), None),
        (json!([no, bad]), Some(false)),
    ] {
        let rules = json!([{"clauses": clauses.clone(), "variation": 1}]);
        let data = Data::flags(json!({"f": flag(json!({"rules": rules}))}));
        assert_eq!(data.matches(&user("ada")), expected, "{clauses}");
    }
}

// EVAL-4.6 and EVAL-7.3
#[test]
fn a_clause_without_a_valid_attribute_is_always_malformed() {
    let mut bad = vec![
        json!({}),
        json!({"attribute": null}),
        json!({"attribute": ""}),
        json!({"contextKind": "user"}),
        json!({"contextKind": "user", "attribute": ""}),
        json!({"contextKind": "org", "attribute": "/"}),
    ];
    bad.extend(
        ["/", "//", "/o//p", "/o/", "/a~b", "/a~", "/a~2", "/o/p~"]
            .map(|text| json!({"contextKind": "user", "attribute": text})),
    );
    for bad in bad {
        for more in [
            json!({"op": "in", "values": ["x"]}),
            json!({"op": "in", "values": ["x"], "negate": true}),
            json!({"op": "no-such-op"}),
            json!({}),
        ] {
            let written = merged(bad.clone(), more);
            assert_eq!(clause(written.clone(), &user("ada")), None, "{written}");
        }
    }
}

// EVAL-2.3, EVAL-4.6 and EVAL-7.3
#[test]
fn an_attribute_is_a_plain_name_unless_the_clause_has_a_kind() {
    let ada = context(
        json!({"kind": "user", "key": "k", "/o/p": "plain", "o": {"p": "nested"},
        "l": ["z"], "s": "str", "/": "slash"}),
    );
    for (kind, attribute, value) in [
        (json!(null), "/o/p", "plain"),
        (json!(""), "/o/p", "plain"),
        (json!("user"), "/o/p", "nested"),
        (json!("user"), "/~1o~1p", "plain"),
        (json!(null), "/", "slash"),
        (json!("user"), "/key", "k"),
        (json!("user"), "key", "k"),
        (json!(null), "key", "k"),
    ] {
        let written =
            json!({"contextKind": kind, "attribute": attribute, "op": "in", "values": [value]});
        assert_eq!(clause(written.clone(), &ada), Some(true), "{written}");
    }
    for (kind, attribute) in [
        (json!("user"), "/l/0"),
        (json!("user"), "/s/len"),
        (json!("user"), "/o/none"),
        (json!("user"), "/~01"),
        (json!(null), "/key"),
        (json!(null), "//"),
    ] {
        for negate in [false, true] {
            let written = json!({"contextKind": kind, "attribute": attribute, "op": "in",
                "values": ["x"], "negate": negate});
            assert_eq!(clause(written.clone(), &ada), Some(false), "{written}");
        }
    }
}

// EVAL-4.6
#[test]
fn built_in_attributes_can_be_tested_like_any_other() {
    let ada = context(json!({"kind": "user", "key": "k", "name": "N", "anonymous": true}));
    for (attribute, value, context, expected) in [
        ("key", json!("k"), &ada, true),
        ("name", json!("N"), &ada, true),
        ("anonymous", json!(true), &ada, true),
        ("anonymous", json!(false), &ada, false),
        ("anonymous", json!(false), &user("k"), true),
        ("name", json!("N"), &user("k"), false),
    ] {
        let written = json!({"attribute": attribute, "op": "in", "values": [value]});
        assert_eq!(
            clause(written.clone(), context),
            Some(expected),
            "{written}"
        );
    }
    let nameless = json!({"attribute": "name", "op": "in", "values": ["N"], "negate": true});
    assert_eq!(clause(nameless, &user("k")), Some(false));
}

// EVAL-4.6
#[test]
fn a_clause_tests_the_member_of_its_kind_and_never_matches_without_one() {
    let both = org_and_user("o", "u");
    for (kind, value, negate, expected) in [
        (json!(null), "u", false, true),
        (json!(null), "o", false, false),
        (json!("user"), "u", false, true),
        (json!("org"), "o", false, true),
        (json!("org"), "u", false, false),
        (json!("org"), "u", true, true),
        (json!("device"), "o", false, false),
        (json!("device"), "o", true, false),
        (json!("multi"), "o", true, false),
        (json!("!"), "o", true, false),
        (json!("Org"), "o", true, false),
    ] {
        let written = json!({"contextKind": kind, "attribute": "key", "op": "in", "values": [value],
            "negate": negate});
        assert_eq!(clause(written.clone(), &both), Some(expected), "{written}");
    }
}

// EVAL-4.6
#[test]
fn the_attribute_kind_refers_to_all_kinds_of_the_context() {
    let both = context(json!({"kind": "multi", "dog": {"key": "d"}, "user": {"key": "u"}}));
    let cat = Context::with_kind("c", "cat").unwrap();
    for (context, op, value, matches) in [
        (&both, "in", "dog", true),
        (&both, "in", "user", true),
        (&both, "in", "multi", false),
        (&both, "in", "cat", false),
        (&both, "startsWith", "do", true),
        (&cat, "in", "cat", true),
        (&cat, "in", "user", false),
        (&cat, "matches", "^c.t$", true),
        (&cat, "lessThan", "dog", false),
    ] {
        for (kind, attribute) in [
            (json!(null), "kind"),
            (json!("user"), "kind"),
            (json!("user"), "/kind"),
            (json!("other"), "kind"),
        ] {
            let written =
                json!({"contextKind": kind, "attribute": attribute, "op": op, "values": [value]});
            let negated = merged(written.clone(), json!({"negate": true}));
            assert_eq!(clause(written.clone(), context), Some(matches), "{written}");
            assert_eq!(
                clause(negated.clone(), context),
                Some(!matches),
                "{negated}"
            );
        }
    }
}

// EVAL-4.6
#[test]
fn a_path_below_the_kind_refers_to_nothing() {
    let written = json!({"attribute": "/kind/x", "op": "in", "values": ["user"]});
    assert_eq!(clause(written, &user("ada")), Some(false));
}

// EVAL-4.6 and EVAL-4.9
#[test]
fn a_kind_that_is_a_valid_version_is_compared_as_one() {
    let versioned = Context::with_kind("k", "2.1").unwrap();
    for (op, value) in [
        ("semVerEqual", "2.1.0"),
        ("semVerLessThan", "2.2"),
        ("semVerGreaterThan", "2.0"),
    ] {
        let written = json!({"attribute": "kind", "op": op, "values": [value]});
        assert_eq!(clause(written.clone(), &versioned), Some(true), "{written}");
    }
}

// EVAL-4.6
#[test]
fn segment_clauses_ignore_attribute_and_kind_and_skip_invalid_values() {
    let segments = json!({
        "has": {"included": ["ada"]},
        "has-not": {"included": ["bob"]},
        "deleted": {"deleted": true, "version": 1, "included": ["ada"]},
    });
    for (values, matches) in [
        (json!(["has"]), true),
        (json!(["has-not"]), false),
        (json!(["has-not", "has"]), true),
        (json!(["missing"]), false),
        (json!(["missing", 3, null, ["has"], "has"]), true),
        (json!([3, null, ["has"], {"key": "has"}]), false),
        (json!(["deleted"]), false),
        (json!([]), false),
    ] {
        for more in [
            json!({}),
            json!({"attribute": "///", "contextKind": "device"}),
        ] {
            for negate in [false, true] {
                let base = json!({"op": "segmentMatch", "values": values, "negate": negate});
                let written = merged(base, more.clone());
                let data = Data::clause(written.clone(), segments.clone());
                assert_eq!(
                    data.matches(&user("ada")),
                    Some(matches != negate),
                    "{written}"
                );
            }
        }
    }
}

/// Checks an operator against the value of an attribute, plain and negated.
fn check(op: &str, attribute: Json, values: Json, matches: bool) {
    let context = with_attribute(attribute.clone());
    for negate in [false, true] {
        let written = json!({"attribute": "a", "op": op, "values": values, "negate": negate});
        assert_eq!(
            clause(written.clone(), &context),
            Some(matches != negate),
            "{attribute} against {written}"
        );
    }
}

// EVAL-0 and EVAL-4.7
#[test]
fn in_compares_values_of_the_same_type_only() {
    for (attribute, values, matches) in [
        (json!("a"), json!(["b", "a"]), true),
        (json!("a"), json!(["A"]), false),
        (json!("a"), json!([]), false),
        (json!(""), json!([""]), true),
        (json!("é"), json!(["e\u{301}"]), false),
        (json!(3), json!([1, 3.0]), true),
        (json!(3.0), json!([3]), true),
        (json!(-0.0), json!([0]), true),
        (json!(3.5), json!([3]), false),
        (json!(9), json!([9, 100, -1, 0.5]), true),
        (json!(-1), json!([9, 100, -1, 0.5]), true),
        (json!(3), json!(["3"]), false),
        (json!("3"), json!([3]), false),
        (json!(true), json!([true]), true),
        (json!(true), json!([false, 1, "true"]), false),
        (json!(false), json!([false]), true),
        (json!(false), json!([true, 0, "", null, "false"]), false),
        (json!({"x": 1}), json!([{"x": 1}]), false),
        (json!([["x"]]), json!([["x"], "x"]), false),
        (json!([null]), json!([null]), false),
        (json!(["y", 3, true]), json!(["x", 3]), true),
    ] {
        check("in", attribute, values, matches);
    }
    let many: Json = (0..1_000)
        .flat_map(|n| [json!(n), json!(format!("s{n}"))])
        .collect();
    for (attribute, matches) in [
        (json!(0), true),
        (json!(999), true),
        (json!(1_000), false),
        (json!("s999"), true),
        (json!("s1000"), false),
    ] {
        check("in", attribute, many.clone(), matches);
    }
}

// EVAL-4.7
#[test]
fn text_operators_compare_strings_unchanged() {
    for (op, attribute, values, matches) in [
        ("startsWith", json!("abc"), json!(["x", "ab"]), true),
        ("startsWith", json!("abc"), json!(["Ab", "bc"]), false),
        ("startsWith", json!("abc"), json!([""]), true),
        ("endsWith", json!("abc"), json!(["x", "bc"]), true),
        ("endsWith", json!("abc"), json!(["Bc", "ab"]), false),
        ("endsWith", json!("abc"), json!([""]), true),
        ("contains", json!("abc"), json!(["x", "b"]), true),
        ("contains", json!("abc"), json!(["B", "ac"]), false),
        ("contains", json!("abc"), json!([""]), true),
        ("contains", json!(["x", "abc"]), json!(["b"]), true),
        ("matches", json!("hello world"), json!(["wor"]), true),
        ("matches", json!("hello world"), json!(["^wor"]), false),
        ("matches", json!("hello world"), json!(["***", "o w"]), true),
        ("matches", json!("hello world"), json!(["(?=hello)"]), false),
        (
            "matches",
            json!("hello world"),
            json!(["WORLD", "(?i)WORLD"]),
            true,
        ),
        ("matches", json!("hello world"), json!([""]), true),
    ] {
        check(op, attribute, values, matches);
    }
}

// EVAL-4.7
#[test]
fn number_operators_match_if_any_value_does() {
    for (attribute, values, less, less_or_equal, greater, greater_or_equal) in [
        (json!(1), json!([2]), true, true, false, false),
        (json!(2), json!([2.0]), false, true, false, true),
        (json!(3), json!([2]), false, false, true, true),
        (json!(2), json!([1, 3, 1]), true, true, true, true),
        (json!(-1.5), json!([-1.25]), true, true, false, false),
        (json!(2), json!(["9", null, 1]), false, false, true, true),
    ] {
        for (op, matches) in [
            ("lessThan", less),
            ("lessThanOrEqual", less_or_equal),
            ("greaterThan", greater),
            ("greaterThanOrEqual", greater_or_equal),
        ] {
            check(op, attribute.clone(), values.clone(), matches);
        }
    }
}

// EVAL-4.7 and EVAL-4.8
#[test]
fn dates_are_compared_as_instants_and_equal_ones_never_match() {
    let noon = "2020-01-01T12:00:00Z";
    let noon_millis = 1_577_880_000_000_i64;
    for (attribute, values, before, after) in [
        (json!(noon), json!(["2020-01-01T12:00:01Z"]), true, false),
        (json!(noon), json!(["2020-01-01T11:59:59Z"]), false, true),
        (json!(noon), json!([noon]), false, false),
        (
            json!(noon),
            json!(["2020-01-01T13:00:00+01:00"]),
            false,
            false,
        ),
        (json!(noon), json!([noon_millis]), false, false),
        (json!(noon_millis), json!([noon_millis + 1]), true, false),
        (json!(noon_millis), json!([noon]), false, false),
        // Numbers lose their fraction, strings do not.
        (json!(1.9), json!([1]), false, false),
        (json!("1970-01-01T00:00:00.0015Z"), json!([1]), false, true),
        (json!(1e300), json!([1e299]), false, true),
        // One matching value is enough.
        (json!(5), json!([1, 9, 5]), true, true),
        (json!(5), json!(["no date", 9, true]), true, false),
        (json!([9, 5]), json!([6]), true, true),
    ] {
        check("before", attribute.clone(), values.clone(), before);
        check("after", attribute, values, after);
    }
}

// EVAL-4.8
#[test]
fn every_year_of_four_digits_is_a_date() {
    check("before", json!(0), json!(["9999-12-31T23:59:59Z"]), true);
    check(
        "before",
        json!(0),
        json!(["9999-12-31T23:59:59-23:59"]),
        true,
    );
    check("after", json!(0), json!(["0000-01-01T00:00:00Z"]), true);
    check(
        "after",
        json!(0),
        json!(["0000-01-01T00:00:00+23:59"]),
        true,
    );
}

// EVAL-4.7 and EVAL-4.9
#[test]
fn versions_are_compared_by_precedence() {
    for (attribute, values, equal, less, greater) in [
        (json!("2.0.0"), json!(["2"]), true, false, false),
        (json!("2"), json!(["2.0.0+build"]), true, false, false),
        (json!("2.0.0-rc"), json!(["2"]), false, true, false),
        (json!("10.0.1"), json!(["2.0"]), false, false, true),
        (
            json!("2.0.0-rc.2"),
            json!(["2.0.0-rc.10"]),
            false,
            true,
            false,
        ),
        // One matching value is enough.
        (json!("2"), json!(["1", "3", "2"]), true, true, true),
        (json!("2"), json!(["v1", "bad", "3"]), false, true, false),
        (json!(["1", "3"]), json!(["2"]), false, true, true),
    ] {
        check("semVerEqual", attribute.clone(), values.clone(), equal);
        check("semVerLessThan", attribute.clone(), values.clone(), less);
        check("semVerGreaterThan", attribute, values, greater);
    }
}

// EVAL-4.6 and EVAL-4.7
#[test]
fn wrong_types_do_not_match_and_therefore_match_when_negated() {
    let texts: &[(Json, Json)] = &[
        (json!(1), json!(["1"])),
        (json!("1"), json!([1, true, null, ["1"], {}])),
        (json!(true), json!(["true"])),
        (json!({"a": 1}), json!(["a"])),
        (json!([[""]]), json!([""])),
    ];
    let numbers: &[(Json, Json)] = &[
        (json!("5"), json!([1, 5, 9])),
        (json!(5), json!(["1", "5", "9", true, null, [1], {}])),
        (json!(true), json!([0, 1, 2])),
        (json!({}), json!([0])),
        (json!([[5]]), json!([1, 5, 9])),
    ];
    let dates: &[(Json, Json)] = &[
        (json!("5"), json!([1, 9])),
        (json!(5), json!(["1", "9", "2017-12-06", true, null, {}])),
        (json!(true), json!([0, 2])),
        (json!("2017-12-06"), json!([0, 1e15])),
    ];
    let versions: &[(Json, Json)] = &[
        (json!(2), json!(["1", "2", "3"])),
        (json!("2"), json!([1, 2, 3, true, null, {}])),
        (json!("v2"), json!(["1", "2", "3"])),
        (json!("2"), json!(["v1", "02", "3."])),
        (json!(true), json!(["1"])),
    ];
    for op in OPERATORS {
        let cases = match op {
            "in" => continue,
            "startsWith" | "endsWith" | "contains" | "matches" => texts,
            "before" | "after" => dates,
            op if op.starts_with("semVer") => versions,
            _ => numbers,
        };
        for (attribute, values) in cases {
            check(op, attribute.clone(), values.clone(), false);
        }
    }
}

// EVAL-7.7
#[test]
fn without_the_attribute_no_clause_matches_negated_or_not() {
    for context in [user("ada"), with_attribute(json!(null))] {
        for op in OPERATORS.into_iter().chain(["no-such-op", ""]) {
            for values in [json!([]), json!([1]), json!(["x"]), json!([null])] {
                for negate in [false, true] {
                    let written =
                        json!({"attribute": "a", "op": op, "values": values, "negate": negate});
                    assert_eq!(clause(written.clone(), &context), Some(false), "{written}");
                }
            }
        }
    }
}

// EVAL-7.7
#[test]
fn without_values_no_clause_matches_and_every_negated_one_does() {
    for op in OPERATORS.into_iter().chain(["no-such-op", ""]) {
        for attribute in [json!("x"), json!(1), json!(true), json!([1]), json!({})] {
            check(op, attribute, json!([]), false);
        }
    }
}

// EVAL-7.7
#[test]
fn clauses_follow_the_table_of_vectors() {
    for (attribute, op, values, matches) in [
        (json!([]), "in", json!([1]), false),
        (json!([1, 2]), "in", json!([2, 9]), true),
        (json!(true), "in", json!([1]), false),
        (json!(true), "in", json!([1.0]), false),
        (json!(1), "in", json!([1.0]), true),
        (json!(1), "in", json!(["1"]), false),
        (json!(1), "in", json!([true]), false),
        (json!("99"), "lessThan", json!([100]), false),
        (json!("x"), "no-such-op", json!(["x"]), false),
        (json!("hello world"), "matches", json!(["l+"]), true),
        (json!("hello world"), "matches", json!(["***bad"]), false),
        (json!("Prefixabc"), "startsWith", json!(["prefix"]), false),
    ] {
        check(op, attribute, values, matches);
    }
    let both = context(json!({"kind": "multi", "dog": {"key": "d"}, "user": {"key": "u"}}));
    let negated = json!({"attribute": "kind", "op": "in", "values": ["dog"], "negate": true});
    assert_eq!(clause(negated, &both), Some(false));
    let pattern = json!({"attribute": "kind", "op": "matches", "values": ["^[uo]"]});
    assert_eq!(clause(pattern, &both), Some(true));
    let other_kind = json!({"contextKind": "org", "attribute": "key", "op": "in", "values": ["x"],
        "negate": true});
    assert_eq!(clause(other_kind, &user("ada")), Some(false));
}

// EVAL-4.6 and EVAL-4.10
#[test]
fn a_malformed_clause_inside_a_segment_makes_the_flag_malformed() {
    let bad = json!({"op": "in", "values": ["x"]});
    let never = json!({"attribute": "key", "op": "in", "values": []});
    let nested = json!({"rules": [rule_of(segment_match(&["bad"]))]});
    let segments = json!({
        "bad": {"included": ["listed"], "rules": [rule_of(bad.clone())]},
        "behind": {"rules": [{"clauses": [never, bad]}]},
        "nested": nested,
    });
    for (key, context, expected) in [
        ("bad", user("ada"), None),
        ("bad", user("listed"), Some(true)),
        ("nested", user("ada"), None),
        ("behind", user("ada"), Some(false)),
    ] {
        assert_eq!(
            in_segment(key, segments.clone(), &context),
            expected,
            "{key}"
        );
    }
}

#[test]
fn a_match_beyond_the_step_limit_makes_the_flag_malformed_negated_or_not() {
    let mut random = fastrand::Rng::with_seed(1);
    let text: String = (0..40_000)
        .map(|_| if random.bool() { 'a' } else { 'b' })
        .collect();
    let alone = Context::builder("ada")
        .set("a", text.as_str())
        .build()
        .unwrap();
    let in_a_list = Context::builder("ada")
        .set("a", [text.as_str()])
        .build()
        .unwrap();
    let decided_before = Context::builder("ada")
        .set("a", ["abc", text.as_str()])
        .build()
        .unwrap();
    let hard = |negate| json!({"attribute": "a", "op": "matches", "values": ["^abc$", "a[ab]{900}c"], "negate": negate});
    assert_eq!(clause(hard(false), &in_a_list), None);
    assert_eq!(clause(hard(true), &alone), None);
    assert_eq!(clause(hard(true), &decided_before), Some(false));
}
