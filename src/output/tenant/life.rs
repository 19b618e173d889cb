//! What creating, deleting, restoring and purging a tenant did, or would do.

use serde_json::json;

use crate::model::{Tenant, TenantStatus};
use crate::output::console::Console;
use crate::output::json::{steps_json, tenant_json};
use crate::output::table;
use crate::output::tenant::record::{place_and, schema_of, status_word};
use crate::output::view::View;
use crate::output::words::{instant, shown};
use crate::services::tenant::{
    CreateOutcome, CreatePlan, CreateReport, DeleteReport, LifePlan, PurgeReport, RestoreReport,
};

/// Renders a created tenant.
pub fn render_create(console: &Console, report: &CreateReport) -> View {
    let (word, sentence) = match report.outcome {
        CreateOutcome::Created => ("created", "created"),
        CreateOutcome::Continued => ("continued", "created; an earlier run had begun"),
        CreateOutcome::Adopted => ("adopted", "taken in as it was found"),
        CreateOutcome::AlreadyThere => ("already_there", "there already, as asked for"),
    };
    let tenant = &report.tenant;
    let text = table::facts(
        console,
        &[
            ("tenant", Some(format!("{} ({sentence})", tenant.slug))),
            ("id", Some(tenant.id.to_string())),
            ("status", Some(status_word(tenant))),
            ("project", tenant.project_ref.as_ref().map(ToString::to_string)),
            ("database", tenant.database.as_ref().map(ToString::to_string)),
            ("connection", Some(report.url.clone())),
            ("schema", schema_of(tenant)),
            ("seed", report.seed.clone()),
            ("took", Some(shown(report.elapsed))),
        ],
    );
    let view = View::item("tenant", tenant_json(tenant), text)
        .with("outcome", json!(word))
        .with("url", json!(report.url))
        .with("credential", json!(if report.is_credential_kept { "sealed" } else { "not_kept" }))
        .with("seed", json!(report.seed))
        .with("steps", steps_json(&report.steps))
        .took(report.elapsed);
    let slug = &tenant.slug;
    let mut next = vec![format!("tenantctl migrate apply --tenant {slug}")];
    let view = if report.is_credential_kept {
        next.push(format!("tenantctl tenant url {slug} --reveal"));
        view
    } else {
        next.push(format!("tenantctl tenant rotate {slug}"));
        view.note(format!(
            "The login's password is not kept: no secret key is configured. `tenantctl tenant \
             rotate {slug}` makes a new one and hands it over once."
        ))
    };
    next.push(format!("tenantctl tenant show {slug}"));
    view.note(next_commands(&next))
}

/// Renders what creating would do.
pub fn render_create_plan(console: &Console, slug: &str, plan: &CreatePlan) -> View {
    let there = plan.existing.as_ref();
    let text = if plan.steps.is_empty() {
        format!("Nothing to do: `{slug}` is there already, as asked for.")
    } else {
        let database = plan.database.clone().or_else(|| {
            let prefix = slug.replace('-', "_");
            Some(format!("tenant_{prefix}_<8 hex of the new id>"))
        });
        let facts = table::facts(
            console,
            &[
                ("tenant", Some(slug.to_owned())),
                ("status now", there.map(status_word).or(Some("none".to_owned()))),
                ("project", plan.project.clone()),
                ("database", database),
                ("found", plan.found.as_ref().map(|found| found.join(", "))),
                ("schema", plan.schema.as_ref().and_then(|s| s.version).map(|v| v.to_string())),
            ],
        );
        format!("{facts}\n\n{}", step_list(&plan.steps))
    };
    let value = json!({
        "tenant": slug,
        "exists": there.is_some(),
        "database": plan.database,
        "project": plan.project,
        "found": plan.found,
        "steps": plan.steps.iter().map(|(word, _)| *word).collect::<Vec<_>>(),
    });
    View::item("plan", value, text).with("dry_run", json!(true))
}

/// Renders what deleting or purging would do.
pub fn render_life_plan(console: &Console, plan: &LifePlan) -> View {
    let tenant = &plan.tenant;
    let facts = what_goes(console, tenant, Some(("status after", plan.status.word().to_owned())));
    let text = format!("{facts}\n\n{}", step_list(&plan.steps));
    let value = json!({
        "tenant": tenant.slug.as_str(),
        "tenant_id": tenant.id.to_string(),
        "database": tenant.database.as_ref().map(ToString::to_string),
        "status": tenant.status.word(),
        "status_after": plan.status.word(),
        "steps": plan.steps.iter().map(|(word, _)| *word).collect::<Vec<_>>(),
    });
    View::item("plan", value, text).with("dry_run", json!(true))
}

