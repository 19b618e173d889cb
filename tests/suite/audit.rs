//! The audit trail: what every write leaves there, and what tampering with it shows.

use serde_json::Value;

use crate::support::{Operator, Session, server};

const USER: &str = "aaaaaaaa-0000-4000-8000-000000000001";

/// An operator whose trail has some rows, and the superuser who will tamper with it.
fn with_a_trail() -> (Operator, Session) {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    for line in ["protect acme", "unprotect acme", "protect acme"] {
        let _ran = operator.run(&format!("tenant {line}")).success();
    }
    let mut superuser = server().superuser(operator.plane_name());
    superuser.run("SET session_replication_role = replica");
    (operator, superuser)
}

/// Runs `audit verify` and returns the row it names, with the problem.
fn first_bad(operator: &Operator) -> (i64, String) {
    let ran = operator.run("audit verify -o json").fails_with(10);
    let chain = ran.json()["chain"].take();
    assert_eq!(chain["valid"], false, "{ran}");
    let id = chain["first_bad"]["id"].as_i64().unwrap();
    (id, chain["first_bad"]["problem"].as_str().unwrap().to_owned())
}

fn number(superuser: &mut Session, question: &str) -> i64 {
    superuser.ask(question).parse().unwrap()
}

#[test]
fn every_write_leaves_an_intent_and_an_outcome() {
    let operator = Operator::new();
    let revoke = "session revoke --tenant acme --reason test --yes";
    for (line, action) in [
        ("tenant create acme --name Acme --no-migrate", "tenant.create"),
        ("migrate apply --tenant acme", "migrate.apply"),
        ("seed apply --tenant acme", "seed.apply"),
        ("tenant protect acme", "tenant.protect"),
        ("tenant unprotect acme", "tenant.unprotect"),
        ("tenant rotate acme", "tenant.rotate"),
        (revoke, "session.revoke"),
        ("tenant delete acme --confirm acme", "tenant.delete"),
        ("tenant restore acme", "tenant.restore"),
        ("tenant delete acme --purge --no-backup --confirm acme", "tenant.purge"),
    ] {
        let before: i64 =
            operator.plane().value("SELECT last_id FROM control_plane.policy_sync_head");
        let _ran = operator.run(&format!("{line} --actor somebody")).success();
        let rows = operator.plane().ask(&format!(
            "SELECT outcome, count(*), count(DISTINCT operation_id), min(actor), \
             min(detail ->> 'login') FROM control_plane.policy_sync_log \
             WHERE id > {before} AND action = '{action}' GROUP BY outcome ORDER BY outcome DESC"
        ));
        assert_eq!(rows, "intent|1|1|somebody|operator\ndone|1|1|somebody|operator", "{line}");
    }
    let unmatched = operator.plane().ask(
        "SELECT action, operation_id FROM control_plane.policy_sync_log GROUP BY 1, 2 \
         HAVING count(*) FILTER (WHERE outcome = 'intent') <> 1 \
         OR count(*) FILTER (WHERE outcome <> 'intent') <> 1",
    );
    assert_eq!(unmatched, "");
    let verified = operator.run("audit verify -o json").success().json();
    assert_eq!(verified["chain"]["valid"], true);
    let rows: i64 = operator.plane().value("SELECT count(*) FROM control_plane.policy_sync_log");
    assert_eq!(verified["chain"]["rows"], rows);
    // The beginning itself is told as well.
    let fresh = Operator::before_init();
    let _ran = fresh.run("init").success();
    let rows =
        fresh.plane().ask("SELECT action, outcome FROM control_plane.policy_sync_log ORDER BY id");
    assert_eq!(rows, "init|intent\ninit|done");
}

#[test]
fn what_fails_leaves_an_outcome_too_and_what_only_looks_leaves_nothing() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let issue = format!("session issue --user {USER} --tenant acme");
    let _ran = operator.run(&issue).success();
    let count = "SELECT count(*) FROM control_plane.policy_sync_log";
    let before = operator.plane().ask(count);
    for line in [
        "tenant list",
        "tenant show acme",
        "tenant url acme --reveal",
        "migrate status --verify",
        "session list --tenant acme",
        "session revoke --tenant acme --reason x --dry-run",
        "tenant delete acme --dry-run",
        "tenant create globex --name Globex --dry-run",
        "tenant protect acme --dry-run",
        "seed apply --tenant acme --dry-run",
        "audit list",
        "audit export",
        "audit verify",
        "init",
        issue.as_str(),
    ] {
        let ran = operator.run(line);
        assert!(matches!(ran.code(), 0 | 10), "{ran}");
    }
    assert_eq!(operator.plane().ask(count), before);
    let _ran = operator.run("tenant protect acme").success();
    let _ran = operator.run("tenant protect acme").success();
    let newest = operator
        .plane()
        .ask("SELECT outcome FROM control_plane.policy_sync_log ORDER BY id DESC LIMIT 1");
    assert_eq!(newest, "unchanged");
}

