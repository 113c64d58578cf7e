//! The guide matches the tree: its pages, its links, and the log lines that it explains.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

const GUIDE: &str = "docs/guide";

/// Folders without documents of the project.
const SKIPPED: [&str; 3] = ["target", "node_modules", ".git"];

#[test]
fn every_page_is_in_the_book_and_its_code_is_compiled() {
    let summary = read("docs/guide/SUMMARY.md");
    let compiled = read("examples/src/guide.rs") + &read("bench/src/lib.rs");
    for path in files(&root().join(GUIDE), "md") {
        let name = path.file_name().unwrap().to_str().unwrap();
        if name == "SUMMARY.md" {
            continue;
        }
        let path = path.strip_prefix(root().join(GUIDE)).unwrap();
        let path = path.to_str().unwrap();
        assert!(
            summary.contains(&format!("({path})")),
            "{path} is not in SUMMARY.md"
        );
        let is_compiled = compiled.contains(&format!("{path}\""));
        assert!(is_compiled, "{path} is not in examples/src/guide.rs");
    }
}

#[test]
fn the_page_on_custom_components_shows_the_tested_ones() {
    let page = read("docs/guide/custom.md");
    for name in ["store", "source", "event_processor"] {
        let path = format!("examples/tests/custom/{name}.rs");
        assert!(
            page.contains(&read(&path)),
            "custom.md does not show {path}"
        );
    }
}

#[test]
fn the_page_on_troubleshooting_has_the_lines_that_are_logged() {
    static ROW: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)^\| `([^`]+)` \|").unwrap());
    let page = read("docs/guide/troubleshooting.md");
    let explained: BTreeSet<_> = ROW
        .captures_iter(&page)
        .map(|row| row[1].to_owned())
        .collect();
    let logged: BTreeSet<_> = ["core", "derive", "eval", "integrations", "service"]
        .iter()
        .flat_map(|folder| files(&root().join(folder), "rs"))
        .filter(|path| path.components().any(|part| part.as_os_str() == "src"))
        .flat_map(|path| logged_lines(&fs::read_to_string(path).unwrap()))
        .collect();
    let missing: Vec<_> = logged.difference(&explained).collect();
    assert!(
        missing.is_empty(),
        "not in troubleshooting.md: {missing:#?}"
    );
    let obsolete: Vec<_> = explained.difference(&logged).collect();
    assert!(obsolete.is_empty(), "not logged: {obsolete:#?}");
}

#[test]
fn logged_lines_are_found_in_every_form() {
    let found = logged_lines(
        r#"
        tracing::warn!("a plain line");
        tracing::error!(error, flag.key = "x", ?delay, "a line with \
            fields and a \"quote\" of `code`");
        tracing::debug!("not a warning");
        tracing::warn!("{message}");
        self.warn_once(
            "an indirect line",
        );
        "#,
    );
    let expected = [
        "a plain line",
        "a line with fields and a \"quote\" of code",
        "an indirect line",
    ];
    assert_eq!(found, expected);
}

/// The messages of warnings and errors in a source file: the last string of each call.
fn logged_lines(source: &str) -> Vec<String> {
    static CALL: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?:tracing::(?:warn|error)!|warn_once)\(").unwrap());
    static STRING: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#""((?:[^"\\]|\\(?s:.))*)""#).unwrap());
    static CONTINUED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\\\n\s*").unwrap());
    let message = |call: regex::Match<'_>| {
        let rest = &source[call.end()..];
        let mut depth = 1;
        let mut last = None;
        let mut position = 0;
        while depth > 0 {
            match rest.as_bytes().get(position)? {
                b'"' => {
                    let string = STRING.captures_at(rest, position)?;
                    position = string.get(0)?.end();
                    last = Some(string[1].to_owned());
                    continue;
                }
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            position += 1;
        }
        let text = CONTINUED.replace_all(&last?, "").replace("\\\"", "\"");
        // A code span of Markdown cannot contain a backtick.
        Some(text.replace('`', "").replace("{{", "{").replace("}}", "}"))
    };
    let messages = CALL.find_iter(source).filter_map(message);
    // Its callers are scanned instead.
    messages.filter(|message| message != "{message}").collect()
}

