//! Nothing from outside takes over a terminal: names, arguments and a server's words.

use crate::support::{Operator, plain};

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

#[test]
fn a_hostile_name_reaches_no_terminal_raw() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let jti = operator.issue(USER, "acme");
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
