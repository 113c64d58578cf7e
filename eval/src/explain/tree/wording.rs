//! The words of a tree: one [`Node`] for each step.

use std::fmt::Write;

use super::layout::{Layout, Node, Sign, Title};
use crate::eval::BigSegmentsStatus;
use crate::explain::limits::MAX_STEPS;
use crate::explain::model::{
    BigSegmentAnswer, BigSegmentStep, ClauseNote, ClauseStep, Explanation, FoundValue,
    MalformedCause, PrerequisiteOutcome, PrerequisiteStep, RolloutStep, RuleStep, SegmentDecision,
    SegmentRuleStep, SegmentStep, Serve, ShareStep, Step, StepKind,
};
use crate::text::Text;
use crate::value::Value;

/// The maximum number of operands in one line.
const OPERANDS: usize = 20;

pub(super) fn title(explanation: &Explanation) -> Title {
    let members = explanation.context.iter();
    let members: Vec<_> = members
        .map(|member| member_name(&member.kind, &member.key))
        .collect();
    Title {
        result: result(explanation, usize::MAX),
        reason: explanation.reason.to_string(),
        context: match members.is_empty() {
            true => String::new(),
            false => format!("context: {}", members.join(", ")),
        },
    }
}

pub(super) fn nodes(explanation: &Explanation, layout: &Layout) -> Vec<Node> {
    let mut nodes = Words { layout: *layout }.steps(explanation);
    if !explanation.as_written {
        nodes.push(fact(
            "item texts are not kept: operands are shown as prepared for evaluation",
        ));
    }
    if explanation.truncated {
        nodes.push(fact(format!("only the first {MAX_STEPS} steps are shown")));
    }
    nodes
}

/// The flag with its value.
fn result(explanation: &Explanation, longest: usize) -> String {
    let mut text = format!("{} = ", explanation.flag);
    match &explanation.value {
        Some(value) => text.push_str(&json(value, longest)),
        None => text.push_str("the caller's default"),
    }
    if let Some(index) = explanation.variation {
        let _ = write!(text, " (variation {index})");
    }
    text
}

struct Words {
    layout: Layout,
}

impl Words {
    fn steps(&self, explanation: &Explanation) -> Vec<Node> {
        let (reached, beyond): (Vec<_>, Vec<_>) =
            explanation.steps.iter().partition(|step| step.reached);
        let mut nodes: Vec<_> = reached.iter().map(|step| self.step(step)).collect();
        if let Some(last) = nodes.last_mut() {
            last.decisive = true;
        }
        let not_reached = &explanation.not_reached;
        let mut parts = Vec::new();
        for (count, name) in [
            (not_reached.prerequisites, "prerequisite"),
            (not_reached.rules, "rule"),
        ] {
            if count > 0 {
                parts.push(counted(count, name));
            }
        }
        if not_reached.fallthrough {
            parts.push("fallthrough".to_owned());
        }
        // An evaluation that did not take place has reached nothing and left nothing out.
        if !parts.is_empty() {
            let children = beyond.iter().map(|step| self.step(step)).collect();
            nodes.push(fact(format!("not reached: {}", parts.join(", "))).children(children));
        }
        nodes
    }

