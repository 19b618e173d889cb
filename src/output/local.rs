//! The private local Postgres, as people and programs read it.

use serde_json::json;

use super::console::Console;
use super::table;
use super::view::View;
use super::words::{instant, millis, shown};
use crate::services::local::{LocalDestroyed, LocalDown, LocalStatus, LocalUp, UpOutcome};

/// Renders a server that is up.
pub fn render_up(console: &Console, up: &LocalUp, masked_url: &str) -> View {
    let (word, sentence) = match up.outcome {
        UpOutcome::Created => ("created", "made and started"),
        UpOutcome::Started => ("started", "started"),
        UpOutcome::AlreadyRunning => ("already_running", "running already"),
    };
    let text = table::facts(
        console,
        &[
            ("local Postgres", Some(format!("{} ({sentence})", up.version))),
            ("connection", Some(masked_url.to_owned())),
            ("directory", Some(up.directory.display().to_string())),
            ("process", Some(format!("{} as {}", up.pid, up.account))),
            ("took", Some(shown(up.elapsed))),
        ],
    );
    let value = json!({
        "status": "running",
        "outcome": word,
        "version": up.version,
        "url": masked_url,
        "port": up.endpoint.port,
        "pid": up.pid,
        "account": up.account,
        "directory": up.directory,
        "elapsed_ms": millis(up.elapsed),
    });
    View::item("local", value, text).note("\nNext:\n  tenantctl init")
}

/// Renders a stopped server.
pub fn render_down(console: &Console, down: &LocalDown) -> View {
    let (changed, sentence) = match down {
        LocalDown::Stopped { pid, elapsed } => {
            (true, format!("stopped (process {pid}, {})", shown(*elapsed)))
        }
        LocalDown::WasNotRunning => (false, "it was not running".to_owned()),
    };
    let text = table::facts(console, &[("local Postgres", Some(sentence))]);
    View::item("local", json!({ "status": "stopped" }), text).with("changed", json!(changed))
}

/// Renders how things stand.
pub fn render_status(console: &Console, status: &LocalStatus) -> View {
    let view = |word: &str, value: serde_json::Value, facts: &[(&str, Option<String>)]| {
        let mut all = vec![("local Postgres", Some(word.to_owned()))];
        all.extend_from_slice(facts);
        View::item("local", value, table::facts(console, &all))
    };
    match status {
        LocalStatus::NotCreated => view("not created", json!({ "status": "not_created" }), &[])
            .note("\nNext:\n  tenantctl local up"),
        LocalStatus::Stopped { major, port, directory } => {
            let value = json!({
                "status": "stopped", "major": major, "port": port, "directory": directory,
            });
            let facts = [
                ("version", Some(major.to_string())),
                ("directory", Some(directory.display().to_string())),
            ];
            view("stopped", value, &facts).note("\nNext:\n  tenantctl local up")
        }
        LocalStatus::Changing { pid, directory } => view(
            "starting, stopping or recovering",
            json!({ "status": "changing", "pid": pid, "directory": directory }),
            &[("process", pid.map(|pid| pid.to_string()))],
        ),
        LocalStatus::Unresponsive { pid, directory } => view(
            "its process does not answer",
            json!({ "status": "unresponsive", "pid": pid, "directory": directory }),
            &[("process", Some(pid.to_string()))],
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
                "socket_dir": socket_dir, "since": instant(*since), "databases": databases,
                "size_bytes": size_bytes, "directory": directory,
            });
            let size = size_bytes.map(|bytes| format!("{} MiB", bytes / 1024 / 1024));
            let facts = [
                ("version", Some(version.clone())),
                ("port", Some(format!("{port} on 127.0.0.1"))),
                ("socket", Some(socket_dir.display().to_string())),
                ("process", Some(pid.to_string())),
                ("since", Some(instant(*since))),
                ("databases", Some(databases.to_string())),
                ("size", size),
                ("directory", Some(directory.display().to_string())),
            ];
            view("running", value, &facts)
        }
    }
}

/// Renders the connection string: the text is the string alone, so that a shell can use it.
pub fn render_url(url: &str) -> View {
    View::item("url", json!(url), url.to_owned())
}

/// Renders a removed server.
pub fn render_destroyed(console: &Console, destroyed: &LocalDestroyed) -> View {
    let (changed, sentence) = match destroyed {
        LocalDestroyed::Destroyed { directory, .. } => {
            (true, format!("gone, with its data in {}", directory.display()))
        }
        LocalDestroyed::WasNotThere => (false, "there was none".to_owned()),
    };
    let text = table::facts(console, &[("local Postgres", Some(sentence))]);
    View::item("local", json!({ "status": "not_created" }), text).with("changed", json!(changed))
}
