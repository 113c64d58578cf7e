//! Enforces that the files of `vexil-eval` and of `vexil` do not import each other in a circle.
//!
//! An import leads to the file that defines the name: a `mod.rs` that only re-exports a name is
//! passed through, so a module may use what its parent re-exports from a sibling.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// The imports of `core/src` that close a circle, each with the reason.
const EXCEPTIONS: &[(Edge<'static>, &str)] = &[(
    ("client", "client/builder"),
    "`Client::builder` returns the builder, whose `start` creates the client",
)];

/// The importing and the imported file.
type Edge<'m> = (&'m str, &'m str);

#[test]
fn the_files_of_the_evaluator_do_not_import_each_other_in_a_circle() {
    assert_eq!(in_circles(&sources("eval/src").edges()), BTreeSet::new());
}

#[test]
fn the_files_of_the_client_do_not_import_each_other_in_a_circle() {
    let sources = sources("core/src");
    let mut edges = sources.edges();
    let circles = in_circles(&edges);
    for (edge, _reason) in EXCEPTIONS {
        assert!(circles.contains(edge), "no longer in a circle: {edge:?}");
        edges.remove(edge);
    }
    assert_eq!(in_circles(&edges), BTreeSet::new());
}

#[test]
fn circles_are_found_through_groups_re_exports_and_paths_in_code() {
    let circles = |files: &[(&str, &str)]| {
        let sources = Sources::of(files);
        let circles = in_circles(&sources.edges()).into_iter();
        circles
            .map(|(importing, imported)| format!("{importing} -> {imported}"))
            .collect::<Vec<_>>()
    };
    let parent = "mod one; mod two; pub use self::one::One; pub use two::Two;";
    let one = "use super::{Two, Other as _};";
    let both_ways = ["folder/one -> folder/two", "folder/two -> folder/one"];
    for two in [
        "use super::One;",
        "use crate::folder::{self, one::{One, Another}};",
        "fn f() -> super::one::One { super::one::g() }",
    ] {
        let files = [("folder", parent), ("folder/one", one), ("folder/two", two)];
        assert_eq!(circles(&files), both_ways, "{two}");
    }
    for two in [
        "use std::fmt; use super::three::Three;",
        "// use super::One;",
        "#[cfg(test)]\nmod tests { use super::super::One; }",
        "pub(in crate::folder::one) struct Two;",
    ] {
        let files = [("folder", parent), ("folder/one", one), ("folder/two", two)];
        assert!(circles(&files).is_empty(), "{two}");
    }
    let uses_child = "mod one; pub use one::One; struct Parent(One);";
    let files = [("folder", uses_child), ("folder/one", "use super::Parent;")];
    assert_eq!(circles(&files).len(), 2);
}

/// Reads the sources of a crate.
fn sources(folder: &str) -> Sources {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let sources = Sources::read(&crates.join(folder));
    let files = sources.0.len();
    assert!(files > 30, "only {files} files found in {folder}");
    sources
}

/// A path in code.
static PATH: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(?:crate|super)(?:::\w+)+").unwrap());

/// The code of each file by the path of its module, joined by slashes; the root's is empty.
struct Sources(BTreeMap<String, Source>);

struct Source {
    imports: Vec<Import>,
    /// Without comments, tests and imports.
    code: String,
}

struct Import {
    /// Whether the name is re-exported.
    is_public: bool,
    /// The segments of the path; the last one is the name in the file that defines it.
    path: Vec<String>,
}

