//! `tenantctl seed list`.

use crate::commands::context::Context;
use crate::output::{Ending, Failure, render_seed_sets};
use crate::services::migration::seed_sets;

/// Shows the seed sets; nothing is contacted.
pub(super) fn run(context: &Context) -> Result<Ending, Failure> {
    let sets = seed_sets(context.seeds_folder())?;
    context.console().show(&render_seed_sets(&sets));
    Ok(None)
}
