//! A Management API of our own: holds state, checks itself against the published document, gives
//! each project a real database, and can be told to misbehave.
//!
//! The suite starts one in the test process; `examples/management-api.rs` serves one by hand. It
//! imports nothing of tenantctl.

pub(crate) mod document;
mod postgres;
pub(crate) mod private;
mod projects;
mod routes;
mod state;
pub(crate) mod tls;
mod ways;
pub(crate) mod wire;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use document::Document;
use postgres::Postgres;
pub(crate) use state::Asked;
use state::State;

/// The access token the fake knows.
pub(crate) const TOKEN: &str = "sbp_0123456789abcdef0123456789abcdef01234567";

/// The organization that is used where nobody says another.
pub(crate) const ORGANIZATION: &str = "acmeholdingsorgslugs";

/// A running fake.
pub(crate) struct Fake {
    shared: Arc<Shared>,
    url: String,
    handle: Handle,
}

/// What every request reaches.
pub(crate) struct Shared {
    document: Document,
    postgres: Arc<Postgres>,
    state: Mutex<State>,
    /// The first three parts of the addresses its databases have.
    network: String,
    /// The certificate of the authority that its databases' own are signed by.
    authority: String,
    tls: TlsAcceptor,
    tasks: Mutex<JoinSet<()>>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A test that failed has said so; what it left here is still worth showing.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Returns the server that holds a project's database.
    fn postgres_of(&self, reference: &str) -> Arc<Postgres> {
        let state = self.state();
        let project = state.projects.iter().find(|project| project.reference == reference);
        let own = project.and_then(|project| project.server.clone());
        own.unwrap_or_else(|| Arc::clone(&self.postgres))
    }

    /// Returns what a new address speaks TLS with.
    fn tls(&self) -> Option<TlsAcceptor> {
        (!self.state().settings.refuses_tls).then(|| self.tls.clone())
    }
}

/// Returns the runtime every fake of this process runs in, and their one Postgres.
fn world(programs: &Path) -> &'static (Runtime, Arc<Postgres>) {
    static WORLD: OnceLock<(Runtime, Arc<Postgres>)> = OnceLock::new();
    WORLD.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let postgres = Arc::new(runtime.block_on(Postgres::start(programs)));
        (runtime, postgres)
    })
}

impl Fake {
    /// Starts one on a port, 0 for any that is free, with the Postgres programs of a folder.
    pub(crate) fn start(programs: &Path, port: u16) -> Self {
        let (runtime, postgres) = world(programs);
        let (postgres, handle) = (Arc::clone(postgres), runtime.handle().clone());
        let (shared, url) = runtime.block_on(async {
            let (network, pooler) = network().await;
            let (authority, tls) = tls::certify(&network);
            let shared = Arc::new(Shared {
                document: Document::read(),
                postgres,
                state: Mutex::new(State::new()),
                network,
                authority,
                tls,
                tasks: Mutex::new(JoinSet::new()),
            });
            let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let router = routes::router(Arc::clone(&shared));
            let route = ways::pooler_route(&shared);
            let mut tasks = shared.tasks.lock().unwrap();
            tasks.spawn(wire::serve(pooler, shared.postgres.socket(), shared.tls(), route));
            tasks.spawn(async move { drop(axum::serve(listener, router).await) });
            drop(tasks);
            (shared, url)
        });
        Self { shared, url, handle }
    }

    /// Returns its address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the certificate of the authority that its databases' own are signed by.
    pub(crate) fn authority(&self) -> &str {
        &self.shared.authority
    }

    /// Changes how it behaves.
    pub(crate) fn set(&self, some: &Value) {
        self.shared.state().set(some).unwrap();
    }

    /// Tells it to do something wrong.
    pub(crate) fn fail(&self, fault: Value) {
        let fault = serde_json::from_value(fault).unwrap();
        self.shared.state().faults.push(fault);
    }

    /// Tells it to do nothing wrong any more.
    pub(crate) fn behave(&self) {
        self.shared.state().faults.clear();
    }

