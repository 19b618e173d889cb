//! Whom a lockdown bans where there is only Auth's admin API: whom it lists, however it lists them.

use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::auth_list::{AuthList, Page, entry, honest};
use crate::support::lockdown::{ALL_REFUSED, LOCK, UNLOCK, pairs, results, with_tenant};
use crate::support::{AUTH_KEY, Operator, PATIENCE, server, until};

fn knowing(auth: &AuthList, operator: Operator) -> Operator {
    operator
        .with("TENANTCTL_AUTH_URL", auth.url())
        .with("TENANTCTL_AUTH_SERVICE_KEY", AUTH_KEY)
        .with("TENANTCTL_HASTE", "100")
}

/// Returns the layer of Auth: its result and its detail.
fn auth_layer(report: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&report["layers"][2]["outcome"]), text(&report["layers"][2]["detail"]))
}

fn ids(count: usize) -> Vec<Uuid> {
    (0..count).map(|_| Uuid::new_v4()).collect()
}

fn sorted(users: &[Uuid]) -> Vec<String> {
    let mut sorted: Vec<_> = users.iter().map(Uuid::to_string).collect();
    sorted.sort();
    sorted
}

#[test]
fn whom_auth_names_is_banned_whether_recorded_or_not() {
    for recorded in [3, 0] {
        let operator = with_tenant();
        let id = operator.tenant("acme").id;
        let (members, strangers) = (ids(5), ids(20));
        // Two of the five are recorded here by their sessions and have no claim.
        for user in members.iter().take(recorded) {
            operator.issue(&user.to_string(), "acme");
        }
        let claim = |at: usize| (at >= recorded.min(2)).then_some(&*id);
        let mut users: Vec<_> =
            members.iter().enumerate().map(|(at, user)| entry(*user, claim(at))).collect();
        users.extend(strangers.iter().map(|user| entry(*user, None)));
        let plane = operator.plane_name().to_owned();
        // What is not kept when it is sent would never be lifted.
        let kept = move |user: &str| {
            let saved: bool = server().superuser(&plane).value(&format!(
                "SELECT coalesce(saved -> 'banned_by_api' ? '{user}', false) \
                 FROM control_plane.lockdowns WHERE lifted_at IS NULL"
            ));
            assert!(saved, "{user} is banned before that is kept");
        };
        let lifted = Arc::new(OnceLock::new());
        let is_lifted = Arc::clone(&lifted);
        let auth = AuthList::watched(
            move |page, size, _| honest(&users, page, size),
            move |user| {
                if is_lifted.get().is_none() {
                    kept(user);
                }
            },
        );
        let operator = knowing(&auth, operator);
        let report = operator.run(LOCK).success().json();
        assert_eq!(auth.banned(), sorted(&members), "{recorded} recorded");
        let (result, detail) = auth_layer(&report);
        assert_eq!(result, "done");
        assert!(detail.starts_with("5 of 25 users banned through Auth's admin API;"), "{detail}");
        assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));
        let _ran = operator.run(LOCK).success();
        assert_eq!(auth.changes(), 5, "who is banned is not banned again");
        lifted.set(()).unwrap();
        let _ran = operator.run(UNLOCK).success();
        assert_eq!(auth.banned(), Vec::<String>::new());
    }
}

#[test]
fn whoever_works_in_another_tenant_now_is_left_alone_also_when_recorded_here() {
    let operator = with_tenant();
    let _ran = operator.run("tenant create globex --name Globex --no-migrate").success();
    let globex = operator.tenant("globex").id;
    let [gone, nowhere] = ids(2)[..] else { unreachable!() };
    operator.issue(&gone.to_string(), "acme");
    let users = [entry(gone, Some(&globex)), entry(nowhere, Some("acme"))];
    let auth = AuthList::written_by(move |page, size, _| honest(&users, page, size));
    let operator = knowing(&auth, operator);
    let report = operator.run(LOCK).success().json();
    let said = "none of the 2 users there belongs to the tenant, 1 left alone who work in another \
                tenant";
    assert_eq!(auth_layer(&report), ("unchanged".to_owned(), said.to_owned()));
    assert_eq!(auth.changes(), 0);
    // Both are banned by the lockdown of the tenant that the claim names.
    let report = operator.run("-o json lockdown globex --reason r").success().json();
    assert_eq!(auth_layer(&report).0, "done");
    assert_eq!(auth.banned(), sorted(&[gone]));
}