#[test]
fn an_act_whose_row_cannot_be_written_does_not_happen() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let issued = operator.run(&format!("session issue --user {USER} --tenant acme -o json"));
    let jti = issued.success().json()["session"]["jti"].as_str().unwrap().to_owned();
    let mut plane = operator.plane();
    plane.run(
        "CREATE FUNCTION control_plane.disk_full() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE 'could not extend file' USING ERRCODE = '53100'; END $$; \
         CREATE TRIGGER disk_full BEFORE INSERT ON control_plane.policy_sync_log \
         FOR EACH ROW EXECUTE FUNCTION control_plane.disk_full()",
    );
    for line in [
        "tenant protect acme".to_owned(),
        "tenant delete acme --confirm acme".to_owned(),
        "tenant create globex --name Globex".to_owned(),
        "seed apply --tenant acme".to_owned(),
        "migrate apply --tenant acme".to_owned(),
        "session revoke --tenant acme --reason x --yes".to_owned(),
        format!("session revoke --jti {jti} --reason x --yes"),
    ] {
        let ran = operator.run(&line);
        assert!(matches!(ran.code(), 7 | 8), "{ran}");
        assert!(ran.stderr().contains("could not extend file"), "{ran}");
    }
    plane.run("DROP TRIGGER disk_full ON control_plane.policy_sync_log");
    let acme = "SELECT status, protected FROM control_plane.tenant_metadata WHERE slug = 'acme'";
    assert_eq!(plane.ask(acme), "active|f");
    let _ran = operator.run(&format!("session check {jti}")).success();
    let is_empty = "SELECT to_regclass('public.vendors') IS NULL";
    assert_eq!(server().operator(&operator.tenant("acme").database).ask(is_empty), "t");
    assert_eq!(operator.tenants("globex"), [], "not even the slug is reserved");
    let _ran = operator.run("tenant create globex --name Globex").success();
    operator.assert_sound();
}

#[test]
fn the_operator_cannot_change_what_is_written() {
    let (operator, _superuser) = with_a_trail();
    let mut plane = operator.plane();
    for statement in [
        "UPDATE control_plane.policy_sync_log SET actor = 'nobody'",
        "DELETE FROM control_plane.policy_sync_log",
        "TRUNCATE control_plane.policy_sync_log",
        // Not even as one who takes the privilege back: the trigger says no.
        "GRANT ALL ON control_plane.policy_sync_log TO operator; \
         UPDATE control_plane.policy_sync_log SET actor = 'nobody'",
        "GRANT ALL ON control_plane.policy_sync_log TO operator; \
         DELETE FROM control_plane.policy_sync_log",
        "GRANT ALL ON control_plane.policy_sync_log TO operator; \
         TRUNCATE control_plane.policy_sync_log",
    ] {
        assert_eq!(plane.says_and_undoes(&[statement]), "ERROR 42501", "{statement}");
    }
    // Who inserts says who and what; number, time, login and hash are the server's.
    plane.run(
        "INSERT INTO control_plane.policy_sync_log \
         (id, at, actor, action, outcome, detail, prev_hash, hash) \
         VALUES (1, '2000-01-01', 'me', 'x', 'done', '{\"login\": \"somebody\"}', 'a', 'b')",
    );
    let row = plane.ask(
        "SELECT id = (SELECT last_id FROM control_plane.policy_sync_head), \
         at > '2020-01-01', detail ->> 'login' \
         FROM control_plane.policy_sync_log ORDER BY id DESC LIMIT 1",
    );
    assert_eq!(row, "t|t|operator");
    let _ran = operator.run("audit verify").success();
}

