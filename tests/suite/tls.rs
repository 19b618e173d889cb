//! What a connection demands of the server's certificate: every pair of `sslmode` and `sslrootcert`
//! does what libpq documents, or is refused by name.

use std::fs;

use crate::support::{Operator, TlsServer};

/// Returns an operator whose home holds the authorities of two servers, and the address of the first
/// with these parameters. Its certificate is for the addresses of that network.
fn at(network: &str) -> (Operator, impl Fn(&str) -> String) {
    let (server, foreign) = (TlsServer::start(network), TlsServer::start("127.0.0"));
    let operator = Operator::new();
    fs::write(operator.home().join("own.pem"), &server.authority).unwrap();
    fs::write(operator.home().join("foreign.pem"), &foreign.authority).unwrap();
    fs::write(operator.home().join("none.pem"), "").unwrap();
    let (database, port) = (operator.plane_name().to_owned(), server.port);
    (operator, move |parameters| {
        format!("postgresql://operator@127.0.0.1:{port}/{database}{parameters}")
    })
}

/// Says how `tenant list` ends there.
fn ends(operator: Operator, url: String) -> (Operator, i32, String) {
    let operator = operator.with("TENANTCTL_CONTROL_PLANE_URL", url);
    let ran = operator.run("tenant list");
    let (code, said) = (ran.code(), ran.stderr().to_owned());
    (operator, code, said)
}

#[test]
fn a_named_authority_is_the_only_one_that_is_trusted() {
    for (network, host_fits) in [("127.0.0", true), ("10.9.8", false)] {
        let (mut operator, url) = at(network);
        for (mode, with_own) in [
            ("sslmode=require&", true),
            ("sslmode=verify-ca&", true),
            ("sslmode=verify-full&", host_fits),
            // A file of authorities is asked for to be used, also on this machine.
            ("", host_fits),
        ] {
            for (file, gets_in) in [("own", with_own), ("foreign", false), ("none", false)] {
                let (same, code, said) =
                    ends(operator, url(&format!("?{mode}sslrootcert={file}.pem")));
                operator = same;
                let shown = format!("{network} {mode} {file}: {said}");
                // Trying again helps nobody, so it is not `unavailable`.
                let refused: &[i32] = if file == "none" { &[2, 6] } else { &[6] };
                assert!(if gets_in { code == 0 } else { refused.contains(&code) }, "{shown}");
                assert!(gets_in || said.contains("certificate"), "{shown}");
            }
        }
        // Everybody's authorities know nothing of this server.
        for parameters in [
            "?sslmode=verify-full",
            "?sslmode=verify-full&sslrootcert=system",
            "?sslrootcert=system",
        ] {
            let (same, code, said) = ends(operator, url(parameters));
            operator = same;
            assert_eq!(code, 6, "{parameters}: {said}");
            let told =
                said.contains("not accepted: UnknownIssuer") && said.contains("?sslrootcert=");
            assert!(told, "{parameters}: {said}");
        }
        // Nothing is verified where nothing was asked for.
        for parameters in ["", "?sslmode=prefer", "?sslmode=allow", "?sslmode=require"] {
            let (same, code, said) = ends(operator, url(parameters));
            operator = same;
            assert_eq!(code, 0, "{parameters}: {said}");
        }
    }
}

#[test]
fn what_would_verify_nothing_although_an_authority_is_named_is_refused() {
    let (mut operator, url) = at("127.0.0");
    for (parameters, words) in [
        ("?sslmode=prefer&sslrootcert=own.pem", "goes on without TLS"),
        ("?sslmode=allow&sslrootcert=own.pem", "goes on without TLS"),
        ("?sslmode=verify-ca", "verify-ca needs sslrootcert"),
        ("?sslmode=verify-ca&sslrootcert=system", "sslrootcert=system needs sslmode=verify-full"),
        ("?sslmode=require&sslrootcert=system", "sslrootcert=system needs sslmode=verify-full"),
        ("?sslmode=disable&sslrootcert=system", "sslrootcert=system needs sslmode=verify-full"),
        ("?sslmode=verify-full&sslrootcert=missing.pem", "missing.pem, and there is no such file"),
        ("?sslrootcert=", "and there is no such file"),
        ("?sslmode=", "its sslmode is none of disable"),
        ("?sslmode=verify_full", "its sslmode is none of disable"),
    ] {
        let (same, code, said) = ends(operator, url(parameters));
        operator = same;
        assert_eq!(code, 2, "{parameters}: {said}");
        assert!(said.contains(words), "{parameters}: {said}");
    }
}
