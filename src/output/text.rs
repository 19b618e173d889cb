//! What a person reads: lines, facts and tables, laid out only when they are written.

use super::line::{Line, dim};
use crate::model::SecretText;

/// A text of several lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Text(pub(super) Vec<Block>);

#[derive(Debug, Clone)]
pub(super) enum Block {
    Line(Line),
    /// A beginning, and what follows it, broken where the window ends and continued below its own
    /// beginning.
    Hanging(Line, Line),
    Facts(Facts),
    Table(Table),
    /// A secret that the operator asked to see: the only thing that is not redacted.
    Revealed(SecretText),
}

impl Text {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub(crate) fn line(self, line: impl Into<Line>) -> Self {
        self.block(Block::Line(line.into()))
    }

    #[must_use]
    pub(crate) fn blank(self) -> Self {
        self.line("")
    }

    /// Adds what a program or a server printed, below a line of ours: its first line beside it, the
    /// others indented, wrapped as well, so that none passes for a line of ours.
    #[must_use]
    pub(super) fn quote(mut self, lead: impl Into<Line>, said: &str) -> Self {
        let mut lines = said.lines();
        self = self.line(lead.into().and(lines.next().unwrap_or_default()));
        for line in lines {
            let line = line.trim_end().replace('\t', "    ");
            self = self.hanging(Line::from("    "), line);
        }
        self
    }

    /// Adds commands to copy, below `Next:`.
    #[must_use]
    pub(crate) fn next_commands<C: Into<Line>>(
        self,
        commands: impl IntoIterator<Item = C>,
    ) -> Self {
        let text = self.blank().line("Next:");
        commands.into_iter().fold(text, |text, command| text.line(Line::from("  ").and(command)))
    }

    /// Adds a line whose end hangs below its own beginning.
    #[must_use]
    pub(super) fn hanging(self, lead: Line, rest: impl Into<Line>) -> Self {
        self.block(Block::Hanging(lead, rest.into()))
    }

    /// Returns a secret that the operator asked to see.
    pub(super) fn revealed(secret: SecretText) -> Self {
        Self(vec![Block::Revealed(secret)])
    }

    #[must_use]
    pub(crate) fn and(mut self, more: impl Into<Self>) -> Self {
        self.0.extend(more.into().0);
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|block| matches!(block, Block::Table(table) if table.is_empty()))
    }

    /// Returns the sentence that says most: the first line, or the first fact. No secret is one.
    pub(super) fn headline(&self) -> Option<Line> {
        self.0.iter().find_map(|block| match block {
            Block::Line(line) => Some(line.clone()).filter(|line| !line.plain().is_empty()),
            Block::Facts(Facts(facts)) => {
                let (name, value) = facts.first()?;
                Some(Line::from(format_args!("{name} ")).and(value.clone()))
            }
            Block::Hanging(..) | Block::Table(_) | Block::Revealed(_) => None,
        })
    }

    /// Returns the first table in it.
    pub(super) fn table(&self) -> Option<&Table> {
        self.0
            .iter()
            .find_map(|block| if let Block::Table(table) = block { Some(table) } else { None })
    }

    pub(super) fn table_mut(&mut self) -> Option<&mut Table> {
        let mut blocks = self.0.iter_mut();
        blocks.find_map(|block| if let Block::Table(table) = block { Some(table) } else { None })
    }

    fn block(mut self, block: Block) -> Self {
        self.0.push(block);
        self
    }
}

impl<T: Into<Line>> From<T> for Text {
    fn from(line: T) -> Self {
        Self::new().line(line)
    }
}

impl From<Facts> for Text {
    fn from(facts: Facts) -> Self {
        Self(vec![Block::Facts(facts)])
    }
}

impl From<Table> for Text {
    fn from(table: Table) -> Self {
        Self(vec![Block::Table(table)])
    }
}

/// Names and values in two columns.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts(pub(super) Vec<(&'static str, Line)>);

impl Facts {
    pub(super) fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub(super) fn fact(mut self, name: &'static str, value: impl Into<Line>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// Adds a fact that may have no value, and is left out then.
    #[must_use]
    pub(super) fn some(self, name: &'static str, value: Option<impl Into<Line>>) -> Self {
        match value {
            Some(value) => self.fact(name, value),
            None => self,
        }
    }

    /// Returns the name of a fact, as wide as the widest.
    pub(super) fn name(&self, name: &str) -> Line {
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        dim(format_args!("{name:width$}"))
    }
}

/// What becomes of a cell that is wider than there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It stays whole: it is there to be copied.
    Whole,
    /// It is free text, and cut with `…`.
    Cut,
    /// It says what happened, and is broken between words.
    Prose,
}

/// Rows below headings.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) headings: Vec<String>,
    pub(super) rows: Vec<Vec<Line>>,
    cut: Vec<String>,
    has_prose: bool,
    /// The columns that a narrow window does without, the first of them last.
    pub(super) droppable: Vec<&'static str>,
}

impl Table {
    /// Returns a table; each row has a cell for each heading. The last column is prose.
    pub(super) fn new<const N: usize>(
        headings: [&'static str; N],
        rows: impl IntoIterator<Item = [Line; N]>,
    ) -> Self {
        let rows = rows.into_iter().map(Vec::from).collect();
        Self {
            has_prose: true,
            cut: Vec::new(),
            ..Self::of(headings.map(str::to_owned).to_vec(), rows)
        }
    }

    /// Returns a table whose columns are known only now; each row has a cell for each heading. What is
    /// in them is free text.
    pub(super) fn of(headings: Vec<String>, rows: Vec<Vec<Line>>) -> Self {
        let cut = headings.clone();
        Self { headings, rows, cut, has_prose: false, droppable: Vec::new() }
    }

    /// Says that a column holds free text.
    #[must_use]
    pub(super) fn cut(mut self, heading: &'static str) -> Self {
        self.cut.push(heading.to_owned());
        self
    }

    /// Says which columns a narrow window does without, the least important first.
    #[must_use]
    pub(super) fn dropping(mut self, headings: &[&'static str]) -> Self {
        self.droppable = headings.iter().rev().copied().collect();
        self.has_prose = false;
        self
    }

    /// Keeps these columns, in this order; none of them is left out any more.
    pub(super) fn keep(&mut self, columns: &[usize]) {
        let picked = |row: &[Line]| columns.iter().map(|at| row[*at].clone()).collect();
        self.rows = self.rows.iter().map(|row| picked(row)).collect();
        self.headings = columns.iter().map(|at| self.headings[*at].clone()).collect();
        self.droppable = Vec::new();
    }

    /// Returns what becomes of a column's cells where there is no room.
    pub(super) fn fit(&self, at: usize) -> Fit {
        if self.cut.contains(&self.headings[at]) {
            Fit::Cut
        } else if at + 1 == self.headings.len() && self.has_prose {
            Fit::Prose
        } else {
            Fit::Whole
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Returns a cell that is empty when there is no value.
pub(super) fn cell(value: Option<impl Into<Line>>) -> Line {
    value.map(Into::into).unwrap_or_default()
}
