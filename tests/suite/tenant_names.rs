//! What may be typed for a tenant, and that nothing else is printed raw.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::support::Operator;

#[test]
fn what_is_no_slug_is_a_usage_error_and_never_printed_raw() {
    // Nothing is contacted, so a control plane that is not there is never missed.
    let operator = Operator::unconfigured()
        .with("TENANTCTL_CONTROL_PLANE_URL", "postgresql://nobody@/none?host=/nowhere");
    let hostile: [&[u8]; 34] = [
        b"",
        b"a",
        b"-a",
        b"a-",
        b"1a",
        b"Acme",
        b"ac me",
        b"ac_me",
        b"acme;drop",
        b"a'b",
        b"../x",
        b"postgres",
        b"all",
        b"template1",
        b"supabase-x",
        b"pg-x",
        b"tenantctl",
        b"ac\x1b[2Jme",
        b"ac\nme",
        "ac\u{9b}31mme".as_bytes(),
        "ac\u{202e}me".as_bytes(),
        b"ac\xff\xfeme",
        b"ac\"me",
        b"ac\\me",
        b"ac%me",
        b"ac$$me--",
        b"{acme}",
        b"x host=evil",
        b"postgres://evil",
        b"C:\\acme",
        "acm\u{e9}".as_bytes(),
        "acme\u{301}".as_bytes(),
        "\u{430}cme".as_bytes(),
        "ac\u{200b}me\u{1f600}".as_bytes(),
    ];
    let long = "a".repeat(100_000);
    let all = hostile.into_iter().chain([long.as_bytes()]);
    for slug in all {
        for format in ["table", "json"] {
            let words = ["-o", format, "tenant", "create", "--name", "x", "--"].map(OsStr::new);
            let ran = operator.run_words(&[&words[..], &[OsStr::from_bytes(slug)]].concat());
            let ran = ran.fails_with(2);
            assert_eq!(ran.stdout(), "", "{ran}");
            assert!(ran.stderr().len() < 4000, "{} bytes on stderr", ran.stderr().len());
            let raw =
                |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
            assert!(!ran.stderr().contains(raw), "{:?}", ran.stderr());
            if format == "json" {
                assert_eq!(ran.error()["kind"], "usage");
            }
        }
    }
}

#[test]
fn what_is_typed_wrong_elsewhere_is_not_printed_raw_either() {
    let operator = Operator::unconfigured();
    for words in [
        ["tenant", "create", "acme", "--name", "x\u{9b}31m\u{202e}"],
        ["tenant", "create", "acme", "--name=x", "--pl\u{9b}an"],
        ["tenant", "li\u{9b}st", "", "", ""],
        ["session", "revoke", "--reason", "\u{9b}", "--tenant=acme"],
    ] {
        let ran = operator.run_words(&words.map(OsStr::new)).fails_with(2);
        let raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!ran.stderr().contains(raw), "{:?}", ran.stderr());
    }
}
