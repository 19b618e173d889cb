//! The steps of creating a tenant: place → await → secure → register → migrate → seed → verify →
//! activate.

use std::time::Instant;

use sqlx::postgres::PgConnection;

use super::super::operation::hold as control;
use super::super::trail::Trail;
use super::super::{CreateRequest, Existing, TenantError};
use super::project;
use crate::adapters::control_plane::{self, Address, AuditOutcome, ControlPlane};
use crate::adapters::postgres::{PgError, Purpose, generate_password};
use crate::adapters::server::{Door, Identity, Placed, Server, ServerError, TenantDatabase};
use crate::model::{
    DatabaseName, Interrupt, Placement, SecretText, Tenant, TenantStatus, project_name,
};
use crate::services::home::{HomeError, Homes};
use crate::services::migration::{bring_up, raise_gate};
use crate::services::saga::{Journal, Look, Saga, SagaStep, StepEvent, StepProgress};

/// A step of creating a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::services::tenant) enum Step {
    Place,
    Await,
    Secure,
    Register,
    Migrate,
    Seed,
    Verify,
    Activate,
}
/// The first of them, whatever is asked for.
pub(in crate::services::tenant) const FIRST_STEP: &str = "place";

impl Step {
    /// Returns its title, as it is for what is asked for.
    pub(in crate::services::tenant) fn title_in(self, request: &CreateRequest) -> &'static str {
        match self {
            Self::Place if request.adopts.is_some() => "Take it in",
            Self::Place if request.placement == Placement::Project => "Ask for the project",
            step => step.title(),
        }
    }
}

impl SagaStep for Step {
    fn word(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Await => "await",
            Self::Secure => "secure",
            Self::Register => "register",
            Self::Migrate => "migrate",
            Self::Seed => "seed",
            Self::Verify => "verify",
            Self::Activate => "activate",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Place => "Create the database",
            Self::Await => "Wait until it works",
            Self::Secure => "Secure and stamp it",
            Self::Register => "Register the connection",
            Self::Migrate => "Migrate the schema",
            Self::Seed => "Seed sample data",
            Self::Verify => "Verify with a real login",
            Self::Activate => "Activate the tenant",
        }
    }
}
/// Returns the steps of a request, in their order.
pub(in crate::services::tenant) fn steps_of(request: &CreateRequest) -> Vec<Step> {
    let mut steps = vec![Step::Place];
    if request.placement == Placement::Project {
        steps.push(Step::Await);
    }
    steps.extend([Step::Secure, Step::Register]);
    if request.migrates {
        steps.push(Step::Migrate);
    }
    if request.seed.is_some() {
        steps.push(Step::Seed);
    }
    steps.extend([Step::Verify, Step::Activate]);
    steps
}
/// A creation under way: what was asked for, and what the steps have made so far.
pub(in crate::services::tenant) struct Creation<'a> {
    plane: &'a ControlPlane,
    places: &'a Homes,
    /// The server its database is on: the cluster, or once it works the project's.
    home: Server,
    request: &'a CreateRequest,
    interrupt: &'a Interrupt,
    on_event: &'a dyn Fn(StepEvent),
    trail: Trail,
    identity: Identity,
    name: DatabaseName,
    tenant: Tenant,
    placed: Option<Placed>,
    operator: Option<PgConnection>,
    inside: Option<TenantDatabase>,
    password: Option<SecretText>,
    deadline: tokio::time::Instant,
}

