//! Rows as structs, read column by column under the names of the fields.
//!
//! sqlx's own derive would build sqlx, rustls and its cryptography a second time, for the macro.

use std::str::FromStr;

use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row, Type};
use uuid::Uuid;

use crate::model::escape_controls;

/// Declares a struct and how it is read from a row whose columns are called like its fields.
macro_rules! row {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $type,)*
        }

        impl<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> for $name {
            fn from_row(row: &'r sqlx::postgres::PgRow) -> std::result::Result<Self, sqlx::Error> {
                Ok(Self { $($field: sqlx::Row::try_get(row, stringify!($field))?,)* })
            }
        }
    };
}

pub(crate) use row;

/// A value that the schema does not allow: the row may have been edited by hand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{table}.{column} of row {row} holds a value that cannot be there")]
pub(super) struct Unfit {
    pub(super) table: &'static str,
    pub(super) column: &'static str,
    pub(super) row: String,
}

/// Reads a row's columns and names table, column and row where a value does not fit.
pub(crate) struct Reader<'r> {
    pub table: &'static str,
    /// The column that identifies the row to a person.
    pub key: &'static str,
    pub row: &'r PgRow,
}

impl<'r> Reader<'r> {
    pub(crate) fn get<T>(&self, column: &'static str) -> Result<T, sqlx::Error>
    where
        T: Decode<'r, Postgres> + Type<Postgres>,
    {
        self.row.try_get(column).map_err(|_| self.unfit(column))
    }

    pub(crate) fn parse<T: FromStr>(&self, column: &'static str) -> Result<T, sqlx::Error> {
        let text: String = self.get(column)?;
        text.parse().map_err(|_| self.unfit(column))
    }

    pub(crate) fn parse_optional<T: FromStr>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, sqlx::Error> {
        let text: Option<String> = self.get(column)?;
        text.map(|text| text.parse().map_err(|_| self.unfit(column))).transpose()
    }

    /// Returns the error that a column's value cannot be there.
    pub(crate) fn unfit(&self, column: &'static str) -> sqlx::Error {
        let key = self.row.try_get::<Uuid, _>(self.key).map(|id| id.to_string());
        let key = key.or_else(|_| self.row.try_get::<i64, _>(self.key).map(|id| id.to_string()));
        let key = key.or_else(|_| self.row.try_get::<String, _>(self.key));
        let row = escape_controls(&key.unwrap_or_else(|_| "?".to_owned()));
        let source = Box::new(Unfit { table: self.table, column, row });
        sqlx::Error::ColumnDecode { index: column.to_owned(), source }
    }
}
