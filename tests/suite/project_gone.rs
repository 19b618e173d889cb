//! A project that somebody else deleted: what proves that it is gone, what does not, and that a
//! tenant without one can be brought to its end.

use serde_json::{Value, json};

use super::project::operator;
use crate::support::management::{Fake, ORGANIZATION};
use crate::support::{Operator, Ran};

const LOOK: &str = "GET /v1/projects/{ref}";
const LIST: &str = "GET /v1/organizations/{slug}/projects";
const ORGANIZATIONS: &str = "GET /v1/organizations";
const CREATE: &str = "tenant create acme --name Acme --no-migrate";
const DELETE: &str = "tenant delete acme --confirm acme";
const PURGE: &str = "tenant purge acme --no-backup --confirm acme -o json --timeout 5s";

/// Returns a tenant's project, and everything about it.
fn made() -> (Fake, Operator, String) {
    let (fake, operator) = operator();
    let _ran = operator.run(CREATE).success();
    let reference = fake.projects()[0].0.clone();
    (fake, operator, reference)
}

fn outcome(ran: &Ran, step: &str) -> String {
    let report = ran.json();
    let steps = report["steps"].as_array().unwrap();
    let found = steps.iter().find(|found| found["step"] == step);
    found.unwrap()["detail"].as_str().unwrap().to_owned()
}

fn is_purged(operator: &Operator) -> bool {
    operator.tenants("acme").iter().all(|tenant| tenant.status == "purged")
}

#[test]
fn a_deleted_tenant_whose_project_was_deleted_elsewhere_is_purged() {
    for is_forgotten in [true, false] {
        let (fake, operator, reference) = made();
        let _ran = operator.run(DELETE).success();
        if is_forgotten {
            fake.forget(&reference);
        } else {
            fake.disturb(&reference, true);
        }
        let ran = operator.run(PURGE).success();
        let said = outcome(&ran, "check");
        assert!(said.contains(&reference) && said.contains(ORGANIZATION), "{said}");
        assert!(is_purged(&operator));
        assert_eq!(fake.asked("DELETE /v1/projects/{ref}").len(), 0);
        // The slug is free.
        let _ran = operator.run(CREATE).success();
        let _ran = operator.run("audit verify").success();
    }
}

#[test]
fn an_active_tenant_whose_project_was_deleted_elsewhere_is_missing_and_can_be_deleted() {
    let (fake, operator, reference) = made();
    fake.forget(&reference);
    let listed = operator.run("tenant list -o json").success().json();
    assert_eq!(listed["tenants"][0]["presence"]["outcome"], "missing");
    let ran = operator.run("migrate apply --tenant acme -o json");
    assert!(format!("{ran}").contains("no such project"), "{ran}");
    let ran = operator.run(&format!("{DELETE} -o json")).success();
    assert!(outcome(&ran, "close").contains("gone"), "{ran}");
    let restore = operator.run("tenant restore acme -o json").fails_with(8);
    assert!(restore.error()["hint"].as_str().unwrap().contains("purge"), "{restore}");
    let _ran = operator.run(PURGE).success();

    // In one go.
    let _ran = operator.run(CREATE).success();
    fake.forget(&fake.projects()[0].0.clone());
    let _ran = operator.run("tenant delete acme --purge --no-backup --confirm acme").success();
    assert!(is_purged(&operator));
}

