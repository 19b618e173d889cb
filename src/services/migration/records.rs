//! `migrate repair` and `migrate baseline` in one database: its history is made to say what is so. No
//! migration runs, and the catalog decides whether it is so.

use tokio::time::Instant;

use super::clean::{CatalogStanding, CleanBuilds};
use super::error::MigrationError;
use super::one::{compare, gate_records};
use super::plan;
use super::sets::Sets;
use crate::adapters::server::TenantDatabase;
use crate::model::{MigrationRecord, SchemaState, SchemaVersion, Tenant};

/// How a history is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RecordsChange {
    /// The checksums of these files are taken.
    Accept(Vec<SchemaVersion>),
    /// Everything up to this version is there already.
    Baseline(SchemaVersion),
}

impl RecordsChange {
    fn doing(&self) -> &'static str {
        match self {
            Self::Accept(_) => "accept the file",
            Self::Baseline(_) => "record the migrations as applied",
        }
    }

    /// Returns the versions it names.
    pub(crate) fn versions(&self) -> Vec<SchemaVersion> {
        match self {
            Self::Accept(versions) => versions.clone(),
            Self::Baseline(at) => vec![*at],
        }
    }
}

/// What a history's change came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// What was recorded, or would be; nothing where it said so before.
    pub lines: Vec<String>,
    /// The database's version and fingerprint afterwards.
    pub schema: SchemaState,
}

/// Changes what a database's history says, in one transaction and under the lock of its migrations, when
/// its catalog is that of a clean build of the files.
///
/// # Errors
/// When the history contradicts the files otherwise, or the catalog differs, or cannot be compared.
pub(crate) async fn change_records(
    clean: &CleanBuilds<'_>,
    tenant: &Tenant,
    database: &mut TenantDatabase,
    change: &RecordsChange,
    is_dry_run: bool,
    deadline: Instant,
) -> Result<Recorded, MigrationError> {
    let (sets, doing) = (clean.sets(), change.doing());
    database.lock(deadline).await?;
    let (gate, is_pending) = gate_records(database, sets).await?;
    if is_pending {
        return Err(MigrationError::GatePending { doing });
    }
    let applied = database.history(&sets.domain).await?.records();
    let Changes { added, accepted, history, lines } = changes(sets, applied, change)?;
    let schema = plan::state_of(&gate, &history);
    if lines.is_empty() {
        return Ok(Recorded { lines, schema });
    }
    // The table is a part of the catalog, and is there only once something was recorded.
    database.begin_records(&sets.domain).await?;
    match Box::pin(clean.compare(tenant, database, &schema, deadline)).await? {
        CatalogStanding::Same => {}
        CatalogStanding::Differs(found) => {
            database.end_records(false).await?;
            let at = schema.version.unwrap_or(SchemaVersion(0));
            return Err(MigrationError::NotAsBuilt { doing, at, found });
        }
        CatalogStanding::NotCompared(why) => {
            database.end_records(false).await?;
            return Err(MigrationError::NotComparable { doing, why });
        }
    }
    if !is_dry_run {
        database.add_records(&sets.domain, &added).await?;
        database.replace_checksums(&sets.domain, &accepted).await?;
    }
    database.end_records(!is_dry_run).await?;
    Ok(Recorded { lines, schema })
}

/// How a history and the files compare, and what it says afterwards.
#[derive(Debug, PartialEq, Eq)]
struct Changes {
    added: Vec<MigrationRecord>,
    /// What is recorded, and the file.
    accepted: Vec<(MigrationRecord, MigrationRecord)>,
    history: Vec<MigrationRecord>,
    lines: Vec<String>,
}

fn changes(
    sets: &Sets,
    mut history: Vec<MigrationRecord>,
    change: &RecordsChange,
) -> Result<Changes, MigrationError> {
    let files = sets.domain.records();
    let (mut accepted, mut lines) = (Vec::new(), Vec::new());
    let mut added = Vec::new();
    match change {
        RecordsChange::Accept(versions) => {
            for row in &mut history {
                let file = files.iter().find(|file| file.version == row.version);
                let Some(file) = file.filter(|_| versions.contains(&row.version)) else { continue };
                if file.name != row.name {
                    let (applied, file) = (row.to_string(), file.to_string());
                    return Err(MigrationError::OtherName { applied, file });
                }
                if file != row {
                    lines.push(format!("{file}: {:016x} → {:016x}", row.checksum, file.checksum));
                    accepted.push((row.clone(), file.clone()));
                    *row = file.clone();
                }
            }
            compare(&sets.domain, &history)?;
        }
        RecordsChange::Baseline(at) => {
            added = plan::up_to(&compare(&sets.domain, &history)?, Some(*at));
            lines = added.iter().map(ToString::to_string).collect();
            history.extend(added.iter().cloned());
        }
    }
    Ok(Changes { added, accepted, history, lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_named_is_taken_and_everything_else_must_agree() {
        let sets = Sets::load(None).unwrap();
        let files = sets.domain.records();
        let edited = |at: usize| MigrationRecord { checksum: 7, ..files[at].clone() };
        let mut history = files[..3].to_vec();
        history[1] = edited(1);
        let accept = |versions: &[i64]| {
            RecordsChange::Accept(versions.iter().copied().map(SchemaVersion).collect())
        };
        let done = changes(&sets, history.clone(), &accept(&[2, 3, 7])).unwrap();
        assert_eq!(done.accepted, [(edited(1), files[1].clone())]);
        assert_eq!((&done.history[..], done.lines.len()), (&files[..3], 1));
        assert!(changes(&sets, history.clone(), &accept(&[3])).is_err(), "V2 still differs");
        let same = changes(&sets, files[..3].to_vec(), &accept(&[2])).unwrap();
        assert_eq!(same.lines, [""; 0]);
        history[1].name = "other".to_owned();
        let named = changes(&sets, history, &accept(&[2])).unwrap_err();
        assert!(matches!(named, MigrationError::OtherName { .. }));

        let baseline = RecordsChange::Baseline(SchemaVersion(3));
        let done = changes(&sets, files[..1].to_vec(), &baseline).unwrap();
        assert_eq!((&done.added[..], &done.history[..]), (&files[1..3], &files[..3]));
        let done = changes(&sets, files[..4].to_vec(), &baseline).unwrap();
        assert_eq!(done.lines, [""; 0]);
        assert!(changes(&sets, vec![edited(0)], &baseline).is_err());
    }
}