impl<'a> Creation<'a> {
    /// Returns the creation of a tenant of which nothing is made yet, as far as this run knows.
    pub(in crate::services::tenant) fn new(
        (plane, places): (&'a ControlPlane, &'a Homes),
        request: &'a CreateRequest,
        tenant: &Tenant,
        trail: Trail,
        deadline: tokio::time::Instant,
        interrupt: &'a Interrupt,
        on_event: &'a dyn Fn(StepEvent),
    ) -> Self {
        let name = tenant.database.clone().unwrap_or_else(|| match tenant.placement {
            Placement::Database => DatabaseName::of(&tenant.slug, tenant.id),
            Placement::Project => DatabaseName::in_project(&tenant.slug, tenant.id),
        });
        Self {
            plane,
            places,
            home: places.cluster().clone(),
            request,
            interrupt,
            on_event,
            trail,
            identity: Identity::of(tenant, plane.id()),
            name,
            tenant: tenant.clone(),
            placed: None,
            operator: None,
            inside: None,
            password: None,
            deadline,
        }
    }
}

impl Saga for Creation<'_> {
    type Step = Step;
    type Error = TenantError;

    fn steps(&self) -> Vec<Step> {
        steps_of(self.request)
    }

    fn title(&self, step: Step) -> &'static str {
        step.title_in(self.request)
    }

    async fn look(&mut self, _step: Step) -> Result<Look, TenantError> {
        // Every act here looks at the world first and is harmless when repeated; what an earlier
        // run left behind is found by the acts themselves, on the session that would change it.
        Ok(Look::Needed)
    }

    async fn act(
        &mut self,
        step: Step,
        attempt: i32,
        journal: &mut Journal,
    ) -> Result<String, TenantError> {
        match step {
            Step::Place if self.tenant.placement == Placement::Project => {
                self.place_in_project(journal).await
            }
            Step::Place => self.place(attempt > 1, journal).await,
            Step::Await => self.wait(journal).await,
            Step::Secure => self.secure(attempt > 1, journal).await,
            Step::Register => self.register(journal).await,
            Step::Migrate => self.migrate(journal).await,
            Step::Seed => self.seed().await,
            Step::Verify => self.verify(journal).await,
            Step::Activate => self.activate(journal).await,
        }
    }
}

