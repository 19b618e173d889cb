//! Everything the Management API can do wrong: what the operator sees, and exactly one project after
//! running the same command again.

use serde_json::{Value, json};

use super::project::{login, operator};
use crate::support::management::Fake;
use crate::support::{Operator, PATIENCE, Ran, until};

const CREATE: &str = "tenant create acme --name Acme --no-migrate -o json";

/// Runs the same command until it succeeds and asserts that there is exactly one of everything.
#[track_caller]
fn finish(fake: &Fake, operator: &Operator, posts_that_acted: usize) {
    until("the same command to finish", PATIENCE, || {
        let ran = operator.run(CREATE);
        match ran.code() {
            0 => Ok(()),
            8 => Err(ran.stderr().to_owned()),
            _ => panic!("{ran}"),
        }
    });
    assert_eq!(fake.projects().len(), 1);
    let posts = fake.asked("POST /v1/projects");
    assert!(posts.len() <= posts_that_acted, "{posts:?}");
    assert!(login(operator, "acme").is_ok());
    let _ran = operator.run("audit verify").success();
    fake.assert_true_to_the_document();
}

/// Creates while the fake does this wrong; returns what the operator saw.
fn create(fake: &Fake, operator: &Operator, fault: Value) -> Ran {
    fake.fail(fault);
    operator.run(CREATE)
}

#[test]
fn an_answer_that_is_lost_after_acting_is_looked_for_and_adopted() {
    for fault in [
        json!({ "on": "POST /v1/projects", "do": "lost", "acts": true }),
        json!({ "on": "POST /v1/projects", "do": "status", "status": 500, "acts": true }),
        json!({ "on": "POST /v1/projects", "do": "status", "status": 504, "text": "error code: 504",
            "acts": true }),
        json!({ "on": "POST /v1/projects", "do": "status", "status": 544, "acts": true }),
        json!({ "on": "POST /v1/projects", "do": "status", "status": 409, "acts": true }),
    ] {
        let (fake, operator) = operator();
        fake.set(&json!({ "list_lag_ms": 200 }));
        let ran = create(&fake, &operator, fault).success();
        let outcome = ran.json()["steps"][1]["detail"].as_str().unwrap().to_owned();
        assert!(outcome.contains("was there"), "{outcome}");
        finish(&fake, &operator, 1);
    }
}

#[test]
fn a_request_that_failed_before_acting_is_not_repeated_while_that_is_not_known() {
    for fault in [
        json!({ "on": "POST /v1/projects", "do": "lost" }),
        json!({ "on": "POST /v1/projects", "do": "status", "status": 502, "text": "bad gateway" }),
    ] {
        let (fake, operator) = operator();
        let operator = operator.with("TENANTCTL_HASTE", "200");
        let ran = create(&fake, &operator, fault).fails_with(8);
        let causes = ran.error()["causes"].to_string();
        assert!(causes.contains("was not answered"), "{causes}");
        assert_eq!(fake.asked("POST /v1/projects").len(), 1, "nothing is sent twice blind");
        // Once the doubt is over, another may be sent.
        finish(&fake, &operator, 2);
    }
}

#[test]
fn an_answer_that_comes_too_late_is_adopted() {
    let (fake, operator) = operator();
    let fault = json!({ "on": "POST /v1/projects", "do": "slow", "ms": 4000, "acts": true });
    fake.fail(fault);
    let ran = operator.run(&format!("{CREATE} --timeout 2s"));
    assert_eq!(ran.code(), 8, "{ran}");
    finish(&fake, &operator, 1);
}

#[test]
fn being_told_to_wait_is_obeyed() {
    let (fake, operator) = operator();
    let ran = create(
        &fake,
        &operator,
        json!({ "on": "POST /v1/projects", "do": "status", "status": 429, "retry_after": "1",
            "message": "ThrottlerException: Too Many Requests", "times": 2 }),
    );
    let _ran = ran.success();
    let posts = fake.asked("POST /v1/projects");
    assert_eq!(posts.len(), 3);
    assert!(posts[1].at_ms - posts[0].at_ms >= 1000, "{posts:?}");
    finish(&fake, &operator, 3);
}

#[test]
fn a_project_that_stays_coming_up_is_waited_for_and_never_made_again() {
    let (fake, operator) = operator();
    fake.set(&json!({ "is_stuck": true }));
    let ran = operator.run(&format!("{CREATE} --timeout 6s")).fails_with(8);
    assert!(ran.error()["causes"].to_string().contains("COMING_UP"), "{ran}");
    let flaky =
        json!({ "on": "GET /v1/projects/{ref}", "do": "status", "status": 500, "times": 2 });
    fake.fail(flaky);
    fake.set(&json!({ "is_stuck": false }));
    finish(&fake, &operator, 1);
}

#[test]
fn a_project_that_failed_is_reported_as_that() {
    let (fake, operator) = operator();
    fake.set(&json!({ "fate": "INIT_FAILED" }));
    let ran = operator.run(CREATE).fails_with(5);
    assert!(ran.error()["causes"].to_string().contains("INIT_FAILED"), "{ran}");
    assert_eq!(fake.asked("POST /v1/projects").len(), 1);
    let _ran = operator.run("tenant delete acme --purge --no-backup --confirm acme").success();
    assert_eq!(fake.projects(), []);
}

