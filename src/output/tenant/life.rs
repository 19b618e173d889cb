//! What creating, deleting, restoring and purging a tenant did, or would do.

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::model::{Tenant, TenantNames, instant};
use crate::output::console::Console;
use crate::output::json::{error_json, id_and_slug, names_json, steps_json, tenant_json};
use crate::output::line::Line;
use crate::output::steps::step_list;
use crate::output::tenant::record::{address_of, place_fact, schema_of, status_word};
use crate::output::text::{Facts, Table, Text, cell};
use crate::output::view::View;
use crate::output::words::{bytes_shown, count, shown};
use crate::services::saga::StepReport;
use crate::services::tenant::{
    CreateOutcome, CreatePlan, CreateReport, DeleteReport, DueFailure, LifePlan, PurgeDueReport,
    PurgeReport, RestoreReport, Stakes,
};

pub(crate) fn render_create(report: &CreateReport) -> View {
    let (word, sentence) = match report.outcome {
        CreateOutcome::Created => ("created", "created"),
        CreateOutcome::Continued => ("continued", "created; an earlier run had begun"),
        CreateOutcome::AskedFor => ("asked_for", "asked for; the same command goes on with it"),
        CreateOutcome::Adopted => ("adopted", "adopted as it was found"),
        CreateOutcome::AlreadyThere => ("already_there", "exists already, as asked for"),
    };
    let tenant = &report.tenant;
    let slug = &tenant.slug;
    let facts = Facts::new()
        .fact("tenant", format_args!("{slug} ({sentence})"))
        .fact("id", tenant.id)
        .fact("status", status_word(tenant))
        .some("project", tenant.project_ref.as_ref())
        .some("database", tenant.database.as_ref())
        .some("connection", Some(&report.url).filter(|url| !url.is_empty()))
        .some("schema", schema_of(tenant))
        .some("seed", report.seed.as_ref())
        .fact("took", shown(report.elapsed));
    let is_kept = report.is_credential_kept;
    let view = View::item("tenant", tenant_json(tenant), facts)
        .with("outcome", json!(word))
        .with("url", json!(Some(&report.url).filter(|url| !url.is_empty())))
        .with("credential", json!(if is_kept { "sealed" } else { "not_kept" }))
        .with("seed", json!(report.seed))
        .with("steps", steps_json(&report.steps))
        .took(report.elapsed);
    if report.outcome == CreateOutcome::AskedFor {
        // `--no-wait` again would only look.
        return view.next([format!("tenantctl tenant show {slug}")]);
    }
    let (view, password) = if is_kept {
        (view, format!("tenantctl tenant connect {slug}"))
    } else {
        let note = format!(
            "The login's password is not kept: no secret key is configured. `tenantctl tenant \
             rotate {slug}` sets a new one and shows it once."
        );
        (view.note(note), format!("tenantctl tenant rotate {slug}"))
    };
    view.next([password, format!("tenantctl tenant show {slug}")])
}

pub(crate) fn render_create_plan(slug: &str, plan: &CreatePlan) -> View {
    let existing = plan.existing.as_ref();
    let text = if plan.steps.is_empty() {
        Text::from(format_args!("Nothing to do: `{slug}` exists already, as asked for."))
    } else {
        let database = plan
            .database
            .clone()
            .unwrap_or_else(|| format!("tenant_{}_<8 hex of the new id>", slug.replace('-', "_")));
        let facts = Facts::new()
            .fact("tenant", slug)
            .fact("status now", existing.map_or_else(|| "none".to_owned(), status_word))
            .some("project", plan.project.as_ref())
            .fact("database", database)
            .some("found", plan.found.as_ref().map(|found| found.join(", ")))
            .some("schema", plan.schema.as_ref().and_then(|schema| schema.version));
        Text::from(facts).blank().and(step_list(&plan.steps))
    };
    let value = json!({
        "tenant": { "id": existing.map(|tenant| tenant.id.to_string()), "slug": slug },
        "exists": existing.is_some(),
        "database": plan.database,
        "project": plan.project,
        "found": plan.found,
        "steps": plan.steps.iter().map(|(word, _)| *word).collect::<Vec<_>>(),
    });
    View::item("plan", value, text).with("dry_run", json!(true))
}

/// Renders what deleting or purging would do.
pub(crate) fn render_life_plan(plan: &LifePlan) -> View {
    let tenant = &plan.tenant;
    let facts = affected(plan);
    let text = Text::from(facts).blank().and(step_list(&plan.steps));
    let value = json!({
        "tenant": id_and_slug(tenant.id, &tenant.slug),
        "database": tenant.database.as_ref().map(ToString::to_string),
        "status": tenant.status.word(),
        "status_after": plan.status.word(),
        "steps": plan.steps.iter().map(|(word, _)| *word).collect::<Vec<_>>(),
    });
    View::item("plan", value, text).with("dry_run", json!(true))
}

