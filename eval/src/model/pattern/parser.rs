//! [`parse`]: parses Go's RE2 syntax into the intermediate form of the regex engine.
//!
//! The grammar is Go's. The `regex` crate rejects some of it (`[\w-.]`, `x{y`, `[[]`, `\Q…\E`),
//! interprets some differently (`&&` in a class; `\d`, `\s` and `\w` beyond ASCII) and accepts
//! patterns that Go rejects. Only whether a pattern matches is of interest, so captures and
//! greediness are ignored.
//!
//! The parser does not recurse, and it limits the size of its result while building it:
//! [`MAX_COST`] also counts repetitions, which make the compiled form of a short pattern large.

use regex_syntax::hir::{ClassUnicode, Dot, Hir, Look};
use regex_syntax::utf8::Utf8Sequences;

use super::error::PatternError;
use super::form::{Depth, Form};
use super::ranges;

/// The maximum size of a compiled pattern, in approximate states of its automaton.
pub(super) const MAX_COST: usize = 300_000;

/// The maximum number of repetitions of a part, nested counts multiplied. Go's limit.
const MAX_REPEAT: usize = 1000;

/// The maximum number of nested groups. Go's limit for capturing groups.
const MAX_GROUPS: usize = 999;

/// The maximum depth of the parsed form. Building the automaton recurses over it on the stack of
/// any thread; at this depth that takes less than 128 KiB in a release build.
const MAX_DEPTH: usize = 170;

/// A pattern in a form, by default that of the regex engine, with its cost.
pub(super) struct Parsed<F = Hir> {
    pub(super) form: F,
    /// The approximate number of states of the automaton.
    pub(super) cost: usize,
    /// The approximate number of states that one character of a text can reach.
    pub(super) width: usize,
}

pub(super) fn parse(pattern: &str) -> Result<Parsed, PatternError> {
    Parser::new(pattern).parse()
}

/// Returns the cost of a pattern, with the errors of [`parse`] but in a fraction of its time.
pub(super) fn check(pattern: &str) -> Result<usize, PatternError> {
    let checked = Parser::<Depth>::new(pattern).read()?;
    if checked.form.is_within(MAX_DEPTH) {
        Ok(checked.cost)
    } else {
        parse(pattern).map(|parsed| parsed.cost)
    }
}

pub(super) struct Parser<'p, F: Form> {
    pub(super) pattern: &'p str,
    /// The position of the parser, in bytes.
    pub(super) at: usize,
    pub(super) flags: Flags,
    /// The innermost open group, or the whole pattern.
    group: Group<F>,
    outer: Vec<Group<F>>,
    /// The cost of the parts read so far.
    cost: usize,
}

/// The flags that affect whether a pattern matches.
#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    /// `i`
    pub(super) fold: bool,
    /// `m`
    lines: bool,
    /// `s`
    dot_all: bool,
}

/// An open group.
struct Group<F: Form> {
    start: usize,
    /// The flags before the group, restored after it.
    flags: Flags,
    alternatives: Parts<F>,
    /// The parts read since the last `|`, except the last one.
    sequence: Parts<F>,
    /// The part that a repetition would apply to.
    last: Option<Element<F>>,
}

/// A part of a pattern to which a repetition can apply.
struct Element<F> {
    form: F,
    size: Size,
}

#[derive(Clone, Copy)]
struct Size {
    cost: usize,
    width: usize,
    /// The largest product of repetition counts on a path through it.
    copies: usize,
}

/// Parts that follow each other, or that are alternatives.
struct Parts<F: Form> {
    forms: F::Parts,
    size: Size,
    is_empty: bool,
}

impl<F: Form> Default for Parts<F> {
    fn default() -> Self {
        Self {
            forms: F::Parts::default(),
            size: Size {
                cost: 0,
                width: 1,
                copies: 1,
            },
            is_empty: true,
        }
    }
}

impl<F: Form> Parts<F> {
    fn push(&mut self, part: Element<F>) {
        self.forms.extend([part.form]);
        self.size.cost += part.size.cost;
        self.size.width += part.size.width;
        self.size.copies = self.size.copies.max(part.size.copies);
        self.is_empty = false;
    }