#[test]
fn quota_region_and_name_come_back_as_what_they_are() {
    let (fake, operator) = operator();
    fake.set(&json!({ "project_limit": 0 }));
    let ran = operator.run(CREATE).fails_with(3);
    assert!(ran.error()["causes"].to_string().contains("maximum limits"), "{ran}");
    assert!(ran.error()["hint"].as_str().unwrap().contains("paid plan"), "{ran}");
    fake.set(&json!({ "project_limit": null, "full_regions": ["us-east-1"] }));
    let line = "tenant create full --name Full --region us-east-1 -o json";
    let ran = operator.run(line).fails_with(3);
    assert!(ran.error()["causes"].to_string().contains("no capacity"), "{ran}");
    assert!(ran.error()["hint"].as_str().unwrap().contains("eu-central-1"), "{ran}");
    let ran = operator.run("tenant create far --name Far --region mars-1 -o json").fails_with(3);
    assert!(ran.error()["causes"].to_string().contains("no such region"), "{ran}");
    let bill = json!({ "on": "POST /v1/projects", "do": "status", "status": 402,
        "message": "There are overdue invoices in the organization(s)" });
    fake.fail(bill);
    let ran = operator.run("tenant create poor --name Poor -o json").fails_with(3);
    assert!(ran.error()["hint"].as_str().unwrap().contains("billing"), "{ran}");
    finish(&fake, &operator, 4);
}

#[test]
fn a_name_that_is_taken_by_ours_is_adopted_and_by_two_is_refused() {
    for status in [400, 409, 422] {
        let (fake, operator) = operator();
        // It appears in lists only after the request was refused.
        fake.set(&json!({ "name_taken_status": status, "list_lag_ms": 1500 }));
        let id = uuid::Uuid::new_v4().to_string();
        let name = format!("acme-tctl-{}", id.replace('-', ""));
        fake.put_new_project(&name);
        let ran = operator.run(&format!("{CREATE} --id {id}")).success();
        assert!(ran.json()["steps"][1]["detail"].as_str().unwrap().contains("was there"), "{ran}");
        assert_eq!(fake.projects().len(), 1);
    }
    let (fake, operator) = operator();
    let id = uuid::Uuid::new_v4().to_string();
    let name = format!("acme-tctl-{}", id.replace('-', ""));
    fake.put_project(&name);
    let second = fake.put_project(&name);
    let line = format!("{CREATE} --id {id}");
    let ran = operator.run(&line).fails_with(8);
    assert!(ran.error()["causes"].to_string().contains(&second), "{ran}");
    assert!(operator.tenants_quarantined() == 1);
    assert_eq!(fake.projects().len(), 2, "neither was touched");
}

#[test]
fn a_strangers_project_is_never_used_and_never_deleted() {
    let (fake, operator) = operator();
    let id = uuid::Uuid::new_v4().to_string();
    let reference = fake.put_project(&format!("acme-tctl-{}", id.replace('-', "")));
    fake.inside(
        &reference,
        "CREATE SCHEMA tenantctl; CREATE TABLE tenantctl.identity (tenant_id uuid, \
         control_plane_id uuid); INSERT INTO tenantctl.identity VALUES (gen_random_uuid(), \
         gen_random_uuid())",
    );
    let ran = operator.run(&format!("{CREATE} --id {id}")).fails_with(8);
    assert!(ran.error()["causes"].to_string().contains("its stamp names tenant"), "{ran}");
    assert!(operator.tenants_quarantined() == 1);
    let purge = "tenant delete acme --purge --no-backup --confirm acme -o json";
    assert_ne!(operator.run(purge).code(), 0);
    assert_eq!(fake.projects().len(), 1);
    assert_eq!(fake.asked("DELETE /v1/projects/{ref}").len(), 0);
    // A person looked, and made it ours: the same command goes on.
    fake.inside(&reference, "DROP SCHEMA tenantctl CASCADE");
    let _ran = operator.run(&format!("{CREATE} --id {id}")).success();
    assert!(operator.tenants_quarantined() == 0);
}

#[test]
fn deleting_waits_until_it_is_possible_and_survives_lost_answers() {
    let (fake, operator) = operator();
    let _ran = operator.run(CREATE).success();
    let lost = json!({ "on": "DELETE /v1/projects/{ref}", "do": "lost", "acts": true });
    fake.fail(lost);
    let purge = "tenant delete acme --purge --no-backup --confirm acme";
    let _ran = operator.run(purge).success();
    assert_eq!(fake.projects(), []);

    fake.set(&json!({ "is_stuck": true, "not_ready_for_deletion": 2 }));
    let _ran = operator.run(&format!("{CREATE} --no-wait")).success();
    let _ran = operator.run(purge).success();
    assert_eq!(fake.projects(), []);
    let deletes = fake.asked("DELETE /v1/projects/{ref}");
    let statuses: Vec<_> = deletes.iter().map(|asked| asked.status).collect();
    assert!(statuses.ends_with(&[400, 400, 200]), "{statuses:?}");
}

#[test]
fn killed_anywhere_it_continues_and_there_is_one_project() {
    for point in ["place.before", "place.after", "await.after", "secure.after", "register.before"] {
        let (fake, operator) = operator();
        let _ran = operator.run_failing(&format!("{point}:kill"), CREATE).was_killed();
        finish(&fake, &operator, 1);
    }
}

#[test]
fn purging_that_is_killed_anywhere_continues_and_nothing_is_left() {
    let purge = "tenant delete acme --purge --no-backup --confirm acme";
    let (fake, operator) = operator();
    for point in ["check.after", "drop.after", "tombstone.before"] {
        let _ran = operator.run(CREATE).success();
        let _ran = operator.run_failing(&format!("{point}:kill"), purge).was_killed();
        let _ran = operator.run(purge).success();
        assert_eq!(fake.projects(), [], "{point}");
        assert!(operator.tenants("acme").iter().all(|tenant| tenant.status == "purged"));
    }
    let seen = operator.run("tenant list -o json").success().json();
    assert_eq!((&seen["tenants"], &seen["unrecorded"]), (&json!([]), &json!([])));
}