#[test]
fn a_changed_row_shows() {
    let (operator, mut superuser) = with_a_trail();
    superuser
        .run("CREATE TEMP TABLE kept AS SELECT * FROM control_plane.policy_sync_log WHERE id = 3");
    for change in [
        "actor = 'nobody'",
        "action = 'tenant.purge'",
        "at = at + interval '1 us'",
        "reason = 'because'",
        "detail = detail || '{\"x\": 1}'",
        "outcome = 'failed'",
        "target = 'globex'",
        "tenant_id = gen_random_uuid()",
        "operation_id = NULL",
        "hash = sha256('x')",
        "prev_hash = sha256('x')",
    ] {
        superuser.run(&format!("UPDATE control_plane.policy_sync_log SET {change} WHERE id = 3"));
        let (id, problem) = first_bad(&operator);
        superuser.run(
            "DELETE FROM control_plane.policy_sync_log WHERE id = 3; \
             INSERT INTO control_plane.policy_sync_log SELECT * FROM kept",
        );
        let _ran = operator.run("audit verify").success();
        assert_eq!(id, 3, "{change}: {problem}");
        let is_link = change.starts_with("hash") || change.starts_with("prev_hash");
        assert!(is_link || problem.contains("changed"), "{change}: {problem}");
    }
}

#[test]
fn a_row_changed_with_its_hash_breaks_the_next_one() {
    let (operator, mut superuser) = with_a_trail();
    superuser.run(
        "UPDATE control_plane.policy_sync_log SET actor = 'nobody' WHERE id = 3; \
         UPDATE control_plane.policy_sync_log l SET hash = control_plane.policy_sync_hash(l) \
         WHERE id = 3",
    );
    let (id, problem) = first_bad(&operator);
    assert_eq!(id, 4, "{problem}");
    // Rewritten to its very end, only the head remembers.
    superuser.run(
        "DO $$ DECLARE before bytea; r control_plane.policy_sync_log; BEGIN \
           FOR r IN SELECT * FROM control_plane.policy_sync_log ORDER BY id LOOP \
             IF r.id > 3 THEN r.prev_hash := before; \
               r.hash := control_plane.policy_sync_hash(r); \
               UPDATE control_plane.policy_sync_log SET prev_hash = r.prev_hash, hash = r.hash \
               WHERE id = r.id; END IF; \
             before := r.hash; END LOOP; END $$",
    );
    let last = number(&mut superuser, "SELECT last_id FROM control_plane.policy_sync_head");
    let (id, problem) = first_bad(&operator);
    assert_eq!(id, last, "{problem}");
    assert!(problem.contains("head"), "{problem}");
}

#[test]
fn a_removed_row_shows_wherever_it_was() {
    for removed in [1, 3] {
        let (operator, mut superuser) = with_a_trail();
        superuser.run(&format!("DELETE FROM control_plane.policy_sync_log WHERE id = {removed}"));
        let (id, problem) = first_bad(&operator);
        assert_eq!(id, removed + 1, "{problem}");
        assert!(problem.contains(&format!("row {removed} is missing")), "{problem}");
    }
}

#[test]
fn swapped_rows_show() {
    let (operator, mut superuser) = with_a_trail();
    superuser.run(
        "UPDATE control_plane.policy_sync_log SET id = 1000 WHERE id = 3; \
         UPDATE control_plane.policy_sync_log SET id = 3 WHERE id = 4; \
         UPDATE control_plane.policy_sync_log SET id = 4 WHERE id = 1000",
    );
    assert_eq!(first_bad(&operator).0, 3);
    // With hashes that fit their new numbers, the links no longer do.
    superuser.run(
        "UPDATE control_plane.policy_sync_log l SET hash = control_plane.policy_sync_hash(l) \
         WHERE id IN (3, 4)",
    );
    assert_eq!(first_bad(&operator).0, 3);
}

#[test]
fn a_cut_tail_and_an_emptied_trail_show() {
    let (operator, mut superuser) = with_a_trail();
    let last = number(&mut superuser, "SELECT last_id FROM control_plane.policy_sync_head");
    superuser.run(&format!("DELETE FROM control_plane.policy_sync_log WHERE id > {}", last - 2));
    let (id, problem) = first_bad(&operator);
    assert_eq!(id, last - 1, "{problem}");
    assert!(problem.contains("newest rows are missing"), "{problem}");
    superuser.run("DELETE FROM control_plane.policy_sync_log");
    assert_eq!(first_bad(&operator).0, 1);
    let text = operator.run("audit verify").fails_with(10);
    assert!(text.stdout().contains("broken at row 1"), "{text}");
}