/// The list is read for all lockdowns of a command together, and what counts for each is what was asked
/// for after its marks were written; one that somebody holds up keeps no other waiting.
#[test]
fn of_many_lockdowns_the_list_is_read_once_and_after_what_each_has_written() {
    const SLUGS: [&str; 3] = ["acme", "globex", "initech"];
    let operator = with_tenant();
    for slug in &SLUGS[1..] {
        let _ran = operator.run(&format!("tenant create {slug} --name X --no-migrate")).success();
    }
    let members: Vec<_> = ids(3);
    let claims: Vec<_> =
        SLUGS.iter().map(|slug| operator.tenant(slug).id).zip(members.clone()).collect();
    let plane = operator.plane_name().to_owned();
    let locked = move || -> Vec<String> {
        let rows: Vec<(String,)> = server().superuser(&plane).rows(
            "SELECT tenant_id::text FROM control_plane.tenant_metadata WHERE locked_at IS NOT NULL",
        );
        rows.into_iter().map(|(id,)| id).collect()
    };
    let by_then = Arc::new(Mutex::new(Vec::new()));
    let (seen, now) = (Arc::clone(&by_then), locked.clone());
    // Whoever came to a tenant before it was locked is shown only then.
    let auth = AuthList::written_by(move |page, size, _| {
        let locked = now();
        seen.lock().unwrap().push(locked.len());
        let shown = claims.iter().filter(|(id, _)| locked.contains(id));
        let users: Vec<_> = shown.map(|(id, user)| entry(*user, Some(id))).collect();
        honest(&users, page, size)
    });
    let operator = knowing(&auth, operator);
    let line = "lockdown acme globex initech --reason r";
    let _ran = operator.run(line).success();
    assert_eq!(auth.banned(), sorted(&members));
    assert_eq!(*by_then.lock().unwrap(), [3, 3], "once for all, and once more without news");
    let _ran = operator.run("--yes unlock --locked --reason r").success();
    assert_eq!(auth.banned(), Vec::<String>::new());

    let mut holder = operator.plane();
    holder
        .run("BEGIN; UPDATE control_plane.tenant_metadata SET name = name WHERE slug = 'initech'");
    let running = operator.start(line, &[]);
    let proven = || -> i64 {
        operator.plane().value(
            "SELECT count(*) FROM control_plane.tenant_metadata WHERE lock_proven_at IS NOT NULL",
        )
    };
    until("the others to be locked and proved meanwhile", PATIENCE, || {
        if proven() == 2 { Ok(()) } else { Err(format!("{} proved", proven())) }
    });
    assert_eq!(locked().len(), 2);
    assert_eq!(auth.banned(), sorted(&members[..2]));
    holder.run("ROLLBACK");
    let _ran = running.wait().success();
    assert_eq!(auth.banned(), sorted(&members), "the one that was held up read it anew");
}

/// One deleted while the list is read moves everybody after them a place forward, past the edge of a
/// page that was read already.
#[test]
fn who_was_on_the_edge_of_a_page_is_found_by_walking_again() {
    let operator = with_tenant();
    let id = operator.tenant("acme").id;
    let users: Vec<_> = ids(2500).into_iter().map(|user| entry(user, None)).collect();
    let member = Uuid::new_v4();
    let auth = AuthList::written_by(move |page, size, asked| {
        let mut all = users.clone();
        all[1000] = entry(member, Some(&id));
        if asked > 0 {
            all.remove(0);
        }
        // In the second walk somebody turned up in front.
        if asked > 2 {
            all.insert(0, users[0].clone());
        }
        honest(&all, page, size)
    });
    let operator = knowing(&auth, operator);
    let _ran = operator.run(LOCK).success();
    assert_eq!(auth.banned(), sorted(&[member]));
    assert_eq!(auth.pages(), 9, "once more until a walk brings nobody");
}

/// Writes a page of a list of these users, by its number and size.
type Lie = fn(&[Value], usize, usize) -> Page;

