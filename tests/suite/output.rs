//! The two streams: results on stdout in the shape that was asked for, everything else on stderr,
//! and nothing from outside that could take over a terminal.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Operator, Terminal, plain, server};

const USER: &str = "aaaaaaaa-0000-4000-8000-000000000001";

/// What a terminal could be told by a name: OSC 52 and 8, CSI, C1, backspace, line breaks, marks
/// that reverse the reading order or have no width.
const HOSTILE: &str = "evil\u{1b}]52;c;aGk=\u{7}\u{1b}]8;;http://x\u{1b}\\\u{1b}[2J\u{9b}31m\u{8}\r\n\
                       \u{202e}drow\u{202c}\u{200b}\u{2028}\u{7f}\tend";

/// Whether a text holds something no result may: control characters other than the line break, and
/// marks of direction.
fn unsafe_character(text: &str) -> Option<char> {
    text.chars().find(|character| {
        (character.is_control() && *character != '\n')
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
    })
}

fn issue(operator: &Operator, slug: &str) -> String {
    let line = format!("session issue --user {USER} --tenant {slug} -o json");
    operator.run(&line).success().json()["session"]["jti"].as_str().unwrap().to_owned()
}

#[test]
fn every_result_in_json_says_its_version_and_stands_under_its_noun() {
    let operator = Operator::before_init();
    let check = |line: &str, noun: &str, is_list: bool| -> Value {
        let ran = operator.run(&format!("{line} -o json")).success();
        let document = ran.json();
        assert_eq!(document["schema_version"], 1, "{ran}");
        assert_eq!(document.as_object().unwrap().keys().next().unwrap(), "schema_version", "{ran}");
        let thing = &document[noun];
        assert!(if is_list { thing.is_array() } else { !thing.is_null() }, "no `{noun}` in {ran}");
        assert!(ran.stdout().ends_with("}\n"), "{ran}");
        document
    };
    check("init --dry-run", "control_plane", false);
    check("init", "control_plane", false);
    check("tenant list", "tenants", true);
    check("tenant create acme --name Acme --dry-run", "plan", false);
    check("tenant create acme --name Acme", "tenant", false);
    check("tenant create acme --name Acme", "tenant", false);
    check("tenant list", "tenants", true);
    check("tenant show acme", "tenant", false);
    check("tenant url acme", "url", false);
    check("tenant url acme --reveal", "url", false);
    check("tenant rotate acme --dry-run", "url", false);
    check("tenant rotate acme", "url", false);
    check("tenant protect acme --dry-run", "tenant", false);
    check("tenant protect acme", "tenant", false);
    check("tenant unprotect acme", "tenant", false);
    check("migrate apply --all --dry-run", "results", true);
    check("migrate apply --all", "results", true);
    check("migrate status", "tenants", true);
    check("migrate status --verify", "tenants", true);
    check("seed list", "seed_sets", true);
    check("seed apply --all --dry-run", "results", true);
    check("seed apply --all", "results", true);
    let issued = check(&format!("session issue --user {USER} --tenant acme"), "session", false);
    let jti = issued["session"]["jti"].as_str().unwrap();
    check(&format!("session check {jti}"), "session", false);
    check(&format!("session show {jti}"), "session", false);
    check("session list --tenant acme", "sessions", true);
    check(&format!("session revoke --jti {jti} --reason x --dry-run"), "revocation", false);
    check(&format!("session revoke --jti {jti} --reason x --yes"), "revocation", false);
    check("audit list", "entries", true);
    check("audit verify", "chain", false);
    check("tenant delete acme --dry-run", "plan", false);
    check("tenant delete acme --confirm acme", "tenant", false);
    check("tenant restore acme --dry-run", "tenant", false);
    check("tenant restore acme", "tenant", false);
    check("tenant delete acme --confirm acme", "tenant", false);
    check("tenant purge acme --no-backup --dry-run", "plan", false);
    check("tenant purge --due --no-backup --dry-run", "results", true);
    check("tenant purge acme --no-backup --confirm acme", "tenant", false);
    check("tenant purge --due --no-backup --confirm due", "results", true);
    check("local status", "local", false);
}

