//! [`Lines`]: lines and columns of a text.

/// Where the lines of a text begin.
#[derive(Clone, Debug)]
pub(in crate::check) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(in crate::check) fn new(text: &'t str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(after_breaks).collect(),
        }
    }

    /// Returns the line and the column of a byte, both counted from 1. Columns are characters.
    pub(in crate::check) fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self
            .starts
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let lines = Lines::new("ab\né1\n");
        let positions: Vec<_> = [0, 1, 3, 5, 7].map(|offset| lines.position(offset)).into();
        assert_eq!(positions, [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)]);
    }
}
