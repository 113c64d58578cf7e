//! [`Table`]: columns without borders.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Width};

use super::{Output, escaped, shortened};

/// A table with columns that are as wide as their contents. The last column is cut at the right edge
/// of a terminal; others are not, because they contain keys.
#[derive(Debug)]
pub(crate) struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    /// The columns with numbers, which are aligned to the right.
    numbers: &'static [usize],
    /// The columns that may be cut.
    flexible: &'static [usize],
}

impl Table {
    /// Creates a table. `numbers` are the indexes of columns that are aligned to the right, and
    /// `flexible` those of columns that are cut if the table is wider than the terminal.
    pub(crate) fn new(
        header: &[&'static str],
        numbers: &'static [usize],
        flexible: &'static [usize],
    ) -> Self {
        Self {
            header: header.to_vec(),
            rows: Vec::new(),
            numbers,
            flexible,
        }
    }

    /// Adds a row. Control characters are escaped.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(
            cells
                .into_iter()
                .map(|cell| escaped(&cell).into_owned())
                .collect(),
        );
    }

    /// Returns the text of the table.
    pub(crate) fn render(&self, output: &Output) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.header.clone());
        let budget = self.budget(output);
        for row in &self.rows {
            table.add_row(row.iter().enumerate().map(|(column, cell)| match budget {
                Some(width) if self.flexible.contains(&column) => {
                    shortened(cell, width, output.ellipsis()).into_owned()
                }
                _ => cell.clone(),
            }));
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            if self.numbers.contains(&index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(1)));
        }
        table
            .lines()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect()
    }

    /// The width of each column that may be cut; `None` if all columns fit.
    fn budget(&self, output: &Output) -> Option<usize> {
        let terminal = output.width?;
        let width_of = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            let widest = cells
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default();
            let header = self
                .header
                .get(column)
                .map_or(0, |header| header.chars().count());
            widest.max(header) + 2
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width_of).collect();
        let total: usize = widths.iter().sum();
        if total <= terminal || self.flexible.is_empty() {
            return None;
        }
        let fixed: usize = widths
            .iter()
            .enumerate()
            .filter(|(column, _)| !self.flexible.contains(column))
            .map(|(_, width)| width)
            .sum();
        let each = terminal.saturating_sub(fixed) / self.flexible.len();
        Some(each.saturating_sub(2).max(8))
    }
}
