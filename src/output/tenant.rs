//! Tenants, as people and programs read them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::progress::{millis, shown};
use super::{Console, Failure, Format, View, table};
use crate::model::{Tenant, TenantStatus};
use crate::services::home::{Presence, Unrecorded};
use crate::services::saga::StepReport;
use crate::services::tenant::{
    AddressReport, CreateOutcome, CreatePlan, CreateReport, DeleteReport, LifePlan, ListReport,
    ListedTenant, ProtectReport, PurgeReport, RestoreReport, TenantDetails,
};

/// Nobody reads the result any more, as after `| head`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderGone;

/// Writes tenants as they come, page by page, so that memory stays flat in the streamed shape.
#[derive(Debug)]
pub struct TenantLines<'c> {
    console: &'c Console,
    rows: Vec<Vec<String>>,
    values: Vec<Value>,
    count: usize,
    missing: usize,
}

impl<'c> TenantLines<'c> {
    /// Begins.
    pub fn new(console: &'c Console) -> Self {
        Self { console, rows: Vec::new(), values: Vec::new(), count: 0, missing: 0 }
    }

    /// Takes a page.
    ///
    /// # Errors
    /// When nobody reads any more, so that whoever asks for pages stops.
    pub fn page_or_stop(&mut self, page: &[ListedTenant]) -> Result<(), ReaderGone> {
        self.count += page.len();
        let is_off = |listed: &&ListedTenant| {
            matches!(listed.presence, Presence::Missing | Presence::Contradicted(_))
        };
        self.missing += page.iter().filter(is_off).count();
        match self.console.format() {
            Format::Ndjson => self.console.lines(page.iter().map(listed_json)),
            Format::Json => self.values.extend(page.iter().map(listed_json)),
            Format::Table => self.rows.extend(page.iter().map(tenant_row)),
        }
        if self.console.is_stdout_gone() { Err(ReaderGone) } else { Ok(()) }
    }

    /// Shows what was not streamed, and what belongs to no tenant.
    pub fn finish(mut self, report: ListReport) {
        for unlooked in report.unlooked {
            let what = unlooked.what;
            let line = Failure::from(unlooked.error).line();
            self.console
                .warn(&format!("{what}: not looked at, tenants there are as recorded: {line}"));
        }
        let found = report.unrecorded;
        match self.console.format() {
            Format::Ndjson => {
                let line = |one| json!({ "unrecorded": unrecorded_json(one) });
                self.console.lines(found.iter().map(line));
            }
            Format::Json => {
                let unrecorded = found.iter().map(unrecorded_json).collect();
                let view = View::list("tenants", self.values, String::new());
                self.console.show(&view.with("unrecorded", Value::Array(unrecorded)));
            }
            Format::Table if self.count == 0 && found.is_empty() => {
                self.console.note("No tenants.");
                self.console.note("Next: tenantctl tenant create acme --name 'Acme Ltd'");
            }
            Format::Table => {
                let headers = ["SLUG", "NAME", "STATUS", "PLAN", "SCHEMA", "DATABASE", "CREATED"];
                self.rows.extend(found.iter().map(unrecorded_row));
                let text = table::table(self.console, &headers, self.rows);
                self.console.show(&View::list("tenants", Vec::new(), text));
                if self.missing + found.len() > 0 {
                    self.console.note(&format!(
                        "\n{} recorded and not there as recorded, {} there and not recorded.",
                        self.missing,
                        found.len()
                    ));
                }
            }
        }
    }
}

fn listed_json(listed: &ListedTenant) -> Value {
    let mut value = tenant_json(&listed.tenant);
    let (word, status, finding) = match &listed.presence {
        Presence::Unknown => ("unknown", None, None),
        Presence::Found(standing) => ("found", standing.as_ref().map(|it| &it.word), None),
        Presence::Absent => ("absent", None, None),
        Presence::Missing => ("missing", None, None),
        Presence::Contradicted(finding) => ("contradicted", None, Some(finding)),
    };
    value["presence"] = json!({ "result": word, "project_status": status, "finding": finding });
    value
}

fn unrecorded_json(found: &Unrecorded) -> Value {
    json!({
        "tenant_id": found.tenant_id.to_string(),
        "slug": found.slug,
        "database": found.database,
        "project_ref": found.project.as_ref().map(ToString::to_string),
        "project_status": found.standing.as_ref().map(|standing| &standing.word),
    })
}

