//! Defects that are accepted, fail only at evaluation, and are listed as problems.

use super::*;

/// The problems of a flag as displayed.
fn problems(flag: &Flag) -> Vec<String> {
    flag.problems().iter().map(ToString::to_string).collect()
}

// EVAL-2.1
#[test]
fn defects_that_fail_at_evaluation_are_accepted_and_listed_as_problems() {
    let clause =
        |clause: Json| json!({"rules": [{"variation": 0}, {"variation": 0, "clauses": [clause]}]});
    let rollout = |more: Json| {
        let mut rollout = json!({"bucketBy": "//", "contextKind": "user", "variations": [{}]});
        rollout
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"rules": [{"variation": 0}, {"rollout": rollout}]})
    };
    let attribute = |reference: &str, error| Defect::Attribute {
        reference: reference.into(),
        error,
    };
    for (json, defects) in [
        (
            clause(json!({"attribute": "a", "op": "no-such-op"})),
            vec![Defect::Operator {
                op: "no-such-op".into(),
            }],
        ),
        (
            clause(json!({"attribute": "a"})),
            vec![Defect::Operator { op: "".into() }],
        ),
        (
            clause(json!({"attribute": "a", "op": "matches", "values": ["a+", "***", 3]})),
            vec![Defect::Pattern {
                pattern: "***".into(),
                error: PatternError::new("nothing to repeat", 0),
            }],
        ),
        (
            clause(json!({"attribute": "a", "op": "before", "values": ["2017-12-06", 1]})),
            vec![Defect::Operand {
                value: "2017-12-06".into(),
            }],
        ),
        (
            clause(json!({"attribute": "a", "op": "semVerEqual", "values": ["2", 3, "v4"]})),
            vec![
                Defect::Operand { value: 3.into() },
                Defect::Operand { value: "v4".into() },
            ],
        ),
        (
            clause(json!({"attribute": "/a//b", "contextKind": "user", "op": "in"})),
            vec![attribute("/a//b", ReferenceError::EmptyComponent)],
        ),
        (
            clause(json!({"attribute": "/a~2", "contextKind": "user", "op": "in"})),
            vec![attribute("/a~2", ReferenceError::Escape)],
        ),
        (
            clause(json!({"op": "in"})),
            vec![attribute("", ReferenceError::Empty)],
        ),
        (clause(json!({"attribute": "/a~2", "op": "in"})), vec![]),
        (
            clause(json!({"attribute": "///", "contextKind": "user", "op": "segmentMatch"})),
            vec![],
        ),
        (
            rollout(json!({})),
            vec![attribute("//", ReferenceError::EmptyComponent)],
        ),
        (rollout(json!({"kind": "experiment"})), vec![]),
        (
            rollout(json!({"bucketBy": "a", "kind": "no-such-kind"})),
            vec![],
        ),
        (rollout(json!({"variations": []})), vec![Defect::NoOutcome]),
        (
            json!({"rules": [{"variation": 0}, {}]}),
            vec![Defect::NoOutcome],
        ),
        (json!({"rules": [{"variation": 99}]}), vec![]),
    ] {
        let mut json = json;
        json["fallthrough"] = json!({"variation": -1});
        let expected: Vec<_> = defects
            .into_iter()
            .map(|defect| Problem {
                rule: Some(1),
                defect,
            })
            .collect();
        assert_eq!(flag(json.clone()).problems(), expected, "{json}");
        let item = item(DataKind::Flag, &json).unwrap();
        assert_eq!(item.problems(), expected, "{json}");
    }
}

// EVAL-2.1
#[test]
fn problems_of_the_fallthrough_are_listed_without_a_rule() {
    for (fallthrough, problem) in [
        (json!({}), "fallthrough: neither a variation nor a rollout"),
        (
            json!({"rollout": {"variations": []}}),
            "fallthrough: neither a variation nor a rollout",
        ),
        (
            json!({"rollout": {"bucketBy": "/", "contextKind": "user", "variations": [{}]}}),
            "fallthrough: attribute reference \"/\": attribute reference is empty",
        ),
    ] {
        let flag = flag(json!({"fallthrough": fallthrough.clone()}));
        assert_eq!(problems(&flag), [problem], "{fallthrough}");
    }
}

// EVAL-2.1
#[test]
fn problems_of_segments_are_listed_by_rule() {
    let json = json!({"rules": [
        {"clauses": [{"attribute": "a", "op": "in"}]},
        {"clauses": [{"attribute": "a", "op": "later"}]},
        {"weight": 1, "bucketBy": "//", "rolloutContextKind": "user"},
        {"bucketBy": "//", "rolloutContextKind": "user"},
        {"weight": 1, "bucketBy": "//"},
    ]});
    let expected = [
        "rule 1: unknown operator \"later\"",
        "rule 2: attribute reference \"//\": attribute reference has an empty component",
    ];
    let shown =
        |problems: &[Problem]| -> Vec<_> { problems.iter().map(ToString::to_string).collect() };
    assert_eq!(shown(segment(json.clone()).problems()), expected);
    let item = item(DataKind::Segment, &json).unwrap();
    assert_eq!(shown(item.problems()), expected);
}

// EVAL-2.1
#[test]
fn kinds_inside_flag_data_are_not_checked() {
    let flag = flag(json!({
        "rules": [{"variation": 0, "clauses": [{"contextKind": "multi !", "attribute": "a", "op": "in"}]}],
        "contextTargets": [{"contextKind": "kind", "values": ["k"]}],
        "fallthrough": {"rollout": {"contextKind": "a b", "variations": [{}]}},
    }));
    assert_eq!(
        flag.rules[0].clauses[0].kind,
        Kind::from(Text::from("multi !"))
    );
    assert_eq!(
        rollout(&flag.fallthrough).kind,
        Kind::from(Text::from("a b"))
    );
    let target = flag
        .targets
        .find(|kind| (*kind == Kind::from(Text::from("kind"))).then_some("k"));
    assert_eq!(target.unwrap().1.variation(), 0);
    assert!(flag.problems().is_empty());
}

// EVAL-4.7
#[test]
fn an_invalid_pattern_is_listed_wherever_it_occurs() {
    let clause = json!({"attribute": "a", "op": "matches", "values": ["(", "ok"]});
    let rule = json!({"clauses": [clause], "variation": 0});
    let flag = json!({"rules": [rule, rule], "fallthrough": {"variation": 0}});
    let data =
        data(&json!({"flags": {"a": flag, "b": flag}, "segments": {"s": {"rules": [rule]}}}));
    let data = data.unwrap();
    let defects = |problems: &[Problem]| -> Vec<_> {
        let is_refused =
            |defect: &Defect| matches!(defect, Defect::Pattern { pattern, .. } if pattern == "(");
        problems
            .iter()
            .map(|problem| (problem.rule, is_refused(&problem.defect)))
            .collect()
    };
    for entry in &data.flags {
        assert_eq!(
            defects(entry.problems()),
            [(Some(0), true), (Some(1), true)]
        );
    }
    assert_eq!(defects(data.segments[0].problems()), [(Some(0), true)]);
}
