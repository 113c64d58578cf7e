//! `vexil generate`. The code for `examples/shop.yaml` and for flags that are hard to write as Rust is
//! in `tests/generated/`, and is compiled here.

use std::path::{Path, PathBuf};

use vexil::{Client, Context, Flags, Value};
use vexil_cli::Exit;
use vexil_file_data::FileData;

use crate::support::{Folder, Ran};

#[path = "../generated/hard.rs"]
mod hard;
#[path = "../generated/shop.rs"]
mod shop;

const SHOP: &str = "examples/shop.yaml";
const HARD: &str = "tests/generated/hard.yaml";

fn in_package(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn generate(source: &str, options: &[&str]) -> Ran {
    let source = in_package(source).to_str().expect("UTF-8").to_owned();
    Folder::new().vexil(&[&["generate", &*source], options].concat())
}

/// Set `VEXIL_UPDATE_GENERATED` to write the files.
#[test]
fn the_code_for_the_examples_is_current() {
    for (source, file, name) in [
        (SHOP, "tests/generated/shop.rs", "ShopFlags"),
        (HARD, "tests/generated/hard.rs", "HardFlags"),
    ] {
        let file = in_package(file).to_str().expect("UTF-8").to_owned();
        let mode = match std::env::var_os("VEXIL_UPDATE_GENERATED") {
            Some(_) => "--lang=rust",
            None => "--check",
        };
        let ran = generate(source, &["--name", name, "--out", &file, mode]);
        assert_eq!(
            ran.exit,
            Exit::Done,
            "VEXIL_UPDATE_GENERATED=1 writes the file: {}",
            ran.stderr
        );
    }
}

fn client(source: &str) -> Client {
    let data = FileData::builder().path(in_package(source));
    let client = Client::builder("sdk-key")
        .data_source(data)
        .without_events();
    let client = client.start().expect("a client");
    let ready = client.blocking_wait_until_ready(std::time::Duration::from_secs(60));
    ready.expect("the file can be read");
    client
}

#[test]
fn the_code_evaluates_the_flags_of_its_source() {
    let client = client(SHOP);
    let staff = Context::builder("eve").set("email", "eve@staff.com");
    let flags = shop::ShopFlags::evaluate(&client, &staff.build().expect("a context"));
    let expected = shop::ShopFlags {
        checkout_express: true,
        // The flag is off, without an off variation.
        legacy_search: String::new(),
        new_checkout: true,
        theme: "contrast".to_owned(),
    };
    assert_eq!(flags, expected);
}

#[test]
fn the_types_hold_all_variations_and_defaults_are_off_variations() {
    let declared = hard::HardFlags::declared();
    let client = client(HARD);
    let ada = Context::new("ada").expect("a context");
    let flags = hard::HardFlags::evaluate(&client, &ada);

    let text = std::fs::read_to_string(in_package(HARD)).expect("the flags");
    let is_flag = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    // One was deleted.
    assert_eq!(
        declared.iter().count(),
        text.lines().filter(is_flag).count() - 1
    );
    let off = |key: &str| {
        let flag = declared.iter().find(|flag| flag.key == key);
        &flag.unwrap_or_else(|| panic!("{key} is missing")).default
    };
    for (key, default) in [
        ("type", serde_json::json!(false)),
        ("Self", serde_json::json!(1)),
        ("aB", serde_json::json!(-0.5)),
        ("2fa", serde_json::json!(0.0)),
        ("mixed", serde_json::json!(1)),
        ("nothing", serde_json::json!(null)),
        ("no-off-variation", serde_json::json!("")),
        ("off-variation-out-of-range", serde_json::json!(0)),
        (
            "json",
            serde_json::json!({"a \"b\"": [1, 2.5, null, true, "x", [], {}], "nested": {"deep": [[]]}}),
        ),
        (
            "large-integer",
            serde_json::json!(9_007_199_254_740_991_i64),
        ),
        (
            "quote \" and \\ and `",
            serde_json::json!("\" \\ \n\r\t\u{202e} {} é 🦀"),
        ),
    ] {
        assert_eq!(off(key), &Value::from(default), "{key}");
    }

    assert_eq!(
        (
            flags.type_,
            flags.self_,
            flags.a_b,
            flags.a_b_2,
            flags.a_b_3
        ),
        (true, 2, 2.5, -2, -0.5)
    );
    assert_eq!(
        (flags.flag_2fa, flags.large_integer),
        (1e300, -9_007_199_254_740_991)
    );
    assert_eq!(flags.quote_and_and, "b");
    assert_eq!(flags.mixed, Value::from("true"));
    assert_eq!(flags.json.as_object().map(|members| members.len()), Some(0));
}

#[test]
fn a_file_is_written_only_if_it_changes() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let check = || folder.vexil(&["generate", "flags.json", "--out", "flags.rs", "--check"]);
    let write = || folder.vexil(&["generate", "flags.json", "--out", "flags.rs"]);
    let absent = check();
    assert_eq!(
        (absent.exit, &*absent.stderr),
        (Exit::No, "flags.rs does not exist\n")
    );
    assert!(!folder.path("flags.rs").exists());

    assert_eq!(write().exit, Exit::Done);
    assert_eq!(check().exit, Exit::Done);
    let printed = folder.vexil(&["generate", "flags.json"]).stdout;
    let written = || std::fs::read_to_string(folder.path("flags.rs")).expect("the file");
    assert_eq!(written(), printed);
    let identity = || {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(folder.path("flags.rs"))
            .expect("the file")
            .ino()
    };
    let before = identity();
    assert_eq!(write().exit, Exit::Done);
    assert_eq!(
        identity(),
        before,
        "an unchanged file is not replaced, so that it is not compiled again"
    );

    folder.write("flags.json", r#"{"flags": {}}"#);
    let changed = check();
    assert_eq!(
        (changed.exit, &*changed.stderr),
        (Exit::No, "flags.rs is not the code for the flags\n")
    );
    assert_eq!(written(), printed);
    assert_eq!(write().exit, Exit::Done);
    assert!(
        written().ends_with("pub struct AppFlags {}\n"),
        "{}",
        written()
    );
}

const FLAGS: &str = r#"{"flags": {"theme": {"version": 1, "variations": ["light"]}}}"#;

#[test]
fn the_file_of_a_person_is_not_replaced() {
    let folder = Folder::with(&[("flags.json", FLAGS), ("flags.rs", "fn main() {}\n")]);
    let refused = folder.vexil(&["generate", "flags.json", "--out", "flags.rs"]);
    assert_eq!(refused.exit, Exit::Refused);
    assert_eq!(
        refused.stderr,
        "error: flags.rs was not written by \"vexil generate\"\nhelp: --force replaces it\n"
    );
    let written = || std::fs::read_to_string(folder.path("flags.rs")).expect("the file");
    assert_eq!(written(), "fn main() {}\n");
    let forced = folder.vexil(&["generate", "flags.json", "--out", "flags.rs", "--force"]);
    assert_eq!(forced.exit, Exit::Done);
    assert!(written().contains("pub theme: String"), "{}", written());
}

#[test]
fn a_flag_that_cannot_be_read_is_an_error_and_nothing_is_written() {
    let flags = r#"{"flags": {"good": {"version": 1, "variations": [true]}, "bad": {"version": 1, "variations": 7}}}"#;
    let folder = Folder::with(&[("flags.json", flags)]);
    let command = ["generate", "flags.json", "--out", "flags.rs"];
    let ran = folder.vexil(&command);
    assert_eq!(ran.exit, Exit::Unreadable, "{}", ran.stderr);
    assert!(!folder.path("flags.rs").exists());
    let tolerant = folder.vexil(&[&command[..], &["--tolerant"]].concat());
    assert_eq!(tolerant.exit, Exit::Done, "{}", tolerant.stderr);
    let written = std::fs::read_to_string(folder.path("flags.rs")).expect("the file");
    assert!(
        written.contains("pub good: bool") && !written.contains("bad"),
        "{written}"
    );
}

#[test]
fn wrong_options_are_errors_of_usage() {
    for options in [
        &["--check"][..],
        &["--force"],
        &["--out", "a.rs", "--check", "--force"],
        &["--name", "shop"],
        &["--name", "Self"],
        &["--name", "Shop-Flags"],
        &["--lang", "cobol"],
    ] {
        let ran = generate(SHOP, options);
        assert_eq!(ran.exit, Exit::Usage, "{options:?}");
    }
    let missing = generate(SHOP, &["--out", "no/such/folder/flags.rs"]);
    assert_eq!(missing.exit, Exit::Incomplete, "{}", missing.stderr);
}
