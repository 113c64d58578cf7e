//! The targets, one file each.

mod classic_patch;
mod classic_put;
mod context;
mod date;
mod events;
mod file;
mod flag;
mod openfeature;
mod pattern;
mod poll;
mod proxy_url;
mod redis_url;
mod reference;
mod segment;
mod sse;
mod stored_item;
mod version;

/// Checks the properties of one reader.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Target {
    /// The name of the target, and of its folder in the corpus.
    pub name: &'static str,
    /// The length of the longest useful input, in bytes.
    pub max_len: usize,
    /// Reads an input. Panics if a property does not hold.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    target("sse", 1024, sse::target),
    target("classic-put", 2048, classic_put::target),
    target("classic-patch", 2048, classic_patch::target),
    target("events", 2048, events::target),
    target("poll", 2048, poll::target),
    target("flag", 2048, flag::target),
    target("segment", 2048, segment::target),
    target("context", 1024, context::target),
    target("reference", 128, reference::target),
    target("date", 128, date::target),
    target("version", 128, version::target),
    target("pattern", 128, pattern::target),
    target("file-json", 2048, file::json),
    target("file-yaml", 2048, file::yaml),
    target("stored-item", 2048, stored_item::target),
    target("redis-url", 256, redis_url::target),
    target("proxy-url", 256, proxy_url::target),
    target("openfeature", 1024, openfeature::target),
];

const fn target(name: &'static str, max_len: usize, run: fn(&[u8])) -> Target {
    Target { name, max_len, run }
}
