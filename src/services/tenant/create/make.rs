//! What each step of creating a tenant does.
//!
//! Every step looks before it acts and is harmless when repeated: what an earlier run left behind
//! is found on the session that would change it.

use std::cell::RefCell;
use std::time::Instant;

use sqlx::postgres::PgConnection;

use super::request::CreateRequest;
use super::steps::Step;
use crate::adapters::control_plane::{self, Address};
use crate::adapters::postgres::{Purpose, generate_password};
use crate::adapters::server::{Access, GateLock, ServerError, TenantDatabase};
use crate::model::{Interrupt, SchemaVersion, SecretText, Tenant};
use crate::services::home::{Awaiting, Entered, Place, Placing, World};
use crate::services::migration::{
    CleanBuilds, RecordsChange, SeedSet, Template, bring_up, change_records, inspect, judge,
    raise_gate, remedy,
};
use crate::services::saga::{Journal, Made, SagaStep, StepEvent, StepProgress};
use crate::services::tenant::error::TenantError;
use crate::services::tenant::operation::commit_unless_locked;

/// What all steps have in common.
pub(super) struct Making<'a> {
    pub(super) world: &'a World,
    pub(super) request: &'a CreateRequest,
    pub(super) tenant: &'a Tenant,
    pub(super) interrupt: &'a Interrupt,
    pub(super) on_event: &'a dyn Fn(StepEvent),
    pub(super) deadline: tokio::time::Instant,
    /// What the database is a copy of, once it is placed.
    pub(super) template: RefCell<Option<Template>>,
}

/// A database that only its login and we may enter, and the login's password.
pub(super) struct Secured {
    pub(super) inside: TenantDatabase,
    pub(super) password: SecretText,
}

type Result<T> = std::result::Result<Made<T>, TenantError>;

