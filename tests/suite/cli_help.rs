//! The manual: every `--help` and the usual mistakes in one snapshot, completions, the man page.
//!
//! Nothing here contacts a server, apart from the names of tenants at Tab.

use std::ffi::OsStr;
use std::fmt::Write as _;

use clap::CommandFactory;

use crate::support::{Operator, Ran, schemas};

/// Command lines that are wrong, one for each way of being wrong.
const MISTAKES: &[&[&str]] = &[
    &[],
    &["tenants"],
    &["tenant"],
    &["tenant", "lsit"],
    &["tenant", "create"],
    &["tenant", "create", "acme"],
    &["tenant", "create", "Acme", "--name", "Acme"],
    &["tenant", "create", "a--", "--name", "Acme"],
    &["tenant", "create", "postgres", "--name", "Acme"],
    &["tenant", "create", "acme", "--name", ""],
    &["tenant", "create", "acme", "--name", "Acme", "--label", "tier"],
    &["tenant", "create", "acme", "--name", "Acme", "--no-migrate", "--seed"],
    &["tenant", "create", "acme", "--name", "Acme", "--id", "17"],
    &["tenant", "list", "--status", "alive"],
    &["tenant", "update", "acme"],
    &["tenant", "update", "acme", "--label", "tier"],
    &["tenant", "delete", "acme", "--grace", "5m"],
    &["tenant", "delete", "acme", "--purge"],
    &["tenant", "purge", "acme"],
    &["tenant", "purge", "--no-backup"],
    &["tenant", "purge", "acme", "--due", "--no-backup"],
    &["migrate", "apply"],
    &["migrate", "apply", "--tenant", "acme", "--all"],
    &["migrate", "apply", "--all", "--jobs", "0"],
    &["migrate", "apply", "--all", "--target", "V3"],
    &["seed", "apply"],
    &["session", "issue", "--tenant", "acme"],
    &["session", "issue", "--user", "me", "--tenant", "acme"],
    &["session", "list"],
    &["session", "revoke", "--reason", "gone"],
    &["session", "revoke", "--tenant", "acme"],
    &["session", "revoke", "--jti", "a b", "--reason", "gone"],
    &["session", "revoke", "--jti", "x", "--user", "y", "--reason", "gone"],
    &["member", "add", "acme", "ann"],
    &["member", "remove", "acme", "ann@example.com"],
    &["token", "verify"],
    &["token", "verify", "-", "--file", "token.txt"],
    &["token", "verify", "-", "--jwks", "http://keys.example.com/jwks.json"],
    &["token", "verify", "-", "--tenant", "Acme"],
    &["audit", "list", "--limit", "0"],
    &["completions", "tcsh"],
    &["--output", "yaml", "tenant", "list"],
    &["--timeout", "soon", "tenant", "list"],
    &["-o", "json", "tenant", "create", "acme"],
    &["-o", "ndjson", "tenant", "show", "Acme"],
];

/// What `tenantctl help` tells of besides commands.
const TOPICS: &[&str] =
    &["environment", "config", "selectors", "output", "options", "lint", "exit-codes"];

/// Returns the words that lead to every command, parents before their children.
pub(crate) fn every_command(of_leaves_only: bool) -> Vec<Vec<String>> {
    fn walk(command: &clap::Command, path: &[String], leaves: bool, found: &mut Vec<Vec<String>>) {
        let children: Vec<_> =
            command.get_subcommands().filter(|child| child.get_name() != "help").collect();
        if !leaves || children.is_empty() {
            found.push(path.to_vec());
        }
        for child in children {
            let mut path = path.to_vec();
            path.push(child.get_name().to_owned());
            walk(child, &path, leaves, found);
        }
    }
    let mut found = Vec::new();
    let mut whole = tenantctl::testkit::cli::Cli::command();
    whole.build();
    walk(&whole, &[], of_leaves_only, &mut found);
    found
}

#[test]
fn version_and_help_alone_read_as_beside_something_else() {
    let operator = Operator::unconfigured();
    let expected = tenantctl::testkit::cli::Cli::command().render_version();
    for line in ["--version", "-V", "--version tenant", "-q -V"] {
        let ran = operator.run(line).success();
        assert_eq!((ran.stdout(), ran.stderr()), (expected.as_str(), ""), "{line}");
    }
    // Help is the same whether it is asked for alone or not.
    for (alone, beside) in [("--help", "-q --help"), ("-h", "-q -h")] {
        let (alone, beside) = (operator.run(alone).success(), operator.run(beside).success());
        assert_eq!(alone.stdout(), beside.stdout());
    }
}

