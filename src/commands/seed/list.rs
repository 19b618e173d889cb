//! `tenantctl seed list`.

use crate::cli::SeedListArgs;
use crate::commands::arrangement::of_list;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, SEED_COLUMNS, render_seed_sets};
use crate::services::migration::seed_sets;

/// Shows the seed sets; nothing is contacted.
pub(super) fn run(args: &SeedListArgs, context: &Context) -> Result<Ending, Failure> {
    let arrangement = of_list(&args.shape, &SEED_COLUMNS)?;
    let sets = seed_sets(context.seeds_folder())?;
    context.console().show(&render_seed_sets(&sets, &arrangement));
    Ok(None)
}
