//! Sets of code points: `\d`, `\w`, `[:alpha:]`, `\p{Greek}` and `[…]`.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::error::PatternError;
use super::form::Form;
use super::parser::Parser;
use super::property;
use super::ranges::{fold, range};

type Ranges = &'static [(char, char)];

const DIGIT: Ranges = &[('0', '9')];
/// Go's `\s`, which unlike `[:space:]` lacks the vertical tab.
const SPACE: Ranges = &[('\t', '\n'), ('\x0C', '\r'), (' ', ' ')];
const WORD: Ranges = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];

impl<F: Form> Parser<'_, F> {
    /// Returns a named set under the current flags: first folded, then negated, as in Go.
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
        // Scales the cost of folding to that of compiling, by time.
        const CHUNKS_OF_COST: usize = 4;
        if self.flags.fold {
            self.spend(fold(class) / CHUNKS_OF_COST, self.at)
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

    /// Reads `\d`, `\D`, `\s`, `\S`, `\w`, `\W`, `\p…` or `\P…`; `None` if something else follows.
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

    /// Reads `[:alpha:]` or `[:^alpha:]`; `None` if something else follows. The same syntax with an
    /// unknown name is rejected, however far away its end is.
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
        // A `]` in first position is a member.
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
            if class.ranges().is_empty() {
                class = member;
            } else {
                class.union(&member);
            }
        }
        if negated {
            class.negate();
        }
        Ok(class)
    }

    /// Reads one character or range of a class.
    fn member(&mut self, class_start: usize) -> Result<ClassUnicode, PatternError> {
        let start = self.at;
        let low = self.class_character(class_start)?;
        let mut high = low;
        // A `-` before the end is an ordinary member.
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
