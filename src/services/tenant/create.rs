//! `tenant create`: reserve → lock → place → secure → register → migrate → seed → verify →
//! activate.
//!
//! Recovery goes forward: nothing a step has made is destroyed because a later one failed.
//! `tenant delete` is how one gives up.

use std::time::Instant;

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::control::{self, Opening};
use super::trail::Trail;
use super::{
    CreateOutcome, CreatePlan, CreateReport, CreateRequest, Existing, TenantError, project,
};
use crate::adapters::cluster::{Cluster, ClusterError, Identity, Placed, TenantDatabase};
use crate::adapters::control_plane::{
    self, Address, AuditOutcome, ControlPlane, NewTenant, OperationKind,
};
use crate::adapters::postgres::{PgError, Purpose, generate_password};
use crate::model::{
    DatabaseName, Interrupt, Placement, SecretText, Tenant, TenantId, TenantStatus,
    escape_controls, project_name,
};
use crate::services::migration::{bring_up, raise_gate};
use crate::services::place::{PlaceError, Places};
use crate::services::saga::{
    self, Journal, Look, Saga, SagaStep, StepEvent, StepProgress, StepReport,
};

/// A step of creating a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Place,
    Await,
    Secure,
    Register,
    Migrate,
    Seed,
    Verify,
    Activate,
}

/// The step before the saga: the slug is reserved and the tenant's lock taken.
const RESERVE: (&str, &str) = ("reserve", "Reserve the slug");

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

/// Returns what creating would do; nothing is changed.
///
/// # Errors
/// When the slug belongs to another tenant, or the control plane does not answer.
pub async fn plan(
    plane: &ControlPlane,
    request: &CreateRequest,
) -> Result<CreatePlan, TenantError> {
    let existing = control_plane::find_live(&mut *plane.session().await?, &request.slug).await?;
    let is_there = match &existing {
        Some(tenant) => {
            check_same(tenant, request)?;
            tenant.status == TenantStatus::Active
        }
        None => false,
    };
    let id = existing.as_ref().map(|tenant| tenant.id).or(request.id);
    let steps = if is_there {
        Vec::new()
    } else {
        let of = |step: &Step| (step.word(), step.title());
        std::iter::once(RESERVE).chain(steps_of(request).iter().map(of)).collect()
    };
    Ok(CreatePlan {
        database: match request.placement {
            Placement::Database => id.map(|id| DatabaseName::of(&request.slug, id).to_string()),
            Placement::Project => Some("postgres".to_owned()),
        },
        project: (request.placement == Placement::Project)
            .then(|| id.map(|id| project_name(&request.slug, id)))
            .flatten(),
        schema: request.migrates.then(|| request.sets.head()),
        existing,
        steps,
    })
}

/// Creates a tenant, or continues a creation that was left behind.
///
/// # Errors
/// When the slug is taken by another specification, somebody else works on it, or a step fails;
/// then the operation stays open and the same request continues it.
pub async fn run(
    plane: &ControlPlane,
    places: &Places,
    request: &CreateRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(StepEvent),
) -> Result<CreateReport, TenantError> {
    if request.placement == Placement::Project {
        places.projects()?;
    }
    let started = Instant::now();
    let deadline = tokio::time::Instant::now() + request.patience;
    on_event(reserve_event(StepProgress::Started));
    let (tenant, is_new) = match reserve(plane, request).await {
        Ok(reserved) => reserved,
        Err(error) => {
            on_event(reserve_event(StepProgress::Failed));
            return Err(error);
        }
    };
    let (mut connection, tenant) = match control::take(plane, &tenant, "create", deadline).await {
        Ok(taken) => taken,
        Err(error) => {
            on_event(reserve_event(StepProgress::Failed));
            return Err(error);
        }
    };
    let outcome = if is_new { "a new tenant" } else { "the slug is this tenant's" };
    let reserved = StepReport {
        step: RESERVE.0,
        outcome: format!("{outcome}, {}", tenant.id),
        was_there: !is_new,
        elapsed: started.elapsed(),
    };
    on_event(reserve_event(StepProgress::Finished {
        outcome: reserved.outcome.clone(),
        was_there: reserved.was_there,
        elapsed: reserved.elapsed,
    }));
    if tenant.status == TenantStatus::Active {
        return Ok(report(places, request, tenant, CreateOutcome::AlreadyThere, vec![], started));
    }
    control::settle_quarantine(&mut connection, places, &tenant, "create", deadline).await?;
    let adopts = request.adopts.is_some();
    let opening = Opening {
        kind: if adopts { OperationKind::Adopt } else { OperationKind::Create },
        action: if adopts { "tenant.adopt" } else { "tenant.create" },
        request: describe(request),
        first_step: Step::Place.word(),
        actor: &request.actor,
    };
    let (mut journal, trail, is_continued) = control::open(connection, &tenant, opening).await?;
    let name = tenant.database.clone().unwrap_or_else(|| match tenant.placement {
        Placement::Database => DatabaseName::of(&tenant.slug, tenant.id),
        Placement::Project => DatabaseName::in_project(&tenant.slug, tenant.id),
    });
    let mut creation = Creation {
        plane,
        places,
        home: places.cluster().clone(),
        request,
        interrupt,
        on_event,
        trail: trail.clone(),
        identity: Identity::of(&tenant, plane.id()),
        name,
        tenant: tenant.clone(),
        placed: None,
        operator: None,
        inside: None,
        password: None,
        deadline,
    };
    match saga::run(&mut creation, &mut journal, interrupt, on_event).await {
        Ok(mut steps) => {
            steps.insert(0, reserved);
            let now = control_plane::find_by_id(&mut journal.connection, tenant.id).await?;
            let now = now.ok_or_else(|| TenantError::NotFound(tenant.slug.to_string()))?;
            let outcome = if adopts {
                CreateOutcome::Adopted
            } else if is_continued || !is_new {
                CreateOutcome::Continued
            } else {
                CreateOutcome::Created
            };
            Ok(report(places, request, now, outcome, steps, started))
        }
        Err(halt) => Err(control::halted(halt, "create", &mut journal, &trail).await),
    }
}

