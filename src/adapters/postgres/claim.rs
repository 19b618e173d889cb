//! A try for a lock as a part of a larger query, for a session that asks more than that at once.
//!
//! It takes the lock where nobody's session holds it, and nothing more: to wait, and to say who holds
//! it, is `hold_until`'s.

use super::lock::Lock;
use super::lock_rows;
use super::quote::literal;

/// The try.
#[derive(Debug)]
pub(crate) struct Claim {
    token: i64,
    parts: String,
}

impl Claim {
    /// Makes a try that is made where a condition, SQL, holds.
    pub(crate) fn new(lock: &Lock, condition: &str) -> Self {
        let (token, name) = (lock_rows::new_token(), literal(&lock.name));
        let table = format!("{}.locks", lock.table.schema());
        // Whoever is given the last session's token knows that it ended: no other session holds it.
        // What is replaced is that very row, so of two that come at once one finds another there.
        let parts = format!(
            r"lock_row AS MATERIALIZED (SELECT token FROM {table} WHERE name = {name}),
            lock_free AS MATERIALIZED (SELECT token FROM lock_row WHERE pg_try_advisory_lock(token)),
            claimed AS (
                INSERT INTO {table} AS k (name, token, pid, role)
                SELECT {name}, {token}, pg_backend_pid(),
                    to_regrole(quote_ident(session_user))::oid::bigint
                WHERE ({condition})
                    AND (SELECT count(*) FROM lock_row) = (SELECT count(*) FROM lock_free)
                    AND pg_try_advisory_lock({token})
                ON CONFLICT (name) DO UPDATE SET token = excluded.token, pid = excluded.pid,
                    role = excluded.role, taken_at = now()
                WHERE k.token = (SELECT token FROM lock_free) RETURNING true)"
        );
        Self { token, parts }
    }

    /// Returns the parts of a WITH clause; in the end `claimed` has a row where the lock is ours, and
    /// `lock_free` the last session's token.
    pub(crate) fn parts(&self) -> &str {
        &self.parts
    }

    /// Returns the advisory locks that a session holds by it, as a list for `IN`.
    pub(crate) fn locks(&self, last: Option<i64>) -> String {
        let key = |token: i64| {
            let (high, low) = (token.cast_unsigned() >> 32, token.cast_unsigned() & 0xffff_ffff);
            format!("({high},{low},1)")
        };
        std::iter::once(self.token).chain(last).map(key).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_listed_as_the_server_lists_it() {
        let claim = Claim { token: -2, parts: String::new() };
        assert_eq!(claim.locks(None), "(4294967295,4294967294,1)");
        assert_eq!(claim.locks(Some(1 << 32)), "(4294967295,4294967294,1),(1,0,1)");
    }
}
