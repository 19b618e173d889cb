//! A tenant that is locked and unlocked, and what either has to leave behind.

use serde_json::Value;

use super::{Operator, Session, server};

pub(crate) const LOCK: &str = "-o json lockdown acme --reason 'token leaked'";

pub(crate) const UNLOCK: &str = "-o json --yes unlock acme --reason 'keys rotated'";

pub(crate) fn with_tenant() -> Operator {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    operator
}

pub(crate) fn url(operator: &Operator) -> String {
    operator.run("tenant url acme --reveal").success().stdout().trim().to_owned()
}

/// Returns the result of each probe or layer, by its word.
pub(crate) fn results(document: &Value, of: &str) -> Vec<(String, String)> {
    let word = if of == "probes" { "probe" } else { "layer" };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let lines = document[of].as_array().unwrap();
    lines.iter().map(|line| (text(&line[word]), text(&line["outcome"]))).collect()
}

pub(crate) fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

pub(crate) const ALL_REFUSED: [(&str, &str); 3] =
    [("session", "refused"), ("gate", "refused"), ("login", "refused")];

/// Everything about access that a lockdown touches and an unlock has to give back.
pub(crate) fn access(operator: &Operator) -> (bool, i32, bool, i32, String) {
    let name = operator.tenant("acme").database;
    server()
        .superuser("postgres")
        .rows(&format!(
            "SELECT r.rolcanlogin, r.rolconnlimit, d.datallowconn, d.datconnlimit, d.datacl::text \
             FROM pg_roles r, pg_database d WHERE r.rolname = '{name}' AND d.datname = '{name}'"
        ))
        .remove(0)
}

pub(crate) fn gate_is_locked(operator: &Operator) -> bool {
    server().superuser(&operator.tenant("acme").database).value("SELECT locked FROM tenantctl.gate")
}

pub(crate) fn state(operator: &Operator, jti: &str) -> String {
    operator.plane().value(&format!("SELECT control_plane.session_state('{jti}')"))
}

/// Asserts that the application works: it logs in and the gate lets it through.
pub(crate) fn assert_open(url: &str, id: &str) {
    let mut app = Session::at(url).unwrap();
    app.run(&format!("SET app.current_tenant_id = '{id}'"));
    assert!(app.value::<bool>("SELECT tenantctl.access_allowed()"));
}
