//! Compares regular expressions with Go: the operator `matches` has the semantics of Go's `regexp`.
//!
//! The cases in the repository are random ones of `bench/regex-differential`, and
//! `scripts/regex-differential` generates more. `VEXIL_REGEX_CASES` may name a file or folder with
//! other cases.

#![cfg(test)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use vexil_eval::model::{Flag, Segment};
use vexil_eval::{Context, Found, Lookup, Outcome, Value, evaluate};

#[derive(Deserialize)]
struct Case {
    pattern: String,
    subject: String,
    /// Whether the pattern matches, or `"refused"`.
    go: Json,
    /// Why the results may differ.
    why: Option<String>,
}

/// The results of the cases of one source.
#[derive(Debug, Default)]
struct Outcomes {
    cases: usize,
    /// Cases that Go accepts and that exceed the SDK's size limit.
    too_large: usize,
    failures: Vec<String>,
}

impl Outcomes {
    fn of(cases: impl Read) -> Self {
        let mut outcomes = Self::default();
        let mut known = (String::new(), flag_of(""));
        for line in BufReader::new(cases).lines() {
            let case: Case = serde_json::from_str(&line.unwrap()).unwrap();
            if case.why.is_some() {
                continue;
            }
            if known.0 != case.pattern {
                known = (case.pattern.clone(), flag_of(&case.pattern));
            }
            outcomes.check(&case, &known.1);
        }
        outcomes
    }

    fn check(&mut self, case: &Case, flag: &Flag) {
        self.cases += 1;
        let refusal = flag.problems().first().map(ToString::to_string);
        let ours = if refusal.is_some() {
            "refused".into()
        } else {
            Json::Bool(matches(flag, &case.subject))
        };
        if ours == case.go {
            return;
        }
        match refusal {
            Some(refusal) if refusal.contains("too large") => self.too_large += 1,
            refusal => self.failures.push(format!(
                "{:?} in {:?}: Go {}, vexil {ours} {}",
                case.pattern,
                case.subject,
                case.go,
                refusal.unwrap_or_default()
            )),
        }
    }

    #[track_caller]
    fn assert_good(&self) {
        println!(
            "{} cases, {} of them too large for the SDK",
            self.cases, self.too_large
        );
        assert!(self.cases > 0, "there are no cases");
        let shown = &self.failures[..self.failures.len().min(50)];
        assert!(
            shown.is_empty(),
            "{} of {} cases differ:\n{}",
            self.failures.len(),
            self.cases,
            shown.join("\n")
        );
        assert!(self.too_large * 100 <= self.cases, "{self:?}");
    }
}

fn flag_of(pattern: &str) -> Flag {
    let clause = json!({"attribute": "text", "op": "matches", "values": [pattern]});
    let flag = json!({
        "on": true,
        "variations": [false, true],
        "rules": [{"clauses": [clause], "variation": 1}],
        "fallthrough": {"variation": 0},
    });
    serde_json::from_value(flag).unwrap()
}

fn matches(flag: &Flag, subject: &str) -> bool {
    let context = Context::builder("ada")
        .set("text", subject)
        .build()
        .unwrap();
    let Outcome::Done(evaluation) = evaluate(flag, &context, &Nothing) else {
        panic!("no data is missing")
    };
    evaluation.variation.unwrap().1 == &Value::Bool(true)
}

struct Nothing;

impl Lookup for Nothing {
    fn flag(&self, _: &str) -> Found<&Flag> {
        Found::Absent
    }

    fn segment(&self, _: &str) -> Found<&Segment> {
        Found::Absent
    }
}

fn cases(file: &Path) -> Box<dyn Read> {
    let read = File::open(file).unwrap();
    if file.extension().is_some_and(|extension| extension == "gz") {
        Box::new(GzDecoder::new(read))
    } else {
        Box::new(read)
    }
}

#[test]
fn patterns_mean_what_they_mean_in_go() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/patterns.jsonl.gz");
    Outcomes::of(cases(&file)).assert_good();
}

#[test]
#[ignore = "needs the cases that VEXIL_REGEX_CASES names"]
fn more_patterns_mean_what_they_mean_in_go() {
    let place = PathBuf::from(
        std::env::var_os("VEXIL_REGEX_CASES").expect("VEXIL_REGEX_CASES names a file or folder"),
    );
    let mut files: Vec<_> = match place.is_dir() {
        true => fs::read_dir(place)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect(),
        false => vec![place],
    };
    files.retain(|file| file.to_string_lossy().contains(".jsonl"));
    assert!(!files.is_empty(), "there are no files");
    for file in files {
        println!("{}", file.display());
        let outcomes = Outcomes::of(cases(&file));
        // A file may contain only exceptions.
        if outcomes.cases > 0 {
            outcomes.assert_good();
        }
    }
}

#[test]
fn the_most_common_pattern_for_email_addresses_matches_them() {
    let flag = flag_of(r"^[\w-\.]+@([\w-]+\.)+[\w-]{2,4}$");
    assert!(flag.problems().is_empty(), "{:?}", flag.problems());
    assert!(matches(&flag, "ada.lovelace@math.example.org"));
    assert!(!matches(&flag, "ada.lovelace@example"));
}