/// Renders a deleted tenant.
pub fn render_delete(console: &Console, report: &DeleteReport) -> View {
    let tenant = &report.tenant;
    let until = tenant.purge_after.map(instant).unwrap_or_default();
    let word = if report.was_deleted { "deleted before" } else { "deleted" };
    let text = table::facts(
        console,
        &[
            ("tenant", Some(format!("{} ({word})", tenant.slug))),
            place_and(tenant, " (closed, kept)"),
            ("kept until", Some(until)),
        ],
    );
    View::item("tenant", tenant_json(tenant), text)
        .with("changed", json!(!report.was_deleted))
        .with("steps", steps_json(&report.steps))
        .took(report.elapsed)
        .note(next_commands(&[
            format!("tenantctl tenant restore {}", tenant.slug),
            format!("tenantctl tenant purge {} --no-backup", tenant.slug),
        ]))
}

/// Renders a restored tenant.
pub fn render_restore(console: &Console, report: &RestoreReport) -> View {
    let tenant = &report.tenant;
    let word = if report.was_there { "it was not deleted" } else { "restored" };
    let text = table::facts(
        console,
        &[
            ("tenant", Some(format!("{} ({word})", tenant.slug))),
            ("status", Some(status_word(tenant))),
            place_and(tenant, ""),
        ],
    );
    View::item("tenant", tenant_json(tenant), text)
        .with("changed", json!(!report.was_there))
        .with("steps", steps_json(&report.steps))
        .took(report.elapsed)
}

/// Renders a purged tenant.
pub fn render_purge(console: &Console, report: &PurgeReport) -> View {
    let tenant = &report.tenant;
    let word = if report.was_purged { "purged before" } else { "purged" };
    let text = table::facts(
        console,
        &[
            ("tenant", Some(format!("{} ({word})", tenant.slug))),
            ("id", Some(format!("{} (never used again)", tenant.id))),
            place_and(tenant, " (gone)"),
        ],
    );
    View::item("tenant", tenant_json(tenant), text)
        .with("changed", json!(!report.was_purged))
        .with("steps", steps_json(&report.steps))
        .took(report.elapsed)
}

/// Renders what a purge of all that is due did, or would do.
pub fn render_due(
    console: &Console,
    reports: &[PurgeReport],
    planned: &[Tenant],
    failed: &[(String, String)],
    is_dry_run: bool,
) -> View {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut values = Vec::new();
    for tenant in planned {
        let at = tenant.purge_after.map(instant).unwrap_or_default();
        rows.push(vec![tenant.slug.to_string(), "due".to_owned(), at]);
        values.push(json!({ "tenant": tenant.slug.as_str(), "verdict": "due" }));
    }
    for report in reports {
        let slug = report.tenant.slug.to_string();
        values.push(json!({ "tenant": slug, "verdict": "purged" }));
        rows.push(vec![slug, "purged".to_owned(), String::new()]);
    }
    for (slug, problem) in failed {
        values.push(json!({ "tenant": slug, "verdict": "failed", "message": problem }));
        rows.push(vec![slug.clone(), "failed".to_owned(), problem.clone()]);
    }
    let text = if rows.is_empty() {
        "Nothing is due.".to_owned()
    } else {
        table::table(console, &["TENANT", "VERDICT", "DETAIL"], rows)
    };
    View::list("results", values, text).with("dry_run", json!(is_dry_run))
}

/// Returns what would go with a tenant, to be read before confirming.
fn what_goes(console: &Console, tenant: &Tenant, after: Option<(&str, String)>) -> String {
    let (name, value) = after.map_or(("", None), |(name, value)| (name, Some(value)));
    table::facts(
        console,
        &[
            ("tenant", Some(tenant.slug.to_string())),
            ("id", Some(tenant.id.to_string())),
            ("name", Some(tenant.name.clone())),
            ("status", Some(status_word(tenant))),
            place_and(tenant, ""),
            ("address", tenant.host.as_ref().zip(tenant.port).map(|(h, p)| format!("{h}:{p}"))),
            (name, value),
        ],
    )
}

fn step_list(steps: &[(&'static str, &'static str)]) -> String {
    let lines: Vec<_> = steps
        .iter()
        .enumerate()
        .map(|(index, (word, title))| format!("  {}. {word:<10} {title}", index + 1))
        .collect();
    format!("Would do:\n{}", lines.join("\n"))
}

fn next_commands(commands: &[String]) -> String {
    let lines: Vec<_> = commands.iter().map(|command| format!("  {command}")).collect();
    format!("\nNext:\n{}", lines.join("\n"))
}

impl Console {
    /// Shows what a destructive command is about to take away, before it asks.
    pub fn show_what_goes(&self, tenant: &Tenant, after: TenantStatus) {
        let text = what_goes(self, tenant, Some(("status after", after.word().to_owned())));
        self.note(&format!("{text}\n"));
    }
}
