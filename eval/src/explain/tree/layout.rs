//! [`Layout`]: writes nodes as lines, with signs, branches and a column of remarks.

use std::fmt::{self, Write};

/// The signs and the width of a tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) ascii: bool,
    pub(super) bold: bool,
    pub(super) width: usize,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            ascii: false,
            bold: false,
            width: 80,
        }
    }
}

/// A line of a tree and the lines below it.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) sign: Sign,
    pub(super) text: String,
    /// Shown in a column to the right; empty if there is none.
    pub(super) remark: String,
    /// Whether this line says what decided.
    pub(super) decisive: bool,
    pub(super) children: Vec<Self>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Sign {
    Passed,
    Failed,
    #[default]
    Fact,
}

/// The first two lines: the result with its reason, and the context, which may be empty.
#[derive(Debug)]
pub(super) struct Title {
    pub(super) result: String,
    pub(super) reason: String,
    pub(super) context: String,
}

impl Sign {
    pub(super) fn of(passed: bool) -> Self {
        if passed { Self::Passed } else { Self::Failed }
    }
}

impl Node {
    pub(super) fn new(sign: Sign, text: impl Into<String>) -> Self {
        Self {
            sign,
            text: text.into(),
            ..Self::default()
        }
    }

    pub(super) fn remark(mut self, remark: impl Into<String>) -> Self {
        self.remark = remark.into();
        self
    }

    pub(super) fn children(mut self, children: Vec<Self>) -> Self {
        self.children = children;
        self
    }
}

/// A line whose parts are known, but not yet the column of the remarks.
struct Line {
    branches: String,
    /// What precedes the remark if it needs a line of its own.
    below: String,
    text: String,
    remark: String,
    decisive: bool,
}

impl Layout {
    pub(super) fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        title: &Title,
        nodes: &[Node],
    ) -> fmt::Result {
        let mut lines = vec![self.line(String::new(), &title.result, &title.reason)];
        if !title.context.is_empty() {
            lines.push(self.line(String::new(), &title.context, ""));
        }
        self.collect("", nodes, &mut lines);
        let remarked = lines.iter().filter(|line| !line.remark.is_empty());
        let longest = remarked.map(Line::width).max().unwrap_or(0);
        let column = (longest + 2).min(self.width * 3 / 5);
        lines
            .iter()
            .try_for_each(|line| self.write_line(f, line, column))
    }

    fn line(&self, branches: String, text: &str, remark: &str) -> Line {
        Line {
            branches,
            below: String::new(),
            text: self.escaped(text),
            remark: self.escaped(remark),
            decisive: false,
        }
    }

    fn collect(&self, above: &str, nodes: &[Node], lines: &mut Vec<Line>) {
        let (branch, last, through) = match self.ascii {
            true => ("| ", "` ", "|  "),
            false => ("├ ", "└ ", "│  "),
        };
        for (index, node) in nodes.iter().enumerate() {
            let is_last = index + 1 == nodes.len();
            let sign = match (node.sign, self.ascii) {
                (Sign::Passed, false) => "✓ ",
                (Sign::Passed, true) => "+ ",
                (Sign::Failed, false) => "✗ ",
                (Sign::Failed, true) => "x ",
                (Sign::Fact, false) => "· ",
                (Sign::Fact, true) => "- ",
            };
            let own = if is_last { last } else { branch };
            let mut line = self.line(format!("{above}{own}{sign}"), &node.text, &node.remark);
            line.decisive = node.decisive;
            let below = format!("{above}{}", if is_last { "   " } else { through });
            let bar = if node.children.is_empty() {
                "   "
            } else {
                through
            };
            line.below = format!("{below}{bar}");
            lines.push(line);
            self.collect(&below, &node.children, lines);
        }
    }

    fn write_line(&self, f: &mut fmt::Formatter<'_>, line: &Line, column: usize) -> fmt::Result {
        f.write_str(&line.branches)?;
        let (on, off) = match line.decisive && self.bold {
            true => ("\u{1b}[1m", "\u{1b}[0m"),
            false => ("", ""),
        };
        write!(f, "{on}{}{off}", line.text)?;
        let remark = &line.remark;
        let fits = |begin: usize| begin + remark.chars().count() <= self.width;
        let (end, begin) = (line.width(), column.max(line.width() + 2));
        match () {
            () if remark.is_empty() => {}
            () if fits(begin) => write!(f, "{:gap$}{remark}", "", gap = begin - end)?,
            () if fits(end + 2) => write!(f, "  {remark}")?,
            () => write!(f, "\n{}  {remark}", line.below)?,
        }
        f.write_char('\n')
    }

    /// Escapes control characters and those that change the direction of text; in ASCII also all
    /// others beyond it, except the signs of the wording.
    fn escaped(&self, text: &str) -> String {
        let mut escaped = String::with_capacity(text.len());
        for character in text.chars() {
            match character {
                '→' if self.ascii => escaped.push_str("->"),
                '…' if self.ascii => escaped.push_str("..."),
                '–' if self.ascii => escaped.push('-'),
                _ if character.is_control()
                    || changes_direction(character)
                    || self.ascii && !character.is_ascii() =>
                {
                    escaped.extend(character.escape_unicode());
                }
                _ => escaped.push(character),
            }
        }
        escaped
    }
}

impl Line {
    fn width(&self) -> usize {
        self.branches.chars().count() + self.text.chars().count()
    }
}

fn changes_direction(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
