//! The property names of `\p{…}`: the general categories and scripts that Go accepts.
//!
//! Go accepts fewer names than `regex-syntax`: no short names of scripts, no `sc=`, no binary
//! properties, no scripts of several words (its tables contain an underscore, which is removed from
//! the requested name). Accepting more names here than other SDKs do would make a flag work in one
//! service and not in another.

use regex_syntax::ast;
use regex_syntax::hir::translate::Translator;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

/// Returns the code points of a property, or `None` if the name is unknown.
pub(super) fn code_points(name: &str) -> Option<ClassUnicode> {
    let name: String = name
        .chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    match name.as_str() {
        "any" => return Some(range('\0', char::MAX)),
        "ascii" => return Some(range('\0', '\x7F')),
        "assigned" => {
            let mut assigned = table("gc", "cn")?;
            assigned.negate();
            return Some(assigned);
        }
        // Text contains no surrogates.
        "cs" | "surrogate" => return Some(ClassUnicode::empty()),
        _ => {}
    }
    if let Some((_, short)) = CATEGORIES
        .iter()
        .find(|(long, short)| *long == name || *short == name)
    {
        return table("gc", short);
    }
    SCRIPTS
        .contains(&name.as_str())
        .then(|| table("sc", &name))
        .flatten()
}

/// Reads a table of `regex-syntax`, which exposes its tables only through the translation of its
/// syntax tree. Its parser is not used and so not linked.
fn table(property: &str, value: &str) -> Option<ClassUnicode> {
    let class = ast::Ast::class_unicode(ast::ClassUnicode {
        span: ast::Span::splat(ast::Position::new(0, 1, 1)),
        negated: false,
        kind: ast::ClassUnicodeKind::NamedValue {
            op: ast::ClassUnicodeOpKind::Equal,
            name: property.to_owned(),
            value: value.to_owned(),
        },
    });
    match Translator::new().translate("", &class).ok()?.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        // A class with a single code point.
        HirKind::Literal(literal) => {
            let ranges = std::str::from_utf8(&literal.0)
                .ok()?
                .chars()
                .map(|c| ClassUnicodeRange::new(c, c));
            Some(ClassUnicode::new(ranges))
        }
        _ => None,
    }
}

fn range(start: char, end: char) -> ClassUnicode {
    ClassUnicode::new([ClassUnicodeRange::new(start, end)])
}

/// Long and short names of general categories. A category with two long names is listed twice.
const CATEGORIES: &[(&str, &str)] = &[
    ("casedletter", "lc"),
    ("closepunctuation", "pe"),
    ("cntrl", "cc"),
    ("combiningmark", "m"),
    ("connectorpunctuation", "pc"),
    ("control", "cc"),
    ("currencysymbol", "sc"),
    ("dashpunctuation", "pd"),
    ("decimalnumber", "nd"),
    ("digit", "nd"),
    ("enclosingmark", "me"),
    ("finalpunctuation", "pf"),
    ("format", "cf"),
    ("initialpunctuation", "pi"),
    ("letter", "l"),
    ("letternumber", "nl"),
    ("lineseparator", "zl"),
    ("lowercaseletter", "ll"),
    ("mark", "m"),
    ("mathsymbol", "sm"),
    ("modifierletter", "lm"),
    ("modifiersymbol", "sk"),
    ("nonspacingmark", "mn"),
    ("number", "n"),
    ("openpunctuation", "ps"),
    ("other", "c"),
    ("otherletter", "lo"),
    ("othernumber", "no"),
    ("otherpunctuation", "po"),
    ("othersymbol", "so"),
    ("paragraphseparator", "zp"),
    ("privateuse", "co"),
    ("punct", "p"),
    ("punctuation", "p"),
    ("separator", "z"),
    ("spaceseparator", "zs"),
    ("spacingmark", "mc"),
    ("symbol", "s"),
    ("titlecaseletter", "lt"),
    ("unassigned", "cn"),
    ("uppercaseletter", "lu"),
];

#[rustfmt::skip]
const SCRIPTS: &[&str] = &[
    "adlam", "ahom", "arabic", "armenian", "avestan", "balinese", "bamum", "batak", "bengali", "bhaiksuki", "bopomofo",
    "brahmi", "braille", "buginese", "buhid", "carian", "chakma", "cham", "cherokee", "chorasmian", "common", "coptic",
    "cuneiform", "cypriot", "cyrillic", "deseret", "devanagari", "dogra", "duployan", "elbasan", "elymaic", "ethiopic",
    "georgian", "glagolitic", "gothic", "grantha", "greek", "gujarati", "gurmukhi", "han", "hangul", "hanunoo",
    "hatran", "hebrew", "hiragana", "inherited", "javanese", "kaithi", "kannada", "katakana", "kawi", "kharoshthi",
    "khmer", "khojki", "khudawadi", "lao", "latin", "lepcha", "limbu", "lisu", "lycian", "lydian", "mahajani",
    "makasar", "malayalam", "mandaic", "manichaean", "marchen", "medefaidrin", "miao", "modi", "mongolian", "mro",
    "multani", "myanmar", "nabataean", "nandinagari", "newa", "nko", "nushu", "ogham", "oriya", "osage", "osmanya",
    "palmyrene", "phoenician", "rejang", "runic", "samaritan", "saurashtra", "sharada", "shavian", "siddham", "sinhala",
    "sogdian", "soyombo", "sundanese", "syriac", "tagalog", "tagbanwa", "takri", "tamil", "tangsa", "tangut", "telugu",
    "thaana", "thai", "tibetan", "tifinagh", "tirhuta", "toto", "ugaritic", "vai", "vithkuqi", "wancho", "yezidi", "yi",
];
