//! The steps of a flag.

use super::*;
use crate::eval::EvalErrorKind;

/// The causes of the steps that make a flag malformed, with their positions.
fn causes(explanation: &Explanation) -> Vec<(Option<&str>, &MalformedCause)> {
    let steps = explanation.steps.iter();
    let causes = steps.filter_map(|step| match &step.kind {
        StepKind::Malformed { cause } => Some((step.at.as_ref().map(Text::as_str), cause)),
        _ => None,
    });
    causes.collect()
}

#[test]
fn the_cause_of_a_malformed_flag_is_named_with_its_position() {
    let clause = |clause: Json| json!({"rules": [{"clauses": [clause], "variation": 0}]});
    let shares = json!([{"variation": 0, "weight": 100_000}]);
    let out_of_range = |variation| MalformedCause::VariationOutOfRange {
        variation,
        variations: 2,
    };
    let reference = |error: &str| MalformedCause::InvalidReference {
        error: error.into(),
    };
    let segments = |keys: [&str; 3]| MalformedCause::SegmentCycle {
        path: keys.map(Text::from).to_vec(),
    };
    for (properties, at, cause) in [
        (
            json!({"fallthrough": {"variation": 7}}),
            "/fallthrough",
            out_of_range(7),
        ),
        (
            json!({"on": false, "offVariation": -1}),
            "/offVariation",
            out_of_range(-1),
        ),
        (
            json!({"targets": [{"variation": 5, "values": ["ada"]}]}),
            "/targets/0",
            out_of_range(5),
        ),
        (
            json!({"fallthrough": {}}),
            "/fallthrough",
            MalformedCause::NoOutcome,
        ),
        (
            json!({"rules": [{"clauses": []}]}),
            "/rules/0",
            MalformedCause::NoOutcome,
        ),
        (
            clause(json!({"op": "in", "values": [1]})),
            "/rules/0/clauses/0",
            reference("attribute reference is empty"),
        ),
        (
            clause(json!({"op": "segmentMatch", "values": ["s"]})),
            "/rules/0/clauses/0",
            segments(["s", "t", "s"]),
        ),
        (
            json!({"fallthrough": {"rollout": {"contextKind": "user", "bucketBy": "//", "variations": shares}}}),
            "/fallthrough",
            reference("attribute reference has an empty component"),
        ),
    ] {
        let nested =
            |key: &str| json!({"rules": [{"clauses": [{"op": "segmentMatch", "values": [key]}]}]});
        let data = Data::new(
            json!({"f": flag(properties.clone())}),
            json!({"s": nested("t"), "t": nested("s")}),
        );
        let explanation = data.explain("f", &user(json!({})));
        assert_eq!(
            explanation.reason.error(),
            Some(EvalErrorKind::MalformedFlag)
        );
        assert_eq!(causes(&explanation), [(Some(at), &cause)], "{properties}");
        assert_eq!(explanation.steps.last().unwrap().at.as_deref().unwrap(), at);
    }
}

#[test]
fn steps_behind_the_decision_are_evaluated_without_effect() {
    let base = flag(json!({"prerequisites": [{"key": "top", "variation": 1}]}));
    let top = flag(json!({"on": false, "offVariation": 1,
        "prerequisites": [{"key": "base", "variation": 0}, {"key": "gone", "variation": 0}],
        "targets": [{"variation": 7, "values": ["ada"]}],
        "rules": [
            {"clauses": [{"op": "in", "values": [1]}], "variation": 0},
            {"clauses": [], "variation": 1}],
        "fallthrough": {"variation": 0}}));
    let data = Data::new(json!({"top": top, "base": base}), json!({}));
    let ada = user(json!({}));

    let counted = data.explain("top", &ada);
    assert_eq!(counted.steps.len(), 2);
    let not_reached = NotReached {
        prerequisites: 2,
        rules: 2,
        fallthrough: true,
    };
    assert_eq!(counted.not_reached, not_reached);

    let options = ExplainOptions::default().beyond(true);
    let explanation = data.explain_with("top", &ada, &options);
    assert_eq!(explanation.not_reached, not_reached);
    assert_eq!(explanation.steps[..2], counted.steps[..]);
    let beyond = &explanation.steps[2..];
    assert!(beyond.iter().all(|step| !step.reached));
    let names: Vec<_> = beyond.iter().map(|step| name(&step.kind)).collect();
    let expected = [
        "prerequisite",
        "prerequisite",
        "targets",
        "malformed",
        "rule",
        "malformed",
        "rule",
        "fallthrough",
    ];
    assert_eq!(names, expected, "{explanation}");
}

