//! Fleet migrations as runs: killed, shared, gone on with, stopped by their limits and from outside.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::product::{NOTES, Product, result, verdicts, wait_for_the_table};
use crate::support::{PATIENCE, until};

const ALL: [&str; 4] = ["a1", "b2", "c3", "d4"];

/// Leaves what makes `NOTES` fail.
fn poison(product: &Product, slug: &str) {
    product
        .operator
        .inside(slug)
        .run("SET search_path = public; INSERT INTO vendors (code, name) VALUES ('POISON', 'x')");
}

fn cure(product: &Product, slug: &str) {
    product.operator.inside(slug).run("DELETE FROM public.vendors WHERE code = 'POISON'");
}

/// Returns the run's lines as the control plane has them: slug, state, and how often it was leased.
fn lines(product: &Product, run: i64) -> String {
    product.operator.plane().ask(&format!(
        "SELECT string_agg(concat_ws(':', slug, state, lease), ' ' ORDER BY slug) \
         FROM control_plane.migration_run_tenants JOIN control_plane.tenant_metadata \
         USING (tenant_id) WHERE run_id = {run}"
    ))
}

/// Returns the outcomes that the audit trail has of an act.
fn trail(product: &Product, action: &str) -> String {
    product.operator.plane().ask(&format!(
        "SELECT coalesce(string_agg(concat_ws(' ', target, outcome), ', ' ORDER BY id), '') \
         FROM control_plane.policy_sync_log WHERE action = '{action}'"
    ))
}

fn state(report: &Value) -> (&str, &str) {
    let run = &report["run"];
    (run["state"].as_str().unwrap(), run["state_reason"].as_str().unwrap_or_default())
}

#[test]
fn a_killed_run_is_gone_on_with_by_whoever_comes() {
    let product = Product::new();
    product.create(&ALL);
    product.add("V8__notes.sql", NOTES);
    // One tenant is held, so that the process is killed in the middle.
    let mut holder = product.database("b2");
    holder.run("BEGIN; LOCK TABLE public.vendors IN ACCESS SHARE MODE");
    let running = product.operator.start("migrate apply --all --jobs 1 --reason 'for notes'", &[]);
    wait_for_the_table(&mut product.database("b2"));
    running.signal(Signal::KILL);
    let _ran = running.wait().was_killed();
    holder.run("ROLLBACK");

    let listed = product.run("migrate runs list -o json").success().json();
    let run = &listed["runs"][0];
    assert_eq!((&run["id"], &run["state"]), (&json!(1), &json!("rolling")));
    assert_eq!((&run["reason"], &run["workers"]), (&json!("for notes"), &json!([])));
    assert_eq!(run["migrations"][7], "V8__notes");
    assert_eq!(run["selector"]["all"], true);
    let plan = product.run("migrate resume --dry-run -o json").success().json();
    assert_eq!(result(&plan, "d4")["pending"], json!(["V8__notes"]));

    // With other files than it was planned with nobody takes part.
    product.add("V9__more.sql", "CREATE TABLE public.more (id int);\n");
    let error = product.run("migrate resume 1 -o json").fails_with(5).error();
    assert!(error["message"].to_string().contains("V9__more is here"), "{error}");
    std::fs::remove_file(product.folder.join("V9__more.sql")).unwrap();
    product.add("V8__notes.sql", &format!("{NOTES}-- edited\n"));
    let error = product.run("migrate resume 1 -o json").fails_with(5).error();
    assert!(error["message"].to_string().contains("V8__notes has another text"), "{error}");
    product.add("V8__notes.sql", NOTES);

    let ran = product.run("migrate resume -o json").success();
    let report = ran.json();
    assert_eq!(verdicts(&report), "a1:done b2:done c3:done d4:done");
    assert_eq!(state(&report), ("completed", ""));
    assert_eq!(lines(&product, 1), "a1:done:1 b2:done:2 c3:done:1 d4:done:1");
    for slug in ALL {
        assert_eq!(product.history(slug), "1,2,3,4,5,6,7,8");
        assert_eq!(product.recorded(slug), "8");
    }
    assert_eq!(trail(&product, "migrate.apply"), "run 1 intent, run 1 done");
    // It is over: nothing is left to go on with, and a fleet with nothing to do makes no run.
    let _ran = product.run("migrate resume -o json").fails_with(4);
    let _ran = product.run("migrate resume 7 -o json").fails_with(4);
    let again = product.run("migrate apply --all -o json").success().json();
    assert_eq!(again["run"], Value::Null);
    assert_eq!(
        product.operator.plane().ask("SELECT count(*) FROM control_plane.migration_runs"),
        "1"
    );
    let shown = product.run("migrate runs show 1 -o json").success().json();
    assert_eq!(verdicts(&shown), verdicts(&report));
    let shown = product.run("migrate runs show 1").success();
    assert!(shown.stdout().contains("because   for notes"), "{shown}");
    product.operator.assert_sound();
}

