//! CSV as rows of named cells that know where they stand.

use csv::{ReaderBuilder, Trim};

use super::RegisterError;

/// A file with its header checked.
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
}

/// One line after the header.
pub(super) struct Row {
    file: &'static str,
    line: u64,
    cells: Vec<(&'static str, String)>,
}

/// One value and its place.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    pub(super) text: &'a str,
    row: &'a Row,
    column: &'static str,
}

impl Table {
    /// Reads a file whose header has each required column once, any optional one at most once, and no
    /// other. The order of the columns is free.
    pub(super) fn read(
        file: &'static str,
        text: &str,
        required: &[&'static str],
        optional: &[&'static str],
    ) -> Result<Self, RegisterError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader =
            ReaderBuilder::new().has_headers(false).trim(Trim::All).from_reader(text.as_bytes());
        let mut columns = None;
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| bad_csv(file, &error))?;
            let line = record.position().map_or(0, csv::Position::line);
            match &columns {
                None => columns = Some(header(file, line, &record, required, optional)?),
                Some(columns) => {
                    let values = record.iter().map(str::to_owned);
                    let cells = columns.iter().copied().zip(values).collect();
                    rows.push(Row { file, line, cells });
                }
            }
        }
        match columns {
            Some(_) => Ok(Self { rows }),
            None => Err(RegisterError::at(file, 1, "1", "the header is missing")),
        }
    }
}

fn bad_csv(file: &'static str, error: &csv::Error) -> RegisterError {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let column = expected_len.min(len).saturating_add(1).to_string();
            let reason = format!("expected {expected_len} values, not {len}");
            RegisterError::at(file, line, &column, reason)
        }
        _ => RegisterError::at(file, line, "", error.to_string()),
    }
}

fn header(
    file: &'static str,
    line: u64,
    record: &csv::StringRecord,
    required: &[&'static str],
    optional: &[&'static str],
) -> Result<Vec<&'static str>, RegisterError> {
    let mut columns = Vec::new();
    for (index, name) in record.iter().enumerate() {
        let fail = |reason: String| {
            RegisterError::at(file, line, &index.saturating_add(1).to_string(), reason)
        };
        let known = required.iter().chain(optional).find(|known| **known == name);
        let Some(&column) = known else {
            return Err(fail(format!("unknown column {name:?}")));
        };
        if columns.contains(&column) {
            return Err(fail(format!("column {column} stands twice")));
        }
        columns.push(column);
    }
    match required.iter().find(|column| !columns.contains(column)) {
        Some(missing) => Err(RegisterError::at(file, line, missing, "the column is missing")),
        None => Ok(columns),
    }
}

impl Row {
    /// The value of a column; empty where an optional column is not there.
    pub(super) fn cell(&self, column: &'static str) -> Cell<'_> {
        let found = self.cells.iter().find(|(name, _)| *name == column);
        Cell { text: found.map_or("", |(_, text)| text), row: self, column }
    }
}

impl Cell<'_> {
    /// What is wrong with it.
    pub(super) fn fail(self, reason: impl Into<String>) -> RegisterError {
        RegisterError::at(self.row.file, self.row.line, self.column, reason)
    }

    /// Its text, which may not be empty.
    pub(super) fn needed(self) -> Result<String, RegisterError> {
        if self.text.is_empty() {
            return Err(self.fail("must not be empty"));
        }
        Ok(self.text.to_owned())
    }

    /// A value that reads by its type's rule.
    pub(super) fn parsed<T: std::str::FromStr>(self, expected: &str) -> Result<T, RegisterError> {
        self.text.parse().map_err(|_| self.expected(expected))
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(self, words: &[(&str, T)]) -> Result<T, RegisterError> {
        let found = words.iter().find(|(word, _)| *word == self.text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            self.expected(&words.join(", "))
        })
    }

    /// `true` or `false`.
    pub(super) fn flag(self) -> Result<bool, RegisterError> {
        self.word(&[("true", true), ("false", false)])
    }

    fn expected(self, expected: &str) -> RegisterError {
        self.fail(format!("expected {expected}, not {:?}", self.text))
    }
}
