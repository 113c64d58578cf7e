//! Sets of code points: what `\d`, `\w`, `[:alpha:]`, `\p{Greek}` and `[…]` stand for.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::error::PatternError;
use super::parser::Parser;
use super::property;

type Ranges = &'static [(char, char)];

const DIGIT: Ranges = &[('0', '9')];
/// Go's `\s`: without the vertical tab, which `[:space:]` has.
const SPACE: Ranges = &[('\t', '\n'), ('\x0C', '\r'), (' ', ' ')];
const WORD: Ranges = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];

/// A range of code points of which some may be surrogates.
pub(super) fn range(start: u32, end: u32) -> ClassUnicode {
    // Surrogates are in no text: a range loses them at its ends, and a `ClassUnicode` has none in
    // the middle.
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

/// The last code point that differs from another one only in case. Beyond are mostly ideographs.
pub(super) const LAST_FOLDED: u32 = 0x1E943;

/// Adds what differs from a member only in case. Returns how many pieces were looked at, which is
/// what took the time.
pub(super) fn fold(class: &mut ClassUnicode) -> usize {
    // Letters with case are few and stand together. The library looks up each code point of a range
    // in which there is one, so long ranges are given to it in pieces.
    const PIECE: u32 = 64;
    let (mut folded, mut pieces) = (Vec::new(), 0);
    for whole in class.iter() {
        let (mut start, end) = (
            u32::from(whole.start()),
            u32::from(whole.end()).min(LAST_FOLDED),
        );
        while start <= end {
            let last = end.min(start | (PIECE - 1));
            let mut piece = range(start, last);
            // It fails only without the tables of the feature `unicode-case`, which is on.
            let _ = piece.try_case_fold_simple();
            folded.extend(piece.iter().copied());
            start = last + 1;
            pieces += 1;
        }
    }
    class.union(&ClassUnicode::new(folded));
    pieces
}

impl Parser<'_> {
    /// A named set under the flags of the moment: first folded, then negated, as Go does.
    fn set(
        &mut self,
        mut class: ClassUnicode,
        negated: bool,
    ) -> Result<ClassUnicode, PatternError> {
        self.fold_if_asked(&mut class)?;
        if negated {
            class.negate();
        }
        Ok(class)
    }

    fn fold_if_asked(&mut self, class: &mut ClassUnicode) -> Result<(), PatternError> {
        // Folding is to cost about as much as compiling what costs the same.
        const PIECES_OF_COST: usize = 4;
        if self.flags.fold {
            self.spend(fold(class) / PIECES_OF_COST, self.at)
        } else {
            Ok(())
        }
    }

    fn named(&mut self, ranges: Ranges, negated: bool) -> Result<ClassUnicode, PatternError> {
        self.set(
            ClassUnicode::new(
                ranges
                    .iter()
                    .map(|(start, end)| ClassUnicodeRange::new(*start, *end)),
            ),
            negated,
        )
    }

    /// Reads `\d`, `\D`, `\s`, `\S`, `\w`, `\W`, `\p…` or `\P…`; `None` if something else comes.
    pub(super) fn class_escape(&mut self) -> Result<Option<ClassUnicode>, PatternError> {
        let mut following = self.rest().chars();
        let (Some('\\'), Some(letter)) = (following.next(), following.next()) else {
            return Ok(None);
        };
        let ranges = match letter.to_ascii_lowercase() {
            'd' => DIGIT,
            's' => SPACE,
            'w' => WORD,
            'p' => return self.property().map(Some),
            _ => return Ok(None),
        };
        self.at += 2;
        self.named(ranges, letter.is_ascii_uppercase()).map(Some)
    }

    /// Reads `\pL`, `\p{Greek}`, `\p{^Greek}`, `\P{Greek}`.
    fn property(&mut self) -> Result<ClassUnicode, PatternError> {
        let start = self.at;
        let unknown = PatternError::new("unknown Unicode property", start);
        let mut negated = self.rest().starts_with(r"\P");
        self.at += 2;
        let mut name = match self.next() {
            Some('{') => {
                let Some((name, _)) = self.rest().split_once('}') else {
                    return Err(unknown);
                };
                self.at += name.len() + 1;
                name
            }
            Some(_) => &self.pattern[start + 2..self.at],
            None => return Err(unknown),
        };
        if let Some(rest) = name.strip_prefix('^') {
            name = rest;
            negated = !negated;
        }
        let class = property::code_points(name).ok_or(unknown)?;
        self.set(class, negated)
    }

    /// Reads `[:alpha:]` or `[:^alpha:]`; `None` if something else comes. What looks like one and
    /// has another name is refused, however far away the end is.
    fn posix(&mut self) -> Result<Option<ClassUnicode>, PatternError> {
        let Some((name, _)) = self
            .rest()
            .strip_prefix("[:")
            .and_then(|rest| rest.split_once(":]"))
        else {
            return Ok(None);
        };
        let (bare, negated) = name
            .strip_prefix('^')
            .map_or((name, false), |bare| (bare, true));
        let ranges: Ranges = match bare {
            "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
            "alpha" => &[('A', 'Z'), ('a', 'z')],
            "ascii" => &[('\0', '\x7F')],
            "blank" => &[('\t', '\t'), (' ', ' ')],
            "cntrl" => &[('\0', '\x1F'), ('\x7F', '\x7F')],
            "digit" => DIGIT,
            "graph" => &[('!', '~')],
            "lower" => &[('a', 'z')],
            "print" => &[(' ', '~')],
            "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
            "space" => &[('\t', '\r'), (' ', ' ')],
            "upper" => &[('A', 'Z')],
            "word" => WORD,
            "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
            _ => return Err(PatternError::new("unknown class name", self.at)),
        };
        self.at += name.len() + "[::]".len();
        self.named(ranges, negated).map(Some)
    }

    /// Reads `[…]`.
    pub(super) fn bracketed(&mut self) -> Result<ClassUnicode, PatternError> {
        let start = self.at;
        self.at += 1;
        let negated = self.take('^');
        let mut class = ClassUnicode::empty();
        let mut first = true;
        // A `]` that comes first is a member.
        while first || !self.take(']') {
            first = false;
            let member = match self.posix()? {
                Some(set) => Some(set),
                None => self.class_escape()?,
            };
            let member = match member {
                Some(set) => set,
                None => self.member(start)?,
            };
            class.union(&member);
        }
        if negated {
            class.negate();
        }
        Ok(class)
    }

    /// Reads one character of a class, or a range.
    fn member(&mut self, class_start: usize) -> Result<ClassUnicode, PatternError> {
        let start = self.at;
        let low = self.class_character(class_start)?;
        let mut high = low;
        // A `-` before the end is a member of its own.
        let mut following = self.rest().chars();
        if following.next() == Some('-') && following.next().is_some_and(|next| next != ']') {
            self.at += 1;
            high = self.class_character(class_start)?;
            if high < low {
                return Err(PatternError::new(
                    "class range ends before it begins",
                    start,
                ));
            }
        }
        let mut member = range(low, high);
        self.fold_if_asked(&mut member)?;
        Ok(member)
    }

    fn class_character(&mut self, class_start: usize) -> Result<u32, PatternError> {
        if self.rest().starts_with('\\') {
            return self.escape();
        }
        self.next()
            .map(u32::from)
            .ok_or_else(|| PatternError::new("class without end", class_start))
    }
}