    fn join(self, join: fn(F::Parts) -> F) -> Element<F> {
        Element {
            form: join(self.forms),
            size: self.size,
        }
    }
}

impl<F: Form> Group<F> {
    fn new(start: usize, flags: Flags) -> Self {
        Self {
            start,
            flags,
            alternatives: Parts::default(),
            sequence: Parts::default(),
            last: None,
        }
    }

    fn push(&mut self, part: Element<F>) {
        if let Some(before) = self.last.replace(part) {
            self.sequence.push(before);
        }
    }

    /// Returns the parts read since the last `|` as one.
    fn take_sequence(&mut self) -> Element<F> {
        if let Some(last) = self.last.take() {
            self.sequence.push(last);
        }
        std::mem::take(&mut self.sequence).join(F::concatenation)
    }

    /// Returns the group as one part.
    fn close(mut self) -> Element<F> {
        let last = self.take_sequence();
        if self.alternatives.is_empty {
            return last;
        }
        self.alternatives.push(last);
        self.alternatives.join(F::alternation)
    }
}

impl Parser<'_, Hir> {
    fn parse(self) -> Result<Parsed, PatternError> {
        let parsed = self.read()?;
        if parsed.form.is_within(MAX_DEPTH) {
            Ok(parsed)
        } else {
            Err(PatternError::new("nests too deeply", 0))
        }
    }
}

impl<'p, F: Form> Parser<'p, F> {
    fn new(pattern: &'p str) -> Self {
        Self {
            pattern,
            at: 0,
            flags: Flags::default(),
            group: Group::new(0, Flags::default()),
            outer: Vec::new(),
            cost: 0,
        }
    }

    /// Reads the pattern without checking its depth.
    fn read(mut self) -> Result<Parsed<F>, PatternError> {
        // Whether the previous part is a repetition operator, after which no other may follow.
        let mut repeated = false;
        while let Some(next) = self.rest().chars().next() {
            let start = self.at;
            let counts = match next {
                '*' | '?' | '+' => {
                    self.at += 1;
                    Some((u32::from(next == '+'), (next == '?').then_some(1)))
                }
                '{' => self.counts()?,
                _ => None,
            };
            if let Some((min, max)) = counts {
                // Greediness does not affect whether there is a match.
                self.take('?');
                if repeated {
                    return Err(PatternError::new(
                        "repetition operator after another one",
                        start,
                    ));
                }
                self.repeat(start, min, max)?;
                repeated = true;
                continue;
            }
            repeated = false;
            self.part(next)?;
        }
        if !self.outer.is_empty() {
            return Err(PatternError::new("group without end", self.group.start));
        }
        let whole = self.group.close();
        Ok(Parsed {
            form: whole.form,
            cost: self.cost,
            width: whole.size.width,
        })
    }

    /// Reads one part, starting with `next`, that is not a repetition operator.
    fn part(&mut self, next: char) -> Result<(), PatternError> {
        let form = match next {
            '(' => return self.open(),
            ')' => {
                let Some(outer) = self.outer.pop() else {
                    return Err(PatternError::new("unexpected \")\"", self.at));
                };
                self.at += 1;
                self.flags = self.group.flags;
                let closed = std::mem::replace(&mut self.group, outer);
                // The cost of its parts is already counted.
                self.group.push(closed.close());
                return Ok(());
            }
            '|' => {
                self.at += 1;
                let sequence = self.group.take_sequence();
                self.group.alternatives.push(sequence);
                return Ok(());
            }
            '[' => {
                let class = self.bracketed()?;
                return self.push_class(class);
            }
            '\\' => return self.backslash(),
            '^' => F::look(if self.flags.lines {
                Look::StartLF
            } else {
                Look::Start
            }),
            '$' => F::look(if self.flags.lines {
                Look::EndLF
            } else {
                Look::End
            }),
            '.' => {
                let dot = if self.flags.dot_all {
                    Dot::AnyChar
                } else {
                    Dot::AnyCharExceptLF
                };
                self.at += 1;
                // The byte sequences of UTF-8.
                return self.push(F::dot(dot), 10);
            }
            literal => {
                self.at += literal.len_utf8();
                return self.push_literal(literal.into());
            }
        };
        self.at += 1;
        self.push(form, 1)
    }

