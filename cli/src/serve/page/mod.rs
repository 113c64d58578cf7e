//! The page of the flag server: one document without outside assets.

use std::sync::LazyLock;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use vexil_service::{etag, has_etag};

use super::handler::text;

const INDEX: &str = include_str!("index.html");
const STYLE: &str = include_str!("style.css");

/// The parts of the page's only module, which share one scope. The last one starts the page.
const SCRIPT: &str = concat!(
    include_str!("base.js"),
    include_str!("json.js"),
    include_str!("dialog.js"),
    include_str!("api.js"),
    include_str!("live.js"),
    include_str!("state.js"),
    include_str!("list.js"),
    include_str!("tree.js"),
    include_str!("override.js"),
    include_str!("detail.js"),
    include_str!("contexts.js"),
    include_str!("setup.js"),
    include_str!("events.js"),
    include_str!("sdks.js"),
    include_str!("check.js"),
    include_str!("frame.js"),
    include_str!("keys.js"),
    include_str!("main.js"),
);

const STYLE_PLACE: (&str, &str) = ("<style>", "</style>");
const SCRIPT_PLACE: (&str, &str) = ("<script type=\"module\">", "</script>");

/// The page, as it is served at `/`.
pub(super) async fn page(request: HeaderMap) -> Response {
    let document = document();
    let is_known =
        text(&request, &header::IF_NONE_MATCH).is_some_and(|known| has_etag(known, &document.etag));
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, document.policy.as_str()),
        (header::ETAG, document.weak_etag.as_str()),
    ];
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, document.html.clone()).into_response()
}

/// The page and the headers that depend on it.
#[derive(Debug)]
struct Document {
    html: Bytes,
    /// The value of `Content-Security-Policy`: only the page's own style and script, and requests to
    /// the page's own server.
    policy: String,
    etag: String,
    /// The value of `ETag`. It is weak, because the page may be compressed on its way.
    weak_etag: String,
}

fn document() -> &'static Document {
    static DOCUMENT: LazyLock<Document> = LazyLock::new(Document::new);
    &DOCUMENT
}

impl Document {
    fn new() -> Self {
        let html = filled(&filled(INDEX, STYLE_PLACE, STYLE), SCRIPT_PLACE, SCRIPT);
        let policy = format!(
            "default-src 'none'; script-src '{}'; style-src '{}'; connect-src 'self'; img-src data:; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            integrity(SCRIPT),
            integrity(STYLE),
        );
        let etag = etag(html.as_bytes());
        Self {
            html: html.into(),
            policy,
            weak_etag: format!("W/{etag}"),
            etag,
        }
    }
}

/// Puts a text into the empty element that `place` names.
fn filled(document: &str, place: (&str, &str), text: &str) -> String {
    let (start, end) = place;
    document.replacen(&format!("{start}{end}"), &format!("{start}{text}{end}"), 1)
}

/// Returns the source expression that allows an inline text.
fn integrity(text: &str) -> String {
    format!(
        "sha256-{}",
        STANDARD.encode(Sha256::digest(text.as_bytes()))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limit for the page as it is sent without compression.
    const LIMIT: usize = 150 * 1024;

    fn html() -> &'static str {
        std::str::from_utf8(&document().html).unwrap()
    }

    /// Returns the text between two marks, which must be there once.
    fn between(place: (&str, &str)) -> &'static str {
        let (start, end) = place;
        assert_eq!(html().matches(start).count(), 1, "{start}");
        assert_eq!(html().matches(end).count(), 1, "{end}");
        html()
            .split_once(start)
            .unwrap()
            .1
            .split_once(end)
            .unwrap()
            .0
    }

    #[test]
    fn the_page_is_small() {
        let size = document().html.len();
        assert!(size < LIMIT, "{size} bytes");
    }

    #[test]
    fn the_policy_allows_what_the_page_contains() {
        let style = integrity(between(STYLE_PLACE));
        let script = integrity(between(SCRIPT_PLACE));
        let policy = &document().policy;
        assert!(
            policy.contains(&format!("style-src '{style}';")),
            "{policy}"
        );
        assert!(
            policy.contains(&format!("script-src '{script}';")),
            "{policy}"
        );
    }

    /// Addresses that are only shown or compared, and names of XML.
    const ADDRESSES: [&str; 1] = ["http://www.w3.org/2000/svg"];

    #[test]
    fn the_page_names_no_other_server() {
        let mut text = html().to_owned();
        for address in ADDRESSES {
            text = text.replace(address, "");
        }
        for scheme in ["http://", "https://", "ws://", "wss://", "url(", "@import"] {
            assert!(!text.contains(scheme), "{scheme}");
        }
    }

    #[test]
    fn text_never_becomes_markup() {
        for name in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "setAttribute('style'",
            "document.cookie",
        ] {
            assert!(!SCRIPT.contains(name), "{name}");
        }
        for attribute in [" style=", " onclick=", " onload="] {
            assert!(!INDEX.contains(attribute), "{attribute}");
        }
    }

    #[test]
    fn each_part_of_the_script_is_included() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/serve/page");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "js") {
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(SCRIPT.contains(&text), "{}", path.display());
            }
        }
    }

    #[tokio::test]
    async fn a_known_page_is_not_sent_again() {
        let response = page(HeaderMap::new()).await;
        assert_eq!(response.status(), StatusCode::OK);
        let etag = response.headers()[header::ETAG].clone();
        let request = HeaderMap::from_iter([(header::IF_NONE_MATCH, etag)]);
        assert_eq!(page(request).await.status(), StatusCode::NOT_MODIFIED);
        let request = HeaderMap::from_iter([(header::IF_NONE_MATCH, "W/\"old\"".parse().unwrap())]);
        assert_eq!(page(request).await.status(), StatusCode::OK);
    }
}