#[test]
fn lists_in_ndjson_are_one_object_a_line() {
    let operator = Operator::new();
    for slug in ["acme", "globex"] {
        let create = format!("tenant create {slug} --name {slug} --no-migrate");
        let _ran = operator.run(&create).success();
    }
    issue(&operator, "acme");
    for (line, count) in [
        ("tenant list", 2),
        ("tenant show acme", 1),
        ("migrate apply --all", 2),
        ("migrate status", 2),
        ("seed list", 1),
        ("session list --tenant acme", 1),
        ("audit list --limit 3", 3),
        ("audit verify", 1),
    ] {
        let ran = operator.run(&format!("{line} -o ndjson")).success();
        let lines: Vec<Value> =
            ran.stdout().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), count, "{ran}");
        assert!(lines.iter().all(Value::is_object), "{ran}");
        // Progress is for programs as well.
        for line in ran.stderr().lines() {
            let event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {ran}"));
            assert!(event["event"].is_string(), "{event}");
        }
    }
}

/// Runs a line in JSON, checks the shape every error has, and returns its kind.
fn error_kind(operator: &Operator, line: &str, code: i32) -> String {
    let ran = operator.run(&format!("{line} -o json")).fails_with(code);
    assert_eq!(ran.stdout(), "", "nothing on stdout: {ran}");
    assert_eq!(ran.stderr().lines().count(), 1, "one object: {ran}");
    let error = ran.error();
    let fields: Vec<_> = error.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["kind", "message", "causes", "hint", "retryable"], "{ran}");
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("failed to "), "{ran}");
    for cause in error["causes"].as_array().unwrap() {
        assert!(!message.contains(cause.as_str().unwrap()), "said twice: {ran}");
    }
    assert!(error["hint"].is_string() || error["hint"].is_null(), "{ran}");
    let kind = error["kind"].as_str().unwrap().to_owned();
    let is_retryable = matches!(&*kind, "unavailable" | "incomplete" | "partial" | "interrupted");
    assert_eq!(error["retryable"], is_retryable, "{ran}");
    // People read the same words.
    let text = operator.run(line).fails_with(code);
    assert_eq!(text.stdout(), "", "{text}");
    if kind != "usage" {
        assert!(text.stderr().contains(&format!("error: {message}")), "{text}\n{message}");
        if let Some(hint) = error["hint"].as_str() {
            assert!(text.stderr().contains(&format!("hint: {hint}")), "{text}");
        }
    }
    kind
}

#[test]
fn every_kind_of_error_is_one_object_with_its_own_exit_code() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let _ran = operator.run("tenant protect acme").success();
    assert_eq!(error_kind(&operator, "tenant create acme", 2), "usage");
    assert_eq!(error_kind(&operator, "migrate apply", 2), "usage");
    assert_eq!(error_kind(&operator, "--profile nowhere tenant list", 2), "usage");
    assert_eq!(error_kind(&operator, "tenant delete acme", 3), "refused");
    assert_eq!(error_kind(&operator, "tenant delete acme --yes", 3), "refused");
    assert_eq!(error_kind(&operator, "tenant delete acme --confirm other", 3), "refused");
    assert_eq!(error_kind(&operator, "tenant delete acme --confirm acme", 3), "refused");
    assert_eq!(error_kind(&operator, "tenant show nobody", 4), "not_found");
    assert_eq!(error_kind(&operator, "tenant create acme --name Other", 5), "conflict");
    let set = operator.home().join("seeds/broken");
    std::fs::create_dir_all(&set).unwrap();
    std::fs::write(set.join("1.sql"), "SELECT 1 / 0;\n").unwrap();
    let operator = operator.with("TENANTCTL_SEEDS_DIR", set.parent().unwrap());
    let create = "tenant create globex --name Globex --seed=broken";
    assert_eq!(error_kind(&operator, create, 8), "incomplete");

    let login = operator.tenant("acme").database;
    let url = |text: String| Operator::unconfigured().with("TENANTCTL_CONTROL_PLANE_URL", text);
    let plane = operator.plane_name();
    let wrong = server().url(&format!("{login}:wrong"), plane);
    assert_eq!(error_kind(&url(wrong), "tenant list", 6), "denied");
    let right = operator.run("tenant url acme --reveal").success().stdout().trim().to_owned();
    let right = right.replacen(&format!("@/{login}"), &format!("@/{plane}"), 1);
    assert_eq!(error_kind(&url(right), "tenant list", 6), "denied");
    let away = "postgresql://operator@/control_plane?host=/nowhere".to_owned();
    assert_eq!(error_kind(&url(away), "tenant list", 7), "unavailable");
    let closed = "postgresql://operator@127.0.0.1:1/control_plane".to_owned();
    let closed = url(closed);
    assert_eq!(error_kind(&closed, "tenant list", 7), "unavailable");
    // The reason, and not that something was waited for.
    let refused = closed.run("tenant list -o json").fails_with(7).error();
    assert!(refused["causes"][0].to_string().contains("Connection refused"), "{refused}");
    assert_eq!(error_kind(&url(server().url("operator", "no_such")), "tenant list", 3), "refused");
    assert_eq!(error_kind(&Operator::unconfigured(), "tenant list", 2), "usage");
}

