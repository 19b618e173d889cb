//! The two sets of migrations that a tenant's database gets, checked before anything is contacted.

use std::path::Path;

use super::enums;
use super::error::MigrationError;
use super::lint::{self, Problem};
use super::plan;
use crate::adapters::postgres::MigrationSet;
use crate::adapters::server::{domain_set, domain_set_from, gate_set};
use crate::model::SchemaState;

#[derive(Debug, Clone)]
pub(crate) struct Sets {
    /// The schema `tenantctl`; always the embedded ones.
    pub gate: MigrationSet,
    /// The product's tables; the embedded ones, or those of a folder.
    pub domain: MigrationSet,
}

impl Sets {
    /// Loads both sets; `folder` replaces the embedded domain.
    ///
    /// # Errors
    /// When the folder cannot be read, or a file holds what `lint` refuses.
    pub(crate) fn load(folder: Option<&Path>) -> Result<Self, MigrationError> {
        let domain = match folder {
            None => domain_set(),
            Some(folder) => domain_set_from(folder)?,
        };
        for (name, text) in domain.texts() {
            if let Some(Problem { line, what, remedy }) = lint::problem(text) {
                let file = format!("migration {name}");
                return Err(MigrationError::Unfit { file, line, what, remedy });
            }
        }
        if let Some((name, Problem { line, what, remedy })) = enums::problem(&domain.texts()) {
            return Err(MigrationError::Unfit {
                file: format!("migration {name}"),
                line,
                what,
                remedy,
            });
        }
        Ok(Self { gate: gate_set(), domain })
    }

    /// Returns the version and fingerprint of a tenant that has everything.
    pub(crate) fn head(&self) -> SchemaState {
        let mut gate = self.gate.records();
        gate.extend(self.gate.functions.map(|functions| functions.record()));
        plan::state_of(&gate, &self.domain.records())
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
