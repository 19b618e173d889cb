//! Seed sets, and the control plane's installation.

use serde_json::json;

use super::console::Console;
use super::table;
use super::view::View;
use crate::services::migration::{InstallReport, SeedSet};

/// Renders the seed sets.
pub fn render_seed_sets(console: &Console, sets: &[SeedSet]) -> View {
    let rows = sets
        .iter()
        .map(|set| {
            let holds: Vec<_> =
                set.holds.iter().map(|h| format!("{} {}", h.rows, h.table)).collect();
            let rows: u64 = set.holds.iter().map(|h| h.rows).sum();
            vec![set.name.clone(), set.files.len().to_string(), rows.to_string(), holds.join(", ")]
        })
        .collect();
    let values = sets
        .iter()
        .map(|set| {
            json!({
                "name": set.name,
                "files": set.files.iter().map(|file| &file.name).collect::<Vec<_>>(),
                "holds": set.holds.iter().map(|h| json!({ "table": h.table, "rows": h.rows }))
                    .collect::<Vec<_>>(),
            })
        })
        .collect();
    let text = table::table(console, &["SET", "FILES", "ROWS", "HOLDS"], rows);
    View::list("seed_sets", values, text)
}

/// Renders the control plane's installation.
pub fn render_install(console: &Console, report: &InstallReport, is_dry_run: bool) -> View {
    let listed = if is_dry_run { &report.planned } else { &report.applied };
    let names: Vec<_> = listed.iter().map(ToString::to_string).collect();
    let what = match (is_dry_run, names.is_empty()) {
        (_, true) => "nothing: it is up to date".to_owned(),
        (_, false) => names.join(", "),
    };
    let text = table::facts(
        console,
        &[
            ("control plane", Some(report.control_plane.clone())),
            ("version", Some(report.version.to_string())),
            (if is_dry_run { "would apply" } else { "applied" }, Some(what)),
        ],
    );
    let view = View::item(
        "control_plane",
        json!({
            "id": (!is_dry_run).then(|| report.control_plane_id.to_string()),
            "url": report.control_plane,
            "version": report.version.0,
        }),
        text,
    )
    .with("dry_run", json!(is_dry_run))
    .with(if is_dry_run { "planned" } else { "applied" }, json!(names));
    if is_dry_run {
        view
    } else {
        view.note("\nNext:\n  tenantctl tenant create acme --name 'Acme Ltd'")
    }
}
