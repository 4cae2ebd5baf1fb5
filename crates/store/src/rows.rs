//! Reading rows column by column.

use crate::seam::{FromColumn, Row, StoreError};
use ostiary_core::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads the columns of a row in order, so that a mapping follows its column list line by line.
pub(crate) struct Columns<'a> {
    row: &'a Row,
    next: usize,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(row: &'a Row) -> Self {
        Columns { row, next: 0 }
    }

    /// The columns from this index on, for the second entity of a joined row.
    pub(crate) fn from(row: &'a Row, index: usize) -> Self {
        Columns { row, next: index }
    }

    pub(crate) fn get<T: FromColumn<'a>>(&mut self) -> Result<T, StoreError> {
        let index = self.next;
        self.next += 1;
        self.row.get(index)
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, StoreError> {
        self.get::<i64>().map(Timestamp::from_micros)
    }

    pub(crate) fn optional_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.get::<Option<i64>>()?.map(Timestamp::from_micros))
    }

    /// A TEXT column that holds JSON.
    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        from_json(self.get::<&'a str>()?)
    }

    /// A TEXT column that holds one of a closed set of words.
    pub(crate) fn word<T>(&mut self, parse: fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let text: &'a str = self.get()?;
        parse(text).ok_or_else(|| unknown_word(text))
    }

    pub(crate) fn optional_word<T>(&mut self, parse: fn(&str) -> Option<T>) -> Result<Option<T>, StoreError> {
        let text: Option<&'a str> = self.get()?;
        text.map(|text| parse(text).ok_or_else(|| unknown_word(text))).transpose()
    }
}

fn unknown_word(text: &str) -> StoreError {
    StoreError::corrupt(format!("a column holds the unknown word {text:?}"))
}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt(format!("a JSON column: {error}")))
}

/// JSON for a TEXT column. The values are our own, whose keys are strings and whose numbers are finite.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Other(format!("a value has no JSON form: {error}")))
}
