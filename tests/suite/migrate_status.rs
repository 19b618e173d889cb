//! `migrate status`: the history of each tenant, with its checksums.

use crate::support::product::{Product, verdicts};

#[test]
fn status_shows_the_history_with_its_checksums() {
    let product = Product::new();
    product.create(&["acme", "globex"]);
    let ran = product.run("migrate status --verify -o json").success();
    let status = ran.json();
    assert_eq!(status["format_version"], 1);
    assert_eq!(status["head"]["schema_version"], 7);
    for tenant in status["results"].as_array().unwrap() {
        assert_eq!(tenant["outcome"], "current");
        assert_eq!(tenant["schema_fingerprint"], status["head"]["schema_fingerprint"]);
        let history = tenant["history"].as_array().unwrap();
        assert_eq!(history.len(), 7);
        for (index, line) in history.iter().enumerate() {
            assert_eq!(line["version"], index + 1);
            let checksum = line["checksum"].as_str().unwrap();
            assert!(checksum.len() == 16 && u64::from_str_radix(checksum, 16).is_ok(), "{line}");
            assert!(line["applied_at"].as_str().unwrap().ends_with('Z'), "{line}");
        }
    }
    let ran = product.run("migrate status --tenant acme --verify").success();
    assert!(ran.stdout().contains("CHECKSUM"), "{ran}");
    // The record may be wrong; only a look inside tells.
    product.operator.plane().run(
        "UPDATE control_plane.tenant_metadata SET schema_fingerprint = 'feedfacefeedface' \
         WHERE slug = 'acme'",
    );
    for line in ["migrate status -o json", "migrate status --verify -o json"] {
        let status = product.run(line).fails_with(10).json();
        assert_eq!(status["results"][0]["outcome"], "diverged", "{line}");
        assert_eq!(status["results"][1]["outcome"], "current", "{line}");
    }
    // Arranged, and as CSV, every tenant has its row.
    let line = "migrate status -o csv --columns tenant,outcome --sort tenant:desc --limit 2";
    let ran = product.run(line).fails_with(10);
    assert_eq!(ran.stdout(), "tenant,outcome\r\nglobex,current\r\nacme,diverged\r\n");
    let refused = product.run("migrate status --columns tenat").fails_with(2);
    assert!(refused.stderr().contains("did you mean `tenant`?"), "{refused}");
    let ran = product.run("seed list -o csv --columns set,rows --limit 1").success();
    assert_eq!(ran.stdout().lines().next(), Some("set,rows"), "{ran}");
    // Applying sets the record right, without touching the database.
    let ran = product.run("migrate apply --tenant acme -o json").success();
    assert_eq!(verdicts(&ran.json()), "acme:unchanged");
    let _ran = product.run("migrate status --verify").success();
}
