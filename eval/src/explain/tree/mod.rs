//! [`Tree`]: an explanation as text.

mod layout;
mod wording;

use std::fmt;

use layout::Layout;

use super::model::Explanation;

/// An explanation as a tree of lines, one for each step, for terminals and logs.
///
/// `✓` means that the step matched or passed, `✗` that it did not, `·` is a fact. Control characters
/// in flag data are escaped, so that flag data cannot control a terminal.
///
/// ```
/// use vexil_eval::{Context, EvalErrorKind};
/// use vexil_eval::explain::Explanation;
///
/// let ada = Context::new("ada")?;
/// let explanation = Explanation::not_evaluated("theme", Some(&ada), EvalErrorKind::FlagNotFound);
/// assert_eq!(
///     explanation.tree().ascii(true).to_string(),
///     r#"theme = the caller's default  error: there is no such flag
/// context: user "ada"
/// ` x there is no such flag
/// "#,
/// );
/// # Ok::<(), vexil_eval::ContextError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Tree<'a> {
    explanation: &'a Explanation,
    layout: Layout,
}

impl Explanation {
    /// Returns the explanation as a tree: Unicode, 80 columns wide, without emphasis.
    pub fn tree(&self) -> Tree<'_> {
        Tree {
            explanation: self,
            layout: Layout::default(),
        }
    }
}

impl Tree<'_> {
    /// Whether only ASCII characters are used: signs are replaced, and other characters of flag data
    /// are escaped. Default: `false`.
    pub fn ascii(mut self, on: bool) -> Self {
        self.layout.ascii = on;
        self
    }

    /// Sets the width in columns, at least 40. Values and lists of operands are shortened, and
    /// remarks get a line of their own where they do not fit. Keys are never shortened, so a line
    /// can be longer. Default: 80.
    ///
    /// ```
    /// use vexil_eval::explain::Explanation;
    /// use vexil_eval::{Context, EvalErrorKind};
    ///
    /// let long = Context::builder("ada").name("a".repeat(200)).build()?;
    /// let explanation = Explanation::not_evaluated("theme", Some(&long), EvalErrorKind::FlagNotFound);
    /// let narrow = explanation.tree().width(10).to_string(); // Raised to 40.
    /// assert!(narrow.lines().count() >= 3);
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    pub fn width(mut self, columns: usize) -> Self {
        self.layout.width = columns.max(40);
        self
    }

    /// Whether the deciding step is bold, by the escape sequences of terminals. Default: `false`.
    pub fn bold(mut self, on: bool) -> Self {
        self.layout.bold = on;
        self
    }
}

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = wording::title(self.explanation);
        let nodes = wording::nodes(self.explanation, &self.layout);
        self.layout.write(f, &title, &nodes)
    }
}

/// The default [`Tree`].
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree().fmt(f)
    }
}
