//! `tenantctl config path`.

use crate::commands::context::Context;
use crate::output::render_config_files;

/// Shows where config files are looked for, the nearest first.
pub(super) fn run(context: &Context) {
    let looked_at = &context.settings().looked_at;
    let files: Vec<_> =
        looked_at.iter().map(|file| (file.path.display().to_string(), file.is_there)).collect();
    context.console().show(&render_config_files(&files));
}
