//! Settings, config files and profiles, as people and scripts read them.

use serde_json::{Value, json};

use super::line::{Line, bad, dim, good};
use super::text::{Table, Text};
use super::view::View;
use crate::model::PlaneAddress;

/// A setting with its value as it may be shown.
#[derive(Debug)]
pub(crate) struct SettingRow<'s> {
    pub name: &'s str,
    pub variable: &'s str,
    /// Without what is secret in it; nothing where it is not set.
    pub value: Option<String>,
    /// Where the value came from, for people.
    pub origin: Option<String>,
    /// The same for scripts.
    pub origin_json: Value,
}

/// A profile and where it leads.
#[derive(Debug)]
pub(crate) struct ProfileRow {
    pub name: String,
    pub is_chosen: bool,
    pub is_protected: bool,
    pub address: Option<PlaneAddress>,
    /// Why nobody can say where it leads.
    pub problem: Option<String>,
}

/// Renders every setting; with its origin when that was asked for, in JSON always.
pub(crate) fn render_settings(rows: &[SettingRow<'_>], with_origin: bool) -> View {
    let value = |row: &SettingRow<'_>| match &row.value {
        Some(value) => Line::from(value),
        None => dim("not set"),
    };
    let table = if with_origin {
        Table::new(
            ["SETTING", "VALUE", "FROM"],
            rows.iter().map(|row| {
                [row.name.into(), value(row), row.origin.as_deref().unwrap_or_default().into()]
            }),
        )
    } else {
        Table::new(["SETTING", "VALUE"], rows.iter().map(|row| [row.name.into(), value(row)]))
    };
    let json = |row: &SettingRow<'_>| {
        json!({
            "name": row.name, "variable": row.variable, "value": row.value,
            "origin": row.origin_json,
        })
    };
    View::list(("settings", "setting"), rows.iter().map(json).collect(), table)
}

/// Renders where config files are looked for, the nearest first.
pub(crate) fn render_config_files(files: &[(String, bool)]) -> View {
    let word = |is_there: bool| if is_there { good("read") } else { dim("not there") };
    let table = Table::new(
        ["CONFIG FILE", "STATE"],
        files.iter().map(|(path, is_there)| [path.into(), word(*is_there)]),
    );
    let json = |(path, is_there): &(String, bool)| json!({ "path": path, "exists": is_there });
    let view = View::list(("config_files", "config_file"), files.iter().map(json).collect(), table);
    if files.iter().any(|(_, is_there)| *is_there) {
        view
    } else {
        view.next(["tenantctl config init"])
    }
}

/// Renders a config file that was written.
pub(crate) fn render_config_written(path: &str, profile: Option<&str>) -> View {
    let json = json!({ "path": path, "profile": profile, "outcome": "created" });
    View::item("config_file", json, format!("{path} is written; every key in it is a comment"))
        .next(["tenantctl config show --origin", "tenantctl help environment"])
}

/// Renders the profiles; where there are none, what is used.
pub(crate) fn render_profiles(rows: &[ProfileRow], used: Option<&PlaneAddress>) -> View {
    let line = |row: &ProfileRow| {
        let leads_to = match (&row.address, &row.problem) {
            (Some(address), _) => PlaneAddress { profile: None, ..address.clone() }.into(),
            (None, Some(problem)) => bad(problem),
            (None, None) => dim("nowhere"),
        };
        [
            if row.is_chosen { good("*") } else { Line::default() },
            (&row.name).into(),
            if row.is_protected { "protected" } else { "" }.into(),
            leads_to,
        ]
    };
    let json = |row: &ProfileRow| {
        json!({
            "name": row.name, "chosen": row.is_chosen, "protected": row.is_protected,
            "local": row.address.as_ref().map(|address| address.is_local),
            "host": row.address.as_ref().map(|address| &address.host),
            "database": row.address.as_ref().map(|address| &address.database),
            "problem": row.problem,
        })
    };
    let text = if rows.is_empty() {
        Text::from("No config file has a profile.")
    } else {
        Table::new(["", "PROFILE", "", "CONTROL PLANE"], rows.iter().map(line)).into()
    };
    let view = View::list(("profiles", "profile"), rows.iter().map(json).collect(), text);
    match used {
        Some(address) if rows.iter().all(|row| !row.is_chosen) => {
            view.note(format_args!("without --profile: {address}"))
        }
        _ if rows.is_empty() => view.next(["tenantctl config init --profile production"]),
        _ => view,
    }
}
