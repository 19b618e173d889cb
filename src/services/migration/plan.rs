//! Embedded × applied → pending, or how the two contradict each other.
//!
//! Pure functions over two lists; no database is asked.

use crate::adapters::postgres::{Functions, InstalledFunctions};
use crate::model::{MigrationRecord, SchemaState, SchemaVersion, hex, sha256};

/// How an applied history contradicts the embedded migrations.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Divergence {
    #[error(
        "{applied} was applied with checksum {:016x}, this tenantctl has {embedded} with checksum \
         {:016x}",
        applied.checksum, embedded.checksum
    )]
    Changed { applied: MigrationRecord, embedded: MigrationRecord },
    /// A version was applied that this binary does not have.
    #[error(
        "{applied} was applied with checksum {:016x}, this tenantctl has no {} (checksum none)",
        applied.checksum, applied.version
    )]
    Missing { applied: MigrationRecord },
    /// A migration was never applied, though a later one was.
    #[error(
        "{embedded} with checksum {:016x} was never applied, but {newest} with checksum {:016x} \
         was: a migration arrived late",
        embedded.checksum, newest.checksum
    )]
    Late { embedded: MigrationRecord, newest: MigrationRecord },
    #[error(
        "the functions were installed by tenantctl {by}, which is newer than this one, {}",
        Functions::VERSION
    )]
    NewerFunctions { by: String },
}

/// Returns the record of our SQL functions when they have to be installed, or `None` when they are.
///
/// # Errors
/// When a newer tenantctl installed others: ours would undo what it fixed.
pub(super) fn functions_missing(
    ours: Option<&Functions>,
    installed: Option<&InstalledFunctions>,
) -> Result<Option<MigrationRecord>, Divergence> {
    let Some(ours) = ours.map(Functions::record) else { return Ok(None) };
    match installed {
        Some(installed) if installed.checksum == ours.checksum => Ok(None),
        Some(installed) if installed.is_newer() => {
            Err(Divergence::NewerFunctions { by: installed.by.clone() })
        }
        _ => Ok(Some(ours)),
    }
}

/// Returns what is pending, ascending.
///
/// # Errors
/// The first contradiction, lowest version first.
pub(super) fn pending(
    embedded: &[MigrationRecord],
    applied: &[MigrationRecord],
) -> Result<Vec<MigrationRecord>, Divergence> {
    for record in applied {
        match embedded.iter().find(|known| known.version == record.version) {
            None => return Err(Divergence::Missing { applied: record.clone() }),
            Some(known) if known != record => {
                return Err(Divergence::Changed {
                    applied: record.clone(),
                    embedded: known.clone(),
                });
            }
            Some(_) => {}
        }
    }
    let is_applied =
        |record: &MigrationRecord| applied.iter().any(|row| row.version == record.version);
    let pending: Vec<_> = embedded.iter().filter(|record| !is_applied(record)).cloned().collect();
    match (pending.first(), applied.iter().max_by_key(|record| record.version)) {
        (Some(first), Some(newest)) if first.version < newest.version => {
            Err(Divergence::Late { embedded: first.clone(), newest: newest.clone() })
        }
        _ => Ok(pending),
    }
}

/// Returns the version and fingerprint of a database with these migrations. The fingerprint covers
/// number, name and checksum of each, of the gate as well, so two that agree have the same schema.
pub(super) fn state_of(gate: &[MigrationRecord], domain: &[MigrationRecord]) -> SchemaState {
    let line = |realm, MigrationRecord { version, name, checksum }: &MigrationRecord| {
        format!("{realm}\n{}\n{name}\n{checksum}\n", version.0)
    };
    let lines = gate.iter().map(|record| line("gate", record));
    let text: String = lines.chain(domain.iter().map(|record| line("domain", record))).collect();
    let fingerprint = hex(&sha256(text.as_bytes())[..8]);
    SchemaState { version: domain.last().map(|record| record.version), fingerprint }
}

/// Returns the records up to `target`, or all without one.
pub(crate) fn up_to(
    records: &[MigrationRecord],
    target: Option<SchemaVersion>,
) -> Vec<MigrationRecord> {
    let fits = |record: &&MigrationRecord| target.is_none_or(|target| record.version <= target);
    records.iter().filter(fits).cloned().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(version: i64, checksum: u64) -> MigrationRecord {
        MigrationRecord { version: SchemaVersion(version), name: format!("m{version}"), checksum }
    }

    fn list(versions: &[i64]) -> Vec<MigrationRecord> {
        versions.iter().map(|version| record(*version, 7)).collect()
    }

    #[test]
    fn contradictions_name_both_checksums() {
        let embedded = list(&[1, 2, 3]);
        let changed = pending(&embedded, &[record(1, 7), record(2, 8)]).unwrap_err();
        assert!(matches!(changed, Divergence::Changed { .. }));
        let text = changed.to_string();
        assert!(text.contains("0000000000000008") && text.contains("0000000000000007"), "{text}");
        let missing = pending(&embedded, &list(&[1, 2, 3, 4])).unwrap_err();
        assert!(matches!(missing, Divergence::Missing { .. }));
        let late = pending(&embedded, &list(&[1, 3])).unwrap_err();
        assert!(matches!(late, Divergence::Late { .. }));
    }

    proptest! {
        #[test]
        fn a_plan_is_ordered_and_empty_after_itself(count in 0..12_i64, done in 0..12_i64) {
            let embedded = list(&(1..=count).collect::<Vec<_>>());
            let mut applied = list(&(1..=done.min(count)).collect::<Vec<_>>());
            let plan = pending(&embedded, &applied).unwrap();
            prop_assert!(plan.windows(2).all(|pair| pair[0].version < pair[1].version));
            applied.extend(plan);
            prop_assert_eq!(&applied, &embedded);
            prop_assert!(pending(&embedded, &applied).unwrap().is_empty());
        }

        #[test]
        fn fingerprints_differ_when_anything_does(a in 0..5_u64, b in 0..5_u64) {
            let (a_state, b_state) =
                (state_of(&[], &[record(1, a)]), state_of(&[], &[record(1, b)]));
            prop_assert_eq!(a_state.fingerprint == b_state.fingerprint, a == b);
            prop_assert_ne!(
                state_of(&[record(1, a)], &[]).fingerprint,
                state_of(&[], &[record(1, a)]).fingerprint
            );
        }
    }
}
