//! How a list is shown: its columns, their order, how many rows.

use clap::Args;

/// How a table is shown.
#[derive(Debug, Clone, Args)]
pub struct TableArgs {
    /// Show every column whole, however narrow the window is
    #[arg(long)]
    pub wide: bool,
    /// Only these columns of the table, in this order
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Sort by a column, `COLUMN:desc` backwards
    #[arg(long, value_name = "COLUMN")]
    pub sort: Option<String>,
}

/// How a list is shown that comes whole.
#[derive(Debug, Clone, Args)]
pub struct ListShapeArgs {
    #[command(flatten)]
    pub table: TableArgs,
    /// At most this many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
}
