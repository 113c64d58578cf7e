//! Limits, errors and caching of patterns. `eval/tests/patterns.rs` compares their semantics with
//! Go's.

use std::thread;

use super::*;

fn pattern(text: &str) -> Pattern {
    Pattern::new(&text.into()).unwrap()
}

#[track_caller]
fn refusal(text: &str) -> String {
    Pattern::new(&text.into()).unwrap_err().to_string()
}

#[test]
fn an_error_tells_what_is_wrong_and_where() {
    for (text, refused) in [
        ("ab(?=c)", "unsupported group syntax at byte 2"),
        (r"é\1", "unknown escape sequence at byte 2"),
        ("a**", "repetition operator after another one at byte 2"),
        ("a|*", "nothing to repeat at byte 2"),
        ("[a-z", "class without end at byte 0"),
        ("x[z-a]", "class range ends before it begins at byte 2"),
        ("[[:foo:]]", "unknown class name at byte 1"),
        (r"a\p{Grek}", "unknown Unicode property at byte 1"),
        ("a{1001}", "repeat count over 1000 at byte 1"),
        ("a{2,1}", "repeat counts in the wrong order at byte 1"),
        ("(a{50}){50}", "nested repeat counts over 1000 at byte 7"),
        ("a(b", "group without end at byte 1"),
        ("a)", "unexpected \")\" at byte 1"),
        ("(?P<é>a)", "bad group name at byte 0"),
        (r"ab\", "backslash at the end at byte 2"),
    ] {
        assert_eq!(refusal(text), refused, "{text}");
    }
}

#[test]
fn the_offset_of_an_error_is_in_bytes() {
    let error = Pattern::new(&r"éé\1".into()).unwrap_err();
    assert_eq!(error.offset(), 4);
}

#[test]
fn letters_match_only_their_own_case_without_the_flag_i() {
    let found = |text: &str| pattern(text).is_match("ADA");
    assert_eq!([found("ada"), found("(?i)ada")], [Some(false), Some(true)]);
}

#[test]
fn a_pattern_that_would_be_too_large_is_rejected_before_it_is_built() {
    for text in [
        r"\pL{1000}".to_owned(),
        r"\pL".repeat(100_000),
        r"(?i)[\x{80}-\x{10FFFF}]".repeat(100_000),
        "a".repeat(400_000),
        r"((\S{10}){10}){10}".repeat(100),
    ] {
        assert!(
            refusal(&text).starts_with("too large"),
            "{}",
            &text[..20.min(text.len())]
        );
    }
}

#[test]
fn a_pattern_may_cost_as_much_as_the_limit_and_no_more() {
    let most = "a".repeat(parser::MAX_COST);
    assert_eq!(pattern(&most).cost(), parser::MAX_COST);
    assert!(refusal(&(most + "a")).starts_with("too large"));
}

#[test]
fn a_group_that_is_repeated_costs_at_least_as_much_as_its_copies() {
    for group in ["abcd", "ab|cd", r"\d\w"] {
        let (repeated, copies) = (format!("({group}){{10}}"), format!("({group})").repeat(10));
        assert!(
            pattern(&repeated).cost() >= pattern(&copies).cost(),
            "{group}"
        );
    }
}

#[test]
fn case_variants_cost_time_for_each_part_of_a_class() {
    let [folded, plain] = [r"(?i)[\x{80}-\x{10FFFF}]", r"[\x{80}-\x{10FFFF}]"].map(pattern);
    let cost = folded.cost() - plain.cost();
    assert!((450..550).contains(&cost), "{cost}");
    assert!(!folded.is_costly());
}

#[test]
fn a_range_of_surrogates_does_not_match_its_neighbours() {
    let surrogates = pattern(r"[\x{D800}-\x{DFFF}]");
    assert_eq!(surrogates.is_match("\u{D7FF}\u{E000}"), Some(false));
}

#[test]
fn a_property_may_have_one_code_point_or_all_that_are_assigned() {
    let found = |property, text| pattern(property).is_match(text);
    for (property, of, other) in [
        (r"^\p{Zl}", "\u{2028}", "\u{2029}"),
        (r"^\p{Assigned}", "a", "\u{378}"),
    ] {
        assert_eq!(found(property, of), Some(true), "{property}");
        assert_eq!(found(property, other), Some(false), "{property}");
    }
}

#[test]
fn no_code_point_beyond_the_last_folded_one_has_a_case_variant() {
    let beyond = ranges::range(ranges::LAST_FOLDED + 1, char::MAX.into());
    let mut folded = beyond.clone();
    folded.try_case_fold_simple().unwrap();
    assert_eq!(folded, beyond);
    let mut last = ranges::range(ranges::LAST_FOLDED, ranges::LAST_FOLDED);
    ranges::fold(&mut last);
    assert_eq!(last.ranges().len(), 2);
}

#[test]
fn realistic_patterns_are_not_too_large() {
    for text in [
        r"^[\p{L}\p{M}\p{N}_-]{1,255}$",
        r"^[\w-]{1,63}(\.[\w-]{1,63}){0,15}$",
        r"\S{1,1000}@\S{1,1000}",
        r"\pL{200}",
        &"some.one@example.com|".repeat(5000),
    ] {
        assert!(Pattern::new(&text.into()).is_ok(), "{text}");
    }
}

#[test]
fn a_pattern_that_nests_too_deeply_is_rejected() {
    let nested = |depth| format!("{}a{}", "(b".repeat(depth), ")*".repeat(depth));
    for text in ["(".repeat(1_000_000), nested(400), nested(100_000)] {
        assert!(
            refusal(&text).starts_with("nests too deeply"),
            "{}",
            &text[..20]
        );
    }
    // Groups alone do not deepen the parsed form.
    assert!(
        pattern(&format!("{}a{}", "(".repeat(900), ")".repeat(900)))
            .is_match("a")
            .unwrap()
    );
}

// A check estimates the depth of the parsed form without building it.
#[test]
fn a_check_has_the_result_of_parsing() {
    let shapes = [
        ("(b", ")*"),
        ("(a|b", ")"),
        ("(ab|ac", ")?"),
        ("(abc|abd|", ")"),
        ("(?:|a|[bc]", ")+"),
        ("(ab|a", "c|adx)"),
        ("x(", "){2}"),
        ("(", "|)"),
    ];
    let nested = shapes.iter().flat_map(|(open, end)| {
        (0..200).map(|depth| format!("{}a{}", open.repeat(depth), end.repeat(depth)))
    });
    let flat = [
        "",
        "|",
        "a|b|",
        r"^[a-z]+\.[a-z]+@(example|test57)\.com$",
        r"(?i)\pL{1,20}[^a-c\d]\Qa*\E$",
        "ab(?=c)",
        "a|*",
        "a**",
        "(a{50}){50}",
        "a(b",
        "a)",
    ];
    for text in nested.chain(flat.map(str::to_owned)) {
        let parsed = parser::parse(&text).map(|parsed| parsed.cost);
        assert_eq!(parser::check(&text), parsed, "{text}");
    }
}

#[test]
fn the_deepest_pattern_compiles_on_a_small_stack() {
    let deepest = (1..400)
        .rev()
        .map(|depth| format!("{}a{}", "(b".repeat(depth), ")*".repeat(depth)));
    let deepest = deepest
        .map(Text::from)
        .find_map(|text| Pattern::new(&text).ok())
        .unwrap();
    // Unoptimized builds need several times as much.
    let running = thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || deepest.is_match("bba"));
    assert_eq!(running.unwrap().join().unwrap(), Some(true));
}

