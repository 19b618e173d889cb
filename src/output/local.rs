//! The private local Postgres, as people and programs read it.

use serde_json::{Value, json};

use super::console::Console;
use super::text::{Facts, Text};
use super::view::View;
use super::words::shown;
use crate::model::{SecretText, instant, instant_ms};
use crate::services::local::{
    LocalDestroyed, LocalDown, LocalEvent, LocalStatus, LocalUp, UpOutcome,
};

pub(crate) fn render_up(up: &LocalUp, masked_url: &str) -> View {
    let (word, sentence) = match up.outcome {
        UpOutcome::Created => ("created", "made and started"),
        UpOutcome::Started => ("started", "started"),
        UpOutcome::AlreadyRunning => ("already_running", "running already"),
    };
    let facts = Facts::new()
        .fact("local Postgres", format_args!("{} ({sentence})", up.version))
        .fact("connection", masked_url)
        .fact("directory", up.directory.display())
        .fact("process", format_args!("{} as {}", up.pid, up.account))
        .fact("took", shown(up.elapsed));
    let value = json!({
        "status": "running",
        "outcome": word,
        "version": up.version,
        "url": masked_url,
        "port": up.endpoint.port,
        "pid": up.pid,
        "account": up.account,
        "directory": up.directory,
    });
    View::item("local", value, facts).took(up.elapsed).next(["tenantctl init"])
}

pub(crate) fn render_down(down: &LocalDown) -> View {
    let (changed, sentence) = match down {
        LocalDown::Stopped { pid, elapsed } => {
            (true, format!("stopped (process {pid}, {})", shown(*elapsed)))
        }
        LocalDown::WasNotRunning => (false, "it was not running".to_owned()),
    };
    let facts = Facts::new().fact("local Postgres", sentence);
    View::item("local", json!({ "status": "stopped" }), facts).with("changed", json!(changed))
}

/// Renders whether the server runs, and what is in it.
pub(crate) fn render_status(status: &LocalStatus) -> View {
    let facts = |word: &str| Facts::new().fact("local Postgres", word);
    let view = |value: Value, facts: Facts| View::item("local", value, facts);
    match status {
        LocalStatus::NotCreated => view(json!({ "status": "not_created" }), facts("not created"))
            .next(["tenantctl local up"]),
        LocalStatus::Stopped { major, port, directory } => {
            let value = json!({
                "status": "stopped", "major": major, "port": port, "directory": directory,
            });
            let facts =
                facts("stopped").fact("version", major).fact("directory", directory.display());
            view(value, facts).next(["tenantctl local up"])
        }
        LocalStatus::Changing { pid, directory } => view(
            json!({ "status": "changing", "pid": pid, "directory": directory }),
            facts("starting, stopping or recovering").some("process", *pid),
        ),
        LocalStatus::Unresponsive { pid, directory } => view(
            json!({ "status": "unresponsive", "pid": pid, "directory": directory }),
            facts("its process does not answer").fact("process", pid),
        ),
        LocalStatus::Running {
            pid,
            port,
            socket_dir,
            version,
            since,
            databases,
            size_bytes,
            directory,
        } => {
            let value = json!({
                "status": "running", "version": version, "pid": pid, "port": port,
                "socket_dir": socket_dir, "since": instant_ms(*since), "databases": databases,
                "size_bytes": size_bytes, "directory": directory,
            });
            let size = size_bytes.map(|bytes| format!("{} MiB", bytes / 1024 / 1024));
            let facts = facts("running")
                .fact("version", version)
                .fact("port", format_args!("{port} on 127.0.0.1"))
                .fact("socket", socket_dir.display())
                .fact("process", pid)
                .fact("since", instant(*since))
                .fact("databases", databases)
                .some("size", size)
                .fact("directory", directory.display());
            view(value, facts)
        }
    }
}

/// Renders the masked connection string: the text is the string alone.
pub(crate) fn render_url(masked: &str) -> View {
    View::item("url", json!(masked), masked)
}