    fn step(&self, step: &Step) -> Node {
        match &step.kind {
            StepKind::FlagMissing => Node::new(Sign::Failed, "there is no such flag"),
            StepKind::InvalidContext { error } => Node::new(Sign::Failed, error.as_str()),
            StepKind::On { on: true } => Node::new(Sign::Passed, "on"),
            StepKind::On { on: false } => Node::new(Sign::Failed, "off"),
            StepKind::Prerequisite(step) => self.prerequisite(step),
            StepKind::Targets {
                target: Some(target),
                ..
            } => {
                let name = member_name(&target.kind, &target.key);
                let list = target
                    .at
                    .as_ref()
                    .map_or_else(String::new, |at| format!(" in {at}"));
                let text = format!("target: {name}{list} → variation {}", target.variation);
                Node::new(Sign::Passed, text)
            }
            StepKind::Targets { lists, .. } => match lists {
                Some(lists) => fact(format!("targets: {}, no match", counted(*lists, "list"))),
                None => fact("targets: no match"),
            },
            StepKind::Rule(step) => self.rule(step),
            StepKind::Fallthrough { serve } => {
                self.serving(Sign::Passed, "fallthrough", serve.as_ref())
            }
            StepKind::Off { variation } => match variation {
                Some(index) => {
                    Node::new(Sign::Passed, format!("off variation → variation {index}"))
                }
                None => Node::new(Sign::Passed, "off variation: none is set"),
            },
            StepKind::Malformed { cause } => {
                Node::new(Sign::Failed, format!("malformed: {}", malformed(cause)))
            }
        }
    }

    fn prerequisite(&self, step: &PrerequisiteStep) -> Node {
        let outcome = match &step.outcome {
            PrerequisiteOutcome::Passed => String::new(),
            PrerequisiteOutcome::Missing => ": there is no such flag".to_owned(),
            PrerequisiteOutcome::Off => ", but is off".to_owned(),
            PrerequisiteOutcome::OtherVariation { variation } => format!(", but has {variation}"),
            PrerequisiteOutcome::NoVariation => ", but has none".to_owned(),
            PrerequisiteOutcome::Error => ": its evaluation stopped with an error".to_owned(),
        };
        let sign = Sign::of(step.outcome == PrerequisiteOutcome::Passed);
        let text = format!(
            "prerequisite {} must have variation {}{outcome}",
            step.key, step.required
        );
        let children = step.explanation.as_ref().map(|explanation| {
            let flag = fact(result(explanation, self.value_width()));
            let flag = flag.remark(explanation.reason.to_string());
            flag.children(self.steps(explanation))
        });
        Node::new(sign, text).children(children.into_iter().collect())
    }

    fn rule(&self, step: &RuleStep) -> Node {
        let id = match step.id.is_empty() {
            true => String::new(),
            false => format!(" {}", quoted(&step.id)),
        };
        let name = format!("rule {}{id}", step.index);
        let mut node = self.serving(Sign::of(step.matched), &name, step.serve.as_ref());
        let mut children = self.clauses(&step.clauses, step.not_evaluated);
        children.append(&mut node.children);
        node.children(children)
    }

    fn clauses(&self, clauses: &[ClauseStep], not_evaluated: usize) -> Vec<Node> {
        let mut nodes: Vec<_> = clauses.iter().map(|clause| self.clause(clause)).collect();
        if not_evaluated > 0 {
            nodes.push(fact(format!(
                "{} not evaluated",
                counted(not_evaluated, "clause")
            )));
        }
        nodes
    }

    fn clause(&self, step: &ClauseStep) -> Node {
        let not = if step.negate { "not " } else { "" };
        let sign = Sign::of(step.matched);
        if step.found.is_none() {
            return self.segments(sign, not, step);
        }
        let attribute = match &step.found {
            Some(FoundValue::Kinds(_)) => "kind".to_owned(),
            _ => format!("{}.{}", step.kind, step.attribute),
        };
        let op = step
            .op
            .as_ref()
            .map_or("(no usable operator)", |op| op.as_str());
        let text = format!("{not}{attribute} {op} {}", self.operands(step));
        Node::new(sign, text).remark(self.clause_remark(step))
    }

    fn segments(&self, sign: Sign, not: &str, step: &ClauseStep) -> Node {
        if let ([segment], 1, 0) = (&*step.segments, step.values.len(), step.more_values) {
            let mut node = self.segment(segment);
            node.text = format!("{not}{}", node.text);
            node.sign = sign;
            return node;
        }
        let children = step.segments.iter().map(|segment| self.segment(segment));
        let text = format!("{not}in one of the segments {}", self.operands(step));
        Node::new(sign, text).children(children.collect())
    }