fn tenant_row(listed: &ListedTenant) -> Vec<String> {
    let tenant = &listed.tenant;
    let mark = match &listed.presence {
        Presence::Missing => Some("missing".to_owned()),
        Presence::Contradicted(finding) => Some(finding.clone()),
        Presence::Found(Some(standing)) if !standing.is_ready => Some(standing.word.clone()),
        _ => None,
    };
    let mut status = status_word(tenant);
    if let Some(mark) = mark {
        status = format!("{status}, {mark}");
    }
    vec![
        tenant.slug.to_string(),
        tenant.name.clone(),
        status,
        tenant.plan.clone().unwrap_or_default(),
        tenant.schema.as_ref().and_then(|s| s.version).map(|v| v.to_string()).unwrap_or_default(),
        place_of(tenant),
        instant(tenant.created_at).chars().take(10).collect(),
    ]
}

fn unrecorded_row(found: &Unrecorded) -> Vec<String> {
    let status = match &found.standing {
        Some(standing) if !standing.is_ready => format!("not recorded, {}", standing.word),
        _ => "not recorded".to_owned(),
    };
    let place = found.project.as_ref().map(ToString::to_string).or(found.database.clone());
    let blank = String::new;
    let slug = found.slug.clone();
    vec![slug, blank(), status, blank(), blank(), place.unwrap_or_default(), blank()]
}

/// Returns a fact about the database, or about the project whose only one it is.
fn place_and(tenant: &Tenant, what: &str) -> (&'static str, Option<String>) {
    let noun = if tenant.project_ref.is_some() { "project" } else { "database" };
    let place = place_of(tenant);
    (noun, (!place.is_empty()).then(|| format!("{place}{what}")))
}

/// Returns the name of the database, or of the project whose only one it is.
fn place_of(tenant: &Tenant) -> String {
    let project = tenant.project_ref.as_ref().map(ToString::to_string);
    project.or_else(|| tenant.database.as_ref().map(ToString::to_string)).unwrap_or_default()
}

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
        .with("elapsed_ms", json!(millis(report.elapsed)));
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
        .with("elapsed_ms", json!(millis(report.elapsed)))
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
        .with("elapsed_ms", json!(millis(report.elapsed)))
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
        .with("elapsed_ms", json!(millis(report.elapsed)))
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

/// Renders one tenant with what was last done to it.
pub fn render_tenant(console: &Console, details: &TenantDetails) -> View {
    let tenant = &details.tenant;
    let labels: Vec<_> = tenant.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let mut text = table::facts(
        console,
        &[
            ("tenant", Some(tenant.slug.to_string())),
            ("id", Some(tenant.id.to_string())),
            ("name", Some(tenant.name.clone())),
            ("status", Some(status_word(tenant))),
            ("plan", tenant.plan.clone()),
            ("labels", (!labels.is_empty()).then(|| labels.join(", "))),
            ("placement", Some(tenant.placement.word().to_owned())),
            ("project", tenant.project_ref.as_ref().map(ToString::to_string)),
            ("region", tenant.region.clone()),
            ("database", tenant.database.as_ref().map(ToString::to_string)),
            ("address", tenant.host.as_ref().zip(tenant.port).map(|(h, p)| format!("{h}:{p}"))),
            ("schema", schema_of(tenant)),
            (
                "password",
                Some(if tenant.credential.is_some() { "sealed" } else { "not kept" }.to_owned()),
            ),
            ("protected", tenant.is_protected.then(|| "yes".to_owned())),
            (
                "quarantined",
                tenant
                    .quarantine
                    .as_ref()
                    .map(|q| format!("since {}: {}", instant(q.at), q.reason)),
            ),
            (
                "locked",
                tenant.locked_at.map(|at| {
                    format!(
                        "since {}: {}",
                        instant(at),
                        tenant.lock_reason.as_deref().unwrap_or("")
                    )
                }),
            ),
            ("purge after", tenant.purge_after.map(instant)),
            ("created", Some(instant(tenant.created_at))),
            ("updated", Some(instant(tenant.updated_at))),
        ],
    );
    let mut operation_json = Value::Null;
    if let Some(operation) = &details.operation {
        let failed =
            operation.last_error.as_ref().map(|error| format!("; {error}")).unwrap_or_default();
        let line = format!(
            "{} {} at step `{}` by {}, {}{failed}",
            operation.kind,
            operation.state,
            operation.step,
            operation.actor,
            instant(operation.updated_at)
        );
        text.push_str("\n\n");
        text.push_str(&table::facts(console, &[("last operation", Some(line))]));
        let rows: Vec<_> = details
            .steps
            .iter()
            .map(|step| {
                let ms = step.elapsed_ms.map(|ms| format!("{ms} ms")).unwrap_or_default();
                vec![
                    step.step.clone(),
                    step.attempt.to_string(),
                    ms,
                    step.outcome.clone().unwrap_or_else(|| "not done".to_owned()),
                ]
            })
            .collect();
        if !rows.is_empty() {
            let steps = table::table(console, &["STEP", "ATTEMPT", "TOOK", "OUTCOME"], rows);
            text.extend(["\n\n", &steps]);
        }
        operation_json = json!({
            "id": operation.id.to_string(),
            "kind": operation.kind,
            "state": operation.state,
            "step": operation.step,
            "actor": operation.actor,
            "holder": operation.holder,
            "last_error": operation.last_error,
            "started_at": instant(operation.started_at),
            "updated_at": instant(operation.updated_at),
            "steps": details.steps.iter().map(|step| json!({
                "step": step.step, "attempt": step.attempt,
                "elapsed_ms": step.elapsed_ms, "outcome": step.outcome,
            })).collect::<Vec<_>>(),
        });
    }
    View::item("tenant", tenant_json(tenant), text).with("operation", operation_json)
}

