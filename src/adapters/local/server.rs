//! The private Postgres of one data dir, as the commands see it.
//!
//! Each operation looks at what exists, does what is missing and may be run again. `up`, `down` and
//! `destroy` of several processes take turns by a lock on a file, which is released when they end;
//! `status` and `endpoint` only read.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::account::Account;
use super::bootstrap::{self, DATABASE, OPERATOR};
use super::connect::{self, Presence, Running};
use super::error::LocalError;
use super::files;
use super::initdb;
use super::layout::Layout;
use super::lock;
use super::log_tail;
use super::programs::Search;
use super::provide;
use super::report::{
    LocalDestroyed, LocalDown, LocalEndpoint, LocalEvent, LocalStatus, LocalUp, OnEvent, UpOutcome,
};
use super::start;
use super::state::{State, StateFile};
use super::status;
use super::stop;
use crate::model::excerpt;

const POLL: Duration = Duration::from_millis(20);

/// The private Postgres under one data dir.
#[derive(Debug, Clone)]
pub(crate) struct LocalServer {
    data_dir: PathBuf,
    programs: Option<PathBuf>,
    search_path: Option<OsString>,
}

impl LocalServer {
    /// Returns the server under `data_dir`, which need not exist yet.
    ///
    /// `programs` is the one folder to take `initdb`, `pg_ctl` and `postgres` from; without it they
    /// are searched for.
    pub(crate) fn new(data_dir: PathBuf, programs: Option<PathBuf>) -> Self {
        Self { data_dir, programs, search_path: None }
    }

    /// Adds the value of `PATH`, which is searched for programs first.
    #[must_use]
    pub(crate) fn with_search_path(mut self, search_path: Option<OsString>) -> Self {
        self.search_path = search_path;
        self
    }

    /// Makes and starts the server as far as that is not done yet.
    ///
    /// With `install` it may install a system package to get the programs.
    ///
    /// # Errors
    /// Any [`LocalError`] but [`LocalError::StopTimedOut`]; running it again is safe.
    pub(crate) async fn up(
        &self,
        on_event: &(dyn Fn(LocalEvent) + Send + Sync),
        install: bool,
    ) -> Result<LocalUp, LocalError> {
        let began = Instant::now();
        let is_root = rustix::process::geteuid().is_root();
        let planned = Layout::new(&self.data_dir)?;
        Account::choose(&planned)?.check_enterable(&planned.data_dir)?;
        files::make_dirs(&planned.data_dir, if is_root { 0o755 } else { 0o700 })?;
        // Once more, for links in the path can be resolved only now.
        let layout = Layout::new(&planned.data_dir)?;
        let _lock = lock::take(&layout, on_event).await?;

        // An ordinary user is refused here when the server is another user's.
        Account::choose(&layout)?;
        let has_cluster = layout.has_cluster()?;
        let mut state = State::load_or_make(&layout, has_cluster, on_event)?;
        let (mut running, outcome) = if let Some(running) = settle(&layout, &state).await? {
            (running, UpOutcome::AlreadyRunning)
        } else if has_cluster {
            (self.bring_up(&layout, &mut state, install, on_event).await?, UpOutcome::Started)
        } else {
            (self.bring_up(&layout, &mut state, install, on_event).await?, UpOutcome::Created)
        };
        if (state.port, &state.socket_dir) != (running.port, &running.socket_dir) {
            state.port = running.port;
            state.socket_dir.clone_from(&running.socket_dir);
            state.save(&layout.state)?;
        }

        let session = &mut running.session;
        let has_changed =
            bootstrap::bootstrap(session, &state.password, || on_event(LocalEvent::Bootstrapping))
                .await?;
        if has_changed || outcome != UpOutcome::AlreadyRunning {
            connect::try_login(state.port, OPERATOR, &state.password, DATABASE).await?;
        }
        let (pid, version) = (running.pid, running.version.clone());
        connect::leave(running.session).await;
        Ok(LocalUp {
            outcome,
            endpoint: endpoint(state),
            version,
            pid,
            account: Account::choose(&layout)?.name,
            directory: layout.cluster,
            elapsed: began.elapsed(),
        })
    }

    /// Stops the server; its data stays.
    ///
    /// # Errors
    /// [`LocalError::StopTimedOut`] when it does not end, [`LocalError::OtherOwner`] when it is
    /// another user's.
    pub(crate) async fn down(&self) -> Result<LocalDown, LocalError> {
        let layout = Layout::new(&self.data_dir)?;
        if !layout.data_dir.is_dir() {
            return Ok(LocalDown::WasNotRunning);
        }
        let _lock = lock::take(&layout, &|_| ()).await?;
        stop::stop_if_running(&layout).await
    }