fn help(operator: &Operator, path: &[String]) -> Ran {
    operator.run(&format!("{} --help", path.join(" ")))
}

#[test]
fn clap_finds_no_contradiction_in_the_command_line() {
    tenantctl::testkit::cli::Cli::command().debug_assert();
}

#[test]
fn every_help_and_usage_error_reads_as_it_did() {
    let operator = Operator::unconfigured();
    let mut manual = String::new();
    for path in every_command(false) {
        let shown = help(&operator, &path).success();
        assert_eq!(shown.stderr(), "", "{path:?}");
        let lines: Vec<_> = shown.stdout().lines().map(str::trim_end).collect();
        let title = ["tenantctl"].into_iter().chain(path.iter().map(String::as_str));
        let title = title.collect::<Vec<_>>().join(" ");
        writeln!(manual, "━━━ {title} --help\n{}\n", lines.join("\n")).unwrap();
    }
    for topic in TOPICS {
        let page = operator.run(&format!("help {topic}")).success();
        writeln!(manual, "━━━ tenantctl help {topic}\n{}", page.stdout()).unwrap();
    }
    for words in MISTAKES {
        let words: Vec<_> = words.iter().map(OsStr::new).collect();
        let refused = operator.run_words(&words).fails_with(2);
        assert_eq!(refused.stdout(), "", "{words:?}");
        let line = words.join(OsStr::new(" "));
        writeln!(manual, "━━━ tenantctl {}\n{}", line.display(), refused.stderr()).unwrap();
    }
    insta::assert_snapshot!("help", manual);
}

#[test]
fn help_begins_with_examples_and_fits_a_screen() {
    let operator = Operator::unconfigured().with("COLUMNS", "80");
    for path in every_command(true) {
        let shown = help(&operator, &path).success();
        let parts: Vec<_> = shown.stdout().split("\n\n").collect();
        assert!(parts[1].starts_with("Usage: ") && parts[2].starts_with("Examples:"), "{shown}");
        assert!(shown.stdout().lines().count() <= 50, "{shown}");
        let is_usage = |line: &&str| line.starts_with("Usage: ");
        for line in shown.stdout().lines().filter(|line| !is_usage(line)) {
            assert!(line.chars().count() <= 80, "{line}");
        }
        for line in parts[2].lines().skip(1) {
            let goes_on = line.trim_start().starts_with("tenantctl") || line.contains("tenantctl ");
            assert!(goes_on, "an example is broken: {shown}");
        }
        let short = operator.run(&format!("{} -h", path.join(" "))).success();
        assert!(!short.stdout().contains("Examples:"), "{short}");
        assert!(short.stdout().len() < shown.stdout().len(), "{short}");
    }
}

#[test]
fn help_is_coloured_where_that_is_asked_for() {
    let operator = Operator::unconfigured();
    for line in ["tenant show --help --color always", "--color=always tenant show -h"] {
        let ran = operator.run(line).success();
        assert!(ran.stdout().contains("\u{1b}[1m"), "{ran}");
    }
    let plain = operator.run("tenant show --help").success();
    assert!(!plain.stdout().contains('\u{1b}'), "{plain}");
}

#[test]
fn the_root_lists_every_topic_and_each_has_a_page() {
    let operator = Operator::unconfigured();
    let root = operator.run("--help").success();
    for topic in TOPICS {
        assert!(root.stdout().contains(&format!("tenantctl help {topic} ")), "{topic}");
        let _ran = operator.run(&format!("help {topic}")).success();
    }
    assert_eq!(root.stdout().matches("tenantctl help ").count(), TOPICS.len() + 1);
}

#[test]
fn every_leaf_shows_examples_that_name_it() {
    let operator = Operator::unconfigured();
    for path in every_command(true) {
        let shown = help(&operator, &path).success();
        let (_, examples) = shown.stdout().split_once("Examples:").unwrap_or_else(|| {
            panic!("`tenantctl {} --help` shows no examples", path.join(" "));
        });
        assert!(
            examples.contains(&format!("tenantctl {}", path.join(" "))),
            "{path:?}: {examples}"
        );
    }
}