#[test]
fn quiet_leaves_the_result_and_errors_alone() {
    let operator = Operator::new();
    let loud = operator.run("tenant create acme --name Acme").success();
    assert!(loud.stderr().contains("Next:"), "progress and hints are on stderr: {loud}");
    assert!(loud.stdout().starts_with("tenant "), "{loud}");
    assert!(!loud.stdout().contains("Next:"), "{loud}");
    let quiet = operator.run("-q tenant create globex --name Globex").success();
    assert_eq!(quiet.stderr(), "", "{quiet}");
    assert!(quiet.stdout().contains("globex"), "{quiet}");
    for line in ["migrate apply --all", "seed apply --all", "tenant list", "audit verify"] {
        let quiet = operator.run(&format!("-q {line}")).success();
        assert_eq!(quiet.stderr(), "", "{quiet}");
        assert_ne!(quiet.stdout(), "", "{quiet}");
    }
    let ran = operator.run("-q tenant show nobody").fails_with(4);
    assert!(ran.stderr().contains("error: failed to find tenant `nobody`"), "{ran}");
}

#[test]
fn colour_is_for_terminals_unless_somebody_says_otherwise() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let escape = '\u{1b}';
    for line in ["tenant list", "tenant show acme", "audit verify", "migrate status"] {
        let piped = operator.run(line);
        assert!(!piped.stdout().contains(escape) && !piped.stderr().contains(escape), "{piped:?}");
        let forced = operator.run(&format!("{line} --color always"));
        assert!(forced.stdout().contains(escape), "{forced:?}");
        for format in ["json", "ndjson"] {
            let machine = operator.run(&format!("{line} --color always -o {format}"));
            assert!(!machine.stdout().contains(escape), "{machine:?}");
        }
    }
    let at_terminal = |line: &str, variables: &[(&str, &str)]| {
        let mut command = operator.command(line);
        command.env_remove("COLUMNS").env("TERM", "xterm-256color");
        command.envs(variables.iter().copied());
        let (code, seen) = Terminal::start(command, 200).end();
        assert_eq!(code, 0, "{seen}");
        seen
    };
    assert!(at_terminal("tenant list", &[]).contains(escape));
    for (line, variables) in [
        ("tenant list", &[("NO_COLOR", "1")][..]),
        ("tenant list", &[("TERM", "dumb")]),
        ("tenant list --color never", &[]),
    ] {
        let seen = at_terminal(line, variables);
        assert!(!seen.contains(escape), "{line} {variables:?}: {seen:?}");
    }
    let seen = at_terminal("tenant list --color always", &[("NO_COLOR", "1")]);
    assert!(seen.contains(escape), "{seen:?}");
    assert!(at_terminal("tenant list", &[("NO_COLOR", "")]).contains(escape), "empty is not set");
}

#[test]
fn tables_fit_the_window_and_lose_nothing_when_piped() {
    let operator = Operator::new();
    let name =
        "A tenant with a name that goes on and on, long enough for any window to be too small";
    let create = format!("tenant create acme --name '{name}' --no-migrate");
    let _ran = operator.run(&create).success();
    let piped = operator.run("tenant list").success();
    assert!(piped.stdout().contains(name), "{piped}");
    for columns in [60_u16, 80, 120] {
        let mut command = operator.command("tenant list");
        command.env_remove("COLUMNS").env("TERM", "xterm");
        let (code, seen) = Terminal::start(command, columns).end();
        assert_eq!(code, 0, "{seen}");
        let seen = plain(&seen);
        let widest = seen.lines().map(|line| line.trim_end().chars().count()).max().unwrap();
        assert!(widest <= usize::from(columns), "{widest} of {columns}:\n{seen}");
        assert!(seen.contains("acme"), "{seen}");
        let mut command = operator.command("tenant list");
        command.env("COLUMNS", columns.to_string()).env("TERM", "xterm");
        let (_, seen) = Terminal::start(command, 300).end();
        let widest = plain(&seen).lines().map(|line| line.trim_end().chars().count()).max();
        assert!(widest.unwrap() <= usize::from(columns), "COLUMNS={columns}:\n{seen}");
    }
}

