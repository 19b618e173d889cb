//! `tenant update`: name, plan and labels; everything else of a tenant stays.

use serde_json::json;

use crate::support::Operator;

#[test]
fn what_is_named_changes_and_the_rest_stays() {
    let operator = Operator::new();
    let create = "tenant create acme --name Acme --plan free --label tier=silver --label trial=yes \
                  --no-migrate";
    let _ran = operator.run(create).success();
    let line = "-o json tenant update acme --name Holdings --label tier=gold --label trial- \
                --label gone-";
    let planned = operator.run(&format!("{line} --dry-run")).success().json();
    assert_eq!((&planned["plan"]["changed"], &planned["dry_run"]), (&json!(true), &json!(true)));
    assert_eq!(operator.run("-o json tenant show acme").success().json()["tenant"]["name"], "Acme");
    let ran = operator.run(line).success().json();
    assert_eq!(ran["changed"], true);
    assert_eq!(ran["changes"], planned["plan"]["changes"]);
    assert_eq!(
        ran["changes"],
        json!([
            { "property": "label tier", "before": "silver", "after": "gold" },
            { "property": "label trial", "before": "yes", "after": null },
            { "property": "name", "before": "Acme", "after": "Holdings" },
        ])
    );
    let mut shown = operator.run("-o json tenant show acme").success().json()["tenant"].clone();
    // Only `show` looks whether it is there.
    assert!(shown.as_object_mut().unwrap().remove("presence").is_some(), "{shown}");
    assert_eq!((&shown["name"], &shown["plan"]), (&json!("Holdings"), &json!("free")));
    assert_eq!(shown["labels"], json!({ "tier": "gold" }));
    assert_eq!(shown, ran["tenant"]);
    let _ran = operator.run("migrate status --label tier=gold").fails_with(10);
    // Twice is harmless, and so is a label that is not there.
    let again = operator.run(line).success().json();
    assert_eq!((&again["changed"], &again["changes"]), (&json!(false), &json!([])));
    let trail = operator.run("-o json audit list --action tenant.update").success().json();
    let outcomes: Vec<_> =
        trail["entries"].as_array().unwrap().iter().map(|row| row["outcome"].clone()).collect();
    assert!(outcomes.contains(&json!("done")) && outcomes.contains(&json!("unchanged")), "{trail}");
    let _ran = operator.run("audit verify").success();
}

#[test]
fn what_is_not_there_or_not_meant_is_refused() {
    let operator = Operator::new();
    let _ran = operator.run("tenant update acme --plan pro").fails_with(4);
    for line in ["tenant update acme", "tenant update acme --label tier"] {
        let _ran = operator.run(line).fails_with(2);
    }
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let _ran = operator.run("lockdown acme --reason r").success();
    let _ran = operator.run("tenant update acme --plan pro").success();
    let _ran = operator.run("tenant delete acme --purge --no-backup --confirm acme").success();
    let _ran = operator.run("tenant update acme --plan pro").fails_with(4);
}