#[test]
fn canaries_go_first_and_a_failure_among_them_stops_everybody_else() {
    let product = Product::new();
    product.create(&ALL);
    let _ran = product.run("tenant update c3 --label tier=internal").success();
    poison(&product, "c3");
    product.add("V8__notes.sql", NOTES);
    let line = "migrate apply --all --jobs 4 --canary label=tier=internal -o json";
    let report = product.run(line).fails_with(9).json();
    assert_eq!(verdicts(&report), "a1:not_begun b2:not_begun c3:failed d4:not_begun");
    assert_eq!(state(&report), ("paused", "a canary failed"));
    assert_eq!(lines(&product, 1), "a1:pending:0 b2:pending:0 c3:failed:1 d4:pending:0");
    // Taken up as it is, the others go on without it.
    cure(&product, "c3");
    let report = product.run("migrate resume 1 -o json").fails_with(9).json();
    assert_eq!(verdicts(&report), "a1:done b2:done c3:failed d4:done");
    assert_eq!(state(&report), ("completed_with_failures", ""));
    assert_eq!(trail(&product, "migrate.resume"), "run 1 intent, run 1 done");
    // And that one alone has another turn.
    let report = product.run("migrate resume --failed -o json").success().json();
    assert_eq!(
        (verdicts(&report), state(&report).0),
        ("a1:done b2:done c3:done d4:done".to_owned(), "completed",)
    );
    assert_eq!(lines(&product, 1), "a1:done:1 b2:done:1 c3:done:2 d4:done:1");

    // Clean canaries let the others begin.
    product.add("V9__more.sql", "CREATE TABLE public.more (id int);\n");
    let report = product.run("migrate apply --all --canary 2 -o json").success().json();
    assert_eq!(verdicts(&report), "a1:done b2:done c3:done d4:done");
    assert_eq!(report["run"]["canary"], "2");
    let began_late: i64 = product.operator.plane().value(
        "SELECT count(*) FROM control_plane.migration_run_tenants rest WHERE run_id = 2 AND wave = 1 \
         AND started_at >= (SELECT max(finished_at) FROM control_plane.migration_run_tenants \
         WHERE run_id = 2 AND wave = 0)",
    );
    assert_eq!(began_late, 2, "the rest began when the canaries were done");
    product.operator.assert_sound();
}

#[test]
fn beyond_the_failures_that_are_allowed_nothing_new_starts() {
    let product = Product::new();
    product.create(&["a1", "b2", "c3", "d4", "e5", "f6"]);
    for slug in ["a1", "b2", "c3"] {
        poison(&product, slug);
    }
    product.add("V8__notes.sql", NOTES);
    let line = "migrate apply --all --jobs 1 --max-failures 1 -o json";
    let report = product.run(line).fails_with(9).json();
    let stopped = "a1:failed b2:failed c3:not_begun d4:not_begun e5:not_begun f6:not_begun";
    assert_eq!(verdicts(&report), stopped);
    assert_eq!(state(&report), ("paused", "2 failed, and 1 may"));
    assert_eq!(report["failures"][0]["tenants"], 2, "one line for one cause");
    let begun: i64 = product.operator.plane().value(
        "SELECT count(*) FROM control_plane.migration_run_tenants \
         WHERE started_at > (SELECT max(finished_at) FROM control_plane.migration_run_tenants)",
    );
    assert_eq!(begun, 0, "nobody begins after the one too many");
    // What it failed with so far pauses it no more, the next does.
    cure(&product, "c3");
    let report = product.run("migrate resume 1 --jobs 1 -o json").fails_with(9).json();
    let done = "a1:failed b2:failed c3:done d4:done e5:done f6:done";
    assert_eq!((verdicts(&report), state(&report).0), (done.to_owned(), "completed_with_failures"));
    cure(&product, "a1");
    let report = product.run("migrate resume 1 --failed -o json").fails_with(9).json();
    assert_eq!(result(&report, "a1")["outcome"], "done");
    assert_eq!(result(&report, "b2")["outcome"], "failed");
    let ends = trail(&product, "migrate.apply");
    assert_eq!(ends, "run 1 intent, run 1 failed, run 1 intent, run 1 failed");

    // A history that contradicts the files pauses at once, whatever may fail.
    product.add("V9__more.sql", "CREATE TABLE public.more (id int);\n");
    product
        .database("c3")
        .run("UPDATE tenantctl.schema_history SET checksum = '255' WHERE version = 3");
    cure(&product, "b2");
    let line = "migrate apply --tenant c3,d4,e5 --jobs 1 -o json";
    let report = product.run(line).fails_with(9).json();
    assert_eq!(verdicts(&report), "c3:failed d4:not_begun e5:not_begun");
    assert_eq!(state(&report), ("paused", "a tenant's database contradicts the migrations"));
    product.operator.assert_sound();
}

