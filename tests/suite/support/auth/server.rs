//! The server itself: how a test starts it, tells it how to behave, and looks behind it.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use axum::Router;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Postgres, Transaction};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::answer::Refusal;
use super::{routes, tables};
use crate::support::listener::Listener;
use crate::support::management::document::Document;
use crate::support::mint::Signer;
use crate::support::{Operator, Session, server, supabase};

const TEXT: &str = include_str!("../../../data/auth-admin.openapi.json");

/// The key of its admin API.
pub(crate) const KEY: &str = "sb_secret_canary-service-key-5d1e";

/// An Auth server on this machine; gone when dropped.
pub(crate) struct AuthServer {
    listener: Listener,
    pub(super) shared: Arc<Shared>,
    database: String,
}

pub(super) struct Shared {
    pub(super) document: Document,
    pub(super) signer: Signer,
    pub(super) issuer: OnceLock<String>,
    pub(super) calls_hook: bool,
    pool: PgPool,
    /// By how many seconds its clock is ahead.
    ahead: AtomicI64,
    /// The process ids of its sessions on the database.
    backends: Arc<Mutex<BTreeSet<i32>>>,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// What clients of the admin API asked for: method and path.
    pub(super) asked: Vec<(String, String)>,
    /// What nobody should have asked or answered.
    pub(super) wrong: Vec<String>,
    /// Statements that failed, with what was asked for.
    pub(super) failures: Vec<String>,
    /// Statuses of the admin API's next answers.
    pub(super) faults: Vec<u16>,
    /// Every access token it issued: no other is let in.
    pub(super) issued: HashSet<String>,
}

impl AuthServer {
    /// Starts a server on Auth's tables beside this operator's control plane, with the hook on.
    pub(crate) fn beside(operator: &Operator) -> Self {
        Self::start(operator.plane_name(), true)
    }

    /// Starts a server on Auth's tables beside this operator's control plane, without the hook.
    pub(crate) fn beside_without_hook(operator: &Operator) -> Self {
        Self::start(operator.plane_name(), false)
    }

    /// Starts a server with a database of its own, without the hook.
    pub(crate) fn elsewhere() -> Self {
        supabase::roles();
        let database = server().new_database();
        tables::make(&mut server().superuser(&database));
        Self::start(&database, false)
    }

    fn start(database: &str, calls_hook: bool) -> Self {
        let options = PgConnectOptions::new_without_pgpass()
            .host("localhost")
            .socket(server().socket())
            .port(5432)
            .username("supabase_auth_admin")
            .database(database)
            .options([("timezone", "UTC"), ("search_path", "auth")]);
        let backends = Arc::new(Mutex::new(BTreeSet::new()));
        let seen = Arc::clone(&backends);
        // Without limits of time, which would need a runtime already here.
        let pool = PgPoolOptions::new()
            .max_connections(12)
            .after_connect(move |connection, _| {
                let seen = Arc::clone(&seen);
                Box::pin(async move {
                    let sql = "SELECT pg_backend_pid()";
                    let pid: i32 = sqlx::query_scalar(sql).fetch_one(connection).await?;
                    seen.lock().unwrap().insert(pid);
                    Ok(())
                })
            })
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options);
        let shared = Arc::new(Shared {
            document: Document::of(TEXT),
            signer: Signer::es256("a8b3b746-ac7e-4fea-9f13-5e1e3a9236e3"),
            issuer: OnceLock::new(),
            calls_hook,
            pool,
            ahead: AtomicI64::new(0),
            backends,
            state: Mutex::new(State::default()),
        });
        let router = Router::new().fallback(routes::answer).with_state(Arc::clone(&shared));
        let listener = Listener::serve(router);
        let started = Self { listener, shared, database: database.to_owned() };
        started.shared.issuer.set(started.url()).unwrap();
        started
    }

    /// Returns its address, which is also the issuer of its tokens.
    pub(crate) fn url(&self) -> String {
        format!("{}/auth/v1", self.listener.url())
    }

    /// Opens a session on its database as Auth itself.
    pub(crate) fn session(&self) -> Session {
        server().login("supabase_auth_admin", None, &self.database).unwrap()
    }

    /// Puts its clock ahead of everybody's, or behind.
    pub(crate) fn set_clock(&self, seconds_ahead: i64) {
        self.shared.ahead.store(seconds_ahead, Ordering::SeqCst);
    }

    /// Bans a user behind everybody's back.
    pub(crate) fn ban(&self, user: &str, days: i64) {
        self.session().run(&format!(
            "UPDATE auth.users SET banned_until = now() + interval '{days} days' WHERE id = '{user}'"
        ));
    }

    /// Returns for how many days from now a user is banned; 0 for not at all.
    pub(crate) fn days_banned(&self, user: &str) -> i64 {
        self.session().value(&format!(
            "SELECT coalesce(round(extract(epoch FROM banned_until - now()) / 86400), 0)::bigint \
             FROM auth.users WHERE id = '{user}'"
        ))
    }

    /// Makes the admin API's next answers refusals with these statuses.
    pub(crate) fn fail(&self, statuses: &[u16]) {
        self.shared.state().faults.extend(statuses.iter().rev());
    }

    /// Returns how often a method of the admin API was used.
    pub(crate) fn asked(&self, method: &str) -> usize {
        self.shared.state().asked.iter().filter(|(asked, _)| asked == method).count()
    }

    /// Returns every statement of its own that failed, with what was asked for.
    pub(crate) fn failures(&self) -> Vec<String> {
        self.shared.state().failures.clone()
    }

    /// Returns the process ids of the sessions that it had on its database.
    pub(crate) fn backends(&self) -> BTreeSet<i32> {
        self.shared.backends.lock().unwrap().clone()
    }

    /// Asserts that every request to the admin API and every answer of it was as published.
    #[track_caller]
    pub(crate) fn assert_true_to_the_document(&self) {
        assert_eq!(self.shared.state().wrong, Vec::<String>::new());
    }
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A test that failed has said so; what it left here is still worth showing.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) async fn begin(&self) -> Result<Transaction<'static, Postgres>, Refusal> {
        Ok(self.pool.begin().await?)
    }

    /// Returns the present as texts of instants spell it.
    pub(super) fn instant(&self) -> String {
        self.now().format(&Rfc3339).unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "Auth's own clock")]
    pub(super) fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + Duration::seconds(self.ahead.load(Ordering::SeqCst))
    }
}
