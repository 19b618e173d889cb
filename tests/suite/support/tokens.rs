//! An operator who has tokens judged.

use std::fs;

use serde_json::Value;

use super::mint::{Signer, published};
use super::{Operator, Ran};

pub(crate) const ANN: &str = "aaaaaaaa-0000-4000-8000-000000000001";

/// The present, by the clock that tokens are judged with where no control plane is asked.
pub(crate) fn now() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "tokens of this moment")]
    let now = time::OffsetDateTime::now_utc();
    now.unix_timestamp()
}

/// The present in microseconds, by the clock of this machine, which is also its server's.
pub(crate) fn micros() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "when a client had its answer")]
    let now = time::OffsetDateTime::now_utc();
    i64::try_from(now.unix_timestamp_nanos() / 1000).unwrap()
}

/// An operator without a control plane, with a file of published keys.
pub(crate) fn offline(signer: &Signer) -> Operator {
    let operator = Operator::unconfigured();
    fs::write(operator.home().join("keys.json"), published(&[signer.jwk()])).unwrap();
    operator
}

pub(crate) fn explain(operator: &Operator, token: &str, flags: &str) -> (Ran, Value) {
    let ran = operator.run_reading(token, &format!("token explain - -o json {flags}"));
    let report = ran.json();
    (ran, report)
}

pub(crate) fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap()
}

/// An operator with a control plane, the tenants `acme` and `bolt`, and a file of published keys.
pub(crate) fn online(signer: &Signer) -> Operator {
    let operator = Operator::new();
    fs::write(operator.home().join("keys.json"), published(&[signer.jwk()])).unwrap();
    for slug in ["acme", "bolt"] {
        let _ran =
            operator.run(&format!("tenant create {slug} --name {slug} --no-migrate")).success();
    }
    operator
}
