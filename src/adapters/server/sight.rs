//! A tenant's database entered and seen in one message: whose it is, what it went through, and what
//! else is wanted.
//!
//! On a fleet every round trip counts, and every statement in a session that has just begun. What was
//! seen is kept with the session, until a file runs in it; so who asks later does not ask the server.

use futures_util::TryStreamExt;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Either, FromRow};
use uuid::Uuid;

use super::catalog::{CATALOG, Catalog};
use super::contradiction::Contradiction;
use super::database::TenantDatabase;
use super::error::ServerError;
use super::exposure::{EXPOSURE, Exposure};
use super::home::Home;
use super::role_names::OWNER;
use super::seen::Seen;
use super::sets::{domain_set, gate_set};
use crate::adapters::postgres::{
    Claim, Endpoint, Footing, PgError, Purpose, connect_on, history_of, history_query, literal,
    row, seen_process,
};

type Result<T> = std::result::Result<T, ServerError>;

/// What is wanted to be seen, beside whose it is and its histories.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sight<'s> {
    /// Nothing.
    Histories,
    /// Nothing; but the lock of its migrations is tried for before.
    Locked,
    /// What clients could reach and the catalog, in full where its digest is another one.
    Everything { expected: Option<&'s str> },
}

impl Home {
    /// Opens a session inside the tenant's database, as its owner, and makes sure whose it is; on the
    /// same way it sees what is wanted.
    ///
    /// # Errors
    /// When it is not there, is closed, or its identity is another tenant's.
    pub(crate) async fn enter_seeing(
        &self,
        purpose: Purpose,
        sight: Sight<'_>,
    ) -> Result<TenantDatabase> {
        let endpoint = self.server.endpoint().with_database(self.name.as_str());
        let stance = [
            ("role", OWNER.to_owned()),
            ("search_path", "public".to_owned()),
            ("app.current_tenant_id", self.identity.tenant_id.to_string()),
        ];
        let (mut connection, is_settled) = match connect_on(&endpoint, purpose, &stance).await {
            Err(error) if error.is("3D000") => {
                return Err(ServerError::NoDatabase(self.name.to_string()));
            }
            opened => opened?,
        };
        let (prelude, footing) = if is_settled {
            (Vec::new(), Footing::since_the_start(&format!("SET ROLE {OWNER}")))
        } else {
            (self.prelude(), Footing::new(purpose, &self.settings()))
        };
        match look(&mut connection, self, prelude, sight).await {
            Ok(Some((pid, seen))) => {
                if is_settled {
                    seen_process(&endpoint, pid);
                }
                Ok(TenantDatabase::of(connection, footing, self.clone(), seen))
            }
            // It lacks what would be looked at, or the session did not get what its start said: both
            // are told apart by one statement after the other.
            Ok(None) => {
                Endpoint::close(connection).await;
                let mut database = self.enter(purpose).await?;
                database.check_identity().await?;
                Ok(database)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the statements that make a session the owner's.
    pub(super) fn settings(&self) -> String {
        // `public` first, so that a migration's tables land there; pg_catalog is searched before it all
        // the same.
        let tenant = literal(&self.identity.tenant_id.to_string());
        format!("SET ROLE {OWNER}; SET search_path = public; SET app.current_tenant_id = {tenant}")
    }

    fn prelude(&self) -> Vec<String> {
        let operator = format!("SET SESSION ROLE {}", self.server.operator_role());
        vec![operator, self.settings()]
    }
}

/// Sends the message; returns the server's process and what was seen, or nothing where the database
/// lacks it or the session is not what it should be.
async fn look(
    connection: &mut PgConnection,
    home: &Home,
    prelude: Vec<String>,
    sight: Sight<'_>,
) -> Result<Option<(i32, Seen)>> {
    let (tenant, plane) = (home.identity.tenant_id, home.identity.control_plane_id);
    let is_settled = format!(
        "current_setting('app.current_tenant_id', true) = '{tenant}' AND current_user = '{OWNER}'"
    );
    let is_ours = format!(
        "{is_settled} AND EXISTS (SELECT FROM own WHERE tenant_id = '{tenant}' \
         AND control_plane_id = '{plane}')"
    );
    let claim =
        matches!(sight, Sight::Locked).then(|| Claim::new(&home.migrations_lock(), &is_ours));
    let (parts, claimed) = match &claim {
        Some(claim) => (
            format!(", {}", claim.parts()),
            "EXISTS (SELECT FROM claimed) AS is_claimed, (SELECT token FROM lock_free) AS last_token",
        ),
        None => (String::new(), "false AS is_claimed, NULL::bigint AS last_token"),
    };
    let first = format!(
        "WITH own AS MATERIALIZED (SELECT tenant_id, control_plane_id FROM tenantctl.identity){parts} \
         SELECT coalesce({is_settled}, false) AS is_settled, pg_backend_pid() AS pid, own.tenant_id, \
           own.control_plane_id AS plane_id, {claimed} FROM (SELECT) one LEFT JOIN own ON true"
    );
    let [gate, domain] = [gate_set(), domain_set()];
    let mut statements = prelude;
    if claim.is_some() {
        // What others committed until they gave the lock back is seen by the statements after it; and
        // a lock that is lost with the server needs no disk.
        statements.push("BEGIN ISOLATION LEVEL READ COMMITTED".to_owned());
        statements.push("SET LOCAL synchronous_commit = off".to_owned());
    }
    statements.push(first);
    if claim.is_some() {
        statements.push("COMMIT".to_owned());
    }
    statements.extend([history_query(&gate), history_query(&domain)]);
    if let Sight::Everything { expected } = sight {
        let expected = expected.map_or("NULL".to_owned(), literal);
        let login = literal(home.name.login());
        let catalog = CATALOG.replace("$1", &login).replace("$2", &expected);
        statements.extend([EXPOSURE.to_owned(), catalog]);
    }
    let mut answers = match ask(connection, &statements.join(";\n")).await {
        Ok(answers) => answers,
        Err(error) if error.is("42P01") || error.is("3F000") => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut last = || answers.pop().unwrap_or_default();
    let unread = || PgError::doing(DOING);
    let mut seen = Seen::default();
    if let Sight::Everything { expected } = sight {
        let (catalog, exposure) = (last(), last());
        if let ([catalog], [exposure]) = (&*catalog, &*exposure) {
            let catalog = Catalog::from_row(catalog).map_err(unread())?;
            seen.catalog = Some((expected.map(str::to_owned), catalog));
            seen.exposure = Some(Exposure::from_row(exposure).map_err(unread())?);
        }
    }
    for set in [&domain, &gate] {
        seen.histories.insert(set.history, history_of(set, &last())?);
    }
    if claim.is_some() {
        let _commit = last();
    }
    let first = last();
    let Some(Whose { is_settled: true, pid, tenant_id, plane_id, is_claimed, last_token }) =
        first.first().map(Whose::from_row).transpose().map_err(unread())?
    else {
        return Ok(None);
    };
    let (Some(tenant_id), Some(plane_id)) = (tenant_id, plane_id) else {
        return Err(home.contradicted(Contradiction::NoIdentity));
    };
    if let Some(found) = home.identity.contradiction_of(tenant_id, plane_id) {
        return Err(home.contradicted(found));
    }
    seen.is_locked = is_claimed;
    seen.locks = claim.filter(|_| is_claimed).map(|claim| claim.locks(last_token));
    Ok(Some((pid, seen)))
}

const DOING: &str = "look at the tenant's database";

row! {
    /// What the first statement returns.
    struct Whose {
        is_settled: bool,
        pid: i32,
        tenant_id: Option<Uuid>,
        plane_id: Option<Uuid>,
        is_claimed: bool,
        last_token: Option<i64>,
    }
}

/// Sends several statements as one message; returns the rows of each.
async fn ask(
    connection: &mut PgConnection,
    text: &str,
) -> std::result::Result<Vec<Vec<PgRow>>, PgError> {
    let (mut answers, mut rows) = (Vec::new(), Vec::new());
    let mut coming = sqlx::raw_sql(AssertSqlSafe(text.to_owned())).fetch_many(connection);
    while let Some(came) = coming.try_next().await.map_err(PgError::doing(DOING))? {
        match came {
            Either::Left(_complete) => answers.push(std::mem::take(&mut rows)),
            Either::Right(row) => rows.push(row),
        }
    }
    Ok(answers)
}
