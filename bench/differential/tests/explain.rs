//! Explanations of random flags and contexts: they have the result of the evaluation, their steps
//! imply it, and they contain no private value.
//!
//! `VEXIL_EXPLAIN_PAIRS` sets the number of pairs of a flag and a context.

#![cfg(test)]

use std::env;

use serde_json::{Value as Json, json};
use vexil::eval::{EvalErrorKind, Found, Lookup, Outcome, Reason, ReasonKind, evaluate};
use vexil::explain::{
    ClauseStep, ExplainOptions, Explanation, FoundValue, Mask, PrerequisiteOutcome,
    SegmentDecision, SegmentStep, Serve, Step, StepKind, explain,
};
use vexil::{Context, Value};
use vexil_differential::case::Case;
use vexil_differential::generate;
use vexil_differential::ours::Parsed;

fn pairs() -> u64 {
    match env::var("VEXIL_EXPLAIN_PAIRS") {
        Ok(pairs) => pairs.parse().expect("VEXIL_EXPLAIN_PAIRS is a number"),
        Err(_) => 10_000,
    }
}

/// Calls `check` with cases of consecutive seeds until there are enough pairs.
fn for_each_case(pairs: u64, mut check: impl FnMut(&Case) -> u64) {
    let mut done = 0;
    for seed in 0.. {
        if done >= pairs {
            break;
        }
        done += check(&generate::case(seed));
    }
    println!("{done} pairs");
}

fn explained(parsed: &Parsed, key: &str, options: &ExplainOptions) -> Explanation {
    let Found::Present(flag) = parsed.data.flag(key) else {
        panic!("the data has no flag {key}");
    };
    let explanation = explain(flag, &parsed.context, &parsed.data, options);
    explanation.expect("nothing has to be fetched")
}

#[test]
fn explanations_have_the_result_of_the_evaluation_and_their_steps_imply_it() {
    let open = ExplainOptions::default().mask(Mask::Nothing);
    let beyond = open.clone().beyond(true);
    for_each_case(pairs(), |case| {
        let with_texts = Parsed::new(case).expect("the case is readable");
        let without = Parsed::new(case)
            .expect("the case is readable")
            .without_json();
        let mut count = 0;
        for key in case.flag_keys() {
            count += 1;
            let at = format!("seed {}, {key}", case.seed);
            let explanation = explained(&with_texts, key, &open);
            let result = evaluated(&with_texts, key);
            assert_eq!(result, result_of(&explanation), "{at}");
            assert!(explanation.as_written, "{at}");
            assert_consistent(&explanation, true, &at);

            let prepared = explained(&without, key, &open);
            assert!(!prepared.as_written, "{at}");
            assert_eq!(result_of(&prepared), result, "{at}");
            assert_eq!(matches(&prepared), matches(&explanation), "{at}");
            assert_consistent(&prepared, false, &at);

            let more = explained(&with_texts, key, &beyond);
            assert_eq!(result_of(&more), result, "{at}");
            assert_eq!(more.not_reached, explanation.not_reached, "{at}");
            let (reached, behind) = more.steps.split_at(explanation.steps.len());
            assert!(reached.iter().all(|step| step.reached), "{at}");
            assert!(behind.iter().all(|step| !step.reached), "{at}");
            assert_consistent(&more, true, &at);
        }
        count
    });
}

type Result<'a> = (Option<usize>, Option<&'a Value>, Reason);

fn evaluated<'a>(parsed: &'a Parsed, key: &str) -> Result<'a> {
    let Found::Present(flag) = parsed.data.flag(key) else {
        panic!("the data has no flag {key}");
    };
    let Outcome::Done(evaluation) = evaluate(flag, &parsed.context, &parsed.data) else {
        panic!("nothing has to be fetched");
    };
    let (index, value) = evaluation.variation.unzip();
    (index, value, evaluation.reason())
}

fn result_of(explanation: &Explanation) -> Result<'_> {
    let Explanation {
        variation, value, ..
    } = explanation;
    (*variation, value.as_ref(), explanation.reason.clone())
}

/// Checks what can be concluded from the explanation alone. `as_written`: whether the operands are
/// complete.
fn assert_consistent(explanation: &Explanation, as_written: bool, at: &str) {
    let (kind, variation) = implied(explanation);
    assert_eq!(explanation.reason.kind, kind, "{at}\n{explanation}");
    let index = variation.and_then(|index| usize::try_from(index).ok());
    assert_eq!(explanation.variation, index, "{at}\n{explanation}");
    // The step that makes a flag malformed may have no result.
    let is_malformed = |step: &Step| matches!(step.kind, StepKind::Malformed { .. });
    if explanation.steps.iter().any(is_malformed) {
        return;
    }
    for step in &explanation.steps {
        match &step.kind {
            StepKind::Rule(rule) => {
                let all = rule.not_evaluated == 0 && rule.clauses.iter().all(|step| step.matched);
                assert_eq!(rule.matched, all, "{at}\n{explanation}");
                for clause in &rule.clauses {
                    assert_clause(clause, as_written, at);
                }
            }
            StepKind::Prerequisite(step) => {
                if let Some(explanation) = &step.explanation
                    && step.outcome != PrerequisiteOutcome::Error
                {
                    assert_consistent(explanation, as_written, at);
                }
            }
            _ => {}
        }
    }
}

