//! Seed sets, and the control plane's installation.

use serde_json::{Value, json};

use super::text::{Facts, Table};
use super::view::View;
use crate::services::migration::{InstallReport, SeedSet};

pub(crate) fn render_seed_sets(sets: &[SeedSet]) -> View {
    let rows = sets.iter().map(|set| {
        let holds: Vec<_> = set.holds.iter().map(|h| format!("{} {}", h.rows, h.table)).collect();
        let rows: u64 = set.holds.iter().map(|h| h.rows).sum();
        [(&set.name).into(), set.files.len().into(), rows.into(), holds.join(", ").into()]
    });
    let table = Table::new(["SET", "FILES", "ROWS", "HOLDS"], rows);
    View::list(("seed_sets", "seed_set"), sets.iter().map(set_json).collect(), table)
}

fn set_json(set: &SeedSet) -> Value {
    let files: Vec<_> = set.files.iter().map(|file| &file.name).collect();
    let holds = set.holds.iter().map(|h| json!({ "table": h.table, "rows": h.rows }));
    json!({ "name": set.name, "files": files, "holds": holds.collect::<Value>() })
}

pub(crate) fn render_install(report: &InstallReport, is_dry_run: bool) -> View {
    let listed = if is_dry_run { &report.planned } else { &report.applied };
    let names: Vec<_> = listed.iter().map(ToString::to_string).collect();
    let what =
        if names.is_empty() { "nothing: it is up to date".to_owned() } else { names.join(", ") };
    let facts = Facts::new()
        .fact("control plane", &report.control_plane)
        .fact("version", report.version)
        .fact(if is_dry_run { "would apply" } else { "applied" }, what);
    let value = json!({
        "id": (!is_dry_run).then(|| report.control_plane_id.to_string()),
        "url": report.control_plane,
        "version": report.version.0,
    });
    let view = View::item("control_plane", value, facts)
        .with("dry_run", json!(is_dry_run))
        .with(if is_dry_run { "planned" } else { "applied" }, json!(names));
    if is_dry_run { view } else { view.next(["tenantctl tenant create acme --name 'Acme Ltd'"]) }
}