#[test]
fn a_pattern_is_compiled_on_first_use() {
    let pattern = pattern("a+");
    assert!(pattern.program.get().is_none());
    assert_eq!(pattern.is_match("caat"), Some(true));
    assert!(pattern.program.get().is_some());
}

#[test]
fn only_an_expensive_pattern_that_is_not_compiled_is_costly() {
    let (cheap, expensive) = (pattern("a+"), pattern(r"\pL{20}"));
    assert!(cheap.cost() > 1 && cheap.cost() < COSTLY && expensive.cost() >= COSTLY);
    for (pattern, costly) in [(cheap, false), (expensive, true)] {
        assert_eq!(pattern.text(), pattern.text.as_str());
        assert!(!pattern.is_compiled());
        assert_eq!(pattern.is_costly(), costly);
        pattern.compile();
        assert!(pattern.is_compiled());
        assert!(!pattern.is_costly());
    }
}

#[test]
fn a_compiled_program_is_reused() {
    let (old, new) = (pattern("a+"), pattern("a+"));
    new.take_over(&old);
    assert!(new.program.get().is_none());
    old.compile();
    new.take_over(&old);
    let program = |pattern: &Pattern| pattern.program.get().cloned().flatten().unwrap();
    assert!(Arc::ptr_eq(&program(&old), &program(&new)));
}

/// Letters `a` and `b` in a sequence that does not repeat.
fn disorder(length: usize) -> String {
    let mut random = fastrand::Rng::with_seed(1);
    (0..length)
        .map(|_| if random.bool() { 'a' } else { 'b' })
        .collect()
}

// In `a[ab]{900}c` each `a` starts another thread of the simulation, and with irregular input no
// two positions have the same set of threads.
#[test]
fn a_match_that_would_take_too_long_is_aborted() {
    let hard = pattern("a[ab]{900}c");
    assert_eq!(hard.is_match(&disorder(100_000)), None);
    // Matches within the limit finish.
    assert_eq!(hard.is_match(&disorder(5_000)), Some(false));
    assert_eq!(
        hard.is_match(&format!("{0}a{1}c", disorder(5_000), disorder(900))),
        Some(true)
    );
}

#[test]
fn a_long_text_alone_does_not_abort_a_match() {
    let text = disorder(10_000_000) + "@example.com";
    for (regex, found) in [
        (r"^[\w-\.]+@([\w-]+\.)+[\w-]{2,4}$", true),
        ("(?i)EXAMPLE", true),
        (r"(\w+\s)+\d", false),
    ] {
        assert_eq!(pattern(regex).is_match(&text), Some(found), "{regex}");
    }
}
