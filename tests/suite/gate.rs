//! The gate of a tenant's database: a lock, denied sessions and users, epochs, and claims it cannot
//! make sense of.
//!
//! The rules are tried in transactions that are rolled back, on the pair of tenants that
//! `isolation` uses; one test goes the whole way with a real login.

use crate::support::two::{Tenant, session_as, two};
use crate::support::{Operator, server};

const USER: &str = "5a5a5a5a-5a5a-4a5a-8a5a-5a5a5a5a5a5a";
/// The second in which everything is revoked here.
const REVOKED_AT: i64 = 1_780_000_000;

/// Says how many vendors a token sees while the gate stands as these statements leave it.
struct Gate {
    superuser: crate::support::Session,
    login: String,
    own: String,
}

impl Gate {
    fn new() -> Self {
        let acme = &two().acme;
        Self {
            superuser: server().superuser(&acme.database),
            login: acme.database.clone(),
            own: format!(r#""app_metadata":{{"tenant_id":"{}"}}"#, acme.id),
        }
    }

    /// Runs the steps as whoever keeps the gate, then asks as the login with these claims.
    fn sees(&mut self, steps: &str, claims: &str) -> String {
        self.says(steps, claims, "SELECT count(*) > 0 FROM public.vendors")
    }

    fn says(&mut self, steps: &str, claims: &str, question: &str) -> String {
        let id = &two().acme.id;
        let setting = format!("SELECT set_config('app.current_tenant_id', '{id}', true)");
        let claims =
            format!("SELECT set_config('request.jwt.claims', $claims${claims}$claims$, true)");
        let become_login = format!("SET LOCAL ROLE {}", self.login);
        self.superuser.says_and_undoes(&[steps, &setting, &claims, &become_login, question])
    }

    /// Returns claims of the tenant with these fields beside.
    fn token(&self, fields: &str) -> String {
        match fields {
            "" => format!("{{{}}}", self.own),
            fields => format!("{{{fields},{}}}", self.own),
        }
    }
}

#[test]
fn a_locked_gate_shuts_the_real_login_out_at_the_next_statement() {
    let operator = Operator::new();
    let acme = Tenant::seeded(&operator, "acme");
    let mut login = session_as(&acme, &acme.id);
    let mut owner = operator.inside("acme");
    assert_eq!(login.says("SELECT count(*) > 0 FROM vendors"), "t");
    owner.run("UPDATE tenantctl.gate SET locked = true, lock_reason = 'a test'");
    assert_eq!(login.says("SELECT count(*) FROM vendors"), "0");
    assert_eq!(login.says("INSERT INTO vendors (code, name) VALUES ('L', 'l')"), "ERROR 42501");
    assert_eq!(login.says("WITH u AS (UPDATE vendors SET name = 'l' RETURNING 1) TABLE u"), "");
    assert_eq!(owner.ask("SELECT count(*) FROM public.vendors"), "0", "the owner as well");
    owner.run("UPDATE tenantctl.gate SET locked = false, lock_reason = NULL");
    assert_eq!(login.says("SELECT count(*) > 0 FROM vendors"), "t");
}

#[test]
fn a_denied_session_is_refused_under_either_name_until_its_time_is_over() {
    let mut gate = Gate::new();
    let deny = "INSERT INTO tenantctl.denied (jti, until) VALUES ('J1', now() + interval '1 h')";
    let over = "INSERT INTO tenantctl.denied (jti, until) VALUES ('J1', now() - interval '1 s')";
    for (steps, fields, expected) in [
        ("SELECT", r#""iat":1,"jti":"J1""#, "t"),
        (deny, r#""iat":1,"jti":"J1""#, "f"),
        (deny, r#""iat":1,"jti":"J2""#, "t"),
        (deny, r#""iat":1,"session_id":"J1""#, "f"),
        (deny, r#""iat":1,"jti":"J9","session_id":"J1""#, "f"),
        (over, r#""iat":1,"jti":"J1""#, "t"),
    ] {
        let token = gate.token(fields);
        assert_eq!(gate.sees(steps, &token), expected, "{steps}: {token}");
    }
    // The application itself works on: it carries no session.
    assert_eq!(gate.sees(deny, ""), "t");
    // Pushing the same revocation twice is harmless.
    let twice = format!("{deny} ON CONFLICT (jti) DO UPDATE SET until = excluded.until");
    let token = gate.token(r#""iat":1,"jti":"J1""#);
    assert_eq!(gate.sees(&format!("{deny}; {twice}"), &token), "f");
}

#[test]
fn a_denied_user_comes_back_with_a_later_token_only() {
    let mut gate = Gate::new();
    let deny = format!(
        "INSERT INTO tenantctl.denied (user_id, denied_at, until) \
         VALUES ('{USER}', to_timestamp({REVOKED_AT}.5), 'infinity')"
    );
    let (before, after) = (REVOKED_AT - 1, REVOKED_AT + 1);
    for (fields, expected) in [
        (format!(r#""sub":"{USER}","iat":{before}"#), "f"),
        // Tokens count whole seconds: one of that very second may be older than the revocation.
        (format!(r#""sub":"{USER}","iat":{REVOKED_AT}"#), "f"),
        (format!(r#""sub":"{USER}","iat":{REVOKED_AT}.9"#), "f"),
        (format!(r#""sub":"{USER}","iat":{after}"#), "t"),
        (format!(r#""sub":"{USER}""#), "f"),
        (format!(r#""sub":"{}","iat":{before}"#, USER.to_uppercase()), "f"),
        (format!(r#""sub":"00000000-0000-4000-8000-000000000000","iat":{before}"#), "t"),
    ] {
        let token = gate.token(&fields);
        assert_eq!(gate.sees(&deny, &token), expected, "{token}");
    }
}

#[test]
fn the_watermark_and_the_epoch_refuse_what_is_older() {
    let mut gate = Gate::new();
    let watermark =
        format!("UPDATE tenantctl.gate SET sessions_not_before = to_timestamp({REVOKED_AT}.5)");
    let epoch = "UPDATE tenantctl.gate SET epoch = 5";
    let (before, after) = (REVOKED_AT - 1, REVOKED_AT + 1);
    for (steps, fields, expected) in [
        (watermark.as_str(), format!(r#""iat":{before}"#), "f"),
        (&watermark, format!(r#""iat":{REVOKED_AT}"#), "f"),
        (&watermark, format!(r#""iat":{REVOKED_AT}.9"#), "f"),
        (&watermark, format!(r#""iat":{after}"#), "t"),
        (&watermark, r#""iat":null"#.to_owned(), "f"),
        (&watermark, String::new(), "f"),
        (epoch, format!(r#""iat":{after}"#), "t"),
        (epoch, format!(r#""iat":{after},"tenant_epoch":4"#), "f"),
        (epoch, format!(r#""iat":{after},"tenant_epoch":5"#), "t"),
        (epoch, format!(r#""iat":{after},"tenant_epoch":6"#), "t"),
        (epoch, format!(r#""iat":{after},"tenant_epoch":"6""#), "f"),
    ] {
        let token = gate.token(&fields);
        assert_eq!(gate.sees(steps, &token), expected, "{steps}: {token}");
    }
    // A revocation raises both, and then the epoch knows better which token is older.
    let both = format!("{watermark}, epoch = 5");
    for (fields, expected) in [
        (format!(r#""iat":{REVOKED_AT},"tenant_epoch":5"#), "t"),
        (format!(r#""iat":{REVOKED_AT},"tenant_epoch":4"#), "f"),
        (format!(r#""iat":{after},"tenant_epoch":4"#), "f"),
        (format!(r#""iat":{REVOKED_AT},"tenant_epoch":null"#), "f"),
        (format!(r#""iat":{REVOKED_AT},"tenant_epoch":"5""#), "f"),
        (format!(r#""iat":{REVOKED_AT}"#), "f"),
        (r#""tenant_epoch":5"#.to_owned(), "f"),
    ] {
        let token = gate.token(&fields);
        assert_eq!(gate.sees(&both, &token), expected, "{token}");
    }
    assert_eq!(gate.sees(&watermark, ""), "t", "the application carries no token");
    let id = &two().acme.id;
    for (value, expected) in [("4", "f"), ("5", "t")] {
        let token = format!(
            r#"{{"iat":{after},"app_metadata":{{"tenant_id":"{id}","tenant_epoch":{value}}}}}"#
        );
        assert_eq!(gate.sees(epoch, &token), expected, "{token}");
    }
    // What stands in the metadata may have been written there by anybody who may write users.
    let token =
        format!(r#"{{"iat":{REVOKED_AT},"app_metadata":{{"tenant_id":"{id}","tenant_epoch":5}}}}"#);
    assert_eq!(gate.sees(&both, &token), "f");
}

#[test]
fn claims_that_make_no_sense_are_refused_and_odd_ones_that_do_are_not() {
    let mut gate = Gate::new();
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(20_000));
    for claims in [
        "garbage",
        "{",
        "[]",
        r#""x""#,
        "5",
        "null",
        "true",
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        " ",
        "{}}",
        r#"{"a" "b"}"#,
        r#"{"a":01}"#,
        r#"{"a":tru}"#,
        r#"{"iat":"1780000000"}"#,
        r#"{"iat":true}"#,
        r#"{"jti":5}"#,
        r#"{"jti":{}}"#,
        r#"{"session_id":[]}"#,
        r#"{"sub":5}"#,
        r#"{"sub":"not-a-uuid"}"#,
        r#"{"sub":""}"#,
        r#"{"app_metadata":5}"#,
        r#"{"app_metadata":"x"}"#,
        r#"{"app_metadata":[]}"#,
        r#"{"app_metadata":{"tenant_id":"x"}}"#,
        r#"{"app_metadata":{"tenant_id":5}}"#,
        r#"{"app_metadata":{"tenant_id":{"a":1}}}"#,
        r#"{"tenant_epoch":"5"}"#,
        r#"{"tenant_epoch":true}"#,
        r#"{"tenant_epoch":0}"#,
        r#"{"tenant_epoch":-1}"#,
        r#"{"app_metadata":{"tenant_epoch":0}}"#,
        r#"{"tenant_epoch":7,"app_metadata":{"tenant_epoch":0}}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\u0000"}"#,
        r#"{"a":"\x"}"#,
        "{\"a\":\"\tx\"}",
        &long,
    ] {
        let shown: String = claims.chars().take(60).collect();
        assert_eq!(gate.sees("SELECT", claims), "f", "{shown}");
    }
    for claims in [
        "{}",
        " { } ",
        r#"{"a":1e5}"#,
        r#"{"a":-0.5E-3}"#,
        r#"{"tenant_epoch":1}"#,
        r#"{"tenant_epoch":1e3}"#,
        r#"{"tenant_epoch":null}"#,
        r#"{"app_metadata":null}"#,
        r#"{"app_metadata":{}}"#,
        r#"{"app_metadata":{"tenant_id":""}}"#,
        r#"{"app_metadata":{"tenant_id":null}}"#,
        r#"{"jti":null,"sub":null,"iat":null}"#,
        r#"{"a":[[],{},[{"b":[1,"x,]}{",null,true,false]}]]}"#,
        r#"{"a":"\u00e9 \ud83d\ude00 \\ \" \/ é 😀 :,{}[]"}"#,
        "{\n\"a\" :\t1 ,\r\n\"b\": [ 1 , 2 ] }",
        r#"{"iat":1780000000.9}"#,
    ] {
        assert_eq!(gate.sees("SELECT", claims), "t", "{claims}");
    }
    assert_eq!(
        gate.says("SELECT", "{{", "SELECT tenantctl.current_tenant(), tenantctl.access_allowed()"),
        "|f"
    );
}

/// Postgres 15 has no function that says whether a text is JSON, so the gate has its own; it has to
/// agree with the server's parser on texts that are nearly right.
#[test]
fn the_reader_of_claims_agrees_with_the_servers_own_parser() {
    let mut superuser = server().superuser(&two().acme.database);
    superuser.run(
        "CREATE FUNCTION pg_temp.parsed(t text) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN \
           RETURN CASE WHEN jsonb_typeof(t::jsonb) = 'object' THEN t::jsonb END; \
         EXCEPTION WHEN others THEN RETURN NULL; END $$; \
         CREATE TEMP TABLE differing (claims text)",
    );
    superuser.run(
        r#"DO $$
        DECLARE
            base text[] := ARRAY[
                '{"sub":"a1","iat":1780000000,"app_metadata":{"tenant_id":"x","providers":["e","g"]},"amr":[{"m":"p","t":-1.5e3}],"b":true,"n":null}',
                '{"a":[[],{},[{"b":[1,"x,]}{",null,true,false]}]]}',
                '{"k":"\u00e9\ud83d\ude00\\\"\/\n","z":0.10,"e":{}}'];
            letters text := '{}[]":,\0123456789.eE+-truefalsn u' || chr(9) || chr(10) || chr(1) || chr(127) || 'é';
            t text; p int; good int := 0; a jsonb; b jsonb;
        BEGIN
            PERFORM setseed(0.42);
            FOR i IN 1 .. 4000 LOOP
                t := base[1 + i % 3];
                FOR k IN 1 .. 1 + floor(random() * 2)::int LOOP
                    p := 1 + floor(random() * length(t))::int;
                    t := overlay(t placing CASE WHEN random() < 0.33 THEN ''
                        ELSE substr(letters, 1 + floor(random() * length(letters))::int, 1) END
                        from p for floor(random() * 2)::int);
                END LOOP;
                PERFORM set_config('request.jwt.claims', t, false);
                a := tenantctl.request_claims();
                b := pg_temp.parsed(t);
                IF b IS NOT NULL THEN good := good + 1; END IF;
                IF a IS DISTINCT FROM b THEN INSERT INTO differing VALUES (t); END IF;
            END LOOP;
            PERFORM set_config('request.jwt.claims', '', false);
            IF good NOT BETWEEN 200 AND 3800 THEN
                RAISE EXCEPTION 'only % of the texts were JSON: nothing was tried', good;
            END IF;
        END $$"#,
    );
    assert_eq!(superuser.ask("TABLE differing LIMIT 5"), "");
}

#[test]
fn what_the_gate_stands_on_only_ever_rises_and_never_changes_hands() {
    let two = two();
    let b = &two.globex.id;
    let mut owner = server().operator(&two.acme.database);
    owner.run("SET ROLE tenantctl_owner");
    let raise = "UPDATE tenantctl.gate SET epoch = 5, sessions_not_before = '2026-01-01'";
    for (statement, expected) in [
        ("UPDATE tenantctl.gate SET epoch = 4", "ERROR 23514"),
        ("UPDATE tenantctl.gate SET sessions_not_before = NULL", "ERROR 23514"),
        ("UPDATE tenantctl.gate SET sessions_not_before = '2020-01-01'", "ERROR 23514"),
        ("UPDATE tenantctl.gate SET epoch = 6 RETURNING epoch", "6"),
        ("INSERT INTO tenantctl.gate DEFAULT VALUES", "ERROR 23505"),
        ("INSERT INTO tenantctl.gate (only_row) VALUES (false)", "ERROR 23514"),
        ("INSERT INTO tenantctl.denied (until) VALUES (now())", "ERROR 23514"),
        ("INSERT INTO tenantctl.denied (jti) VALUES ('')", "ERROR 23514"),
        ("DELETE FROM tenantctl.identity", "ERROR 23001"),
        ("TRUNCATE tenantctl.identity", "ERROR 23001"),
        ("UPDATE tenantctl.identity SET slug = 'other' RETURNING slug", "other"),
    ] {
        assert_eq!(owner.says_and_undoes(&[raise, statement]), expected, "{statement}");
    }
    for (statement, expected) in [
        (format!("UPDATE tenantctl.identity SET tenant_id = '{b}'"), "ERROR 23001"),
        (format!("UPDATE tenantctl.identity SET control_plane_id = '{b}'"), "ERROR 23001"),
        (
            format!(
                "INSERT INTO tenantctl.identity (tenant_id, slug, control_plane_id) \
                 VALUES ('{b}', 'x', '{b}')"
            ),
            "ERROR 23505",
        ),
        (
            format!(
                "INSERT INTO tenantctl.denied (jti, user_id, until) VALUES ('a', '{b}', now())"
            ),
            "ERROR 23514",
        ),
    ] {
        assert_eq!(owner.says_and_undoes(&[&statement]), expected, "{statement}");
    }
}

#[test]
fn a_database_without_its_identity_or_gate_lets_nobody_in() {
    let two = two();
    let mut superuser = server().superuser(&two.acme.database);
    for table in ["identity", "gate"] {
        let said = superuser.says_and_undoes(&[
            "SET LOCAL session_replication_role = replica",
            &format!("DELETE FROM tenantctl.{table}"),
            "SET LOCAL session_replication_role = origin",
            &format!("SET LOCAL app.current_tenant_id = '{}'", two.acme.id),
            &format!("SET LOCAL ROLE {}", two.acme.database),
            "SELECT count(*) FROM public.vendors",
        ]);
        assert_eq!(said, "0", "{table}");
    }
}
