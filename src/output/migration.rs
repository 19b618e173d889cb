//! Seed sets, files of migrations, and the control plane's installation.

use serde_json::{Value, json};

use super::arrange::Arrangement;
use super::text::{Facts, Table};
use super::view::View;
use crate::model::MigrationsBase;
use crate::services::migration::{ExportReport, InstallReport, NewReport, SeedSet};

/// The columns of `seed list`.
pub(crate) const SEED_COLUMNS: [&str; 4] = ["SET", "FILES", "ROWS", "HOLDS"];

pub(crate) fn render_seed_sets(sets: &[SeedSet], arrangement: &Arrangement) -> View {
    let rows = sets.iter().map(|set| {
        let holds: Vec<_> = set.holds.iter().map(|h| format!("{} {}", h.rows, h.table)).collect();
        let rows: u64 = set.holds.iter().map(|h| h.rows).sum();
        [(&set.name).into(), set.files.len().into(), rows.into(), holds.join(", ").into()]
    });
    let mut table = Table::new(SEED_COLUMNS, rows);
    let mut values = sets.iter().map(set_json).collect();
    arrangement.apply(&mut table, &mut values);
    View::list(("seed_sets", "seed_set"), values, table).within(arrangement)
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
    if is_dry_run {
        view.into_plan()
    } else {
        view.next(["tenantctl tenant create acme --name 'Acme Ltd'"])
    }
}

pub(crate) fn render_export(report: &ExportReport) -> View {
    let folder = report.folder.display();
    let outcome = |is_new: bool| match (is_new, report.is_dry_run) {
        (true, true) => "planned",
        (true, false) => "written",
        (false, _) => "unchanged",
    };
    let rows = report.files.iter().map(|(file, is_new)| {
        let word = outcome(*is_new).replace('_', " ");
        [file.into(), word.into()]
    });
    let files = report.files.iter();
    let files = files.map(|(file, is_new)| json!({ "file": file, "outcome": outcome(*is_new) }));
    let view =
        View::list(("files", "file"), files.collect(), Table::new(["FILE", "OUTCOME"], rows))
            .with("folder", json!(folder.to_string()))
            .with("next_version", json!(report.next.0))
            .with("dry_run", json!(report.is_dry_run));
    let used = format!(
        "The folder holds all that a tenant's database gets once it is TENANTCTL_MIGRATIONS_DIR; the next number is {}.",
        report.next
    );
    if report.is_dry_run { view.into_plan() } else { view.note(used) }
}

pub(crate) fn render_new_migration(report: &NewReport, is_configured: bool) -> View {
    let path = report.path.display();
    let outcome = if report.is_dry_run { "planned" } else { "written" };
    let base = match report.base {
        MigrationsBase::Embedded => "continues the embedded migrations",
        MigrationsBase::None => "stands alone: the embedded migrations are not used",
    };
    let facts = Facts::new()
        .fact("migration", &report.file)
        .fact("path", path.to_string())
        .fact("folder", base)
        .fact("outcome", outcome.replace('_', " "));
    let value = json!({
        "file": report.file,
        "path": path.to_string(),
        "version": report.version.0,
        "base": report.base.word(),
        "outcome": outcome,
    });
    let view = View::item("migration", value, facts).with("dry_run", json!(report.is_dry_run));
    let folder = report.path.parent().map(|folder| folder.display().to_string());
    let set = folder.map(|folder| format!("export TENANTCTL_MIGRATIONS_DIR={folder}"));
    let set = set.filter(|_| !is_configured);
    let apply = "tenantctl migrate apply --all --dry-run".to_owned();
    if report.is_dry_run { view.into_plan() } else { view.next(set.into_iter().chain([apply])) }
}
