//! The two streams: results on stdout in the shape that was asked for, everything else on stderr,
//! and nothing from outside that could take over a terminal.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::support::{Operator, Terminal, left_on_screen, plain};

const USER: &str = "aaaaaaaa-0000-4000-8000-000000000001";

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
        let (code, seen) = Terminal::start(&command, 200).end();
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
        let (code, seen) = Terminal::start(&command, columns).end();
        assert_eq!(code, 0, "{seen}");
        let seen = left_on_screen(&seen);
        let widest = seen.lines().map(|line| line.trim_end().chars().count()).max().unwrap();
        assert!(widest <= usize::from(columns), "{widest} of {columns}:\n{seen}");
        assert!(seen.contains("acme"), "{seen}");
        let mut command = operator.command("tenant list");
        command.env("COLUMNS", columns.to_string()).env("TERM", "xterm");
        let (_, seen) = Terminal::start(&command, 300).end();
        let widest =
            left_on_screen(&seen).lines().map(|line| line.trim_end().chars().count()).max();
        assert!(widest.unwrap() <= usize::from(columns), "COLUMNS={columns}:\n{seen}");
    }
}

#[test]
fn columns_stand_under_their_headings_in_colour_too() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name 'Acme Ltd' --no-migrate").success();
    let mut command = operator.command("tenant list");
    command.env("TERM", "xterm").env_remove("NO_COLOR");
    let (_, seen) = Terminal::start(&command, 120).end();
    assert!(seen.contains('\u{1b}'), "in colour: {seen:?}");
    let seen = left_on_screen(&seen);
    let lines: Vec<_> = seen.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 2, "nothing wraps where there is room:\n{seen}");
    // Looked at where the heading stands: a database's random name may hold any digits.
    for (heading, cell) in [("STATUS", "active"), ("CREATED", "20")] {
        let (before, under) = lines[1].split_at(lines[0].find(heading).unwrap());
        assert!(before.ends_with(' ') && under.starts_with(cell), "{heading}:\n{seen}");
    }
    let mut command = operator.command("lockdown acme --reason stolen");
    command.env("TERM", "xterm").env_remove("NO_COLOR").env_remove("COLUMNS");
    let (_, seen) = Terminal::start(&command, 80).end();
    assert!(seen.contains("refused") && !seen.contains("u{1b}"), "{seen}");
    let widest = left_on_screen(&seen).lines().map(|line| line.trim_end().chars().count()).max();
    assert!(widest.unwrap() <= 80, "notes fit the window as well:\n{seen}");
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
    let slug = "tenant-1";
    for line in [
        "tenant list",
        "tenant list -o json",
        "tenant list -o ndjson",
        "man",
        "tenant protect SLUG",
        "tenant protect SLUG -o json",
    ] {
        let line = &line.replace("SLUG", slug);
        let mut command: Command = operator.command(line);
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ended = command.stdin(Stdio::null()).stdout(full).output().unwrap();
        // What the command did is done: incomplete is what it says.
        assert_eq!(ended.status.code(), Some(8), "{line}");
        let errors = String::from_utf8_lossy(&ended.stderr);
        assert!(errors.contains("failed to write the result: No space left"), "{line}: {errors}");
        assert!(!errors.contains("panicked"), "{errors}");
        let is_told = errors.contains(&format!("what it did is done: tenant {slug} is protected"));
        assert_eq!(is_told, line.contains("protect"), "{line}: {errors}");
    }
}

/// Where the locale has no UTF-8, our marks are ASCII; what others wrote stays.
#[test]
fn marks_are_ascii_where_the_locale_is() {
    let operator = Operator::new().with("LC_ALL", "C");
    let ran = operator.run("tenant create acme --name 'Ācme' --no-migrate").success();
    assert!(ran.stderr().contains("+ Reserve the slug"), "{ran}");
    assert!(ran.stderr().is_ascii() && ran.stdout().is_ascii(), "{ran}");
    let shown = operator.run("tenant show acme").success();
    assert!(shown.stdout().contains("Ācme"), "{shown}");
    // JSON is no text of the terminal's.
    let ran = operator.run("session revoke --tenant acme --reason '→' --yes -o json").success();
    assert!(!ran.stdout().contains('>'), "{ran}");
}

#[test]
fn a_deletion_is_confirmed_by_typing_the_slug_at_the_terminal() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name 'Acme Ltd' --no-migrate").success();
    let ask = |line: &str| {
        let mut command = operator.command(line);
        command.env("TERM", "xterm");
        let mut terminal = Terminal::start(&command, 100);
        terminal.sees("Type `acme` to delete it");
        terminal
    };
    // What will happen is said whatever the result's shape.
    for line in ["tenant delete acme", "tenant delete acme -o json"] {
        let mut terminal = ask(line);
        terminal.presses("ac\u{3}");
        let (code, seen) = terminal.end();
        assert_eq!(code, 130, "{line}: {seen}");
        assert!(plain(&seen).contains("status after  deleted"), "{seen}");
    }
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
fn a_question_is_answered_by_a_line_and_everything_but_yes_is_no() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let jti = operator.issue(USER, "acme");
    let answer = |keys: &str| {
        let mut command = operator.command(&format!("session revoke --jti {jti} --reason x"));
        command.env("TERM", "xterm");
        let mut terminal = Terminal::start(&command, 100);
        terminal.sees("1 recorded and valid.");
        terminal.sees("[y/N]");
        terminal.presses(keys);
        terminal.end()
    };
    // A key alone decides nothing: it is Enter that does, and so nothing is left for the shell.
    for (keys, expected) in
        [("n\r", 3), ("\r", 3), ("yn\r", 3), ("nay\r", 3), ("why\r", 3), ("y\u{3}", 130)]
    {
        let (code, seen) = answer(keys);
        assert_eq!(code, expected, "{keys:?}: {seen}");
        let _ran = operator.run(&format!("session check {jti}")).success();
    }
    let (code, seen) = answer("YES\r");
    assert_eq!(code, 0, "{seen}");
    let _ran = operator.run(&format!("session check {jti}")).fails_with(11);
}
