//! Clauses: operands as written and as prepared, the operand that matches, and notes.

use super::*;

fn clause_of(clause: Json, context: &Context) -> [ClauseStep; 2] {
    let with_texts = Data::clauses(json!([clause])).explain("f", context);
    let without = Data::clauses(json!([clause])).without_texts();
    let without = without.explain("f", context);
    assert!(with_texts.as_written && !without.as_written);
    [&with_texts, &without].map(|explanation| first_clause(explanation).clone())
}

#[test]
fn the_first_operand_that_matches_is_named() {
    let context = user(
        json!({"n": 4, "s": "abc", "d": "2020-02-29T12:00:00Z", "v": "2.1.0-rc",
        "list": ["x", 7, "abc"]}),
    );
    for (attribute, op, values, operand, element) in [
        ("n", "in", json!([null, "4", 4]), 2, None),
        ("n", "lessThan", json!([3, 9, 5]), 1, None),
        ("n", "greaterThanOrEqual", json!([9, 4]), 1, None),
        ("s", "startsWith", json!(["b", "ab"]), 1, None),
        ("s", "matches", json!(["[", "^b", "c$"]), 2, None),
        ("d", "before", json!(["x", "2021-01-01T00:00:00Z"]), 1, None),
        ("v", "semVerLessThan", json!(["1", "2.1"]), 1, None),
        ("v", "semVerEqual", json!(["2.1.0-rc+build"]), 0, None),
        ("list", "in", json!(["abc", 7]), 1, Some(1)),
        ("kind", "in", json!(["org", "user"]), 1, Some(0)),
    ] {
        let clause = json!({"attribute": attribute, "op": op, "values": values});
        let [written, prepared] = clause_of(clause.clone(), &context);
        assert!(written.matched && prepared.matched, "{clause}");
        assert_eq!(serde_json::to_value(&written.values).unwrap(), values);
        let matched = written.matched_operand.unwrap();
        assert_eq!(
            (matched.operand, matched.element),
            (operand, element),
            "{clause}"
        );
        assert_eq!(Json::from(&matched.value), values[operand]);
        // The operand that preparing has left is the one that matches, too.
        assert_eq!(prepared.op.unwrap(), op);
        let matched = prepared.matched_operand.unwrap();
        assert_eq!(matched.value, prepared.values[matched.operand], "{clause}");
    }
}

#[test]
fn operands_that_match_are_also_named_if_the_clause_is_negated() {
    let clause = json!({"attribute": "n", "op": "in", "values": [4], "negate": true});
    let [written, prepared] = clause_of(clause, &user(json!({"n": 4})));
    for step in [written, prepared] {
        assert!(!step.matched && step.negate);
        assert_eq!(step.matched_operand.unwrap().operand, 0);
    }
}

#[test]
fn what_a_clause_finds_is_shown() {
    let missing_kind = FoundValue::MissingKind { kind: "org".into() };
    let missing = |depth| FoundValue::MissingAttribute { depth };
    let kinds = FoundValue::Kinds(vec!["user".into()]);
    let context = user(json!({"o": {"p": {"q": 1, "r": null}}, "l": [1]}));
    for (kind, attribute, found) in [
        ("org", "o", missing_kind),
        ("user", "x", missing(0)),
        ("user", "name", missing(0)),
        ("user", "/o/x/q", missing(1)),
        ("user", "/o/p/x", missing(2)),
        ("user", "/o/p/r", missing(2)),
        ("user", "/l/0", missing(1)),
        ("user", "/o/p/q", FoundValue::Value(1.into())),
        ("user", "key", FoundValue::Value("ada".into())),
        ("user", "kind", kinds),
    ] {
        let clause =
            json!({"contextKind": kind, "attribute": attribute, "op": "in", "values": [2]});
        for step in clause_of(clause, &context) {
            assert_eq!(step.found, Some(found.clone()), "{kind} {attribute}");
        }
    }
}

#[test]
fn unusual_clauses_have_notes() {
    let ignored = |operand, reason: &str| ClauseNote::OperandIgnored {
        operand,
        reason: reason.into(),
    };
    let mismatch = |expected| ClauseNote::TypeMismatch {
        found: ValueType::String,
        expected,
    };
    let other_type = "a value is not of the type that the operator compares";
    let context = user(json!({"s": "x", "e": []}));
    for (attribute, op, values, negate, notes) in [
        (
            "s",
            "near",
            json!(["x"]),
            false,
            vec![ClauseNote::UnknownOperator],
        ),
        (
            "s",
            "in",
            json!([]),
            false,
            vec![ClauseNote::NoUsableOperand],
        ),
        (
            "s",
            "in",
            json!([[], "y"]),
            false,
            vec![ignored(0, other_type)],
        ),
        ("s", "before", json!([0]), false, vec![mismatch("a date")]),
        (
            "s",
            "lessThan",
            json!([9]),
            true,
            vec![mismatch("a number")],
        ),
        (
            "s",
            "semVerEqual",
            json!(["1", "x"]),
            false,
            vec![ignored(1, other_type), mismatch("a version")],
        ),
        ("e", "in", json!(["x"]), false, vec![ClauseNote::EmptyArray]),
        (
            "x",
            "in",
            json!(["x"]),
            true,
            vec![ClauseNote::NegateIgnored],
        ),
        ("x", "in", json!(["x"]), false, vec![]),
        ("s", "in", json!(["y"]), false, vec![]),
    ] {
        let clause = json!({"attribute": attribute, "op": op, "values": values, "negate": negate});
        let [written, _] = clause_of(clause.clone(), &context);
        assert_eq!(written.notes, notes, "{clause}");
    }
}

#[test]
fn the_name_of_an_unknown_operator_is_taken_from_the_problems_of_the_item() {
    let clause = |op: &str| json!({"attribute": "key", "op": op, "values": ["x"], "negate": true});
    let clauses = json!([clause("in"), clause("near"), clause("far"), clause("in")]);
    let data = Data::clauses(clauses).without_texts();
    let explanation = data.explain("f", &user(json!({})));
    let StepKind::Rule(rule) = &explanation.steps[1].kind else {
        panic!("no rule: {explanation}");
    };
    let ops = rule
        .clauses
        .iter()
        .map(|step| step.op.as_ref().unwrap().as_str());
    assert_eq!(ops.collect::<Vec<_>>(), ["in", "near", "far", "in"]);

    // A clause without a usable operand makes the names ambiguous.
    let clauses = json!([clause("near"), clause("lessThan")]);
    let data = Data::clauses(clauses).without_texts();
    assert_eq!(first_clause(&data.explain("f", &user(json!({})))).op, None);
}
