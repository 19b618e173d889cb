//! Turns the options of a list into what `output` is to make of it.

use crate::cli::{ListShapeArgs, TableArgs};
use crate::output::{Arrangement, Failure};

/// Returns the arrangement of a list that comes whole.
///
/// # Errors
/// When a column is named that is not one of these headings.
pub(super) fn of_list(
    args: &ListShapeArgs,
    headings: &[&'static str],
) -> Result<Arrangement, Failure> {
    let TableArgs { wide, columns, sort } = &args.table;
    Arrangement::new(headings, *wide, columns, sort.as_deref(), args.limit)
}

/// Returns the same where the list is bounded by other means.
pub(super) fn of_table(
    args: &TableArgs,
    headings: &[&'static str],
) -> Result<Arrangement, Failure> {
    Arrangement::new(headings, args.wide, &args.columns, args.sort.as_deref(), None)
}