impl Creation<'_> {
    async fn place(
        &mut self,
        was_intended: bool,
        journal: &mut Journal,
    ) -> Result<String, TenantError> {
        let purpose = Purpose::build("create");
        let mut operator =
            control::act_on(&self.home, &self.identity, purpose, journal, self.deadline).await?;
        let (name, identity) = (&self.name, &self.identity);
        let placed = if self.request.adopts.is_some() {
            self.home.prepare(&mut operator, self.deadline).await?;
            let adopted = self.home.adopt_database(&mut operator, name, identity).await?;
            adopted.ok_or_else(|| TenantError::NothingThere(format!("database `{name}`")))?
        } else {
            let deadline = self.deadline;
            self.home.create_database(&mut operator, name, identity, was_intended, deadline).await?
        };
        self.operator = Some(operator);
        self.placed = Some(placed);
        Ok(match placed {
            Placed::Created(_) => format!("{}, closed for now", self.name),
            Placed::AlreadyThere(_) => format!("{} was there", self.name),
        })
    }

    async fn place_in_project(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        let projects = self.places.projects()?;
        if let (Some(Existing::Project(wanted)), None) =
            (&self.request.adopts, &self.tenant.project_ref)
        {
            project::take_in(projects, journal, &self.tenant, wanted, self.deadline).await?;
            self.tenant.project_ref = Some(wanted.clone());
        }
        let (reference, outcome) =
            project::ask_for(projects, journal, &self.tenant, self.deadline).await?;
        self.tenant.project_ref = Some(reference);
        self.tenant.database = Some(self.name.clone());
        Ok(outcome)
    }

    /// Waits through the project's status, then its services, then a real connection.
    async fn wait(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        let (projects, started) = (self.places.projects()?, Instant::now());
        let project = connected(self.tenant.project_ref.clone())?;
        let on_event = self.on_event;
        let on_look = |said: &str| {
            let (said, elapsed) = (said.to_owned(), started.elapsed());
            let progress = StepProgress::Waiting { said, elapsed };
            on_event(StepEvent { step: Step::Await.word(), title: Step::Await.title(), progress });
        };
        let (waits, interrupt, deadline) = (self.request.waits, self.interrupt, self.deadline);
        for look in 0_u32.. {
            project::wait_until_ready(projects, &project, waits, interrupt, deadline, &on_look)
                .await?;
            let purpose = Purpose::build("create");
            match self.places.operator(self.plane, &self.tenant, purpose, deadline).await {
                Ok((home, mut session)) => {
                    home.lock(&mut session, &self.identity, deadline).await?;
                    control_plane::check_lease(&mut journal.connection, &journal.lease).await?;
                    home.refuse_stranger(&mut session, &self.identity, &project).await?;
                    home.prepare(&mut session, deadline).await?;
                    let found = home.look(&mut session, &self.name).await?;
                    self.placed = found.map(|found| Placed::AlreadyThere(found.oid));
                    (self.home, self.operator) = (home, Some(session));
                    break;
                }
                Err(error) if project::may_pass(&error) => {
                    let said = format!("nobody gets in yet: {error}");
                    let at = (look, started);
                    let paused = project::pause(
                        projects, &project, waits, interrupt, deadline, at, said, &on_look,
                    );
                    match paused.await {
                        Err(TenantError::Place(HomeError::NotReady {
                            project,
                            said,
                            waited,
                            ..
                        })) => {
                            let source = Some(Box::new(error));
                            let late = HomeError::NotReady { project, said, waited, source };
                            return Err(late.into());
                        }
                        other => other?,
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        let way = if self.home.is_pooled() { "through its pooler" } else { "directly" };
        Ok(format!("healthy, entered {way}"))
    }

    async fn secure(
        &mut self,
        was_intended: bool,
        journal: &mut Journal,
    ) -> Result<String, TenantError> {
        let password = generate_password().map_err(|_| ServerError::NoRandomness)?;
        let operator = connected(self.operator.as_mut())?;
        self.home.secure(operator, &self.name, &self.identity, &password, was_intended).await?;
        self.password = Some(password);
        let purpose = Purpose::migrate("create");
        let mut inside = self.home.enter(&self.name, &self.identity, purpose).await?;
        raise_gate(&mut inside, &self.request.sets, self.deadline).await?;
        inside.stamp().await?;
        // A lockdown that an earlier run met may have left it locked.
        let marks = control_plane::marks_of(&mut journal.connection, self.tenant.id).await?;
        inside.set_gate(Some((false, None)), control::gate_marks(marks)).await?;
        self.inside = Some(inside);
        self.heed_lock(journal).await?;
        Ok("its login alone may connect, identity stamped".to_owned())
    }

    /// Shuts again what was opened, when the tenant was locked down meanwhile. A lockdown commits
    /// before it shuts the door, and we look after opening it: whoever comes last shuts it.
    async fn heed_lock(&mut self, journal: &mut Journal) -> Result<(), TenantError> {
        let now = control_plane::find_by_id(&mut journal.connection, self.tenant.id).await?;
        let Some(now) = now.filter(|tenant| tenant.locked_at.is_some()) else { return Ok(()) };
        let operator = connected(self.operator.as_mut())?;
        self.home.set_door(operator, &self.name, &self.identity, Door::OperatorOnly).await?;
        let marks = control_plane::marks_of(&mut journal.connection, now.id).await?;
        let inside = connected(self.inside.as_mut())?;
        inside
            .set_gate(Some((true, now.lock_reason.as_deref())), control::gate_marks(marks))
            .await?;
        self.home.end_login_sessions(operator, &self.name, self.deadline).await?;
        let (slug, status) = (now.slug.to_string(), TenantStatus::Locked.word());
        Err(TenantError::WrongState { wanted: "create", slug, status })
    }

    async fn register(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        let operator = connected(self.operator.as_mut())?;
        let system_identifier = self.home.system_identifier(operator).await?;
        let credential = match (&self.request.key, &self.password) {
            (Some(key), Some(password)) => Some(key.seal(self.tenant.id, &self.name, password)?),
            _ => None,
        };
        let endpoint = self.home.endpoint();
        let address = Address {
            host: endpoint.host_text(),
            port: endpoint.port,
            is_pooled: self.home.is_pooled(),
            database_oid: self.placed.map(Placed::oid).unwrap_or_default(),
            system_identifier,
            credential,
        };
        control_plane::record_address(&mut journal.connection, self.tenant.id, &address).await?;
        let kept = if address.credential.is_some() {
            "password sealed"
        } else {
            "password not kept: no secret key is configured"
        };
        Ok(format!("{}:{}, {kept}", address.host, address.port))
    }

    async fn migrate(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        let inside = connected(self.inside.as_mut())?;
        let brought = bring_up(inside, &self.request.sets, None, self.deadline).await?;
        control_plane::record_schema(&mut journal.connection, self.tenant.id, &brought.schema)
            .await?;
        let version = brought.schema.version.map(|version| version.to_string());
        Ok(format!(
            "{} applied, now at {}",
            brought.applied.len(),
            version.unwrap_or_else(|| "no version".to_owned())
        ))
    }

    async fn seed(&mut self) -> Result<String, TenantError> {
        let Some(set) = &self.request.seed else { return Ok("no set".to_owned()) };
        let inside = connected(self.inside.as_mut())?;
        let outcome = inside.seed(&set.name, &set.files).await?;
        let rows: u64 = set.holds.iter().map(|holding| holding.rows).sum();
        Ok(match outcome.applied {
            0 => format!("set `{}` was there", set.name),
            _ => format!("set `{}`, {rows} rows", set.name),
        })
    }

    async fn verify(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        self.heed_lock(journal).await?;
        let password = connected(self.password.as_ref())?;
        let gate = self.home.try_login(&self.name, &self.identity, password).await?;
        let inside = connected(self.inside.as_mut())?;
        inside.check_identity().await?;
        let seen = inside.verify(true, gate).await?;
        let mut findings = Vec::new();
        if !seen.gate {
            findings.push("the gate does not tell this tenant's id from others".to_owned());
        }
        // Supabase's own services connect to a project's database.
        if seen.is_public && !self.home.is_project() {
            findings.push("anybody may connect to it".to_owned());
        }
        for table in &seen.unforced {
            findings.push(format!("row security is not forced on {table}"));
        }
        if !findings.is_empty() {
            let slug = self.request.slug.to_string();
            return Err(TenantError::Unverified { slug, findings });
        }
        if self.tenant.placement == Placement::Project && self.request.adopts.is_none() {
            // A request that was taken for lost may have come late: then there are two.
            let name = project_name(&self.tenant.slug, self.tenant.id);
            self.places.projects()?.find(&name, self.deadline).await?;
        }
        Ok(format!("login and gate work, RLS forced on {} tables", seen.tables))
    }

    /// The one commit point: status, journal and audit trail together.
    async fn activate(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        self.heed_lock(journal).await?;
        let doing = || PgError::doing("activate the tenant");
        let mut transaction =
            sqlx::Connection::begin(&mut journal.connection).await.map_err(doing())?;
        control_plane::set_active(&mut transaction, self.tenant.id).await?;
        let finished = (Step::Activate.word(), "active");
        control_plane::finish(&mut transaction, &journal.lease, Some(finished)).await?;
        let detail = serde_json::json!({ "database": self.name.as_str() });
        self.trail.append(&mut transaction, AuditOutcome::Done, detail).await?;
        transaction.commit().await.map_err(doing())?;
        if let Some(inside) = self.inside.take() {
            inside.close().await;
        }
        Ok("active".to_owned())
    }
}

/// Steps run in order, so what an earlier one made is there; if not, that is our bug and not the
/// operator's.
fn connected<T>(made: Option<T>) -> Result<T, TenantError> {
    made.ok_or(TenantError::ControlPlane(control_plane::ControlPlaneError::Changed(
        "the step before: it did not run",
    )))
}