    fn segment(&self, step: &SegmentStep) -> Node {
        let sign = Sign::of(step.contains);
        let mut text = format!("in segment {}", quoted(&step.key));
        match &step.decision {
            SegmentDecision::Missing => Node::new(sign, text).remark("there is no such segment"),
            SegmentDecision::Listed {
                included,
                kind,
                key,
                ..
            } => {
                let verb = if *included { "included" } else { "excluded" };
                Node::new(sign, text).remark(format!("{verb}: {}", member_name(kind, key)))
            }
            SegmentDecision::Rules(rules) if rules.is_empty() => {
                Node::new(sign, text).remark("neither included nor excluded, and without rules")
            }
            SegmentDecision::Rules(rules) => {
                let mut children = vec![fact("neither included nor excluded")];
                children.extend(self.segment_rules(rules));
                Node::new(sign, text).children(children)
            }
            SegmentDecision::Big(big) => {
                text.push_str(" (big");
                if let Some(reference) = &big.reference {
                    let _ = write!(text, ", {reference}");
                }
                text.push(')');
                let mut children = vec![big_segment(big)];
                children.extend(self.segment_rules(&big.rules));
                Node::new(sign, text).children(children)
            }
        }
    }

    fn segment_rules(&self, rules: &[SegmentRuleStep]) -> impl Iterator<Item = Node> {
        rules.iter().enumerate().map(|(index, rule)| {
            let mut children = self.clauses(&rule.clauses, rule.not_evaluated);
            children.extend(rule.share.as_ref().map(|share| self.share(share)));
            Node::new(Sign::of(rule.matched), format!("segment rule {index}")).children(children)
        })
    }

    fn share(&self, step: &ShareStep) -> Node {
        let sign = if step.inside { "<" } else { "≥" };
        let sign = if self.layout.ascii && !step.inside {
            ">="
        } else {
            sign
        };
        let text = format!(
            "share: bucket {} {sign} {} ({} {})",
            bucket(step.bucket),
            fraction(step.limit),
            step.kind,
            step.by
        );
        let node = Node::new(Sign::of(step.inside), text);
        node.remark(self.bucket_remark(&step.found, step.hashed, &step.by))
    }

    /// A rule or the fallthrough, with what it serves.
    fn serving(&self, sign: Sign, name: &str, serve: Option<&Serve>) -> Node {
        match serve {
            None => Node::new(sign, name),
            Some(Serve::Variation(index)) => Node::new(sign, format!("{name} → variation {index}")),
            Some(Serve::Nothing) => Node::new(sign, name).remark("serves nothing"),
            Some(Serve::Rollout(step)) => self.rollout(sign, name, step),
        }
    }

    fn rollout(&self, sign: Sign, name: &str, step: &RolloutStep) -> Node {
        let rollout = if step.experiment {
            "experiment"
        } else {
            "rollout"
        };
        let mut text = format!("{name}: {rollout} by {} {}", step.kind, step.by);
        if let Some(seed) = step.seed {
            let _ = write!(text, ", seed {seed}");
        }
        let _ = write!(text, ", bucket {}", bucket(step.bucket));
        let shares = step.shares.iter().enumerate().map(|(index, share)| {
            let sign = match index.cmp(&step.chosen) {
                std::cmp::Ordering::Less => Sign::Failed,
                std::cmp::Ordering::Equal => Sign::Passed,
                std::cmp::Ordering::Greater => Sign::Fact,
            };
            let value = match &share.value {
                Some(value) => json(value, self.value_width()),
                None => "no such variation".to_owned(),
            };
            let (from, to) = (fraction(share.from), fraction(share.to));
            let tracked = if share.untracked {
                ", not part of the experiment"
            } else {
                ""
            };
            let text = format!(
                "{from}–{to}  {value} (variation {}){tracked}",
                share.variation
            );
            Node::new(sign, text)
        });
        let mut children: Vec<_> = shares.collect();
        let remark = self.bucket_remark(&step.found, step.hashed, &step.by);
        if !remark.is_empty() {
            children.insert(0, fact(remark));
        }
        if step.experiment && !step.in_experiment {
            children.push(fact("the context does not take part in the experiment"));
        }
        if let Some(by) = &step.ignored_by {
            children.push(fact(format!(
                "bucketBy {} is ignored in experiments",
                quoted(by)
            )));
        }
        if step.past_the_end
            && let Some(last) = step.shares.last()
        {
            let end = fraction(last.to);
            children.push(fact(format!(
                "the shares end at {end}: the last one takes the rest"
            )));
        }
        Node::new(sign, text).children(children)
    }

