//! Statement text. It comes from constants only, so no caller's value can end up in it.

use super::{Arg, Row};

/// The text of one statement, written once for both engines: parameters `$1` … `$n` (the same one
/// may be used several times, none may be skipped), the portable subset of `ARCHITECTURE.md`.
/// Made by [`sql!`](crate::sql).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sql(&'static str);

impl Sql {
    /// The text.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Behind [`sql!`](crate::sql), which makes sure that the bytes are those of constants.
    #[doc(hidden)]
    pub const fn from_constant(bytes: &'static [u8]) -> Sql {
        match str::from_utf8(bytes) {
            Ok(text) => Sql(text),
            Err(_) => panic!("joined UTF-8 constants are UTF-8"),
        }
    }

    /// Behind [`sql!`](crate::sql): the bytes that [`Sql::join`] needs.
    #[doc(hidden)]
    pub const fn joined_bytes(parts: &[&str]) -> usize {
        let mut bytes = 0;
        let mut part = 0;
        while part < parts.len() {
            bytes += parts[part].len();
            part += 1;
        }
        bytes
    }

    /// Behind [`sql!`](crate::sql): the parts one after the other.
    #[doc(hidden)]
    pub const fn join<const BYTES: usize>(parts: &[&str]) -> [u8; BYTES] {
        let mut joined = [0; BYTES];
        let mut at = 0;
        let mut part = 0;
        while part < parts.len() {
            let bytes = parts[part].as_bytes();
            let mut byte = 0;
            while byte < bytes.len() {
                joined[at] = bytes[byte];
                at += 1;
                byte += 1;
            }
            part += 1;
        }
        joined
    }
}

/// A [`Sql`] statement from one or more constant strings, joined by the compiler.
///
/// Every part must be a constant expression of type `&str`, so a column list shared by several
/// statements can be a `const`, while a value known only at run time does not compile:
///
/// ```ignore
/// const COLUMNS: &str = "member_id, email";
/// const FIND: Sql = sql!("SELECT ", COLUMNS, " FROM members WHERE member_id = $1");
/// ```
#[macro_export]
macro_rules! sql {
    ($($part:expr),+ $(,)?) => {{
        const PARTS: &[&str] = &[$($part),+];
        const JOINED: [u8; $crate::seam::Sql::joined_bytes(PARTS)] = $crate::seam::Sql::join(PARTS);
        const SQL: $crate::seam::Sql = $crate::seam::Sql::from_constant(&JOINED);
        SQL
    }};
}

/// Composes a statement whose shape depends on the request, for searches with optional filters.
///
/// Text comes in as [`Sql`] constants, values only as placeholders:
///
/// ```ignore
/// let mut search = SqlBuilder::new(sql!("SELECT member_id FROM members WHERE organization_id = "));
/// search.bind(organization_id);
/// if let Some(email) = &filter.email {
///     search.push(sql!(" AND email = ")).bind(email);
/// }
/// let rows = db.rows_built(&search).await?;
/// ```
pub struct SqlBuilder<'a> {
    text: String,
    args: Vec<Arg<'a>>,
}

impl<'a> SqlBuilder<'a> {
    /// Starts with this text.
    pub fn new(start: Sql) -> SqlBuilder<'a> {
        let mut builder = SqlBuilder { text: String::new(), args: Vec::new() };
        builder.push(start);
        builder
    }

    /// Appends constant text, without placeholders of its own.
    pub fn push(&mut self, text: Sql) -> &mut Self {
        assert!(!text.as_str().contains('$'), "a builder numbers its placeholders itself");
        self.text.push_str(text.as_str());
        self
    }

    /// Appends a placeholder and its value.
    pub fn bind(&mut self, value: impl Into<Arg<'a>>) -> &mut Self {
        self.args.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.args.len().to_string());
        self
    }

    /// Appends a comma-separated list of placeholders and their values, for `IN ( … )`. An empty
    /// list becomes NULL, which matches nothing. Callers bound the list; PostgreSQL takes at most
    /// 65 535 values, SQLite 32 766.
    pub fn bind_list<T: Into<Arg<'a>>>(&mut self, values: impl IntoIterator<Item = T>) -> &mut Self {
        let mut first = true;
        for value in values {
            if !first {
                self.text.push_str(", ");
            }
            first = false;
            self.bind(value);
        }
        if first {
            self.text.push_str("NULL");
        }
        self
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn args(&self) -> &[Arg<'a>] {
        &self.args
    }
}

/// What the engines run: text, and whether its prepared form is worth keeping.
#[derive(Clone, Copy)]
pub(super) struct Statement<'s> {
    pub(super) text: &'s str,
    pub(super) cached: bool,
}

impl From<Sql> for Statement<'static> {
    fn from(sql: Sql) -> Self {
        Statement { text: sql.as_str(), cached: true }
    }
}

impl<'s> From<&'s SqlBuilder<'_>> for Statement<'s> {
    /// Composed texts come in too many shapes to keep a prepared statement for each.
    fn from(builder: &'s SqlBuilder<'_>) -> Self {
        Statement { text: builder.text(), cached: false }
    }
}

/// What the caller wants from a statement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Rows,
    FirstRow,
    Count,
}

/// What a statement gave: rows, or how many it changed.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) rows: Vec<Row>,
    pub(super) changed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &str = "member_id, name";
    const JOINED: Sql = sql!("SELECT ", COLUMNS, " FROM members WHERE name = 'é'");

    #[test]
    fn constants_are_joined_by_the_compiler() {
        assert_eq!(JOINED.as_str(), "SELECT member_id, name FROM members WHERE name = 'é'");
    }

    #[test]
    fn a_builder_numbers_its_placeholders() {
        let mut search = SqlBuilder::new(sql!("SELECT 1 FROM members WHERE a = "));
        search.bind("x").push(sql!(" AND b IN (")).bind_list([1_i64, 2]).push(sql!(")"));
        search.push(sql!(" AND c IN (")).bind_list::<i64>([]).push(sql!(")"));
        assert_eq!(search.text(), "SELECT 1 FROM members WHERE a = $1 AND b IN ($2, $3) AND c IN (NULL)");
        assert_eq!(search.args().len(), 3);
    }

    #[test]
    #[should_panic(expected = "numbers its placeholders itself")]
    fn a_builder_refuses_foreign_placeholders() {
        SqlBuilder::new(sql!("SELECT $1"));
    }
}
