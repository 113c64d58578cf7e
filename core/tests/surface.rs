//! The public surface: the types of other crates that appear in it, and the number of methods that
//! evaluate a flag.
//!
//! The source is read as text, so that the check needs no nightly compiler.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// The types and traits of other crates in public signatures. A new major version of their crates
/// is a new major version of this one, so the list is short and stays so.
const ALLOWED: &[&str] = &[
    "bytes::Bytes",
    "http::HeaderMap",
    "http::Request",
    "http::Response",
    // Before 1.0, but the only way to hand in a TLS configuration, and to share the loading of
    // certificates with the store crates. Behind the feature `tls`.
    "rustls::ClientConfig",
    "rustls::Error",
    "rustls::RootCertStore",
    "rustls::crypto::CryptoProvider",
    "rustls::pki_types::CertificateDer",
    "rustls::pki_types::PrivateKeyDer",
    "rustls::pki_types::pem::Error",
    "serde::Deserialize",
    "serde::Deserializer",
    "serde::Serialize",
    "serde::de::DeserializeOwned",
    "serde::de::DeserializeSeed",
    "serde::de::Error",
    "serde_json::Error",
    "serde_json::Map",
    "serde_json::Value",
    "tokio::runtime::Handle",
];

/// Crates of which only macros are used, and one that this crate re-exports.
const EXEMPT: &[&str] = &["async_trait", "thiserror", "vexil_derive", "vexil_eval"];

const MOST_VARIATION_METHODS: usize = 16;

#[test]
fn public_signatures_show_only_the_listed_types_of_other_crates() {
    let external = dependencies();
    let mut found = BTreeMap::new();
    for (path, code) in production_files() {
        for name in external_types(&code, &external) {
            found.entry(name).or_insert(path.clone());
        }
    }
    let allowed: BTreeSet<_> = ALLOWED.iter().map(|name| (*name).to_owned()).collect();
    let unlisted: Vec<_> = found
        .iter()
        .filter(|(name, _)| !allowed.contains(*name))
        .collect();
    assert!(unlisted.is_empty(), "not in the list: {unlisted:#?}");
    let unused: Vec<_> = allowed
        .iter()
        .filter(|name| !found.contains_key(*name))
        .collect();
    assert!(unused.is_empty(), "in the list, but not used: {unused:?}");
}

#[test]
fn the_client_has_few_variation_methods() {
    let method = Regex::new("pub (?:async )?fn ([a-z_]*variation[a-z_]*)").unwrap();
    let methods: BTreeSet<_> = production_files()
        .iter()
        .filter(|(path, _)| path.starts_with(root().join("core")))
        .flat_map(|(_, code)| {
            method
                .captures_iter(code)
                .map(|found| found[1].to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(methods.contains("bool_variation"), "{methods:?}");
    assert!(methods.len() <= MOST_VARIATION_METHODS, "{methods:#?}");
}

#[test]
fn a_type_of_another_crate_is_found_in_every_kind_of_signature() {
    let external = BTreeSet::from(["other".to_owned()]);
    let found = |code: &str| external_types(code, &external);
    for code in [
        "use other::{a::{Thing, Else}, b};\n    pub fn f(\n        x: Vec<Thing>,\n    ) -> u8 {",
        "use other::{self as o, a};\npub fn f(x: &a::Thing) {}",
        "    pub async fn f() -> other::a::Thing {",
        "pub type Alias = other::a::Thing;",
        "    pub field: Option<other::a::Thing>,",
        "pub trait Seam {\n    fn f(&self) -> other::a::Thing;\n}",
        "pub enum Kind {\n    A(other::a::Thing),\n}",
        "pub struct Tuple(pub other::a::Thing);",
        "pub use other::a::Thing;",
        "pub const KEY: other::a::Thing = other::b::new();",
        "pub struct Own;\nimpl From<other::a::Thing> for Own {",
    ] {
        assert_eq!(found(code), ["other::a::Thing"], "{code}");
    }
    for code in [
        "use other::a::Thing;\n    fn f(x: Thing) {",
        "use other::a::Thing;\n    pub(crate) fn f(x: Thing) {",
        "pub struct Tuple(other::a::Thing);",
        "struct Own;\nimpl From<other::a::Thing> for Own {",
        "    pub fn f() {\n        let x: other::a::Thing = y;",
        "    pub const fn f() -> Self {\n        Self(other::a::Thing::new())",
    ] {
        assert!(found(code).is_empty(), "{code}");
    }
}

/// The paths of the external types in the public signatures of a file.
fn external_types(code: &str, external: &BTreeSet<String>) -> Vec<String> {
    static IMPORT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?m)^ *(?:pub(?:\([a-z ]*\))? )?use (?:::)?([^;]+);").unwrap()
    });
    static PATH: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:^|[^A-Za-z0-9_:])([A-Za-z_][A-Za-z0-9_]*)((?:::[A-Za-z0-9_]+)*)").unwrap()
    });
    let is_external = |path: &str| external.contains(path.split("::").next().unwrap_or_default());
    let mut names = BTreeMap::new();
    for found in IMPORT.captures_iter(code) {
        expand("", &found[1], &mut names);
    }
    names.retain(|_, path| is_external(path));

    let mut types = BTreeSet::new();
    for signature in signatures(code) {
        for found in PATH.captures_iter(&signature) {
            let (first, rest) = (&found[1], &found[2]);
            if let Some(imported) = names.get(first) {
                types.insert(format!("{imported}{rest}"));
            } else if is_external(first) && !rest.is_empty() {
                types.insert(format!("{first}{rest}"));
            }
        }
    }
    types.into_iter().collect()
}