#[test]
fn columns_stand_under_their_headings_in_colour_too() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name 'Acme Ltd' --no-migrate").success();
    let mut command = operator.command("tenant list");
    command.env("TERM", "xterm").env_remove("NO_COLOR");
    let (_, seen) = Terminal::start(command, 120).end();
    assert!(seen.contains('\u{1b}'), "in colour: {seen:?}");
    let seen = plain(&seen);
    let lines: Vec<_> = seen.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 2, "nothing wraps where there is room:\n{seen}");
    let at = |line: &str, word: &str| line.find(word).unwrap();
    assert_eq!(at(lines[0], "STATUS"), at(lines[1], "active"), "{seen}");
    assert_eq!(at(lines[0], "CREATED"), at(lines[1], "20"), "{seen}");
    let mut command = operator.command("lockdown acme --reason stolen");
    command.env("TERM", "xterm").env_remove("NO_COLOR").env_remove("COLUMNS");
    let (_, seen) = Terminal::start(command, 80).end();
    assert!(seen.contains("refused") && !seen.contains("u{1b}"), "{seen}");
    let widest = plain(&seen).lines().map(|line| line.trim_end().chars().count()).max();
    assert!(widest.unwrap() <= 80, "notes fit the window as well:\n{seen}");
}

#[test]
fn a_hostile_name_reaches_no_terminal_raw() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let jti = issue(&operator, "acme");
    let hostile = HOSTILE.replace('\'', "''");
    operator.plane().run(&format!(
        "UPDATE control_plane.tenant_metadata SET name = '{hostile}', plan = 'p{}', \
         labels = jsonb_build_object('k', '{hostile}'::text); \
         UPDATE control_plane.sessions SET device = '{hostile}', revoke_reason = '{hostile}', \
         revoked_by = '{hostile}', revoked_at = now(); \
         INSERT INTO control_plane.policy_sync_log (actor, action, target, reason, outcome, detail) \
         VALUES ('{hostile}', 'x', '{hostile}', '{hostile}', 'done', \
                 jsonb_build_object('x', '{hostile}'::text))",
        "\u{1b}[31m"
    ));
    let show = format!("session show {jti}");
    for line in [
        "tenant list",
        "tenant show acme",
        "tenant protect acme",
        "tenant unprotect acme",
        "tenant delete acme --dry-run",
        "migrate status",
        &show,
        "session list --tenant acme --all",
        "audit list",
        "audit export",
    ] {
        for flags in ["", "-o json", "-o ndjson", "-vv"] {
            let ran = operator.run(&format!("{line} {flags}"));
            for stream in [ran.stdout(), ran.stderr()] {
                assert_eq!(unsafe_character(stream), None, "{ran:?}");
            }
            // One thing stays on one line, whatever its name says.
            if line == "tenant list" && flags.is_empty() {
                assert_eq!(ran.stdout().lines().count(), 2, "{ran}");
            }
        }
    }
    let ran = operator.run("tenant list --color always").success();
    let seen = plain(ran.stdout());
    assert_eq!(unsafe_character(&seen), None, "only our own colours: {seen:?}");
    // In JSON nothing is lost: it reads back as it is.
    let listed = operator.run("tenant list -o json").success().json();
    assert_eq!(listed["tenants"][0]["name"], HOSTILE);
}

#[test]
fn what_was_typed_wrong_is_not_echoed_raw() {
    let operator = Operator::unconfigured();
    for line in [
        "tenant create 'a\u{1b}[2Jb' --name x",
        "tenant create acme --name 'a\u{9b}2J'",
        "tenant \u{1b}[31m",
        "tenant list --\u{1b}[2J",
        "tenant list --status '\u{1b}]0;x\u{7}'",
        "session check '\u{1b}[2J'",
        "--profile '\u{1b}[2J' tenant list",
        "--config '\u{1b}[2J' tenant list",
        "seed apply --all --set '\u{1b}[2J'",
        "migrate apply --from-file '\u{1b}[2J'",
    ] {
        for flags in ["", "-o json"] {
            let ran = operator.run(&format!("{line} {flags}"));
            assert!(matches!(ran.code(), 2 | 4), "{ran:?}");
            assert_eq!(unsafe_character(ran.stderr()), None, "{ran:?}");
        }
    }
    let ran = operator.run_reading("a\u{1b}[2Jb\n", "migrate apply --from-file -").fails_with(2);
    assert_eq!(unsafe_character(ran.stderr()), None, "{ran:?}");
}