/// Renders the connection string with its password.
pub(crate) fn render_revealed_url(url: &SecretText) -> View {
    View::revealed("url", url)
}

pub(crate) fn render_destroyed(destroyed: &LocalDestroyed) -> View {
    let (changed, sentence) = match destroyed {
        LocalDestroyed::Destroyed { directory, .. } => {
            (true, format!("gone, with its data in {}", directory.display()))
        }
        LocalDestroyed::WasNotThere => (false, "there was none".to_owned()),
    };
    let facts = Facts::new().fact("local Postgres", sentence);
    View::item("local", json!({ "status": "not_created" }), facts).with("changed", json!(changed))
}

/// Renders what stopping the server would do.
pub(crate) fn render_down_plan(status: &LocalStatus) -> View {
    let is_there = !matches!(status, LocalStatus::NotCreated | LocalStatus::Stopped { .. });
    let sentence = if is_there { "would be stopped" } else { "it is not running" };
    let facts = Facts::new().fact("local Postgres", sentence);
    let view = View::item("local", json!({ "status": "stopped" }), facts);
    view.with("changed", json!(is_there)).into_plan()
}

/// Renders what removing the server would do.
pub(crate) fn render_destroy_plan(status: &LocalStatus) -> View {
    let view = View::item("local", json!({ "status": "not_created" }), destroyed(status));
    view.with("changed", json!(!matches!(status, LocalStatus::NotCreated))).into_plan()
}

impl Console {
    /// Shows what is about to be destroyed, before it is asked about.
    pub(crate) fn show_destroyed(&self, status: &LocalStatus) {
        self.before_question(&Text::from(destroyed(status)).blank());
    }
}

fn destroyed(status: &LocalStatus) -> Facts {
    let sentence = match status {
        LocalStatus::NotCreated => "there is none".to_owned(),
        LocalStatus::Running { databases, directory, .. } => {
            format!("would be gone, with its {databases} databases in {}", directory.display())
        }
        LocalStatus::Stopped { directory, .. }
        | LocalStatus::Changing { directory, .. }
        | LocalStatus::Unresponsive { directory, .. } => {
            format!("would be gone, with its data in {}", directory.display())
        }
    };
    Facts::new().fact("local Postgres", sentence)
}

/// Returns an event's word, its sentence, and whether the sentence is worth a line that stays.
pub(super) fn local_event(event: &LocalEvent) -> (&'static str, String, bool) {
    match event {
        LocalEvent::WaitingForLock => {
            ("waiting", "another tenantctl is at work on it; waiting".to_owned(), true)
        }
        LocalEvent::Installing { command } => ("installing", command.clone(), true),
        LocalEvent::Downloading { version } => {
            ("downloading", format!("downloading Postgres {version}"), true)
        }
        LocalEvent::RemovingLeftover { directory } => {
            ("removing", format!("removing the half-made {}", directory.display()), true)
        }
        LocalEvent::Initializing { version, directory } => (
            "initializing",
            format!("making a cluster with Postgres {version} in {}", directory.display()),
            true,
        ),
        LocalEvent::StateReplaced { kept_as } => {
            let kept = kept_as.as_ref().map(|path| format!("; the old one is {}", path.display()));
            let text = "the file with its passwords could not be read and was replaced; \
                        credentials sealed with the old key no longer open";
            ("state_replaced", format!("{text}{}", kept.unwrap_or_default()), true)
        }
        LocalEvent::StalePidFile { pid } => {
            let pid = pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
            ("stale_pid_file", format!("a server that is gone left its pid file{pid}"), true)
        }
        LocalEvent::PortTaken { port } => {
            ("port_taken", format!("port {port} is taken; choosing another"), true)
        }
        LocalEvent::Starting { port } => ("starting", format!("starting on port {port}"), false),
        LocalEvent::Bootstrapping => {
            ("bootstrapping", "making the operator's role and database".to_owned(), false)
        }
    }
}