    fn backslash(&mut self) -> Result<(), PatternError> {
        let look = match self.rest().as_bytes().get(1) {
            Some(b'A') => Look::Start,
            Some(b'z') => Look::End,
            Some(b'b') => Look::WordAscii,
            Some(b'B') => Look::WordAsciiNegate,
            Some(b'Q') => {
                let quoted = &self.rest()[2..];
                let (quoted, length) = match quoted.split_once(r"\E") {
                    Some((quoted, _)) => (quoted, quoted.len() + 4),
                    None => (quoted, quoted.len() + 2),
                };
                self.at += length;
                return quoted
                    .chars()
                    .try_for_each(|literal| self.push_literal(literal.into()));
            }
            _ => {
                return match self.class_escape()? {
                    Some(class) => self.push_class(class),
                    None => {
                        let literal = self.escape()?;
                        self.push_literal(literal)
                    }
                };
            }
        };
        self.at += 2;
        self.push(F::look(look), 1)
    }

    /// Reads an escape of a single code point, which may be a surrogate.
    pub(super) fn escape(&mut self) -> Result<u32, PatternError> {
        let start = self.at;
        let unknown = PatternError::new("unknown escape sequence", start);
        self.at += 1;
        let Some(next) = self.next() else {
            return Err(PatternError::new("backslash at the end", start));
        };
        Ok(match next {
            // A single digit would be a backreference.
            '1'..='7' if !self.rest().starts_with(|c| matches!(c, '0'..='7')) => {
                return Err(unknown);
            }
            '0'..='7' => {
                let following = self
                    .rest()
                    .bytes()
                    .take(2)
                    .take_while(|byte| matches!(byte, b'0'..=b'7'))
                    .count();
                let digits = &self.pattern[start + 1..self.at + following];
                self.at += following;
                digits
                    .bytes()
                    .fold(0, |value, digit| value * 8 + u32::from(digit - b'0'))
            }
            'x' => self.hexadecimal().ok_or(unknown)?,
            'a' => 0x07,
            'f' => 0x0C,
            'n' => u32::from('\n'),
            'r' => u32::from('\r'),
            't' => u32::from('\t'),
            'v' => 0x0B,
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => other.into(),
            _ => return Err(unknown),
        })
    }

    /// Reads the rest of `\x`: two digits, or any number of them in braces.
    fn hexadecimal(&mut self) -> Option<u32> {
        let digit = |parser: &mut Self| parser.next()?.to_digit(16);
        if !self.take('{') {
            return Some(digit(self)? * 16 + digit(self)?);
        }
        let mut value = digit(self)?;
        while !self.take('}') {
            value = value * 16 + digit(self)?;
            if value > u32::from(char::MAX) {
                return None;
            }
        }
        Some(value)
    }

    /// Reads `{n}`, `{n,}` or `{n,m}`. For any other brace, a literal, consumes nothing and returns
    /// `None`.
    fn counts(&mut self) -> Result<Option<(u32, Option<u32>)>, PatternError> {
        let Some((inner, _)) = self.rest()[1..].split_once('}') else {
            return Ok(None);
        };
        let (min, max) = inner
            .split_once(',')
            .map_or((inner, Some(inner)), |(min, max)| {
                (min, (!max.is_empty()).then_some(max))
            });
        let is_number = |digits: &str| {
            digits.bytes().all(|byte| byte.is_ascii_digit())
                && (digits == "0" || !digits.starts_with('0'))
        };
        if min.is_empty() || !is_number(min) || !max.is_none_or(is_number) {
            return Ok(None);
        }
        // Digits fail to parse only if the number is too large.
        let count = |digits: &str| {
            digits
                .parse()
                .ok()
                .filter(|count| *count as usize <= MAX_REPEAT)
        };
        let too_large = PatternError::new("repeat count over 1000", self.at);
        let min: u32 = count(min).ok_or_else(|| too_large.clone())?;
        let max = max.map(|max| count(max).ok_or(too_large)).transpose()?;
        if max.is_some_and(|max| max < min) {
            return Err(PatternError::new(
                "repeat counts in the wrong order",
                self.at,
            ));
        }
        self.at += inner.len() + 2;
        Ok(Some((min, max)))
    }