    /// Returns the state of the server, without changing anything.
    ///
    /// # Errors
    /// [`LocalError::OtherOwner`] when the server is another user's, [`LocalError::NotOurs`] or
    /// [`LocalError::Damaged`] for its directory.
    pub(crate) async fn status(&self) -> Result<LocalStatus, LocalError> {
        status::status(&Layout::new(&self.data_dir)?).await
    }

    /// Stops the server and removes it with all its data.
    ///
    /// Downloaded programs and the lock file stay.
    ///
    /// # Errors
    /// [`LocalError::NotOurs`] for a directory without our marker, and nothing is removed then;
    /// [`LocalError::StopTimedOut`] when the server does not end.
    pub(crate) async fn destroy(&self) -> Result<LocalDestroyed, LocalError> {
        let layout = Layout::new(&self.data_dir)?;
        if !layout.data_dir.is_dir() {
            return Ok(LocalDestroyed::WasNotThere);
        }
        let _lock = lock::take(&layout, &|_| ()).await?;
        let existed = layout.is_ours()?;
        let stopped = stop::stop_if_running(&layout).await?;
        let socket_dir = State::load(&layout.state)?.usable().map(|state| state.socket_dir);

        if existed {
            // One step takes it out of use; what follows may be interrupted.
            fs::rename(&layout.cluster, layout.half_removed())
                .map_err(files::io_error("remove", &layout.cluster))?;
            files::sync_parent(&layout.cluster)?;
        }
        // The state is a file that could name any directory; only our own names count.
        let socket_dir = socket_dir.filter(|directory| layout.socket_dirs().contains(directory));
        initdb::clear_leftovers(&layout, &|_| ()).await?;
        for directory in [layout.run.clone()].into_iter().chain(socket_dir) {
            files::remove_dir(&directory)?;
        }
        for file in [&layout.state, &layout.log, &layout.old_log] {
            files::remove_file(file)?;
        }
        let was_running = matches!(stopped, LocalDown::Stopped { .. });
        Ok(if existed {
            LocalDestroyed::Destroyed { directory: layout.cluster, was_running }
        } else {
            LocalDestroyed::WasNotThere
        })
    }

    /// Reads where and as whom to log in, without connecting.
    ///
    /// `None` when there is no server or its file cannot be read; `up` repairs both.
    ///
    /// # Errors
    /// [`LocalError::OtherOwner`] when we may not read the file.
    pub(crate) fn endpoint(&self) -> Result<Option<LocalEndpoint>, LocalError> {
        let layout = Layout::new(&self.data_dir)?;
        match State::load(&layout.state)? {
            StateFile::Usable(state) if layout.is_ours()? => Ok(Some(endpoint(state))),
            _ => Ok(None),
        }
    }

    /// Makes the cluster if there is none, and starts it.
    async fn bring_up(
        &self,
        layout: &Layout,
        state: &mut State,
        install: bool,
        on_event: OnEvent<'_>,
    ) -> Result<Box<Running>, LocalError> {
        let account = Account::choose(layout)?;
        account.check_enterable(&layout.data_dir)?;
        initdb::clear_leftovers(layout, on_event).await?;

        let major = if layout.has_cluster()? { Some(layout.major()?) } else { None };
        let cluster = major.map(|major| (layout.cluster.as_path(), major));
        let search = Search {
            explicit: self.programs.as_deref(),
            path: self.search_path.as_ref(),
            downloads: &layout.programs,
            major,
        };
        let programs = provide::provide(&search, &account, cluster, install, on_event).await?;
        // An installed package has brought the user `postgres` with it.
        let account = Account::choose(layout)?;
        if cluster.is_none() {
            let (version, directory) = (programs.version.clone(), layout.cluster.clone());
            on_event(LocalEvent::Initializing { version, directory });
            initdb::make(layout, &account, &programs).await?;
        }
        start::start(layout, &account, &programs, state, on_event).await
    }
}

/// Waits while the server is starting or stopping.
async fn settle(layout: &Layout, state: &State) -> Result<Option<Box<Running>>, LocalError> {
    let began = Instant::now();
    loop {
        match connect::look(layout, Some(state)).await? {
            Presence::Running(running) => return Ok(Some(running)),
            Presence::Absent => return Ok(None),
            Presence::Unresponsive { pid } => return Err(LocalError::Unresponsive { pid }),
            Presence::Changing { .. } if began.elapsed() > start::PATIENCE => {
                let tail = excerpt(&log_tail::appended(&layout.log, 0));
                return Err(LocalError::StartTimedOut {
                    waited: began.elapsed(),
                    log: layout.log.clone(),
                    tail,
                });
            }
            Presence::Changing { .. } => sleep(POLL).await,
        }
    }
}

fn endpoint(state: State) -> LocalEndpoint {
    LocalEndpoint {
        host: "127.0.0.1".to_owned(),
        port: state.port,
        socket_dir: state.socket_dir,
        user: OPERATOR.to_owned(),
        password: state.password,
        database: DATABASE.to_owned(),
        secret_key: state.secret_key,
    }
}