/// The reason and variation that the steps imply.
fn implied(explanation: &Explanation) -> (ReasonKind, Option<i64>) {
    let reached = explanation.steps.iter().filter(|step| step.reached);
    let last = reached
        .clone()
        .next_back()
        .expect("every evaluation has a step");
    let failed = reached.clone().find_map(|step| match &step.kind {
        StepKind::Prerequisite(step) if step.outcome != PrerequisiteOutcome::Passed => {
            Some(step.key.clone())
        }
        _ => None,
    });
    let malformed = ReasonKind::Error(EvalErrorKind::MalformedFlag);
    match &last.kind {
        StepKind::Off { variation } => {
            let reason = match failed {
                Some(prerequisite_key) => ReasonKind::PrerequisiteFailed { prerequisite_key },
                None => ReasonKind::Off,
            };
            (reason, *variation)
        }
        StepKind::Targets {
            target: Some(target),
            ..
        } => (ReasonKind::TargetMatch, Some(target.variation)),
        StepKind::Rule(rule) if rule.matched => {
            let (variation, in_experiment) = served(rule.serve.as_ref());
            let reason = ReasonKind::RuleMatch {
                rule_index: rule.index,
                rule_id: rule.id.clone(),
                in_experiment,
            };
            (reason, variation)
        }
        StepKind::Fallthrough { serve } => {
            let (variation, in_experiment) = served(serve.as_ref());
            (ReasonKind::Fallthrough { in_experiment }, variation)
        }
        StepKind::Malformed { .. } => (malformed, None),
        StepKind::Prerequisite(step) if step.outcome == PrerequisiteOutcome::Error => {
            (malformed, None)
        }
        other => panic!("{other:?} decides nothing"),
    }
}

fn served(serve: Option<&Serve>) -> (Option<i64>, bool) {
    match serve {
        Some(Serve::Variation(index)) => (Some(*index), false),
        Some(Serve::Rollout(step)) => {
            let chosen = &step.shares[step.chosen];
            let inside = (chosen.from..chosen.to).contains(&step.bucket);
            assert!(
                inside || step.past_the_end || step.bucket < chosen.to,
                "{step:?}"
            );
            (Some(chosen.variation), step.in_experiment)
        }
        other => panic!("{other:?} serves nothing"),
    }
}

fn assert_clause(step: &ClauseStep, as_written: bool, at: &str) {
    for segment in &step.segments {
        assert_segment(segment, as_written, at);
    }
    let satisfied = step.matched != step.negate;
    match &step.found {
        None => {
            let contained = step.segments.iter().any(|segment| segment.contains);
            assert_eq!(satisfied, contained, "{at}\n{step:?}");
        }
        Some(FoundValue::Value(_) | FoundValue::Kinds(_)) => {
            // Dates are prepared with less than their precision.
            let is_certain = as_written
                || !["before", "after"]
                    .map(|op| Some(op.into()))
                    .contains(&step.op);
            if is_certain {
                assert_eq!(satisfied, step.matched_operand.is_some(), "{at}\n{step:?}");
            }
        }
        Some(_) => assert!(
            !step.matched && step.matched_operand.is_none(),
            "{at}\n{step:?}"
        ),
    }
}

fn assert_segment(step: &SegmentStep, as_written: bool, at: &str) {
    let rules = match &step.decision {
        SegmentDecision::Rules(rules) => rules,
        SegmentDecision::Big(big) => &big.rules,
        SegmentDecision::Listed { included, .. } => {
            return assert_eq!(step.contains, *included, "{at}\n{step:?}");
        }
        _ => return assert!(!step.contains, "{at}\n{step:?}"),
    };
    let matched = rules.iter().any(|rule| rule.matched);
    assert_eq!(step.contains, matched, "{at}\n{step:?}");
    for clause in rules.iter().flat_map(|rule| &rule.clauses) {
        assert_clause(clause, as_written, at);
    }
}

