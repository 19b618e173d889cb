//! What the fake knows: organizations, projects and the states they go through, what it was told to
//! do wrong, and what was asked of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::AbortHandle;

use super::postgres::Postgres;

/// How the fake behaves; every field can be set while it runs.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Settings {
    /// How long a new project comes up.
    pub(crate) coming_up_ms: u64,
    /// New projects never leave `COMING_UP`.
    pub(crate) is_stuck: bool,
    /// What a new project comes to, when it is not `ACTIVE_HEALTHY`.
    pub(crate) fate: Option<String>,
    /// How often DELETE says that a project which comes up is not ready for it; then it is allowed.
    pub(crate) not_ready_for_deletion: u32,
    /// Regions without capacity.
    pub(crate) full_regions: Vec<String>,
    /// What POST says about a name that is taken.
    pub(crate) name_taken_status: u16,
    /// Whether login roles are refused, as some projects do for ever.
    pub(crate) refuses_login_roles: bool,
    /// Whether the database's own host cannot be reached, as where there is no IPv6.
    pub(crate) hides_direct_host: bool,
    /// Whether the databases of new projects speak in the clear only.
    pub(crate) refuses_tls: bool,
    /// Whether new projects have servers of their own, copied from one image.
    pub(crate) shares_an_image: bool,
    /// How long a new project is missing from lists.
    pub(crate) list_lag_ms: u64,
    /// How many projects a user may have.
    pub(crate) project_limit: Option<usize>,
    /// Calls a minute for each operation and scope.
    pub(crate) calls_a_minute: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            coming_up_ms: 300,
            is_stuck: false,
            fate: None,
            not_ready_for_deletion: 0,
            full_regions: Vec::new(),
            name_taken_status: 400,
            refuses_login_roles: false,
            hides_direct_host: false,
            refuses_tls: false,
            shares_an_image: false,
            list_lag_ms: 0,
            project_limit: None,
            calls_a_minute: 120,
        }
    }
}

/// One thing to do wrong.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Fault {
    /// The operation, as in `POST /v1/projects`.
    pub(crate) on: String,
    /// How.
    #[serde(flatten)]
    pub(crate) kind: FaultKind,
    /// Whether what was asked for is done all the same.
    #[serde(default)]
    pub(crate) acts: bool,
    /// How often; 0 is for ever.
    #[serde(default = "once")]
    pub(crate) times: u32,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum FaultKind {
    /// Answers with this status.
    Status {
        status: u16,
        #[serde(default)]
        message: Option<String>,
        /// A plain text instead of JSON.
        #[serde(default)]
        text: Option<String>,
        #[serde(default)]
        retry_after: Option<String>,
        #[serde(default)]
        reset: Option<String>,
    },
    /// Answers with success and this, whatever the document says.
    Answer { body: Value },
    /// The connection breaks before the answer is whole.
    Lost,
    /// Answers late.
    Slow { ms: u64 },
}

fn once() -> u32 {
    1
}

/// A project.
pub(crate) struct Project {
    pub(crate) reference: String,
    pub(crate) name: String,
    pub(crate) organization: String,
    pub(crate) region: String,
    pub(crate) address: String,
    pub(crate) born: Instant,
    pub(crate) is_stuck: bool,
    pub(crate) fate: Option<String>,
    /// Set once it is deleted.
    pub(crate) is_removed: bool,
    pub(crate) is_paused: bool,
    pub(crate) not_ready: u32,
    pub(crate) allowed: (Vec<String>, Vec<String>),
    /// The server of its own, where it has one.
    pub(crate) server: Option<Arc<Postgres>>,
    /// The listeners of its database.
    pub(crate) doors: Vec<AbortHandle>,
}

impl Project {
    /// Returns its status now.
    pub(crate) fn status(&self, settings: &Settings) -> &str {
        let is_coming =
            self.is_stuck || self.born.elapsed() < Duration::from_millis(settings.coming_up_ms);
        match () {
            () if self.is_removed => "REMOVED",
            () if is_coming => "COMING_UP",
            () if self.is_paused => "INACTIVE",
            () => self.fate.as_deref().unwrap_or("ACTIVE_HEALTHY"),
        }
    }

    pub(crate) fn close(&mut self) {
        self.doors.drain(..).for_each(|door| door.abort());
    }
}

/// A call as the journal keeps it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Asked {
    pub(crate) operation: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: Value,
    /// The status of the answer; 0 when none was given.
    pub(crate) status: u16,
    pub(crate) at_ms: u64,
}

/// All of it.
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) faults: Vec<Fault>,
    pub(crate) organizations: Vec<(String, String)>,
    pub(crate) projects: Vec<Project>,
    pub(crate) journal: Vec<Asked>,
    /// What the fake itself did against the published document.
    pub(crate) violations: Vec<String>,
    windows: HashMap<String, (Instant, u32)>,
}

impl State {
    pub(crate) fn new() -> Self {
        Self {
            settings: Settings::default(),
            faults: Vec::new(),
            organizations: vec![
                ("acmeholdingsorgslugs".to_owned(), "Acme's Holdings".to_owned()),
                ("otherorganizationsab".to_owned(), "Other".to_owned()),
            ],
            projects: Vec::new(),
            journal: Vec::new(),
            violations: Vec::new(),
            windows: HashMap::new(),
        }
    }

    /// Returns the fault that is due on an operation, and counts it.
    pub(crate) fn fault(&mut self, operation: &str) -> Option<Fault> {
        let index = self.faults.iter().position(|fault| fault.on == operation)?;
        let fault = self.faults[index].clone();
        match fault.times {
            0 => {}
            1 => drop(self.faults.remove(index)),
            _ => self.faults[index].times -= 1,
        }
        Some(fault)
    }

    /// Counts a call; returns what is left and in how many seconds the window ends.
    pub(crate) fn count(&mut self, operation: &str, scope: &str) -> Result<(u32, u64), u64> {
        let window = Duration::from_mins(1);
        let limit = self.settings.calls_a_minute;
        let key = format!("{operation} {scope}");
        let (began, calls) = self.windows.entry(key).or_insert((Instant::now(), 0));
        if began.elapsed() >= window {
            (*began, *calls) = (Instant::now(), 0);
        }
        *calls += 1;
        let reset = window.saturating_sub(began.elapsed()).as_secs() + 1;
        if *calls > limit { Err(reset) } else { Ok((limit - *calls, reset)) }
    }

    /// Changes settings by a JSON object of some of them.
    pub(crate) fn set(&mut self, some: &Value) -> Result<(), String> {
        let mut all = json!(self.settings);
        let fields = all.as_object_mut().unwrap();
        fields.extend(some.as_object().cloned().unwrap_or_default());
        self.settings = serde_json::from_value(all).map_err(|error| error.to_string())?;
        // What is stuck comes up once nothing is stuck any more.
        if !self.settings.is_stuck {
            self.projects.iter_mut().for_each(|project| project.is_stuck = false);
        }
        Ok(())
    }
}
