//! Explanations of huge and of hostile flags.

use super::*;

#[test]
fn the_number_of_steps_is_bounded() {
    let rule =
        json!({"clauses": [{"attribute": "key", "op": "in", "values": ["x"]}], "variation": 0});
    let data = Data::new(
        json!({"f": flag(json!({"rules": vec![rule; MAX_STEPS]}))}),
        json!({}),
    );
    let explanation = data.explain("f", &user(json!({})));
    assert!(explanation.truncated);
    assert_eq!(explanation.not_reached, NotReached::default());
    // Each rule is a step, and so is its clause.
    assert!((MAX_STEPS / 2 - 10..MAX_STEPS / 2 + 10).contains(&explanation.steps.len()));
    assert!(
        explanation
            .to_string()
            .contains("only the first 10000 steps are shown")
    );
}

#[test]
fn dependencies_that_multiply_end() {
    let key = |level: usize| format!("f{level}");
    let flags = (0..40).map(|level| {
        let below = json!({"key": key(level + 1), "variation": 0});
        (key(level), flag(json!({"prerequisites": [below, below]})))
    });
    let mut flags: serde_json::Map<_, _> = flags.collect();
    flags.insert(key(40), flag(json!({})));
    let data = Data::new(flags.into(), json!({}));
    let options = ExplainOptions::default().beyond(true);
    let explanation = data.explain_with("f0", &user(json!({})), &options);
    assert!(explanation.truncated);
    assert!(explanation.tree().to_string().lines().count() < 3 * MAX_STEPS);
}

#[test]
fn flags_that_require_each_other_end_when_steps_behind_decisions_are_evaluated() {
    let off =
        |key: &str| flag(json!({"on": false, "prerequisites": [{"key": key, "variation": 0}]}));
    let on = |key: &str| {
        flag(
            json!({"prerequisites": [{"key": "gone", "variation": 0}, {"key": key, "variation": 0}]}),
        )
    };
    let data = Data::new(
        json!({"a": off("b"), "b": on("c"), "c": on("b")}),
        json!({}),
    );
    let options = ExplainOptions::default().beyond(true);
    for key in ["a", "b", "c"] {
        assert!(!data.explain_with(key, &user(json!({})), &options).truncated);
    }
}

#[test]
fn long_lists_of_operands_are_cut() {
    let values: Vec<_> = (0..3 * MAX_OPERANDS).collect();
    let last = values.len() - 1;
    let clause = json!({"attribute": "n", "op": "in", "values": values});
    let data = Data::clauses(json!([clause]));
    let explanation = data.explain("f", &user(json!({"n": last})));
    let step = first_clause(&explanation);
    assert_eq!(
        (step.values.len(), step.more_values),
        (MAX_OPERANDS, 2 * MAX_OPERANDS)
    );
    assert_eq!(step.matched_operand.as_ref().unwrap().operand, last);
    let text = explanation.tree().width(1_000).to_string();
    assert!(text.contains("18,19 … and 2980 more]"), "{text}");
}

#[test]
fn flag_data_cannot_control_a_terminal() {
    let clause =
        json!({"attribute": "a\u{1b}[31m", "op": "in", "values": ["\u{202e}", "\u{9b}2J"]});
    let flag = flag(
        json!({"rules": [{"id": "\u{7}\n", "clauses": [clause], "variation": 1}],
        "variations": ["\u{1b}]0;x\u{7}", "é"]}),
    );
    let data = Data::new(json!({"f": flag}), json!({}));
    let explanation = data.explain("f", &user(json!({"a\u{1b}[31m": "\u{202e}"})));
    let text = explanation.tree().to_string();
    let is_unsafe =
        |character: char| character != '\n' && character.is_control() || character == '\u{202e}';
    assert!(!text.contains(is_unsafe), "{text:?}");
    assert!(explanation.tree().ascii(true).to_string().is_ascii());
    assert!(
        explanation
            .tree()
            .bold(true)
            .to_string()
            .contains("\u{1b}[1mrule 0")
    );
}