pub(crate) fn render_delete(report: &DeleteReport) -> View {
    let tenant = &report.tenant;
    let slug = &tenant.slug;
    let word = if report.was_deleted { "deleted before" } else { "deleted" };
    let (place, name) = place_fact(tenant, " (closed, kept)");
    let facts = Facts::new()
        .fact("tenant", format_args!("{slug} ({word})"))
        .some(place, name)
        .fact("kept until", cell(tenant.purge_after.map(instant)));
    life_view(tenant, facts, !report.was_deleted, &report.steps).took(report.elapsed).next([
        format!("tenantctl tenant restore {slug}"),
        format!("tenantctl tenant purge {slug} --no-backup"),
    ])
}

pub(crate) fn render_restore(report: &RestoreReport) -> View {
    let tenant = &report.tenant;
    let word = if report.was_there { "it was not deleted" } else { "restored" };
    let (place, name) = place_fact(tenant, "");
    let facts = Facts::new()
        .fact("tenant", format_args!("{} ({word})", tenant.slug))
        .fact("status", status_word(tenant))
        .some(place, name);
    life_view(tenant, facts, !report.was_there, &report.steps).took(report.elapsed)
}

pub(crate) fn render_purge(report: &PurgeReport) -> View {
    let tenant = &report.tenant;
    let word = if report.was_purged { "purged before" } else { "purged" };
    let (place, name) = place_fact(tenant, " (gone)");
    let facts = Facts::new()
        .fact("tenant", format_args!("{} ({word})", tenant.slug))
        .fact("id", format_args!("{} (never used again)", tenant.id))
        .some(place, name);
    life_view(tenant, facts, !report.was_purged, &report.steps).took(report.elapsed)
}

fn life_view(tenant: &Tenant, facts: Facts, has_changed: bool, steps: &[StepReport]) -> View {
    View::item("tenant", tenant_json(tenant), facts)
        .with("changed", json!(has_changed))
        .with("steps", steps_json(steps))
}

/// Renders the tenants that are due, before they are purged.
pub(crate) fn render_due_plan(tenants: &[Tenant]) -> View {
    let row = |tenant: &Tenant| {
        [(&tenant.slug).into(), "due".into(), cell(tenant.purge_after.map(instant))]
    };
    let value = |tenant: &Tenant| due_json(&tenant.into(), "due", None);
    let text = due_table(tenants.iter().map(row).collect());
    View::list(("results", "result"), tenants.iter().map(value).collect(), text)
        .with("dry_run", json!(true))
}

/// Renders what purging those that were due did.
pub(crate) fn render_due(report: &PurgeDueReport) -> View {
    let mut rows = Vec::new();
    let mut values = Vec::new();
    for PurgeReport { tenant, .. } in &report.purged {
        rows.push([(&tenant.slug).into(), "purged".into(), "".into()]);
        values.push(due_json(&tenant.into(), "purged", None));
    }
    for DueFailure { tenant, kind, chain, hint } in &report.failed {
        let error = error_json(*kind, chain, hint.as_deref());
        values.push(due_json(tenant, "failed", Some(&error)));
        let problem = format!("failed to {}", chain.join(": "));
        rows.push([tenant.into(), "failed".into(), problem.into()]);
    }
    View::list(("results", "result"), values, due_table(rows)).with("dry_run", json!(false))
}

fn due_json(tenant: &TenantNames, outcome: &str, error: Option<&Value>) -> Value {
    json!({ "tenant": names_json(tenant), "outcome": outcome, "error": error })
}

fn due_table(rows: Vec<[Line; 3]>) -> Text {
    if rows.is_empty() {
        return Text::from("Nothing is due.");
    }
    Table::new(["TENANT", "OUTCOME", "DETAIL"], rows).into()
}

impl Console {
    /// Shows which tenant a destructive command is about to change, and what is at stake, before it asks.
    pub(crate) fn show_affected(
        &self,
        plan: &LifePlan,
        stakes: &Stakes,
        kept: Option<OffsetDateTime>,
    ) {
        let kept = match kept {
            Some(until) => {
                let slug = &plan.tenant.slug;
                format!("until {}: `tenantctl tenant restore {slug}`", instant(until))
            }
            None => "no: nothing brings it back".to_owned(),
        };
        let sessions = stakes.sessions.map(|count| format!("{count} valid, and revoked by this"));
        let facts = affected(plan)
            .fact("size", size_of(stakes))
            .some("sessions", sessions)
            .fact("kept", kept);
        self.before_question(&Text::from(facts).blank());
    }

    /// Shows the tenants that are about to be destroyed, and how much data that is.
    pub(crate) fn show_due(&self, tenants: &[Tenant], stakes: &Stakes) {
        self.show(&render_due_plan(tenants));
        self.note(format_args!("{}, {}", count(tenants.len()), size_of(stakes)));
    }
}

fn affected(plan: &LifePlan) -> Facts {
    let tenant = &plan.tenant;
    let (place, name) = place_fact(tenant, "");
    Facts::new()
        .fact("tenant", &tenant.slug)
        .fact("id", tenant.id)
        .fact("name", &tenant.name)
        .fact("status", status_word(tenant))
        .some(place, name)
        .some("address", address_of(tenant))
        .fact("status after", plan.status.word())
}

fn size_of(stakes: &Stakes) -> String {
    match &stakes.size {
        Ok(bytes) => bytes_shown(*bytes),
        Err(why) => format!("size unknown: {why}"),
    }
}