#[test]
fn a_list_that_cannot_be_trusted_bans_whom_it_shows_and_proves_nothing() {
    let (member, other) = (Uuid::new_v4(), Uuid::new_v4());
    let lies: [(&str, Lie, &str); 5] = [
        (
            "no list",
            |_, _, _| (Vec::new(), json!({ "msg": "hello" })),
            "failed to list the users of Supabase Auth: its answer is of an unknown shape",
        ),
        (
            "users that are none",
            |users, page, size| {
                let mut users = users.to_vec();
                users.push(json!({ "id": "../../admin/users", "app_metadata": {} }));
                users.push(json!({ "id": 7 }));
                honest(&users, page, size)
            },
            "2 of its entries cannot be read as a user",
        ),
        (
            "the same page for ever, and a count that lies",
            |users, _, size| {
                let (_, body) = honest(users, 1, size);
                (vec![("x-total-count", "1000000".to_owned())], body)
            },
            "it counts 1000000 users and showed 2 in 10 passes",
        ),
        (
            "one that goes on for ever",
            |users, page, size| {
                let mut users = if page == 1 { users.to_vec() } else { Vec::new() };
                users.extend(ids(size - users.len()).into_iter().map(|user| entry(user, None)));
                let next = "</admin/users?page=2>; rel=\"next\"".to_owned();
                (vec![("link", next)], json!({ "users": users }))
            },
            "the time for it was over",
        ),
        (
            "one that ends in the middle",
            |users, page, _| {
                let shown = if page == 1 { users } else { &[] };
                (vec![("x-total-count", "9".to_owned())], json!({ "users": shown }))
            },
            "it counts 9 users and showed 2 in 10 passes",
        ),
    ];
    for (what, lie, why) in lies {
        let operator = with_tenant();
        let users = [entry(member, Some(&operator.tenant("acme").id)), entry(other, None)];
        let auth = AuthList::written_by(move |page, size, _| lie(&users, page, size));
        let operator = knowing(&auth, operator);
        let report = operator.run(&format!("{LOCK} --timeout 4s")).fails_with(12).json();
        let (result, detail) = auth_layer(&report);
        assert_eq!(result, "failed", "{what}: {report}");
        assert!(detail.starts_with(why), "{what}: {detail}");
        let expected = if what == "no list" { Vec::new() } else { sorted(&[member]) };
        assert_eq!(auth.banned(), expected, "{what}: {detail}");
        let _ran = operator.run(UNLOCK).success();
        assert_eq!(auth.banned(), Vec::<String>::new(), "{what}");
    }
}

#[test]
fn pages_of_any_size_with_gaps_and_doubles_are_read() {
    let operator = with_tenant();
    let id = operator.tenant("acme").id;
    let member = Uuid::new_v4();
    // Nine kilobytes each: a thousand of them are more than is read at once.
    let users: Vec<_> = ids(1200)
        .into_iter()
        .map(|user| {
            let mut entry = entry(user, None);
            entry["user_metadata"] = json!({ "note": "x".repeat(9000) });
            entry
        })
        .chain([entry(member, Some(&id)), entry(member, Some(&id))])
        .collect();
    let auth = AuthList::written_by(move |page, size, _| {
        // Without a count and without links, and its second page is empty.
        let page = if page > 1 { page - 1 } else { page };
        let (_, body) = honest(&users, page, size);
        (Vec::new(), body)
    });
    let operator = knowing(&auth, operator);
    let _ran = operator.run(LOCK).success();
    assert_eq!(auth.banned(), sorted(&[member]));
    assert_eq!(auth.changes(), 1);
}

/// What no command can end there, the report does not claim: it says what covers it.
#[test]
fn a_revocation_says_what_covers_auth() {
    let operator = with_tenant();
    let jti = operator.issue(&Uuid::new_v4().to_string(), "acme");
    let auth = AuthList::written_by(|page, size, _| honest(&[], page, size));
    let by_beginning = "if it refreshes a token, what began before this moment, by the `amr` and `iat` \
                        in it, stays refused, recorded or not";
    let said = |operator: &Operator, what: &str| {
        let ran = operator.run(&format!("--yes session revoke {what} --reason r")).success();
        ran.stdout().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let text = said(&operator, &format!("--jti {jti}"));
    assert!(text.contains("1 recorded session that was valid revoked"), "{text}");
    assert!(
        text.contains("not in reach; if it refreshes a token, it stays refused by its id"),
        "{text}"
    );
    let text = said(&operator, "--tenant acme");
    assert!(text.contains("0 recorded sessions that were valid revoked"), "{text}");
    assert!(text.contains(&format!("auth not in reach; {by_beginning}")), "{text}");
    let operator = knowing(&auth, operator);
    let text = said(&operator, "--tenant acme");
    assert!(
        text.contains(&format!("auth its admin API ends no session; {by_beginning}")),
        "{text}"
    );
    let ran = operator.run("-o json --yes session revoke --tenant acme --reason r").success();
    assert_eq!(ran.json()["revocation"]["auth_covered_by"], "beginning");
    assert_eq!(auth.changes(), 0, "nobody is banned");
}