/// Renders a connection string: the text is the string alone, so that a shell can use it.
pub fn render_address(report: &AddressReport) -> View {
    let shown = report.revealed.as_ref().map_or(&report.masked, |url| url.expose());
    let value = json!(shown);
    View::item("url", value, shown.clone())
        .with("tenant", json!(report.tenant.slug.as_str()))
        .with("credential", json!(if report.is_kept { "sealed" } else { "not_kept" }))
}

/// Renders a switched protection.
pub fn render_protect(console: &Console, report: &ProtectReport) -> View {
    let tenant = &report.tenant;
    let word = if tenant.is_protected { "protected" } else { "not protected" };
    let already = if report.has_changed { "" } else { " (it was before)" };
    let text =
        table::facts(console, &[("tenant", Some(format!("{} is {word}{already}", tenant.slug)))]);
    View::item("tenant", tenant_json(tenant), text).with("changed", json!(report.has_changed))
}

/// Returns what would go with a tenant, to be read before confirming.
pub(super) fn what_goes(
    console: &Console,
    tenant: &Tenant,
    after: Option<(&str, String)>,
) -> String {
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

/// Returns an instant as RFC 3339 in UTC, to the second.
pub(super) fn instant(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC).truncate_to_second();
    at.format(&Rfc3339).unwrap_or_default()
}

fn status_word(tenant: &Tenant) -> String {
    match (&tenant.quarantine, tenant.status) {
        (Some(_), status) => format!("{status}, quarantined"),
        (None, status) => status.word().to_owned(),
    }
}

fn schema_of(tenant: &Tenant) -> Option<String> {
    let schema = tenant.schema.as_ref()?;
    let version = schema.version.map_or_else(|| "empty".to_owned(), |v| v.to_string());
    Some(format!("{version} ({})", schema.fingerprint))
}

pub(super) fn tenant_json(tenant: &Tenant) -> Value {
    let labels: &BTreeMap<String, String> = &tenant.labels;
    let at = |instant_at: Option<OffsetDateTime>| instant_at.map(instant);
    json!({
        "tenant_id": tenant.id.to_string(),
        "slug": tenant.slug.as_str(),
        "name": tenant.name,
        "plan": tenant.plan,
        "labels": labels,
        "status": tenant.status.word(),
        "quarantine": tenant.quarantine.as_ref().map(|q| json!({
            "at": instant(q.at), "reason": q.reason,
        })),
        "placement": tenant.placement.word(),
        "project_ref": tenant.project_ref.as_ref().map(ToString::to_string),
        "database": tenant.database.as_ref().map(ToString::to_string),
        "host": tenant.host,
        "port": tenant.port,
        "region": tenant.region,
        "schema_version": tenant.schema.as_ref().and_then(|s| s.version).map(|v| v.0),
        "schema_fingerprint": tenant.schema.as_ref().map(|s| s.fingerprint.clone()),
        "session_epoch": tenant.session_epoch,
        "protected": tenant.is_protected,
        "credential": if tenant.credential.is_some() { "sealed" } else { "not_kept" },
        "locked_at": at(tenant.locked_at),
        "lock_reason": tenant.lock_reason,
        "purge_after": at(tenant.purge_after),
        "created_at": instant(tenant.created_at),
        "updated_at": instant(tenant.updated_at),
        "deleted_at": at(tenant.deleted_at),
    })
}

fn steps_json(steps: &[StepReport]) -> Value {
    let step = |step: &StepReport| {
        json!({
            "step": step.step, "outcome": step.outcome,
            "was_there": step.was_there, "elapsed_ms": millis(step.elapsed),
        })
    };
    Value::Array(steps.iter().map(step).collect())
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
