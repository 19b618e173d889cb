//! What clients could reach past row security: the statement that looks, and what it finds.

use sqlx::types::Json;

use crate::adapters::postgres::row;

/// What clients could reach past row security.
pub(super) const EXPOSURE: &str = include_str!("exposure.sql");

/// One way past row security.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub(crate) struct Finding {
    /// A clause, as in `row security is not forced on notes`.
    pub(crate) text: String,
    /// The table or view, with its schema; nothing for a function.
    pub(crate) relation: Option<String>,
    /// The statement that mends it.
    pub(crate) line: String,
}

row! {
    /// What was seen inside a tenant's database.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) struct Exposure {
        /// How many tables carry a tenant's id.
        pub(crate) tables: i64,
        /// What lets a client past row security.
        pub(crate) findings: Json<Vec<Finding>>,
        /// Whether any role of the server may connect, where the database is the tenant's alone.
        pub(crate) is_public: bool,
    }
}