/// Resolves one `use` tree to the full path of each name that it imports.
fn expand(prefix: &str, tree: &str, names: &mut BTreeMap<String, String>) {
    for part in split_at_commas(tree) {
        let part = part.trim();
        if let Some((head, nested)) = part.split_once('{') {
            let nested = nested.trim_end().trim_end_matches('}');
            expand(&format!("{prefix}{head}"), nested, names);
        } else if !part.is_empty() {
            let (path, alias) = part.split_once(" as ").unwrap_or((part, ""));
            let path = format!("{prefix}{path}");
            let path = path.trim_end_matches("::self").to_owned();
            let last = path.rsplit("::").next().unwrap_or_default().to_owned();
            let name = if alias.is_empty() {
                last
            } else {
                alias.to_owned()
            };
            names.insert(name, path);
        }
    }
}

fn split_at_commas(tree: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, character) in tree.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&tree[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tree[start..]);
    parts
}

/// The text of the public signatures: functions, aliases, constants, fields, methods of traits,
/// variants, re-exports, and implementations for public types.
fn signatures(code: &str) -> Vec<String> {
    static ITEMS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        [
            r"(?m)^ *pub (?:async |const )*fn [^{;]+",
            r"(?m)^ *pub (?:type [^;]+|(?:static|const) [A-Z_0-9]+: [^;=]+)",
            r"(?m)^ +pub [a-z_0-9]+: [^\n]+",
            r"(?m)^pub struct [A-Za-z0-9]+[^;{(]*\([^\n]*pub [^\n]*\);",
            r"(?m)^ *pub use [^;]+;",
            r"(?m)^pub trait [^{]+",
            r"(?ms)^pub enum .*?^\}",
        ]
        .map(|pattern| Regex::new(pattern).unwrap())
        .into()
    });
    static TRAIT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?ms)^pub trait .*?^\}").unwrap());
    static METHOD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?m)^    (?:async )?(?:fn|type) [^{;]+").unwrap());
    static PUBLIC: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?m)^pub (?:struct|enum) ([A-Za-z0-9]+)").unwrap());
    static IMPL: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?m)^impl[^{;]*? for &?([A-Za-z0-9]+)[^{]*").unwrap());

    let mut signatures: Vec<_> = ITEMS
        .iter()
        .flat_map(|pattern| pattern.find_iter(code))
        .map(|found| found.as_str().to_owned())
        .collect();
    for found in TRAIT.find_iter(code) {
        let methods = METHOD.find_iter(found.as_str());
        signatures.extend(methods.map(|found| found.as_str().to_owned()));
    }
    let public: BTreeSet<_> = PUBLIC
        .captures_iter(code)
        .map(|found| found[1].to_owned())
        .collect();
    for found in IMPL.captures_iter(code) {
        if public.contains(&found[1]) {
            signatures.push(found[0].to_owned());
        }
    }
    signatures
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names of the crates that both crates link.
fn dependencies() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for manifest in ["core/Cargo.toml", "eval/Cargo.toml"] {
        let text = fs::read_to_string(root().join(manifest)).unwrap();
        let section = text.split("\n[dependencies]\n").nth(1).unwrap();
        let section = section.split("\n[").next().unwrap();
        names.extend(section.lines().filter_map(|line| {
            let name = line.split(['.', ' ', '=']).next()?;
            let is_name = name.starts_with(|first: char| first.is_ascii_lowercase());
            is_name.then(|| name.replace('-', "_"))
        }));
    }
    assert!(names.len() > 20, "{names:?}");
    names.retain(|name| !EXEMPT.contains(&name.as_str()));
    names
}

/// Path and code of every file of both crates, without comments and tests.
fn production_files() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("core/src"), root().join("eval/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.extend((!path.ends_with("tests")).then_some(path));
            } else if !path.ends_with("tests.rs") {
                let code = fs::read_to_string(&path).unwrap();
                files.push((path, production_code(&code)));
            }
        }
    }
    assert!(files.len() > 100, "only {} files found", files.len());
    files
}

fn production_code(code: &str) -> String {
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}