#[test]
fn lists_are_newest_first_and_filtered_and_the_export_is_the_whole_in_order() {
    let (operator, _superuser) = with_a_trail();
    let _ran = operator.run("tenant create globex --name Globex --no-migrate").success();
    let ids = |line: &str| {
        let list = operator.run(&format!("audit list --raw {line} -o json")).success().json();
        assert_eq!(list["format_version"], 1);
        let rows = list["entries"].as_array().unwrap().clone();
        rows.into_iter().map(|mut row| row["id"].take().as_i64().unwrap()).collect::<Vec<_>>()
    };
    let all = ids("");
    assert!(all.windows(2).all(|pair| pair[0] == pair[1] + 1), "{all:?}");
    assert_eq!(ids("--limit 3"), all[..3]);
    let of_acme = ids("--tenant acme");
    assert!(!of_acme.is_empty() && of_acme.len() < all.len(), "{of_acme:?}");
    assert_eq!(ids("--action tenant.unprotect").len(), 2);
    assert_eq!(ids("--action tenant.purge"), [0; 0]);
    let _ran = operator.run("audit list --tenant nobody").fails_with(4);

    for format in ["table", "json", "ndjson"] {
        let export = operator.run(&format!("audit export -o {format}")).success();
        let mut rows: Vec<Value> =
            export.stdout().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        // Cut off, an export has no last line.
        assert_eq!(rows.pop().unwrap()["summary"]["count"], all.len());
        let rows: Vec<_> = rows.into_iter().map(|mut line| line["entry"].take()).collect();
        let exported: Vec<_> = rows.iter().map(|row| row["id"].as_i64().unwrap()).collect();
        assert!(exported.iter().eq(all.iter().rev()), "{exported:?}");
        for pair in rows.windows(2) {
            assert_eq!(pair[1]["prev_hash"], pair[0]["hash"], "a reader can walk the chain");
        }
        for field in ["at", "actor", "action", "target", "outcome", "operation_id", "detail"] {
            assert!(!rows[2][field].is_null(), "{field} in {}", rows[2]);
        }
    }
}

#[test]
fn a_trail_is_asked_by_who_what_when_and_of_whom_with_one_line_an_act() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --actor ann").success();
    let first = operator.tenant("acme").id;
    let _ran = operator.run("lockdown acme --reason leak --actor bob").success();
    let purge = "tenant delete acme --purge --no-backup --confirm acme";
    let _ran = operator.run(purge).success();
    let _ran = operator.run("tenant create acme --name Acme --actor cid").success();
    let second = operator.tenant("acme").id;
    let user = "7d3c1b62-3f6e-4c1e-9a57-0c8d5d2a4e11";
    let _ran = operator
        .run(&format!("--yes session revoke --user {user} --tenant acme --reason r"))
        .success();

    let asked = |flags: &str| {
        let ran = operator.run(&format!("audit list -o json {flags}")).success();
        let entries = ran.json()["entries"].as_array().unwrap().clone();
        let word = |entry: &serde_json::Value, name: &str| entry[name].as_str().unwrap().to_owned();
        let line = |entry| format!("{} {}", word(entry, "action"), word(entry, "outcome"));
        entries.iter().map(line).collect::<Vec<_>>()
    };
    // A slug means whoever had it; an id one of them.
    let of_slug = asked("--tenant acme");
    assert_eq!(
        of_slug,
        [
            "session.revoke done",
            "tenant.create done",
            "tenant.purge done",
            "tenant.delete done",
            "tenant.lockdown done",
            "tenant.create done"
        ]
    );
    assert_eq!(asked(&format!("--tenant {first}")), of_slug[2..]);
    assert_eq!(asked(&format!("--tenant {second}")), of_slug[..2]);
    assert_eq!(asked("--actor bob"), ["tenant.lockdown done"]);
    assert_eq!(asked("--action tenant.create").len(), 2);
    assert_eq!(asked(&format!("--user {user}")), ["session.revoke done"]);
    assert_eq!(asked("--outcome failed"), [""; 0]);
    assert_eq!(asked("--tenant acme --raw").len(), 12);
    assert_eq!(asked("--since 1h"), asked(""));
    assert_eq!(asked("--until 1h"), [""; 0]);
    // An act that came to no end stays, as what it is.
    operator.plane().run(
        "INSERT INTO control_plane.policy_sync_log (actor, action, outcome, operation_id) \
         VALUES ('ann', 'tenant.rotate', 'intent', gen_random_uuid())",
    );
    assert_eq!(asked("--outcome intent"), ["tenant.rotate intent"]);
    for bad in ["--action lockdown", "--since yesterday", "--outcome bad"] {
        let _ran = operator.run(&format!("audit list {bad}")).fails_with(2);
    }
}