fn reserve_event(progress: StepProgress) -> StepEvent {
    StepEvent { step: RESERVE.0, title: RESERVE.1, progress }
}

fn steps_of(request: &CreateRequest) -> Vec<Step> {
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

/// Reserves the slug, or finds the tenant that has it and checks that it is the one meant.
async fn reserve(
    plane: &ControlPlane,
    request: &CreateRequest,
) -> Result<(Tenant, bool), TenantError> {
    if let Some(existing) = &request.adopts {
        refuse_taken(plane, request, existing).await?;
    }
    // Version 4: the first digits go into the database's name, and those of version 7 are the same
    // for a minute.
    let id = request.id.unwrap_or_else(|| TenantId(Uuid::new_v4()));
    let new = NewTenant {
        id,
        slug: request.slug.clone(),
        name: request.name.as_str().to_owned(),
        plan: request.plan.clone(),
        labels: request.labels.clone(),
        placement: request.placement,
        database: match request.placement {
            Placement::Database => Some(match &request.adopts {
                Some(Existing::Database(name)) => {
                    DatabaseName::recorded(name, &request.slug, id)
                        .ok_or_else(|| TenantError::NothingThere(escape_controls(name)))?
                }
                _ => DatabaseName::of(&request.slug, id),
            }),
            // Known once there is a project to hold it.
            Placement::Project => None,
        },
        region: request.region.clone(),
    };
    let mut session = plane.session().await?;
    match control_plane::reserve(&mut session, &new).await {
        Ok(Some(tenant)) => return Ok((tenant, true)),
        Ok(None) => {}
        Err(control_plane::ControlPlaneError::Postgres(error)) if error.is("23505") => {
            let slug = request.slug.to_string();
            return Err(TenantError::IdUsed { slug, id: id.to_string() });
        }
        Err(error) => return Err(error.into()),
    }
    let tenant = control_plane::find_live(&mut session, &request.slug).await?;
    let tenant = tenant.ok_or_else(|| TenantError::NotFound(request.slug.to_string()))?;
    check_same(&tenant, request)?;
    Ok((tenant, false))
}

/// Refuses what another tenant has.
async fn refuse_taken(
    plane: &ControlPlane,
    request: &CreateRequest,
    existing: &Existing,
) -> Result<(), TenantError> {
    let (project, database) = match existing {
        Existing::Project(project) => (Some(project), None),
        Existing::Database(name) => (None, Some(name.as_str())),
    };
    let found =
        control_plane::find_by_place(&mut *plane.session().await?, project, database).await?;
    match found {
        Some(owner) if owner.slug != request.slug => Err(TenantError::Taken {
            what: project
                .map_or_else(|| database.unwrap_or_default().to_owned(), ToString::to_string),
            owner: owner.slug.to_string(),
        }),
        _ => Ok(()),
    }
}

/// Refuses a tenant that is not what was asked for, or in no state to be continued.
fn check_same(tenant: &Tenant, request: &CreateRequest) -> Result<(), TenantError> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, there: Option<String>, asked: Option<String>| {
        if there != asked {
            let shown = |value: Option<String>| {
                value.map_or_else(|| "none".to_owned(), |value| format!("`{value}`"))
            };
            differences.push(format!("{what} {} (asked for {})", shown(there), shown(asked)));
        }
    };
    let labels = |labels: &std::collections::BTreeMap<String, String>| {
        let pairs: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join(","))
    };
    compare("name", Some(tenant.name.clone()), Some(request.name.as_str().to_owned()));
    compare("plan", tenant.plan.clone(), request.plan.clone());
    compare("labels", labels(&tenant.labels), labels(&request.labels));
    // Where nobody named a region, the one the project came to be in is recorded.
    if request.region.is_some() || tenant.placement == Placement::Database {
        compare("region", tenant.region.clone(), request.region.clone());
    }
    let word = |placement: Placement| Some(placement.word().to_owned());
    compare("placement", word(tenant.placement), word(request.placement));
    match &request.adopts {
        Some(Existing::Database(name)) => {
            compare(
                "database",
                tenant.database.as_ref().map(ToString::to_string),
                Some(name.clone()),
            );
        }
        // Until it is recorded, the one that is asked for is as good as any.
        Some(Existing::Project(project)) => {
            let there = tenant.project_ref.as_ref().unwrap_or(project).to_string();
            compare("project", Some(there), Some(project.to_string()));
        }
        None => {}
    }
    if let Some(id) = request.id {
        compare("id", Some(tenant.id.to_string()), Some(id.to_string()));
    }
    let slug = tenant.slug.to_string();
    if !differences.is_empty() {
        return Err(TenantError::SpecDiffers { slug, differences });
    }
    match tenant.status {
        // Going on would give it a login that works.
        TenantStatus::Provisioning if tenant.locked_at.is_some() => Err(TenantError::WrongState {
            wanted: "create",
            slug,
            status: TenantStatus::Locked.word(),
        }),
        TenantStatus::Provisioning | TenantStatus::Active => Ok(()),
        other => Err(TenantError::WrongState { wanted: "create", slug, status: other.word() }),
    }
}

