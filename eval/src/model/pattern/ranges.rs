//! Ranges of code points, and the case variants of their members.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// Returns a range of code points, some of which may be surrogates.
pub(super) fn range(start: u32, end: u32) -> ClassUnicode {
    // Text contains no surrogates: they are cut off the ends of a range, and `ClassUnicode`
    // excludes them in the middle.
    let start = if (0xD800..0xE000).contains(&start) {
        0xE000
    } else {
        start
    };
    let end = if (0xD800..0xE000).contains(&end) {
        0xD7FF
    } else {
        end
    };
    match (char::from_u32(start), char::from_u32(end)) {
        (Some(start), Some(end)) if start <= end => {
            ClassUnicode::new([ClassUnicodeRange::new(start, end)])
        }
        _ => ClassUnicode::empty(),
    }
}

/// The last code point with a case variant. Those beyond are mostly ideographs.
pub(super) const LAST_FOLDED: u32 = 0x1E943;

/// Adds the case variants of all members. Returns the number of chunks that were folded, which
/// measures the time it took.
pub(super) fn fold(class: &mut ClassUnicode) -> usize {
    // Letters with case are few and close together. The library looks up every code point of a
    // range that contains one, so long ranges are passed to it in chunks.
    const CHUNK: u32 = 64;
    let (mut folded, mut chunks) = (Vec::new(), 0);
    for whole in class.iter() {
        let (mut start, end) = (
            u32::from(whole.start()),
            u32::from(whole.end()).min(LAST_FOLDED),
        );
        while start <= end {
            let last = end.min(start | (CHUNK - 1));
            let mut chunk = range(start, last);
            // Fails only without the tables of the feature `unicode-case`, which is enabled.
            let _ = chunk.try_case_fold_simple();
            folded.extend(chunk.iter().copied());
            start = last + 1;
            chunks += 1;
        }
    }
    class.union(&ClassUnicode::new(folded));
    chunks
}