#[test]
fn examples_in_the_manual_are_understood() {
    let operator = Operator::unconfigured();
    for path in every_command(false) {
        let shown = help(&operator, &path).success();
        let Some((_, rest)) = shown.stdout().split_once("Examples:\n") else { continue };
        let examples = rest.split("\n\n").next().unwrap();
        for line in examples.lines() {
            let Some(words) = typed(line) else { continue };
            let parsed = <tenantctl::testkit::cli::Cli as clap::Parser>::try_parse_from(&words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }
}

/// Returns the words of an example as a shell would hand them over; nothing for other lines.
fn typed(line: &str) -> Option<Vec<String>> {
    let mut starts = line.match_indices("tenantctl ").map(|(at, _)| at);
    let start = starts.find(|at| matches!(line[..*at].chars().last(), Some(' ' | '(')))?;
    let line = &line[start..];
    let end =
        [" > ", " >> ", " | ", " && ", ")\"", "   "].iter().filter_map(|s| line.find(s)).min();
    let words = shell_words::split(&line[..end.unwrap_or(line.len())]).unwrap();
    let is_topic = words.get(1).is_some_and(|word| word == "help");
    // `7d3c…` and `0198c5…` stand for ids too long for a line of the manual.
    let whole = |word: String| match word.as_str() {
        "7d3c…" => "7d3c0000-0000-4000-8000-000000000000".to_owned(),
        "0198c5…" => "0198c500-0000-7000-8000-000000000000".to_owned(),
        _ => word,
    };
    (!is_topic).then(|| words.into_iter().map(whole).collect())
}

#[test]
fn the_completion_scripts_in_the_tree_are_fresh() {
    let operator = Operator::unconfigured();
    for (shell, file) in [
        ("bash", "tenantctl.bash"),
        ("zsh", "_tenantctl"),
        ("fish", "tenantctl.fish"),
        ("powershell", "tenantctl.ps1"),
    ] {
        let fresh = operator.run(&format!("completions {shell}")).success();
        let path = format!("{}/completions/{file}", env!("CARGO_MANIFEST_DIR"));
        let kept = std::fs::read_to_string(&path).unwrap();
        assert_eq!(kept, fresh.stdout(), "run: tenantctl completions {shell} > completions/{file}");
    }
}

#[test]
fn every_command_has_a_manual_page_that_roff_understands() {
    let operator = Operator::unconfigured();
    let folder = operator.home().join("man");
    let line = format!("man --dir {}", folder.display());
    let _ran = operator.run(&line).success();
    for path in every_command(false) {
        let name = ["tenantctl"].into_iter().chain(path.iter().map(String::as_str));
        let name = name.collect::<Vec<_>>().join("-");
        let page = std::fs::read_to_string(folder.join(format!("{name}.1"))).unwrap();
        assert!(page.contains(&format!(".TH {name} 1")), "{page}");
        for part in ["NAME", "SYNOPSIS", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "FILES"] {
            assert!(page.contains(&format!(".SH {part}\n")), "{name} has no {part}: {page}");
        }
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), every_command(false).len());
    let create = std::fs::read_to_string(folder.join("tenantctl-tenant-create.1")).unwrap();
    assert!(create.contains("\\-\\-name <NAME>") && create.contains(".SH EXAMPLES\n"), "{create}");
    let root = operator.run("man").success();
    let kept = std::fs::read_to_string(folder.join("tenantctl.1")).unwrap();
    assert_eq!(root.stdout(), kept);
    assert!(kept.contains("TENANTCTL\\_CLUSTER") || kept.contains("TENANTCTL_CLUSTER"), "{kept}");
    // Where there is a formatter, it has nothing to complain about.
    let pages = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut roff = std::process::Command::new("groff");
    if let Ok(said) = roff.args(["-man", "-ww", "-z", "-K", "utf8"]).args(pages).output() {
        assert_eq!(String::from_utf8_lossy(&said.stderr), "");
    }
}

/// Commands without a result in JSON, and what they print.
const WITHOUT_SCHEMA: [(&str, &str); 3] =
    [("completions", "a script"), ("man", "a manual"), ("tenant-connect", "what psql prints")];

/// What every test sees of a command in JSON is compared with its schema where it runs.
#[test]
fn every_command_has_a_schema_or_prints_no_json() {
    let leaves = every_command(true).into_iter().map(|path| path.join("-"));
    let is_without = |path: &String| WITHOUT_SCHEMA.iter().any(|(without, _)| without == path);
    let mut expected: Vec<_> = leaves.filter(|path| !is_without(path)).collect();
    expected.extend(["common", "stderr"].map(str::to_owned));
    expected.sort_unstable();
    assert_eq!(schemas::names().collect::<Vec<_>>(), expected, "files in docs/schema");
}
