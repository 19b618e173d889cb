//! The two sets of migrations that a tenant's database gets, checked before anything is contacted.

use std::path::{Path, PathBuf};

use super::base;
use super::enums;
use super::error::MigrationError;
use super::lint::{self, Problem};
use super::plan;
use super::shared::{self, Shared};
use crate::adapters::postgres::{MigrationFile, MigrationSet};
use crate::adapters::server::{ServerError, domain_set, files_in, gate_set};
use crate::model::{MigrationsBase, SchemaState, SchemaVersion, escape_controls};

#[derive(Debug, Clone)]
pub(crate) struct Sets {
    /// The schema `tenantctl`; always the embedded ones.
    pub gate: MigrationSet,
    /// The product's tables: the embedded ones, those of a folder, or both.
    pub domain: MigrationSet,
    /// The tables that the files say are shared on purpose.
    pub shared: Vec<Shared>,
    /// Where the domain's are from, as a sentence; nothing where all are embedded.
    pub origin: Option<String>,
}

/// An operator's folder of migrations.
#[derive(Debug, Clone)]
pub(crate) struct OwnMigrations {
    pub folder: PathBuf,
    /// Whether they continue the embedded ones; their numbers say it when it is not set.
    pub base: Option<MigrationsBase>,
}

impl Sets {
    /// Loads both sets; an operator's own migrations continue the embedded domain or stand in its
    /// place.
    ///
    /// # Errors
    /// When the folder cannot be read, its numbers do not fit, or a file holds what `lint` refuses.
    pub(crate) fn load(own: Option<&OwnMigrations>) -> Result<Self, MigrationError> {
        let (domain, origin) = match own {
            None => (domain_set(), None),
            Some(own) => {
                let (domain, origin) = joined(own)?;
                (domain, Some(origin))
            }
        };
        let unfit = |name: &str, Problem { line, what, remedy, .. }| {
            let file = format!("migration {name}");
            MigrationError::Unfit { file, line, what, remedy }
        };
        let mut declared = Vec::new();
        for (name, text) in domain.texts() {
            if let Some(problem) = lint::problem(text) {
                return Err(unfit(name, problem));
            }
            declared.extend(shared::declared(text).map_err(|problem| unfit(name, problem))?);
        }
        if let Some((name, problem)) = enums::problem(&domain.texts()) {
            return Err(unfit(name, problem));
        }
        Ok(Self { gate: gate_set(), domain, shared: declared, origin })
    }

    /// Returns the versions up to `target` that are the operator's own; those that are embedded, and
    /// copies of them, are known to keep row security.
    pub(crate) fn own_up_to(
        &self,
        target: Option<SchemaVersion>,
    ) -> impl Iterator<Item = SchemaVersion> {
        let fits = move |own: &SchemaVersion| target.is_none_or(|target| *own <= target);
        let embedded = domain_set().records();
        let own = self.domain.records().into_iter().filter(move |it| !embedded.contains(it));
        own.map(|record| record.version).filter(fits)
    }

    /// Returns the version and fingerprint of a tenant that has everything.
    pub(crate) fn head(&self) -> SchemaState {
        self.state_at(None)
    }

    /// Returns the version and fingerprint of a tenant that has everything up to `target`.
    pub(crate) fn state_at(&self, target: Option<SchemaVersion>) -> SchemaState {
        let mut gate = self.gate.records();
        gate.extend(self.gate.functions.map(|functions| functions.record()));
        plan::state_of(&gate, &plan::up_to(&self.domain.records(), target))
    }
}

/// Returns the domain's migrations with an operator's own, and says where they are from.
fn joined(own: &OwnMigrations) -> Result<(MigrationSet, String), MigrationError> {
    let files = files_in(&own.folder)?;
    let embedded = domain_set();
    let last = last_of(&embedded);
    let base = base::decide(last, &numbers_of(&files), own.base)
        .map_err(|(what, remedy)| misnumbered(&own.folder, what, remedy))?;
    let folder = escape_controls(&own.folder.display().to_string());
    let range = range_of(&files);
    Ok(match base {
        MigrationsBase::Embedded => {
            let origin =
                format!("migrations: the embedded ones up to {last}, then {range} from {folder}");
            (embedded.continued_by(files), origin)
        }
        MigrationsBase::None => {
            let origin = format!("migrations: {range} from {folder}, none of the embedded ones");
            (embedded.replaced_by(files), origin)
        }
    })
}

pub(super) fn numbers_of(files: &[MigrationFile]) -> Vec<base::Numbered<'_>> {
    let number = |file: &MigrationFile| SchemaVersion(file.migration.version());
    files.iter().map(|file| (number(file), file.name.as_str())).collect()
}

pub(super) fn misnumbered(folder: &Path, problem: String, remedy: String) -> MigrationError {
    ServerError::Folder { folder: folder.to_owned(), problem, remedy: Some(remedy) }.into()
}

pub(super) fn last_of(set: &MigrationSet) -> SchemaVersion {
    set.records().last().map_or(SchemaVersion(0), |record| record.version)
}

fn range_of(files: &[MigrationFile]) -> String {
    let numbers = numbers_of(files);
    match (numbers.first(), numbers.last()) {
        (Some((first, _)), Some((last, _))) if first != last => format!("{first} to {last}"),
        (Some((only, _)), _) => only.to_string(),
        _ => "nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_file_is_fit_to_run_and_numbered_without_gaps() {
        let sets = Sets::load(None).unwrap();
        let control_plane = crate::adapters::control_plane::set();
        for set in [&sets.gate, &sets.domain, &control_plane] {
            for (name, text) in set.texts() {
                assert_eq!(lint::problem(text), None, "{name}");
            }
            let versions: Vec<_> = set.records().iter().map(|r| r.version.0).collect();
            let expected: Vec<_> = (1..=i64::try_from(versions.len()).unwrap()).collect();
            assert_eq!(versions, expected, "{}", set.history);
        }
    }

    #[test]
    fn every_file_in_the_folders_is_embedded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let sets = Sets::load(None).unwrap();
        let control_plane = crate::adapters::control_plane::set();
        for (folder, set) in
            [("gate", &sets.gate), ("domain", &sets.domain), ("control_plane", &control_plane)]
        {
            let files = std::fs::read_dir(root.join(folder)).unwrap();
            let mut on_disk: Vec<String> =
                files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            let mut embedded: Vec<String> =
                set.texts().into_iter().map(|(name, _)| name.to_owned()).collect();
            on_disk.sort();
            embedded.sort();
            assert_eq!(on_disk, embedded);
        }
    }
}