    fn repeat(&mut self, start: usize, min: u32, max: Option<u32>) -> Result<(), PatternError> {
        let Some(Element { form, size }) = self.group.last.take() else {
            return Err(PatternError::new("nothing to repeat", start));
        };
        let most = max.unwrap_or(min).max(1) as usize;
        // A part that is repeated zero times discards the counts within it.
        let copies = if max == Some(0) {
            1
        } else {
            size.copies * most
        };
        if most >= 2 && copies > MAX_REPEAT {
            return Err(PatternError::new("nested repeat counts over 1000", start));
        }
        let cost = (size.cost + 1).saturating_mul(most);
        let added = cost - size.cost;
        let width = (size.width + 1).saturating_mul(most);
        self.group.push(Element {
            form: form.repetition(min, max),
            size: Size {
                cost,
                width,
                copies,
            },
        });
        self.spend(added, start)
    }

    /// Reads `(`, `(?:`, `(?P<name>`, `(?<name>`, `(?flags:` or `(?flags)`.
    fn open(&mut self) -> Result<(), PatternError> {
        let (start, before) = (self.at, self.flags);
        self.at += 1;
        if self.take('?') {
            let name = self
                .rest()
                .strip_prefix("P<")
                .or_else(|| self.rest().strip_prefix('<'));
            if let Some(rest) = name {
                let named = rest.split_once('>').filter(|(name, _)| {
                    !name.is_empty() && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
                });
                let Some((_, rest)) = named else {
                    return Err(PatternError::new("bad group name", start));
                };
                self.at = self.pattern.len() - rest.len();
            } else if !self.read_flags(start)? {
                return Ok(());
            }
        }
        if self.outer.len() >= MAX_GROUPS {
            return Err(PatternError::new("nests too deeply", start));
        }
        let group = Group::new(start, before);
        self.outer.push(std::mem::replace(&mut self.group, group));
        Ok(())
    }

    /// Reads the rest of `(?flags:` or `(?flags)`. Returns whether a group starts.
    fn read_flags(&mut self, start: usize) -> Result<bool, PatternError> {
        let (mut flags, mut on, mut any) = (self.flags, true, false);
        while let Some(next) = self.next() {
            match next {
                'i' => flags.fold = on,
                'm' => flags.lines = on,
                's' => flags.dot_all = on,
                // Greediness does not affect whether there is a match.
                'U' => {}
                '-' if on => {
                    (on, any) = (false, false);
                    continue;
                }
                ':' | ')' if on || any => {
                    self.flags = flags;
                    return Ok(next == ':');
                }
                _ => break,
            }
            any = true;
        }
        Err(PatternError::new("unsupported group syntax", start))
    }

    fn push(&mut self, form: F, cost: usize) -> Result<(), PatternError> {
        self.group.push(Element {
            form,
            size: Size {
                cost,
                width: 1,
                copies: 1,
            },
        });
        self.spend(cost, self.at)
    }

    fn push_class(&mut self, class: ClassUnicode) -> Result<(), PatternError> {
        let cost = if class.is_ascii() {
            1
        } else {
            class
                .iter()
                .map(|range| Utf8Sequences::new(range.start(), range.end()).count())
                .sum()
        };
        self.push(F::class(class), cost)
    }

    fn push_literal(&mut self, literal: u32) -> Result<(), PatternError> {
        match char::from_u32(literal) {
            Some(literal) if !self.flags.fold => {
                let mut bytes = [0; 4];
                let bytes = literal.encode_utf8(&mut bytes).as_bytes();
                self.push(F::literal(bytes), bytes.len())
            }
            _ => {
                let mut class = ranges::range(literal, literal);
                ranges::fold(&mut class);
                self.push_class(class)
            }
        }
    }

    pub(super) fn spend(&mut self, cost: usize, at: usize) -> Result<(), PatternError> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > MAX_COST {
            Err(PatternError::new("too large", at))
        } else {
            Ok(())
        }
    }

    pub(super) fn rest(&self) -> &'p str {
        &self.pattern[self.at..]
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Consumes a character if it comes next.
    pub(super) fn take(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }
}