#[test]
fn a_run_is_paused_and_cancelled_from_another_terminal() {
    let product = Product::new();
    product.create(&ALL);
    product.add("V8__notes.sql", NOTES);
    let mut holder = product.database("a1");
    holder.run("BEGIN; LOCK TABLE public.vendors IN ACCESS SHARE MODE");
    let running = product.operator.start("migrate apply --all --jobs 1 -o json", &[]);
    wait_for_the_table(&mut product.database("a1"));
    let shown = product.run("migrate runs list -o json").success().json();
    assert_eq!(shown["runs"][0]["workers"][0]["jobs"], 1, "{shown}");
    let plan = product.run("migrate runs pause 1 --dry-run -o json").success().json();
    assert_eq!((&plan["dry_run"], &plan["plan"]["changed"]), (&json!(true), &json!(true)));
    let paused =
        product.run("migrate runs pause 1 --reason 'wait for me' -o json").success().json();
    assert_eq!((&paused["run"]["state"], &paused["changed"]), (&json!("paused"), &json!(true)));
    let again = product.run("migrate runs pause 1 -o json").success().json();
    assert_eq!(again["changed"], false);
    holder.run("ROLLBACK");
    let ran = running.wait().fails_with(8);
    let report = ran.json();
    assert_eq!(verdicts(&report), "a1:done b2:not_begun c3:not_begun d4:not_begun");
    assert_eq!(state(&report), ("paused", "wait for me"));

    // Taken up by the same command; interrupted once, it drains and says how to go on.
    let mut holder = product.database("b2");
    holder.run("BEGIN; LOCK TABLE public.vendors IN ACCESS SHARE MODE");
    let running = product.operator.start("migrate apply --all --jobs 1", &[]);
    wait_for_the_table(&mut product.database("b2"));
    running.signal(Signal::INT);
    until("what it did not begin to be given back", PATIENCE, || {
        match lines(&product, 1).as_str() {
            "a1:done:1 b2:leased:1 c3:pending:0 d4:pending:0" => Ok(()),
            other => Err(other.to_owned()),
        }
    });
    holder.run("ROLLBACK");
    let ran = running.wait().fails_with(130);
    assert!(ran.stderr().contains("tenantctl migrate resume 1"), "{ran}");
    assert_eq!(product.history("b2"), "1,2,3,4,5,6,7,8");

    let cancelled =
        product.run("migrate runs cancel 1 --reason 'too slow' -o json").success().json();
    assert_eq!(cancelled["run"]["state"], "cancelled");
    let error = product.run("migrate resume 1 -o json").fails_with(5).error();
    assert!(error["message"].to_string().contains("cancelled"), "{error}");
    let _ran = product.run("migrate runs pause 1 -o json").fails_with(5);
    assert_eq!(trail(&product, "migrate.apply"), "run 1 intent, run 1 failed");
    assert_eq!(trail(&product, "migrate.cancel"), "run 1 intent, run 1 done");
    let watched = product.run("migrate runs watch 1 -o json").success().json();
    assert_eq!(verdicts(&watched), "a1:done b2:done c3:not_begun d4:not_begun");
    // A new one does what is left.
    let report = product.run("migrate apply --all -o json").success().json();
    assert_eq!(verdicts(&report), "a1:unchanged b2:unchanged c3:done d4:done");
    assert_eq!(report["run"]["tenants"]["count"], 2);
    product.operator.assert_sound();
}