fn name(kind: &StepKind) -> Json {
    serde_json::to_value(kind).unwrap()["step"].clone()
}

#[test]
fn the_position_of_a_target_is_that_of_the_list_that_holds_the_key() {
    let targets = |context_targets: Json| {
        let targets =
            json!([{"variation": 1, "values": ["bob"]}, {"variation": 0, "values": ["ada"]}]);
        flag(json!({"targets": targets, "contextTargets": context_targets}))
    };
    let placeholder = json!([{"contextKind": "org", "variation": 1, "values": ["acme"]},
        {"contextKind": "user", "variation": 0, "values": []}]);
    let own = json!([{"contextKind": "user", "variation": 1, "values": ["ada"]}]);
    for (context_targets, at) in [
        (json!([]), "/targets/1"),
        (placeholder, "/targets/1"),
        (own, "/contextTargets/0"),
    ] {
        let data = Data::new(json!({"f": targets(context_targets.clone())}), json!({}));
        let explanation = data.explain("f", &user(json!({})));
        let StepKind::Targets {
            target: Some(target),
            lists: Some(_),
        } = &explanation.steps[1].kind
        else {
            panic!("no target: {explanation}");
        };
        assert_eq!(target.at.as_deref().unwrap(), at, "{context_targets}");
    }
}

#[test]
fn the_list_of_a_segment_that_names_a_context_is_found() {
    let clause = json!({"op": "segmentMatch", "values": ["s", "t", "u", "gone"]});
    let rule = json!({"clauses": [clause], "variation": 1});
    let segments = json!({
        "s": {"excluded": ["ada"]},
        "t": {"excludedContexts": [{"contextKind": "org", "values": []}, {"values": ["ada"]}]},
        "u": {"includedContexts": [{"contextKind": "user", "values": ["ada"]}]}});
    let data = Data::new(json!({"f": flag(json!({"rules": [rule]}))}), segments);
    let explanation = data.explain("f", &user(json!({})));
    let listed = first_clause(&explanation).segments.iter().map(|step| {
        let SegmentDecision::Listed { included, at, .. } = &step.decision else {
            panic!("{step:?} is not listed");
        };
        (step.contains, *included, at.as_ref().unwrap().as_str())
    });
    let expected = [
        (false, false, "/excluded"),
        (false, false, "/excludedContexts/1"),
        (true, true, "/includedContexts/0"),
    ];
    assert_eq!(listed.collect::<Vec<_>>(), expected);
}

#[test]
fn missing_data_is_named_also_if_only_steps_behind_the_decision_need_it() {
    let clause = json!({"op": "segmentMatch", "values": ["big"]});
    let flag_json = flag(json!({"on": false, "rules": [{"clauses": [clause], "variation": 1}]}));
    let data = Data::new(
        json!({"f": flag_json}),
        json!({"big": {"unbounded": true, "generation": 1}}),
    );
    let Found::Present(flag) = data.flag("f") else {
        panic!("the flag is missing");
    };
    let ada = user(json!({}));
    let options = ExplainOptions::default();
    assert!(explain(flag, &ada, &data, &options).is_ok());
    let need = explain(flag, &ada, &data, &options.beyond(true)).unwrap_err();
    assert_eq!(need, Need::Membership("ada".into()));
}

#[test]
fn an_override_is_marked() {
    let data = Data::new(json!({"f": flag(json!({}))}), json!({}));
    let Found::Present(flag) = data.flag("f") else {
        panic!("the flag is missing");
    };
    let flag = flag.clone().into_override();
    let ada = user(json!({}));
    let explanation = explain(&flag, &ada, &data, &ExplainOptions::default()).unwrap();
    assert!(explanation.reason.is_override);
}
