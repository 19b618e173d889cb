//! The list of tenants, as people and programs read it, page by page.

use serde_json::{Value, json};

use crate::model::instant;
use crate::output::appearance::Format;
use crate::output::arrange::Arrangement;
use crate::output::columns::Layout;
use crate::output::console::{Console, ReaderGone};
use crate::output::failure::Failure;
use crate::output::json::tenant_json;
use crate::output::line::{Line, bad};
use crate::output::spool::Spool;
use crate::output::tenant::record::{place_of, status_line};
use crate::output::text::{Table, Text, cell};
use crate::output::view::View;
use crate::output::words::{count as count_of, date};
use crate::services::home::{Presence, Unrecorded};
use crate::services::tenant::{ListReport, ListedTenant};

/// Writes tenants page by page, so that memory stays flat; only what is to be sorted is kept until the
/// last one is there.
#[derive(Debug)]
pub(crate) struct TenantLines<'c> {
    console: &'c Console,
    shape: TenantShape,
    arrangement: Arrangement,
    rows: Vec<[Line; 7]>,
    values: Vec<Value>,
    spool: Spool,
    layout: Option<Layout>,
    count: usize,
    shown: usize,
    missing: usize,
}

/// What a list of tenants is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TenantShape {
    /// The tenants.
    Tenants,
    /// Their locks.
    Locks,
}

impl TenantShape {
    /// Returns the columns of the list.
    pub(crate) fn columns(self) -> [&'static str; 7] {
        match self {
            Self::Tenants => ["SLUG", "NAME", "STATUS", "PLAN", "SCHEMA", "DATABASE", "CREATED"],
            Self::Locks => ["SLUG", "NAME", "STATUS", "LOCKED", "PROVED", "BY", "REASON"],
        }
    }

    fn table(self, rows: impl IntoIterator<Item = [Line; 7]>) -> Table {
        let table = Table::new(self.columns(), rows).cut("NAME");
        match self {
            Self::Tenants => table.dropping(&["CREATED", "DATABASE", "PLAN", "SCHEMA", "NAME"]),
            Self::Locks => table.cut("REASON").cut("BY").dropping(&["NAME", "PROVED"]),
        }
    }

    fn row(self, listed: &ListedTenant) -> [Line; 7] {
        let tenant = &listed.tenant;
        let (slug, name, status) = ((&tenant.slug).into(), (&tenant.name).into(), standing(listed));
        match self {
            Self::Tenants => {
                let version = tenant.schema.as_ref().and_then(|schema| schema.version);
                let created = date(tenant.created_at).into();
                let place = cell(place_of(tenant));
                [slug, name, status, cell(tenant.plan.as_ref()), cell(version), place, created]
            }
            Self::Locks => {
                let lock = tenant.lock.as_ref();
                let since = cell(lock.map(|lock| instant(lock.since)));
                let proved = lock.map(|lock| match lock.proven_at {
                    Some(at) => instant(at).into(),
                    None => bad("no"),
                });
                let [by, reason] =
                    [lock.map(|lock| &lock.by), lock.map(|lock| &lock.reason)].map(cell);
                [slug, name, status, since, proved.unwrap_or_default(), by, reason]
            }
        }
    }
}

impl<'c> TenantLines<'c> {
    pub(crate) fn new(console: &'c Console, shape: TenantShape, arrangement: Arrangement) -> Self {
        let (rows, values, spool, layout) = (Vec::new(), Vec::new(), Spool::new("tenants"), None);
        let (count, shown, missing) = (0, 0, 0);
        Self { console, shape, arrangement, rows, values, spool, layout, count, shown, missing }
    }

    /// # Errors
    /// When the reader closed the pipe: no further page needs to be fetched.
    pub(crate) fn page_or_stop(&mut self, page: &[ListedTenant]) -> Result<(), ReaderGone> {
        self.count += page.len();
        let is_off = |listed: &&ListedTenant| {
            matches!(listed.presence, Presence::Missing | Presence::Contradicted(_))
        };
        self.missing += page.iter().filter(is_off).count();
        if self.arrangement.is_sorted() {
            self.values.extend(page.iter().map(listed_json));
            self.rows.extend(page.iter().map(|listed| self.shape.row(listed)));
        } else {
            let room = self.arrangement.room(self.shown);
            self.write(&page[..page.len().min(room)]);
        }
        if self.console.is_stdout_gone() { Err(ReaderGone) } else { Ok(()) }
    }

    /// Writes a page as it comes.
    fn write(&mut self, page: &[ListedTenant]) {
        self.shown += page.len();
        match self.console.format() {
            Format::Ndjson => {
                self.console.lines("tenant", &page.iter().map(listed_json).collect::<Vec<_>>());
            }
            Format::Json => self.put_by(page.iter().map(listed_json)),
            Format::Table | Format::Csv if page.is_empty() => {}
            Format::Table | Format::Csv => {
                let mut table = self.shape.table(page.iter().map(|listed| self.shape.row(listed)));
                self.arrangement.pick(&mut table);
                self.console.page(&table, self.arrangement.is_wide, &mut self.layout);
            }
        }
    }