/// The outcome of every step and clause, without operands.
fn matches(explanation: &Explanation) -> Json {
    fn strip(json: &mut Json) {
        const TEXTS: [&str; 12] = [
            "op",
            "values",
            "moreValues",
            "matchedOperand",
            "notes",
            "attribute",
            "asWritten",
            "lists",
            "seed",
            "ignoredBy",
            "found",
            "by",
        ];
        match json {
            Json::Object(members) => {
                members.retain(|name, _| !TEXTS.contains(&name.as_str()));
                // Positions of lists are known from the text only.
                if members.contains_key("included") || members.contains_key("variation") {
                    members.remove("at");
                }
                if members.get("step") == Some(&json!("targets")) {
                    members.remove("at");
                }
                members.values_mut().for_each(strip);
            }
            Json::Array(elements) => {
                // Its position may be known from the text only.
                elements.retain(|element| element["step"] != "malformed");
                elements.iter_mut().for_each(strip);
            }
            _ => {}
        }
    }
    let mut json = serde_json::to_value(explanation).expect("an explanation is JSON");
    strip(&mut json);
    json
}

/// Replaces private values of the context by values that occur nowhere else, and returns these.
fn with_secrets(case: &mut Case) -> Vec<String> {
    let mut random = fastrand::Rng::with_seed(case.seed);
    let mut secrets = Vec::new();
    let is_multi = case.context["kind"] == "multi";
    let Some(context) = case.context.as_object_mut() else {
        return secrets;
    };
    if !is_multi {
        make_private(context, &mut random, &mut secrets);
        return secrets;
    }
    for (name, member) in context.iter_mut() {
        if let (Some(member), true) = (member.as_object_mut(), name != "kind") {
            make_private(member, &mut random, &mut secrets);
        }
    }
    secrets
}

fn make_private(
    member: &mut serde_json::Map<String, Json>,
    random: &mut fastrand::Rng,
    secrets: &mut Vec<String>,
) {
    let mut private = Vec::new();
    for (name, value) in member.iter_mut() {
        if ["kind", "key", "anonymous", "_meta", "custom"].contains(&name.as_str()) || random.bool()
        {
            continue;
        }
        let name = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        match value
            .as_object_mut()
            .filter(|object| !object.is_empty() && random.bool())
        {
            // Only one member of an object.
            Some(object) => {
                let at = random.usize(..object.len());
                let (inner, value) = object.iter_mut().nth(at).expect("the object has members");
                private.push(format!(
                    "{name}/{}",
                    inner.replace('~', "~0").replace('/', "~1")
                ));
                hide(value, secrets);
            }
            None => {
                private.push(name);
                hide(value, secrets);
            }
        }
    }
    member.insert("_meta".into(), json!({ "privateAttributes": private }));
    // Members without a kind are contexts of an old format, whose private names have no paths.
    if member.contains_key("custom") {
        member.remove("_meta");
        secrets.clear();
    }
}

fn hide(value: &mut Json, secrets: &mut Vec<String>) {
    let number = 7_000_000_000_u64 + secrets.len() as u64;
    match value {
        Json::String(text) => {
            *text = format!("secret-{number}-{text}");
            secrets.push(format!("secret-{number}"));
        }
        Json::Number(_) => {
            *value = number.into();
            secrets.push(number.to_string());
        }
        Json::Array(elements) => elements.iter_mut().for_each(|value| hide(value, secrets)),
        Json::Object(members) => members.values_mut().for_each(|value| hide(value, secrets)),
        Json::Bool(_) | Json::Null => {}
    }
}

#[test]
fn masked_explanations_contain_no_private_value() {
    let options = ExplainOptions::default().beyond(true);
    let (mut hidden, mut shown) = (0, 0);
    for_each_case(pairs() / 10, |case| {
        let mut case = case.clone();
        let secrets = with_secrets(&mut case);
        let parsed = Parsed::new(&case).expect("the case is readable");
        let mut count = 0;
        for key in case.flag_keys() {
            count += 1;
            let masked = explained(&parsed, key, &options);
            let text = text_of(&masked);
            let secret = secrets.iter().find(|secret| text.contains(secret.as_str()));
            assert_eq!(secret, None, "seed {}, {key}: {text}", case.seed);
            hidden += text.matches("private").count();
            let open = explained(&parsed, key, &options.clone().mask(Mask::Nothing));
            let text = text_of(&open);
            shown += secrets
                .iter()
                .filter(|secret| text.contains(secret.as_str()))
                .count();
        }
        count
    });
    // Otherwise there was nothing to hide.
    assert!(
        hidden > 100 && shown > 100,
        "{hidden} hidden, {shown} shown"
    );
}

/// All forms of an explanation.
fn text_of(explanation: &Explanation) -> String {
    let tree = explanation.tree().width(10_000);
    let json = serde_json::to_string(explanation).expect("an explanation is JSON");
    format!("{tree}\n{json}\n{explanation:?}")
}

#[test]
fn the_generated_contexts_are_valid() {
    for seed in 0..2_000 {
        let mut case = generate::case(seed);
        with_secrets(&mut case);
        assert!(
            case.context.to_string().parse::<Context>().is_ok(),
            "seed {seed}"
        );
    }
}
