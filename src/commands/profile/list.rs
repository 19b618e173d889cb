//! `tenantctl profile list`.

use crate::commands::context::{Context, plane_address};
use crate::config::Profile;
use crate::output::{ProfileRow, render_profiles};

/// Lists the profiles there are, each with the control plane that it leads to; nothing is contacted.
pub(super) fn run(context: &Context) {
    let settings = context.settings();
    let chosen = settings.profile.as_ref().map(|setting| setting.value.as_str());
    let row = |Profile { name, is_protected }: &Profile| {
        let address = match settings.of_profile(name) {
            Ok(settings) => plane_address(&settings),
            Err(error) => Err(error.into()),
        };
        let (address, problem) = match address {
            Ok(address) => (address, None),
            Err(failure) => (None, Some(failure.line())),
        };
        ProfileRow {
            is_chosen: chosen == Some(name.as_str()),
            name: name.clone(),
            is_protected: *is_protected,
            address,
            problem,
        }
    };
    let rows: Vec<_> = settings.profiles.iter().map(row).collect();
    context
        .console()
        .show(&render_profiles(&rows, plane_address(settings).ok().flatten().as_ref()));
}