#[test]
fn a_servers_hostile_words_are_escaped_and_bounded() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    operator.plane().run(
        "CREATE FUNCTION control_plane.shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
           RAISE EXCEPTION E'\\x1b[2J\\x1b]52;c;aGk=\\x07%', repeat('loud ', 100000) \
           USING DETAIL = E'\\x1b[31mdetail', HINT = E'\\u202ehint'; END $$; \
         CREATE TRIGGER shout BEFORE UPDATE ON control_plane.tenant_metadata \
         FOR EACH ROW EXECUTE FUNCTION control_plane.shout()",
    );
    for flags in ["", "-o json", "-o ndjson", "-vvv"] {
        let ran = operator.run(&format!("tenant protect acme {flags}"));
        assert_ne!(ran.code(), 0, "{ran:?}");
        assert_eq!(unsafe_character(ran.stderr()), None, "{ran:?}");
        assert!(ran.stderr().contains("52;c"), "{ran:?}");
        if flags != "-vvv" {
            assert!(ran.stderr().len() < 8000, "{} bytes", ran.stderr().len());
        }
    }
}

/// Fills a control plane with tenants that exist on paper only.
fn with_many_tenants(count: usize) -> Operator {
    let operator = Operator::new();
    operator.plane().run(&format!(
        "INSERT INTO control_plane.tenant_metadata (tenant_id, slug, name, placement, status) \
         SELECT gen_random_uuid(), 'tenant-' || i, repeat('long name ', 20), 'database', 'active' \
         FROM generate_series(1, {count}) i"
    ));
    operator
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let operator = with_many_tenants(3000);
    operator.plane().run(
        "INSERT INTO control_plane.policy_sync_log (actor, action, outcome) \
         SELECT 'somebody', 'x', 'done' FROM generate_series(1, 1500)",
    );
    for line in [
        "tenant list",
        "tenant list -o json",
        "tenant list -o ndjson",
        "migrate status",
        "migrate status -o ndjson",
        "audit list --limit 1500",
        "audit export",
        "man",
    ] {
        let mut command = operator.command(line);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut first = String::new();
        BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let ended = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&ended.stderr);
        assert_ne!(first, "", "{line}: {errors}");
        assert!(matches!(ended.status.code(), Some(0 | 10)), "{line}: {} {errors}", ended.status);
        assert!(!errors.contains("error:") && !errors.contains("panicked"), "{line}: {errors}");
    }
}

#[test]
fn a_disk_that_is_full_is_told_and_not_a_success() {
    let operator = with_many_tenants(1);
    for line in ["tenant list", "tenant list -o json", "tenant list -o ndjson", "man"] {
        let mut command: Command = operator.command(line);
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ended = command.stdin(Stdio::null()).stdout(full).output().unwrap();
        assert_eq!(ended.status.code(), Some(1), "{line}");
        let errors = String::from_utf8_lossy(&ended.stderr);
        assert!(errors.contains("failed to write the result: No space left"), "{line}: {errors}");
        assert!(!errors.contains("panicked"), "{errors}");
    }
}

#[test]
fn a_deletion_is_confirmed_by_typing_the_slug_at_the_terminal() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name 'Acme Ltd' --no-migrate").success();
    let ask = |line: &str| {
        let mut command = operator.command(line);
        command.env("TERM", "xterm");
        let mut terminal = Terminal::start(command, 100);
        terminal.sees("Type `acme` to delete it");
        terminal
    };
    for (line, typed) in [
        ("tenant delete acme", "acmee"),
        ("tenant delete acme", ""),
        ("tenant delete acme --yes", "y"),
    ] {
        let mut terminal = ask(line);
        terminal.types(typed);
        let (code, seen) = terminal.end();
        assert_eq!(code, 3, "{line}, typed {typed:?}: {seen}");
        assert_eq!(operator.tenant("acme").status, "active");
        // What will go was shown before the question.
        assert!(plain(&seen).contains("Acme Ltd"), "{seen}");
        assert!(seen.contains(&operator.tenant("acme").database), "{seen}");
    }
    let mut terminal = ask("tenant delete acme");
    terminal.types("acme");
    let (code, seen) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    assert_eq!(operator.tenant("acme").status, "deleted");
}

#[test]
fn a_question_is_answered_with_y_and_everything_else_is_no() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let jti = issue(&operator, "acme");
    let answer = |key: &str| {
        let mut command = operator.command(&format!("session revoke --jti {jti} --reason x"));
        command.env("TERM", "xterm");
        let mut terminal = Terminal::start(command, 100);
        terminal.sees("[y/N]");
        terminal.presses(key);
        terminal.end()
    };
    for key in ["n", "\r"] {
        let (code, seen) = answer(key);
        assert_eq!(code, 3, "{key:?}: {seen}");
        let _ran = operator.run(&format!("session check {jti}")).success();
    }
    let (code, seen) = answer("y");
    assert_eq!(code, 0, "{seen}");
    let _ran = operator.run(&format!("session check {jti}")).fails_with(11);
}
