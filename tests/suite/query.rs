//! `query`: one statement over many tenants, that reads and does nothing else.

use crate::support::Operator;

#[test]
fn one_table_comes_back_and_says_what_is_missing() {
    let operator = Operator::new();
    for slug in ["acme", "globex", "locked", "broken"] {
        let _ran = operator.run(&format!("tenant create {slug} --name {slug} --seed")).success();
    }
    operator.inside("globex").run("DELETE FROM sales_order_items; DELETE FROM sales_orders");
    let _ran = operator.run("lockdown locked --reason x");
    operator.inside("broken").run("ALTER TABLE vendors RENAME COLUMN code TO kode");

    let line =
        "query --all --limit 2 'SELECT code, rating, total_spent FROM vendors ORDER BY code -- x'";
    let ran = operator.run(line).fails_with(9);
    let lines: Vec<Vec<&str>> =
        ran.stdout().lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["TENANT", "code", "rating", "total_spent"], "{ran}");
    assert_eq!(lines[1][..3], ["acme", "V-001", "4.6"], "{ran}");
    assert_eq!(lines[3][..2], ["globex", "V-001"], "{ran}");
    assert_eq!(lines.len(), 5, "{ran}");
    assert!(lines[1][3].contains('.'), "numeric keeps its digits: {ran}");
    for told in [
        "only the first 2 rows of acme, globex are shown; --limit N shows more",
        "skipped, locked down: locked",
        "broken: failed to run the statement",
        "column \"code\" does not exist",
    ] {
        assert!(ran.stderr().contains(told), "{told}: {ran}");
    }

    let count = "'SELECT count(*) AS n FROM sales_orders'";
    let ran = operator.run(&format!("query --tenant acme,globex -o json {count}")).success();
    let report = ran.json();
    assert_eq!(report["rows"][1]["tenant"]["slug"], "globex");
    assert_eq!(report["rows"][1]["values"]["n"], 0);
    assert_ne!(report["rows"][0]["values"]["n"], 0);
    let ran = operator.run("query --tenant acme -o ndjson 'TABLE vendors'").success();
    assert_eq!(ran.stdout().lines().count(), 31, "{ran}");

    // As RFC 4180 has it, and no cell is a formula to a spreadsheet.
    let cells = "SELECT $$=1+1$$ AS a, $$+x$$ AS b, -5 AS c, $$-2+3$$ AS d, $$@SUM(A1)$$ AS e, \
                 $$say \"hi\", then$$ AS f, chr(9) || $$=1$$ AS g, chr(13) || $$=1$$ AS h";
    let words = ["query", "--tenant", "acme", "-o", "csv", cells].map(std::ffi::OsStr::new);
    let ran = operator.run_words(&words).success();
    let row = r#"acme,'=1+1,'+x,-5,'-2+3,'@SUM(A1),"say ""hi"", then",'\t=1,'\r=1"#;
    assert_eq!(ran.stdout(), format!("tenant,a,b,c,d,e,f,g,h\r\n{row}\r\n"));

    // One intent and one outcome, whatever the number of tenants, with the statement.
    let rows = "SELECT string_agg(outcome || ' ' || coalesce(detail ->> 'statement', ''), '; ' ORDER BY id) \
                FROM control_plane.policy_sync_log WHERE action = 'query'";
    let trail = operator.plane().ask(rows);
    assert_eq!(trail.matches("intent").count(), 4, "{trail}");
    assert_eq!(trail.matches("done ").count(), 3, "{trail}");
    assert!(trail.contains("intent SELECT code, rating"), "{trail}");
}

#[test]
fn what_would_write_or_leave_the_role_is_refused() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --seed").success();
    let mut inside = operator.inside("acme");
    inside.run(
        "CREATE FUNCTION public.tries() RETURNS int LANGUAGE plpgsql SET search_path = public AS \
         $$ BEGIN DELETE FROM vendors; RETURN 1; END $$; \
         GRANT EXECUTE ON FUNCTION public.tries() TO tenantctl_app; \
         CREATE TABLE public.private (a int)",
    );
    for (statement, code, told) in [
        ("DELETE FROM vendors", 2, "`DELETE` is no query"),
        ("SET ROLE NONE", 2, "`SET` is no query"),
        ("SELECT 1; DELETE FROM vendors", 2, "a second statement begins"),
        ("SELECT set_config($$role$$, $$none$$, false)", 2, "`set_config` does more than read"),
        ("WITH x AS (DELETE FROM vendors RETURNING 1) TABLE x", 3, "must be at the top level"),
        ("SELECT 1) q; DELETE FROM vendors; SELECT (1", 2, "a second statement begins"),
        ("SELECT tries()", 3, "read-only transaction"),
        ("TABLE private", 6, "permission denied"),
        ("SELECT * FROM vendors FOR UPDATE", 3, "read-only transaction"),
    ] {
        let words = ["query", "--tenant", "acme", statement];
        let words: Vec<_> = words.iter().map(std::ffi::OsStr::new).collect();
        let ran = operator.run_words(&words);
        assert!(ran.stderr().contains(told), "{statement}: {ran}");
        let _ran = ran.fails_with(code);
    }
    assert_eq!(inside.ask("SELECT count(*) FROM vendors"), "30");
    let ran = operator
        .run("query --tenant acme --timeout 1s 'SELECT count(*) FROM generate_series(1, 1e12)'");
    let ran = ran.fails_with(7);
    // Whichever comes first: the server's end of the statement, or the command's own.
    let is_told = ["statement timeout", "failed to finish within"];
    assert!(is_told.iter().any(|told| ran.stderr().contains(told)), "{ran}");
}