fn describe(request: &CreateRequest) -> serde_json::Value {
    serde_json::json!({
        "slug": request.slug.as_str(),
        "name": request.name.as_str(),
        "plan": request.plan,
        "labels": request.labels,
        "region": request.region,
        "placement": request.placement.word(),
        "adopts": request.adopts.as_ref().map(|existing| match existing {
            Existing::Database(name) => name.clone(),
            Existing::Project(project) => project.to_string(),
        }),
        "migrate": request.migrates,
        "seed": request.seed.as_ref().map(|set| set.name.clone()),
    })
}

fn report(
    places: &Places,
    request: &CreateRequest,
    tenant: Tenant,
    outcome: CreateOutcome,
    steps: Vec<StepReport>,
    started: Instant,
) -> CreateReport {
    let url = places.address(&tenant, None).map(|url| url.to_string()).unwrap_or_default();
    CreateReport {
        outcome,
        url,
        is_credential_kept: tenant.credential.is_some(),
        seed: match outcome {
            CreateOutcome::AlreadyThere => None,
            _ => request.seed.as_ref().map(|set| set.name.clone()),
        },
        steps,
        tenant,
        elapsed: started.elapsed(),
    }
}

struct Creation<'a> {
    plane: &'a ControlPlane,
    places: &'a Places,
    /// The server its database is on: the cluster, or once it works the project's.
    home: Cluster,
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

impl Saga for Creation<'_> {
    type Step = Step;
    type Error = TenantError;

    fn steps(&self) -> Vec<Step> {
        steps_of(self.request)
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
            Step::Secure => self.secure(attempt > 1).await,
            Step::Register => self.register(journal).await,
            Step::Migrate => self.migrate(journal).await,
            Step::Seed => self.seed().await,
            Step::Verify => self.verify().await,
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
                    home.prepare(&mut session, deadline).await?;
                    home.refuse_stranger(&mut session, &self.identity, &project).await?;
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
                        Err(TenantError::Place(PlaceError::NotReady {
                            project,
                            said,
                            waited,
                            ..
                        })) => {
                            let source = Some(Box::new(error));
                            let late = PlaceError::NotReady { project, said, waited, source };
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

    async fn secure(&mut self, was_intended: bool) -> Result<String, TenantError> {
        let password = generate_password().map_err(|_| ClusterError::NoRandomness)?;
        let operator = connected(self.operator.as_mut())?;
        self.home.secure(operator, &self.name, &self.identity, &password, was_intended).await?;
        self.password = Some(password);
        let purpose = Purpose::migrate("create");
        let mut inside = self.home.enter(&self.name, &self.identity, purpose).await?;
        raise_gate(&mut inside, &self.request.sets, self.deadline).await?;
        inside.stamp().await?;
        self.inside = Some(inside);
        Ok("its login alone may connect, identity stamped".to_owned())
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

    async fn verify(&mut self) -> Result<String, TenantError> {
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