impl Sources {
    fn read(root: &Path) -> Self {
        let mut files = Vec::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.extend((!path.ends_with("tests")).then_some(path));
                } else if !path.ends_with("tests.rs") {
                    let module = path.strip_prefix(root).unwrap().with_extension("");
                    let module = module.to_str().unwrap().replace('\\', "/");
                    let module = match module.as_str() {
                        "lib" => "",
                        other => other.strip_suffix("/mod").unwrap_or(other),
                    };
                    files.push((module.to_owned(), fs::read_to_string(&path).unwrap()));
                }
            }
        }
        Self::of(&files)
    }

    fn of(files: &[(impl AsRef<str>, impl AsRef<str>)]) -> Self {
        let uses = Regex::new(r"(?s)(pub(?:\([a-z ]+\))? )?\buse ([^;]+);").unwrap();
        let restriction = Regex::new(r"pub\(in [\w:]+\)").unwrap();
        let parse = |code: &str| {
            let code = production_code(code);
            let mut imports = Vec::new();
            for found in uses.captures_iter(&code) {
                for path in expanded(&found[2]) {
                    let is_public = found.get(1).is_some();
                    imports.push(Import { is_public, path });
                }
            }
            let code = uses.replace_all(&code, "");
            let code = restriction.replace_all(&code, "pub").into_owned();
            Source { imports, code }
        };
        let parsed = files.iter();
        Self(
            parsed
                .map(|(module, code)| (module.as_ref().to_owned(), parse(code.as_ref())))
                .collect(),
        )
    }

    fn edges(&self) -> BTreeSet<Edge<'_>> {
        let modules = self.0.keys();
        modules
            .flat_map(|module| {
                let imported = self.imported_files(module).into_iter();
                imported.map(move |other| (module.as_str(), other))
            })
            .collect()
    }

    fn imported_files(&self, module: &str) -> BTreeSet<&str> {
        let source = &self.0[module];
        let is_used = |import: &&Import| {
            let name = import.path.last().unwrap();
            let mut words = source
                .code
                .split(|c: char| !c.is_alphanumeric() && c != '_');
            !import.is_public || words.any(|word| word == name)
        };
        let in_code = PATH.find_iter(&source.code).map(|found| {
            let segments = found.as_str().split("::");
            segments.map(str::to_owned).collect::<Vec<_>>()
        });
        let imports = source.imports.iter().filter(is_used);
        imports
            .map(|import| import.path.clone())
            .chain(in_code)
            .filter_map(|path| self.defining_file(module, &path))
            .filter(|file| *file != module)
            .collect()
    }

    /// Returns the file that defines the name at the end of a path; `None` if it lies outside the
    /// crate.
    fn defining_file(&self, module: &str, path: &[String]) -> Option<&str> {
        let mut at: Vec<&str> = module.split('/').filter(|part| !part.is_empty()).collect();
        let mut rest = path;
        match rest.first()?.as_str() {
            "crate" => at.clear(),
            "super" => _ = at.pop()?,
            child => {
                // Anything but a child module is another crate.
                self.0.get(&[at.as_slice(), &[child]].concat().join("/"))?;
                return self.descend(at, rest);
            }
        }
        rest = &rest[1..];
        while rest.first().is_some_and(|part| part == "super") {
            at.pop()?;
            rest = &rest[1..];
        }
        self.descend(at, rest)
    }

    fn descend<'p>(&self, mut at: Vec<&'p str>, mut rest: &'p [String]) -> Option<&str> {
        while let Some(child) = rest.first() {
            at.push(child);
            if !self.0.contains_key(&at.join("/")) {
                at.pop();
                break;
            }
            rest = &rest[1..];
        }
        let (module, source) = self.0.get_key_value(&at.join("/"))?;
        let re_export = |name: &String| {
            let imports = source.imports.iter();
            let found = imports.filter(|import| import.path.last() == Some(name));
            found
                .filter_map(|import| self.defining_file(module, &import.path))
                .next()
        };
        rest.first().and_then(re_export).or(Some(module))
    }
}

/// Returns the edges that are part of a circle.
fn in_circles<'m>(edges: &BTreeSet<Edge<'m>>) -> BTreeSet<Edge<'m>> {
    let mut imported: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (importing, file) in edges {
        imported.entry(importing).or_default().push(file);
    }
    let is_closed = |edge: &&Edge<'m>| reaches(edge.1, edge.0, &imported);
    edges.iter().filter(is_closed).copied().collect()
}

fn reaches(from: &str, to: &str, imported: &BTreeMap<&str, Vec<&str>>) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut next = vec![from];
    while let Some(module) = next.pop() {
        let files = imported.get(module).into_iter().flatten();
        next.extend(files.filter(|file| seen.insert(file)));
    }
    seen.contains(to)
}

/// Expands the groups of a `use` declaration: `a::{b, c::d as e}` becomes `a::b` and `a::c::d`.
fn expanded(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    if let Some((prefix, group)) = tree.split_once('{') {
        let prefix: Vec<_> = names(prefix).collect();
        let group = group.trim_end().strip_suffix('}').unwrap_or(group);
        let mut depth = 0;
        let members = group.split(|character| {
            depth += match character {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            character == ',' && depth == 0
        });
        let members = members.filter(|member| !member.trim().is_empty());
        return members
            .flat_map(expanded)
            .map(|path| [prefix.clone(), path].concat())
            .collect();
    }
    let path = tree.split(" as ").next().unwrap_or_default();
    vec![names(path).collect()]
}

fn names(path: &str) -> impl Iterator<Item = String> {
    path.split("::")
        .map(str::trim)
        .filter(|name| !matches!(*name, "" | "self"))
        .map(str::to_owned)
}

fn production_code(code: &str) -> String {
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}