/// What looks like the end of a project and is none.
fn disguises(reference: &str) -> Vec<(&'static str, Vec<Value>)> {
    let page = "<html><h1>404 Not Found</h1><hr>nginx</html>";
    let unknown = |on: &str| {
        json!({ "on": on, "do": "status", "status": 404, "message": "Project not found",
            "times": 0 })
    };
    let answer =
        |on: &str, body: Value| json!({ "on": on, "do": "answer", "body": body, "times": 0 });
    let refused = |on: &str, status: u16| {
        json!({ "on": on, "do": "status", "status": status, "message": "Forbidden resource",
            "times": 0 })
    };
    let listed = |projects: Value, count: u32| {
        let pagination = json!({ "count": count, "limit": 100, "offset": 0 });
        answer(LIST, json!({ "projects": projects, "pagination": pagination }))
    };
    let other = json!([{ "id": "o", "slug": "otherorganizationsab", "name": "Other" }]);
    let stranger = |name: &str| {
        json!({ "ref": name, "name": "x", "cloud_provider": "AWS", "region": "r",
            "is_branch": false, "status": "ACTIVE_HEALTHY", "databases": [] })
    };
    vec![
        (
            "a proxy's page",
            vec![json!({ "on": LOOK, "do": "status", "status": 404, "text": page, "times": 0 })],
        ),
        (
            "a proxy's page, and a list that is empty",
            vec![
                json!({ "on": LOOK, "do": "status", "status": 404, "text": page, "times": 0 }),
                listed(json!([]), 0),
            ],
        ),
        ("a refusal while it is listed", vec![unknown(LOOK)]),
        ("a list that is refused", vec![unknown(LOOK), refused(LIST, 403)]),
        ("a token that lost its rights", vec![refused(LOOK, 403), listed(json!([]), 0)]),
        ("a list that does not exist", vec![unknown(LOOK), unknown(LIST)]),
        (
            "a list cut short",
            vec![unknown(LOOK), listed(json!([stranger("abcdefghijklmnopqrst")]), 2)],
        ),
        ("an empty list of many", vec![unknown(LOOK), listed(json!([]), 7)]),
        ("a list without its count", vec![unknown(LOOK), answer(LIST, json!({ "projects": [] }))]),
        ("an empty object", vec![unknown(LOOK), answer(LIST, json!({}))]),
        ("an entry without a ref", vec![unknown(LOOK), listed(json!([{ "name": "x" }]), 1)]),
        (
            "a token that sees no organization",
            vec![unknown(LOOK), listed(json!([]), 0), answer(ORGANIZATIONS, json!([]))],
        ),
        (
            "a token of another organization",
            vec![unknown(LOOK), listed(json!([]), 0), answer(ORGANIZATIONS, other)],
        ),
        (
            "organizations that are refused",
            vec![unknown(LOOK), listed(json!([]), 0), refused(ORGANIZATIONS, 401)],
        ),
        (
            "another project's answer",
            vec![answer(
                LOOK,
                json!({ "id": "o", "ref": "abcdefghijklmnopqrst", "name": "x",
                    "status": "REMOVED" }),
            )],
        ),
        (
            "a project on its way out",
            vec![answer(
                LOOK,
                json!({ "id": reference, "ref": reference, "name": "x", "status": "GOING_DOWN" }),
            )],
        ),
    ]
}

#[test]
fn what_is_no_proof_that_a_project_is_gone_purges_nothing() {
    let (fake, operator, reference) = made();
    let _ran = operator.run(DELETE).success();
    let mut fooled = Vec::new();
    for (disguise, faults) in disguises(&reference) {
        for fault in faults {
            fake.fail(fault);
        }
        let ran = operator.run(PURGE);
        if ran.code() == 0 {
            fooled.push(disguise);
        }
        fake.behave();
        if ran.code() == 0 {
            let _ran = operator.run(CREATE).success();
            let _ran = operator.run(DELETE).success();
        }
    }
    assert_eq!(fooled, Vec::<&str>::new());
    assert_eq!(operator.tenant("acme").status, "deleted", "no point of no return was passed");
    assert_eq!(operator.tenants_quarantined(), 0);
    assert_eq!(fake.asked("DELETE /v1/projects/{ref}").len(), 0);
    // The real thing is still there, and goes.
    let ran = operator.run(PURGE).success();
    assert!(outcome(&ran, "drop").contains("proved to be gone"), "{ran}");
    assert_eq!(fake.projects(), []);
}

#[test]
fn a_proxys_page_in_the_middle_of_a_deletion_is_no_end() {
    let (fake, operator, reference) = made();
    let page = "<html>404</html>";
    fake.fail(json!({ "on": "DELETE /v1/projects/{ref}", "do": "status", "status": 404,
        "text": page, "times": 0 }));
    let purge = "tenant delete acme --purge --no-backup --confirm acme --timeout 5s -o json";
    let ran = operator.run(purge);
    assert_ne!(ran.code(), 0, "{ran}");
    assert_eq!(fake.projects()[0].0, reference);
    fake.behave();
    let _ran = operator.run(purge).success();
    assert_eq!(fake.projects(), []);
}

#[test]
fn a_project_is_looked_for_in_the_organization_it_was_asked_for_in() {
    let (fake, operator) = operator();
    // Made, and the process ended before it could know.
    fake.fail(json!({ "on": "POST /v1/projects", "do": "slow", "ms": 4000, "acts": true }));
    let ran = operator.run(&format!("{CREATE} --timeout 2s"));
    assert_eq!(ran.code(), 8, "{ran}");
    let elsewhere = operator.with("TENANTCTL_ORGANIZATION", "otherorganizationsab");
    let ran = elsewhere.run("tenant delete acme --purge --no-backup --confirm acme -o json");
    let ran = ran.success();
    assert!(outcome(&ran, "drop").contains("proved to be gone"), "{ran}");
    assert_eq!(fake.projects(), [], "no project is left that nobody knows of");
}

#[test]
fn another_organizations_list_says_nothing_about_a_tenant() {
    let (_fake, operator, _reference) = made();
    let elsewhere = operator.with("TENANTCTL_ORGANIZATION", "otherorganizationsab");
    let listed = elsewhere.run("tenant list -o json").success().json();
    assert_eq!(listed["tenants"][0]["presence"]["outcome"], "unknown", "{listed}");
}