    /// Why a bucket is 0, or the value that was hashed if it is not a key.
    fn bucket_remark(&self, found: &FoundValue, hashed: bool, by: &Text) -> String {
        match found {
            FoundValue::MissingKind { kind } => {
                format!("the context has no kind {}: bucket 0", quoted(kind))
            }
            FoundValue::MissingAttribute { .. } => {
                format!("attribute {} is missing: bucket 0", quoted(by))
            }
            FoundValue::Value(_) | FoundValue::Private(_) if !hashed => format!(
                "{} is not hashed, only strings and whole numbers are: bucket 0",
                self.found(found)
            ),
            _ if by != "key" => format!("{} is {}", quoted(by), self.found(found)),
            _ => String::new(),
        }
    }

    fn clause_remark(&self, step: &ClauseStep) -> String {
        let mut remarks = Vec::new();
        let note = |wanted: &ClauseNote| step.notes.contains(wanted);
        if note(&ClauseNote::UnknownOperator) {
            remarks.push("unknown operator, matches nothing".to_owned());
        } else if note(&ClauseNote::NoUsableOperand) {
            remarks.push("no operand can match".to_owned());
        }
        match &step.found {
            None => {}
            Some(FoundValue::MissingKind { kind }) => {
                remarks.push(format!("the context has no kind {}", quoted(kind)));
            }
            Some(FoundValue::MissingAttribute { .. }) => {
                remarks.push(format!("no attribute {}", quoted(&step.attribute)));
            }
            Some(FoundValue::InvalidReference { error }) => remarks.push(error.to_string()),
            Some(found) => {
                let mut remark = format!("found {}", self.found(found));
                if let Some(matched) = &step.matched_operand {
                    let _ = write!(remark, " = operand {}", matched.operand);
                    if let Some(element) = matched.element {
                        let _ = write!(remark, " (element {element})");
                    }
                }
                remarks.push(remark);
            }
        }
        for note in &step.notes {
            match note {
                ClauseNote::NegateIgnored => {
                    remarks.push("\"not\" does not apply to what is missing".to_owned());
                }
                ClauseNote::TypeMismatch { found, expected } => {
                    remarks.push(format!("which is {found}, not {expected}"));
                }
                ClauseNote::EmptyArray => remarks.push("which has no elements".to_owned()),
                ClauseNote::OperandIgnored { .. }
                | ClauseNote::UnknownOperator
                | ClauseNote::NoUsableOperand => {}
            }
        }
        let is_ignored = |note: &&ClauseNote| matches!(note, ClauseNote::OperandIgnored { .. });
        let ignored = step.notes.iter().filter(is_ignored).count();
        if ignored > 0 && ignored < step.values.len() {
            remarks.push(format!("{} cannot match", counted(ignored, "operand")));
        }
        remarks.join(", ")
    }

    fn found(&self, found: &FoundValue) -> String {
        match found {
            FoundValue::Value(value) => json(value, self.value_width()),
            FoundValue::Private(kind) => format!("{kind} (private)"),
            FoundValue::Kinds(kinds) => kinds.iter().map(quoted).collect::<Vec<_>>().join(", "),
            FoundValue::MissingKind { .. }
            | FoundValue::MissingAttribute { .. }
            | FoundValue::InvalidReference { .. } => "nothing".to_owned(),
        }
    }

