//! What a server's state lets a tenant's login do to others, and what to do about it. Nothing of it
//! fails a check: the server is reachable.

use crate::adapters::server::Standing;

/// Something to be told, and what to type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advice {
    pub what: String,
    pub remedy: String,
}

/// Returns what is to be told about a server.
pub(super) fn advice(standing: &Standing) -> Vec<Advice> {
    [open_databases(standing), no_way_in(standing), locks(standing)].into_iter().flatten().collect()
}

fn open_databases(standing: &Standing) -> Option<Advice> {
    if standing.open_databases.is_empty() {
        return None;
    }
    let names = standing.open_databases.join("`, `");
    let quoted: Vec<_> = standing
        .open_databases
        .iter()
        .map(|name| format!("\"{}\"", name.replace('"', "\"\"")))
        .collect();
    Some(Advice {
        what: format!(
            "any login may enter `{names}`, tenants' logins too, and leave large objects there"
        ),
        remedy: format!(
            "as the owner, once every other role that needs it was granted CONNECT: REVOKE CONNECT, \
             TEMPORARY ON DATABASE {} FROM PUBLIC",
            quoted.join(", ")
        ),
    })
}

fn no_way_in(standing: &Standing) -> Option<Advice> {
    if standing.has_way_in || standing.together < i64::from(standing.connections) {
        return None;
    }
    let remedy = if standing.can_reserve {
        format!(
            "set reserved_connections, to 5 for example, restart the server, and as a superuser: \
             GRANT pg_use_reserved_connections TO \"{}\"",
            standing.operator.replace('"', "\"\"")
        )
    } else {
        "raise max_connections or lower the logins' CONNECTION LIMIT; from version 16 on Postgres \
         can reserve connections for the operator"
            .to_owned()
    };
    Some(Advice {
        what: format!(
            "{} logins may open {} connections, the server takes {}, and none is reserved for the \
             operator",
            standing.logins, standing.together, standing.connections
        ),
        remedy,
    })
}

fn locks(standing: &Standing) -> Option<Advice> {
    let holder =
        standing.lock_holder.as_ref().filter(|_| standing.locks_held * 2 > standing.lock_room)?;
    Some(Advice {
        what: format!(
            "the login `{holder}` holds {} locks; the server has room for about {}",
            standing.locks_held, standing.lock_room
        ),
        remedy:
            "end its sessions with `tenantctl lockdown` while the server still answers: Postgres \
                 limits no role's locks, and with no room left nobody connects"
                .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing() -> Standing {
        Standing {
            connections: 97,
            has_way_in: false,
            can_reserve: true,
            operator: "op\"x".to_owned(),
            logins: 4,
            together: 96,
            open_databases: Vec::new(),
            lock_room: 6400,
            lock_holder: Some("tenant_acme_0000000a".to_owned()),
            locks_held: 3200,
        }
    }

    #[test]
    fn a_server_with_room_is_told_nothing() {
        assert_eq!(advice(&standing()), []);
    }

    #[test]
    fn as_many_connections_as_there_are_need_a_reserve() {
        let full = Standing { together: 97, ..standing() };
        let told = advice(&full);
        assert_eq!(told.len(), 1);
        assert!(told[0].remedy.ends_with("TO \"op\"\"x\""), "{told:?}");
        let told = advice(&Standing { can_reserve: false, ..full.clone() });
        assert!(told[0].remedy.contains("from version 16 on"), "{told:?}");
        assert_eq!(advice(&Standing { has_way_in: true, ..full }), []);
    }

    #[test]
    fn a_login_with_most_of_the_locks_is_named() {
        let told = advice(&Standing { locks_held: 3201, ..standing() });
        assert!(
            told[0].what.starts_with("the login `tenant_acme_0000000a` holds 3201"),
            "{told:?}"
        );
    }

    #[test]
    fn names_of_databases_are_quoted() {
        let open_databases = vec!["postgres".to_owned(), "a\"b".to_owned()];
        let told = advice(&Standing { open_databases, ..standing() });
        assert!(
            told[0].remedy.contains("DATABASE \"postgres\", \"a\"\"b\" FROM PUBLIC"),
            "{told:?}"
        );
    }
}
