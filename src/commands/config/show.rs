//! `tenantctl config show`.

use serde_json::{Value, json};

use crate::cli::ConfigShowArgs;
use crate::commands::context::Context;
use crate::config::{Explained, Origin};
use crate::output::{SettingRow, render_settings};

/// Shows every setting; nothing is contacted.
pub(super) fn run(args: &ConfigShowArgs, context: &Context) {
    let row = |Explained { name, variable, value }: &Explained| SettingRow {
        name,
        variable,
        value: value.as_ref().map(|setting| setting.value.clone()),
        origin: value.as_ref().map(|setting| setting.origin.to_string()),
        origin_json: value.as_ref().map_or(Value::Null, |setting| origin_json(&setting.origin)),
    };
    let rows: Vec<_> = context.settings().explain().iter().map(row).collect();
    context.console().show(&render_settings(&rows, args.origin));
}

fn origin_json(origin: &Origin) -> Value {
    match origin {
        Origin::Flag(name) => json!({ "kind": "flag", "name": name }),
        Origin::Environment(name) => json!({ "kind": "environment", "name": name }),
        Origin::File(path, profile) => {
            json!({ "kind": "file", "path": path.display().to_string(), "profile": profile })
        }
        Origin::Default => json!({ "kind": "default" }),
    }
}