    /// The operands of a clause, as many as fit.
    fn operands(&self, step: &ClauseStep) -> String {
        let widest = self.layout.width * 2 / 5;
        let mut text = String::from("[");
        let mut shown = 0;
        for value in &step.values {
            let value = json(value, self.value_width());
            let is_full = shown == OPERANDS || shown > 0 && text.len() + value.len() >= widest;
            if is_full {
                break;
            }
            if shown > 0 {
                text.push(',');
            }
            text.push_str(&value);
            shown += 1;
        }
        let more = step.values.len() - shown + step.more_values;
        if more > 0 {
            let _ = write!(text, " … and {more} more");
        }
        text.push(']');
        text
    }

    fn value_width(&self) -> usize {
        self.layout.width * 3 / 10
    }
}

fn big_segment(step: &BigSegmentStep) -> Node {
    let text = match step.answer {
        BigSegmentAnswer::Included => "the store includes the context",
        BigSegmentAnswer::Excluded => "the store excludes the context",
        BigSegmentAnswer::Undecided => "the store neither includes nor excludes the context",
        BigSegmentAnswer::NoGeneration => "no generation yet: the segment contains no context",
        BigSegmentAnswer::NoKind => {
            return fact(format!("the context has no kind {}", quoted(&step.kind)));
        }
        BigSegmentAnswer::NoStore => "no big-segment store is set up: only the rules decide",
        BigSegmentAnswer::StoreError => "the store could not be queried: only the rules decide",
    };
    let status = match step.status {
        Some(BigSegmentsStatus::Healthy) => "store: up to date",
        Some(BigSegmentsStatus::Stale) => "store: may be out of date",
        Some(BigSegmentsStatus::StoreError) => "store: failed",
        Some(BigSegmentsStatus::NotConfigured) | None => "",
    };
    fact(text).remark(status)
}

fn malformed(cause: &MalformedCause) -> String {
    match cause {
        MalformedCause::PrerequisiteCycle { path } => {
            format!("the prerequisites {} form a cycle", arrows(path))
        }
        MalformedCause::SegmentCycle { path } => {
            format!("the segments {} form a cycle", arrows(path))
        }
        MalformedCause::TooDeep => {
            "prerequisites or segments are nested more than 100 levels deep".to_owned()
        }
        MalformedCause::TooManyVisits => {
            "there are more than 10,000 prerequisites and segments to visit".to_owned()
        }
        MalformedCause::InvalidReference { error } => error.to_string(),
        MalformedCause::PatternTooCostly => {
            "a regular expression exceeded its step limit".to_owned()
        }
        MalformedCause::VariationOutOfRange {
            variation,
            variations,
        } => format!("there is no variation {variation}, only {variations}"),
        MalformedCause::NoOutcome => "neither a variation nor a rollout".to_owned(),
    }
}

fn fact(text: impl Into<String>) -> Node {
    Node::new(Sign::Fact, text)
}

fn member_name(kind: &Text, key: &Text) -> String {
    format!("{kind} {}", quoted(key))
}

fn quoted(text: &Text) -> String {
    Value::from(text.clone()).to_string()
}

fn arrows(keys: &[Text]) -> String {
    keys.iter()
        .map(Text::as_str)
        .collect::<Vec<_>>()
        .join(" → ")
}

fn counted(count: usize, name: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {name}{ending}")
}

/// A value as JSON, at most `longest` characters.
fn json(value: &Value, longest: usize) -> String {
    let mut text = value.to_string();
    if text.chars().count() > longest {
        text = text.chars().take(longest.saturating_sub(1)).collect();
        text.push('…');
    }
    text
}

fn bucket(bucket: f32) -> String {
    format!("{bucket:.6}")
}

/// A boundary of a share, with at least two decimals and as many as it has.
fn fraction(boundary: f32) -> String {
    let text = format!("{boundary:.5}");
    let least = text.len().saturating_sub(3);
    let end = text.trim_end_matches('0').len();
    text.get(..end.max(least)).unwrap_or(&text).to_owned()
}