    /// Returns what was asked of an operation.
    pub(crate) fn asked(&self, operation: &str) -> Vec<Asked> {
        let state = self.shared.state();
        state.journal.iter().filter(|asked| asked.operation == operation).cloned().collect()
    }

    /// Returns the refs and names of the projects that are there.
    pub(crate) fn projects(&self) -> Vec<(String, String)> {
        let state = self.shared.state();
        let there = state.projects.iter().filter(|project| !project.is_removed);
        there.map(|project| (project.reference.clone(), project.name.clone())).collect()
    }

    /// Makes a project behind everybody's back and returns its ref.
    pub(crate) fn put_project(&self, name: &str) -> String {
        let (shared, name) = (Arc::clone(&self.shared), name.to_owned());
        self.handle.block_on(async move {
            let password = "put-there-by-a-test";
            projects::make_project(&shared, &name, ORGANIZATION, "eu-central-1", password, true)
                .await
        })
    }

    /// Pauses a project, or takes it away, behind everybody's back.
    pub(crate) fn disturb(&self, reference: &str, is_removed: bool) {
        let mut state = self.shared.state();
        let mut projects = state.projects.iter_mut();
        let project = projects.find(|project| project.reference == reference).unwrap();
        project.is_removed = is_removed;
        project.is_paused = !is_removed;
    }

    /// Takes a project away as if it had never been: its ref is unknown.
    pub(crate) fn forget(&self, reference: &str) {
        let mut state = self.shared.state();
        state.projects.retain_mut(|project| {
            let stays = project.reference != reference;
            if !stays {
                project.close();
            }
            stays
        });
    }

    /// Makes a project as if somebody had asked for it just now, and returns its ref.
    pub(crate) fn put_new_project(&self, name: &str) -> String {
        let (shared, name) = (Arc::clone(&self.shared), name.to_owned());
        self.handle.block_on(async move {
            let password = "put-there-by-a-test";
            projects::make_project(&shared, &name, ORGANIZATION, "eu-central-1", password, false)
                .await
        })
    }

    /// Makes projects that are only names, to fill pages.
    pub(crate) fn put_names(&self, count: usize) {
        let mut state = self.shared.state();
        for number in 0..count {
            let project = projects::bare_project(&format!("filler-{number:03}"), ORGANIZATION);
            state.projects.push(project);
        }
    }

    /// Runs SQL in a project's database as the superuser and returns the rows as JSON.
    pub(crate) fn inside(&self, reference: &str, sql: &str) -> Vec<Value> {
        self.handle.block_on(self.shared.postgres_of(reference).query(reference, sql, &[])).unwrap()
    }

    /// Runs statements in a project's database as the server's superuser.
    pub(crate) fn change(&self, reference: &str, sql: &str) {
        let postgres = self.shared.postgres_of(reference);
        self.handle.block_on(postgres.run(&format!("p_{reference}"), sql));
    }

    /// Asserts that no answer was against the published document.
    #[track_caller]
    pub(crate) fn assert_true_to_the_document(&self) {
        assert_eq!(self.shared.state().violations, Vec::<String>::new());
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.projects.iter_mut().for_each(state::Project::close);
        self.shared.tasks.lock().unwrap().abort_all();
        if !std::thread::panicking() {
            assert_eq!(state.violations, Vec::<String>::new(), "answers against the document");
        }
    }
}

/// Returns a network on this machine that is nobody else's, and its pooler's listener.
async fn network() -> (String, TcpListener) {
    for _ in 0..50 {
        let id = uuid::Uuid::new_v4();
        let bytes = id.as_bytes();
        let network = format!("127.{}.{}", bytes[0] % 200 + 20, bytes[1]);
        if let Ok(listener) = TcpListener::bind((format!("{network}.1"), 5432)).await {
            return (network, listener);
        }
    }
    panic!("no address in 127.0.0.0/8 has a free port 5432");
}
