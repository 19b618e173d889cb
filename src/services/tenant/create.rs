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
use super::{CreateOutcome, CreatePlan, CreateReport, CreateRequest, TenantError};
use crate::adapters::cluster::{Cluster, ClusterError, Identity, Placed, TenantDatabase};
use crate::adapters::control_plane::{
    self, Address, AuditOutcome, ControlPlane, NewTenant, OperationKind,
};
use crate::adapters::postgres::{PgError, Purpose, generate_password};
use crate::model::{
    DatabaseName, Interrupt, Placement, SecretText, Tenant, TenantId, TenantStatus,
};
use crate::services::migration::{bring_up, raise_gate};
use crate::services::saga::{
    self, Journal, Look, Saga, SagaStep, StepEvent, StepProgress, StepReport,
};

/// A step of creating a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Place,
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
        database: id.map(|id| DatabaseName::of(&request.slug, id).to_string()),
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
    cluster: &Cluster,
    request: &CreateRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(StepEvent),
) -> Result<CreateReport, TenantError> {
    if request.placement == Placement::Project {
        return Err(TenantError::NoProjects);
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
        return Ok(report(cluster, request, tenant, CreateOutcome::AlreadyThere, vec![], started));
    }
    control::settle_quarantine(&mut connection, cluster, &tenant, "create").await?;
    let opening = Opening {
        kind: OperationKind::Create,
        action: "tenant.create",
        request: describe(request),
        first_step: Step::Place.word(),
        actor: &request.actor,
    };
    let (mut journal, trail, is_continued) = control::open(connection, &tenant, opening).await?;
    let name = tenant.database.clone().unwrap_or_else(|| DatabaseName::of(&tenant.slug, tenant.id));
    let mut creation = Creation {
        cluster,
        request,
        trail: trail.clone(),
        identity: Identity::of(&tenant, plane.id()),
        name,
        tenant_id: tenant.id,
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
            let outcome = if is_continued || !is_new {
                CreateOutcome::Continued
            } else {
                CreateOutcome::Created
            };
            Ok(report(cluster, request, now, outcome, steps, started))
        }
        Err(halt) => Err(control::halted(halt, "create", &mut journal, &trail).await),
    }
}

fn reserve_event(progress: StepProgress) -> StepEvent {
    StepEvent { step: RESERVE.0, title: RESERVE.1, progress }
}

fn steps_of(request: &CreateRequest) -> Vec<Step> {
    let mut steps = vec![Step::Place, Step::Secure, Step::Register];
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
        database: DatabaseName::of(&request.slug, id),
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
    compare("region", tenant.region.clone(), request.region.clone());
    let word = |placement: Placement| Some(placement.word().to_owned());
    compare("placement", word(tenant.placement), word(request.placement));
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
        "migrate": request.migrates,
        "seed": request.seed.as_ref().map(|set| set.name.clone()),
    })
}

fn report(
    cluster: &Cluster,
    request: &CreateRequest,
    tenant: Tenant,
    outcome: CreateOutcome,
    steps: Vec<StepReport>,
    started: Instant,
) -> CreateReport {
    let url = match &tenant.database {
        Some(name) => {
            let address = cluster.address_of(name, None);
            match (&tenant.host, tenant.port) {
                (Some(host), Some(port)) => address.at(host, port).to_string(),
                _ => address.to_string(),
            }
        }
        None => String::new(),
    };
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
    cluster: &'a Cluster,
    request: &'a CreateRequest,
    trail: Trail,
    identity: Identity,
    name: DatabaseName,
    tenant_id: TenantId,
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
            Step::Place => self.place(attempt > 1, journal).await,
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
            control::act_on(self.cluster, &self.identity, purpose, journal, self.deadline).await?;
        let placed = self
            .cluster
            .create_database(&mut operator, &self.name, &self.identity, was_intended, self.deadline)
            .await?;
        self.operator = Some(operator);
        self.placed = Some(placed);
        Ok(match placed {
            Placed::Created(_) => format!("{}, closed for now", self.name),
            Placed::AlreadyThere(_) => format!("{} was there", self.name),
        })
    }

    async fn secure(&mut self, was_intended: bool) -> Result<String, TenantError> {
        let password = generate_password().map_err(|_| ClusterError::NoRandomness)?;
        let operator = connected(self.operator.as_mut())?;
        self.cluster.secure(operator, &self.name, &self.identity, &password, was_intended).await?;
        self.password = Some(password);
        let purpose = Purpose::migrate("create");
        let mut inside = self.cluster.enter(&self.name, &self.identity, purpose).await?;
        raise_gate(&mut inside, &self.request.sets, self.deadline).await?;
        inside.stamp().await?;
        self.inside = Some(inside);
        Ok("its login alone may connect, identity stamped".to_owned())
    }

    async fn register(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        let operator = connected(self.operator.as_mut())?;
        let system_identifier = self.cluster.system_identifier(operator).await?;
        let credential = match (&self.request.key, &self.password) {
            (Some(key), Some(password)) => Some(key.seal(self.tenant_id, &self.name, password)?),
            _ => None,
        };
        let endpoint = self.cluster.endpoint();
        let address = Address {
            host: endpoint.host_text(),
            port: endpoint.port,
            database_oid: self.placed.map(Placed::oid).unwrap_or_default(),
            system_identifier,
            credential,
        };
        control_plane::record_address(&mut journal.connection, self.tenant_id, &address).await?;
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
        control_plane::record_schema(&mut journal.connection, self.tenant_id, &brought.schema)
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
        let gate = self.cluster.try_login(&self.name, &self.identity, password).await?;
        let inside = connected(self.inside.as_mut())?;
        inside.check_identity().await?;
        let seen = inside.verify(true, gate).await?;
        let mut findings = Vec::new();
        if !seen.gate {
            findings.push("the gate does not tell this tenant's id from others".to_owned());
        }
        if seen.is_public {
            findings.push("anybody may connect to it".to_owned());
        }
        for table in &seen.unforced {
            findings.push(format!("row security is not forced on {table}"));
        }
        if !findings.is_empty() {
            let slug = self.request.slug.to_string();
            return Err(TenantError::Unverified { slug, findings });
        }
        Ok(format!("login and gate work, RLS forced on {} tables", seen.tables))
    }

    /// The one commit point: status, journal and audit trail together.
    async fn activate(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        let doing = || PgError::doing("activate the tenant");
        let mut transaction =
            sqlx::Connection::begin(&mut journal.connection).await.map_err(doing())?;
        control_plane::set_active(&mut transaction, self.tenant_id).await?;
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
