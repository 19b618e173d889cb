//! `tenantctl config init`.

use std::fmt::Write as _;
use std::io::ErrorKind as IoError;

use crate::commands::context::Context;
use crate::config::{Documented, documented};
use crate::files::create_private;
use crate::model::{ErrorKind, escape_controls};
use crate::output::{Failure, render_config_written};

/// Writes a config file in which every key is a comment, and the chosen profile's table begun.
pub(super) fn run(context: &Context) -> Result<(), Failure> {
    let settings = context.settings();
    // The nearest place; with `--config` it is the only one.
    let Some(looked_at) = settings.looked_at.first() else {
        return Err(Failure::new(ErrorKind::Internal, "choose where to write a config file"));
    };
    let profile = settings.profile.as_ref().map(|setting| setting.value.as_str());
    if let Some(name) = profile.filter(|name| !is_bare_key(name)) {
        let message = format!(
            "begin profile `{}`: a profile's name is of a-z, A-Z, 0-9, `-` and `_`",
            escape_controls(name)
        );
        return Err(Failure::new(ErrorKind::Usage, message));
    }
    let path = &looked_at.path;
    create_private(path, content(profile).as_bytes()).map_err(|error| {
        let path = path.display();
        if error.kind() == IoError::AlreadyExists {
            let failure =
                Failure::new(ErrorKind::Conflict, format!("write {path}: it is there already"));
            return failure.hint(match profile {
                Some(name) => format!("add a table `[profiles.{name}]` to it"),
                None => "name another file with --config".to_owned(),
            });
        }
        Failure::new(ErrorKind::Usage, format!("write {path}: {error}"))
    })?;
    context.console().show(&render_config_written(&path.display().to_string(), profile));
    Ok(())
}

fn is_bare_key(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

fn content(profile: Option<&str>) -> String {
    let mut text = String::from(
        "# Settings of tenantctl: a flag wins over a variable, that over this file.\n\
         # Only its owner may read it once a password stands in it.\n",
    );
    let keys = |text: &mut String| {
        for Documented { keys, meaning, variable, .. } in documented() {
            if keys.is_empty() {
                continue;
            }
            let _ = write!(text, "\n# {meaning} ({variable})\n");
            for key in keys {
                let _ = writeln!(text, "# {key} = \"\"");
            }
        }
    };
    match profile {
        None => {
            keys(&mut text);
            text.push_str("\n# [profiles.production]\n# protected = true\n");
        }
        Some(name) => {
            let _ = writeln!(text, "\n[profiles.{name}]");
            text.push_str("# asks before every write, and wants --actor\n# protected = true\n");
            keys(&mut text);
        }
    }
    text
}