    fn put_by(&mut self, values: impl IntoIterator<Item = Value>) {
        for value in values {
            if let Err(error) = self.spool.push(&value) {
                return self.console.break_stdout(error);
            }
        }
    }

    /// Shows what was not written yet, and the databases and projects that belong to no tenant.
    pub(crate) fn finish(mut self, report: ListReport) {
        for unlooked in report.unlooked {
            let what = unlooked.what;
            let line = Failure::from(unlooked.error).line();
            self.console
                .warn(&format!("{what}: not looked at, tenants there are as recorded: {line}"));
        }
        let found = report.unrecorded;
        let unrecorded: Vec<_> = found.iter().map(unrecorded_json).collect();
        let mut rest = self.shape.table(std::mem::take(&mut self.rows));
        let mut values = std::mem::take(&mut self.values);
        self.arrangement.apply(&mut rest, &mut values);
        let count = self.shown + values.len();
        let summary = json!({ "count": count, "unrecorded": found.len() });
        match self.console.format() {
            Format::Ndjson => {
                self.console.lines("tenant", &values);
                self.console.lines("unrecorded", &unrecorded);
                self.console.lines("summary", &[summary]);
            }
            Format::Json => {
                self.put_by(values);
                let view = View::list(("tenants", "tenant"), Vec::new(), Text::new());
                let view = view.with("summary", summary);
                let view = view.with("unrecorded", Value::Array(unrecorded));
                self.console.show_spooled(&view, self.spool);
            }
            Format::Table if self.count == 0 && found.is_empty() => match report.of {
                Some(of) if of > 0 => {
                    self.console.note(format_args!("None of {} match.", count_of(of)));
                }
                _ => {
                    self.console.note("No tenants.");
                    self.console.note("Next: tenantctl tenant create acme --name 'Acme Ltd'");
                }
            },
            Format::Table | Format::Csv => {
                if self.arrangement.takes_all_columns() {
                    rest.rows.extend(found.iter().map(|one| Vec::from(unrecorded_row(one))));
                }
                if !rest.is_empty() || self.layout.is_none() {
                    self.console.page(&rest, self.arrangement.is_wide, &mut self.layout);
                }
                if let Some(layout) = &self.layout {
                    self.console.end_of_pages(&rest, layout);
                }
                if self.missing + found.len() > 0 {
                    self.console.note(Text::new().blank().line(format_args!(
                        "{} recorded and not found as recorded, {} found and not recorded.",
                        self.missing,
                        found.len()
                    )));
                }
            }
        }
    }
}

pub(super) fn listed_json(listed: &ListedTenant) -> Value {
    let mut value = tenant_json(&listed.tenant);
    let (word, status, finding) = match &listed.presence {
        Presence::Unknown => ("unknown", None, None),
        Presence::Found(standing) => ("found", standing.as_ref().map(|it| &it.word), None),
        Presence::Absent => ("absent", None, None),
        Presence::Missing => ("missing", None, None),
        Presence::Contradicted(finding) => ("contradicted", None, Some(finding.to_string())),
    };
    value["presence"] = json!({ "outcome": word, "project_status": status, "finding": finding });
    value
}

fn unrecorded_json(found: &Unrecorded) -> Value {
    json!({
        "tenant": { "id": found.tenant_id.to_string(), "slug": found.slug },
        "database": found.database,
        "project_ref": found.project.as_ref().map(ToString::to_string),
        "project_status": found.standing.as_ref().map(|standing| &standing.word),
    })
}

/// Returns a tenant's status, and what is there instead where that is not as recorded.
pub(super) fn standing(listed: &ListedTenant) -> Line {
    let mark = match &listed.presence {
        Presence::Missing => Some("missing".to_owned()),
        Presence::Contradicted(finding) => Some(finding.to_string()),
        Presence::Found(Some(standing)) if !standing.is_ready => Some(standing.word.clone()),
        _ => None,
    };
    match mark {
        None => status_line(&listed.tenant),
        Some(mark) => status_line(&listed.tenant).and(", ").and(bad(mark)),
    }
}

fn unrecorded_row(found: &Unrecorded) -> [Line; 7] {
    let status = match &found.standing {
        Some(standing) if !standing.is_ready => format!("not recorded, {}", standing.word),
        _ => "not recorded".to_owned(),
    };
    let place = found.project.as_ref().map(ToString::to_string).or(found.database.clone());
    let blank = Line::default;
    [(&found.slug).into(), blank(), status.into(), blank(), blank(), cell(place), blank()]
}