#[test]
fn relative_links_lead_to_files_and_headings() {
    let mut broken = Vec::new();
    for path in files(root(), "md") {
        let text = without_code(&fs::read_to_string(&path).unwrap());
        for link in links(&text) {
            if let Some(problem) = problem(&path, &link) {
                let path = path.strip_prefix(root()).unwrap().display();
                broken.push(format!("{path}: {link}: {problem}"));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn broken_links_are_found() {
    let page = root().join("docs/guide/testing.md");
    let problem = |link: &str| problem(&page, link);
    for link in [
        "flag-server.md",
        "flag-server.md#start",
        "#rules",
        "../../testing",
        "https://x",
    ] {
        assert_eq!(problem(link), None, "{link}");
    }
    assert_eq!(problem("no-such.md"), Some("no such file"));
    assert_eq!(problem("flag-server.md#no-such"), Some("no such heading"));
    assert_eq!(problem("#no-such"), Some("no such heading"));

    let text = "[a](b.md) ![c](d.svg) <img src=\"e.png\"> [`f`](g.md#h)\n[i]: j.md\n```\n[k](l)\n```\n`[m](n)`";
    let found = links(&without_code(text));
    assert_eq!(found, ["b.md", "d.svg", "e.png", "g.md#h", "j.md"]);
    let slugs = headings("# Don't `wait`, go: now\n## Same\n## Same\n```\n# no\n```\n");
    assert_eq!(slugs, ["dont-wait-go-now", "same", "same-1"]);
}

/// The targets of links and pictures.
fn links(text: &str) -> Vec<String> {
    static LINK: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?m)\]\(([^)\s]+)\)|\bsrc="([^"]+)"|^\[[^\]]+\]: (\S+)$"#).unwrap()
    });
    let target = |link: regex::Captures<'_>| {
        let group = (1..=3).find_map(|group| link.get(group));
        group.unwrap().as_str().to_owned()
    };
    LINK.captures_iter(text).map(target).collect()
}

fn problem(page: &Path, link: &str) -> Option<&'static str> {
    let is_item_of_rust = link.contains("::");
    if link.contains("://") || link.starts_with("mailto:") || is_item_of_rust {
        return None;
    }
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = match path {
        "" => page.to_owned(),
        _ => page.parent().unwrap().join(path),
    };
    if !target.exists() {
        return Some("no such file");
    }
    let is_page = target
        .extension()
        .is_some_and(|extension| extension == "md");
    if heading.is_empty() || !is_page {
        return None;
    }
    let headings = headings(&fs::read_to_string(target).unwrap());
    (!headings.iter().any(|it| it == heading)).then_some("no such heading")
}

/// The anchors of a page: its headings, in the form that they have in links.
fn headings(text: &str) -> Vec<String> {
    let mut slugs: Vec<String> = Vec::new();
    for line in without_fences(text).lines() {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let slug = title.trim().to_lowercase().replace(' ', "-");
        let is_kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
        let slug: String = slug.chars().filter(is_kept).collect();
        let same = |it: &&String| **it == slug || it.strip_prefix(&slug).is_some_and(is_number);
        let count = slugs.iter().filter(same).count();
        slugs.push(match count {
            0 => slug,
            count => format!("{slug}-{count}"),
        });
    }
    slugs
}

fn is_number(suffix: &str) -> bool {
    suffix
        .strip_prefix('-')
        .is_some_and(|number| number.parse::<u32>().is_ok())
}

fn without_fences(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.map(|line| format!("{line}\n")).collect()
}

fn without_code(text: &str) -> String {
    static SPAN: LazyLock<Regex> = LazyLock::new(|| Regex::new("`[^`\n]*`").unwrap());
    SPAN.replace_all(&without_fences(text), "").into_owned()
}

/// The files with this extension in a folder and its subfolders.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            if !SKIPPED.iter().any(|skipped| name == **skipped) {
                found.extend(files(&path, extension));
            }
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