impl Making<'_> {
    pub(super) async fn place(&self, attempt: i32, journal: &mut Journal) -> Result<Place> {
        let wanted = self.request.adopts.as_ref();
        let (session, template) = match self.template().await? {
            Some((session, template)) => (Some(session), template),
            None => (None, None),
        };
        let placing = Placing {
            session,
            was_intended: attempt > 1,
            template: template.as_ref().map(|template| &template.name),
            deadline: self.deadline,
        };
        let placed = self.world.place(self.tenant, wanted, journal, placing).await?;
        *self.template.borrow_mut() = template;
        Ok(placed)
    }

    /// Returns the template that a new database is copied from, where it can be, and the operator's
    /// session that found it.
    async fn template(
        &self,
    ) -> std::result::Result<Option<(PgConnection, Option<Template>)>, TenantError> {
        let has_all = self.request.migrates && self.request.adopts.is_none();
        let (clean, placement) =
            (CleanBuilds::new(self.world, &self.request.sets), self.tenant.placement);
        if !has_all || !clean.can_judge(placement) {
            return Ok(None);
        }
        let cluster = self.world.homes.cluster();
        let mut operator = cluster.operator(Purpose::build(self.request.act().word())).await?;
        let template = clean.template(placement, &mut operator, self.deadline).await?;
        Ok(Some((operator, template)))
    }

    /// Waits through the project's status, then its services, then until a connection works.
    pub(super) async fn wait_for(&self, tenant: &Tenant, journal: &mut Journal) -> Result<Entered> {
        let started = Instant::now();
        let on_look = |said: &str| {
            let (said, elapsed) = (said.to_owned(), started.elapsed());
            let progress = StepProgress::Waiting { said, elapsed };
            let (step, title) = (Step::Await.word(), Step::Await.title());
            (self.on_event)(StepEvent { step, title, progress });
        };
        let awaiting = Awaiting {
            waits: self.request.waits,
            deadline: self.deadline,
            interrupt: self.interrupt,
            on_look: &on_look,
        };
        Ok(self.world.wait_for_project(tenant, journal, &awaiting).await?)
    }

    /// Makes the login, closes the database to every other, and stamps it inside.
    pub(super) async fn secure(
        &self,
        entered: &mut Entered,
        attempt: i32,
        journal: &mut Journal,
    ) -> Result<Secured> {
        let password = generate_password().map_err(|_| ServerError::NoRandomness)?;
        let opening = entered.home.secure(&mut entered.operator, &password, attempt > 1).await?;
        let connection = &mut journal.connection;
        if let Some(locked) = commit_unless_locked(opening, connection, self.tenant).await? {
            return Err(TenantError::locked(self.request.act(), &locked));
        }
        let mut inside = entered.home.enter(Purpose::migrate(self.request.act().word())).await?;
        raise_gate(&mut inside, &self.request.sets, self.deadline).await?;
        inside.stamp().await?;
        // A lockdown that an earlier run met may have left the gate locked.
        loop {
            let connection = &mut journal.connection;
            let marks = control_plane::marks_of(connection, self.tenant.id).await?;
            let removed = control_plane::removed_users(connection, self.tenant.id).await?;
            let lock = GateLock::Open { removed: &removed };
            let opening = inside.turn_gate(lock, marks).await?;
            if commit_unless_locked(opening, connection, self.tenant).await?.is_none() {
                break;
            }
            // Its cut may have come before there was a gate; it may be over as well by now.
            self.heed_lock(entered, &mut inside, journal).await?;
        }
        let outcome = "its login alone may connect, identity stamped";
        Ok(Made::now(Secured { inside, password }, outcome))
    }

    /// Closes again what was opened, when the tenant was locked down meanwhile. A lockdown commits
    /// before it closes the database, and we look after opening it: the later of the two closes it.
    async fn heed_lock(
        &self,
        entered: &mut Entered,
        inside: &mut TenantDatabase,
        journal: &mut Journal,
    ) -> std::result::Result<(), TenantError> {
        let now = control_plane::find_by_id(&mut journal.connection, self.tenant.id).await?;
        let Some(now) = now.filter(Tenant::is_locked) else { return Ok(()) };
        let Entered { home, operator, .. } = entered;
        home.shut(operator, Access::OperatorOnly).await?;
        let marks = control_plane::marks_of(&mut journal.connection, now.id).await?;
        let lock = GateLock::Locked(now.lock.as_ref().map(|lock| lock.reason.as_str()));
        inside.turn_gate(lock, marks).await?.commit().await?;
        home.end_login_sessions(operator, self.deadline).await?;
        Err(TenantError::locked(self.request.act(), &now))
    }

    pub(super) async fn register(
        &self,
        entered: &mut Entered,
        password: &SecretText,
        journal: &mut Journal,
    ) -> Result<()> {
        let registered = entered.home.registration(&mut entered.operator, entered.oid).await?;
        let name = entered.home.name();
        let credential = match &self.request.key {
            Some(key) => Some(key.seal(self.tenant.id, name, password)?),
            None => None,
        };
        let address = Address {
            host: registered.host,
            port: registered.port,
            is_pooled: registered.is_pooled,
            database_oid: registered.database_oid,
            system_identifier: registered.system_identifier,
        };
        let (connection, id) = (&mut journal.connection, self.tenant.id);
        control_plane::record_address(connection, id, &address, credential.as_deref()).await?;
        let kept = if credential.is_some() {
            "password sealed"
        } else {
            "password not kept: no secret key is configured"
        };
        Ok(Made::now((), format!("{}:{}, {kept}", address.host, address.port)))
    }

    pub(super) async fn migrate(
        &self,
        inside: &mut TenantDatabase,
        journal: &mut Journal,
    ) -> Result<()> {
        if let Some(at) = self.request.baseline {
            return self.record_baseline(inside, at, journal).await;
        }
        let brought = bring_up(inside, &self.request.sets, None, self.deadline).await?;
        let (connection, schema) = (&mut journal.connection, &brought.schema);
        control_plane::record_schema(connection, self.tenant.id, schema).await?;
        let version = schema.version.map(|version| version.to_string());
        let version = version.unwrap_or_else(|| "no version".to_owned());
        let is_copied = brought.applied.is_empty() && self.template.borrow().is_some();
        Ok(Made::now(
            (),
            match brought.applied.len() {
                0 if is_copied => format!("came with the copy, at {version}"),
                applied => format!("{applied} applied, now at {version}"),
            },
        ))
    }

    /// Records what an adopted database has already, when its catalog says so too.
    async fn record_baseline(
        &self,
        inside: &mut TenantDatabase,
        at: SchemaVersion,
        journal: &mut Journal,
    ) -> Result<()> {
        let clean = CleanBuilds::new(self.world, &self.request.sets);
        let (change, deadline) = (RecordsChange::Baseline(at), self.deadline);
        let recorded =
            change_records(&clean, self.tenant, inside, &change, false, deadline).await?;
        let (connection, schema) = (&mut journal.connection, &recorded.schema);
        control_plane::record_schema(connection, self.tenant.id, schema).await?;
        Ok(Made::now((), format!("{} recorded, now at {at}", recorded.lines.len())))
    }

    pub(super) async fn seed(&self, inside: &mut TenantDatabase, set: &SeedSet) -> Result<()> {
        let outcome = inside.seed(&set.seeds()).await?;
        let rows: u64 = set.holds.iter().map(|holding| holding.rows).sum();
        Ok(Made::now(
            (),
            match outcome.applied {
                0 => format!("set `{}` was there", set.name),
                _ => format!("set `{}`, {rows} rows", set.name),
            },
        ))
    }

    pub(super) async fn verify(
        &self,
        entered: &mut Entered,
        inside: &mut TenantDatabase,
        password: &SecretText,
        journal: &mut Journal,
    ) -> Result<()> {
        self.heed_lock(entered, inside, journal).await?;
        let tried = entered.home.try_login(password).await;
        if tried.is_err() {
            // A lockdown that came meanwhile is why.
            self.heed_lock(entered, inside, journal).await?;
        }
        let gate = tried?;
        inside.check_identity().await?;
        let clean = CleanBuilds::new(self.world, &self.request.sets);
        let template = self.template.borrow().clone();
        let mut findings = Vec::new();
        if let Some(template) = &template {
            findings.extend(clean.prove(template, self.tenant, inside, self.deadline).await?);
        }
        let mut exposed = Vec::new();
        let tables = match &template {
            // What a clean build was judged for holds for what has its catalog.
            Some(template) if findings.is_empty() => template.tables(),
            _ => {
                let seen = inside.exposure().await?;
                if seen.is_public {
                    findings.push("any role may connect to it".to_owned());
                }
                exposed = judge(seen.findings.0, &self.request.sets);
                findings.extend(exposed.iter().map(|found| found.what.clone()));
                seen.tables
            }
        };
        if !gate {
            findings.push("the gate does not tell this tenant's id from others".to_owned());
        }
        if !findings.is_empty() {
            let slug = self.request.slug.to_string();
            let remedy = (!exposed.is_empty()).then(|| remedy(&exposed, true));
            return Err(TenantError::Unverified { slug, findings, remedy });
        }
        if self.request.adopts.is_none() {
            self.world.refuse_twins(self.tenant, self.deadline).await?;
            let (_, schema, _) = inspect(inside, &self.request.sets).await?;
            clean.record_new(self.tenant, inside, &schema).await?;
        }
        Ok(Made::now((), format!("login and gate work, RLS forced on {tables} tables")))
    }

    /// The one commit point: status, journal and audit trail together.
    pub(super) async fn activate(
        &self,
        entered: &mut Entered,
        inside: &mut TenantDatabase,
        journal: &mut Journal,
    ) -> Result<()> {
        self.heed_lock(entered, inside, journal).await?;
        let mut ending = journal.ending("activate the tenant").await?;
        control_plane::set_active(ending.connection(), self.tenant.id).await?;
        let detail = serde_json::json!({ "database": entered.home.name().as_str() });
        ending.commit(Step::Activate.word(), "active", detail).await?;
        Ok(Made::now((), "active"))
    }
}
