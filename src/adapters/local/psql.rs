//! Runs psql in a tenant's database, without a secret in its arguments or its environment.
//!
//! Where to connect stands in a service file and the password in a password file; both are private,
//! and gone once psql has ended. What libpq would take from our own environment is taken away from it.

use std::ffi::OsString;
use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use tempfile::TempDir;
use tokio::process::Command;

use super::error::LocalError;
use super::programs::folders_of_clients;
use crate::adapters::postgres::Endpoint;
use crate::model::SecretText;

const PROGRAM: &str = "psql";
/// The name of the one service in the file.
const SERVICE: &str = "tenantctl";

/// Variables of libpq that would lead a session elsewhere, or change what it does there.
const TAKEN: [&str; 22] = [
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGDATABASE",
    "PGUSER",
    "PGPASSWORD",
    "PGREQUIREAUTH",
    "PGCHANNELBINDING",
    "PGSERVICEFILE",
    "PGSERVICE",
    "PGPASSFILE",
    "PGOPTIONS",
    "PGSSLMODE",
    "PGREQUIRESSL",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGSSLROOTCERT",
    "PGSSLCRL",
    "PGREQUIREPEER",
    "PGTARGETSESSIONATTRS",
    "PGLOADBALANCEHOSTS",
    "PGSYSCONFDIR",
];

/// psql, as it is installed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Psql(PathBuf);

/// One run of it.
#[derive(Debug)]
pub(crate) struct PsqlRun<'a> {
    pub(crate) endpoint: &'a Endpoint,
    /// What libpq sends when it connects: `-c name=value …`.
    pub(crate) options: &'a str,
    /// What the operator adds; never with a secret of ours.
    pub(crate) arguments: &'a [OsString],
}

impl Psql {
    /// Finds psql in the configured folder, else on the search path and where packages put it.
    ///
    /// # Errors
    /// When there is none, with the places that were looked at.
    pub(crate) fn find(
        explicit: Option<&Path>,
        search_path: Option<&OsString>,
    ) -> Result<Self, LocalError> {
        let mut looked = Vec::new();
        for folder in folders_of_clients(explicit, search_path) {
            let program = folder.join(PROGRAM);
            if program.is_file() {
                return Ok(Self(program));
            }
            looked.push(folder.display().to_string());
        }
        Err(LocalError::NoPsql { looked })
    }

    /// Runs psql until it ends, on our own streams.
    ///
    /// # Errors
    /// When its files cannot be written, or it cannot be started.
    pub(crate) async fn run(&self, run: &PsqlRun<'_>) -> Result<ExitStatus, LocalError> {
        let failed = |source| LocalError::Psql { program: self.0.clone(), source };
        let files = Files::write(run.endpoint).map_err(failed)?;
        let mut command = Command::new(&self.0);
        for name in TAKEN {
            command.env_remove(name);
        }
        command
            .args(run.arguments)
            .env("PGSERVICEFILE", files.service())
            .env("PGSERVICE", SERVICE)
            .env("PGPASSFILE", files.password())
            .env("PGOPTIONS", run.options)
            .env("PGAPPNAME", "tenantctl connect")
            .kill_on_drop(true);
        let ended = command.status().await.map_err(failed)?;
        files.remove().map_err(failed)?;
        Ok(ended)
    }
}

/// The two files, in a folder that only we may enter; dropped, they are removed.
struct Files(TempDir);

impl Files {
    fn write(endpoint: &Endpoint) -> io::Result<Self> {
        let mut folder = tempfile::Builder::new();
        let folder = folder.prefix("tenantctl-").permissions(Permissions::from_mode(0o700));
        let files = Self(folder.tempdir()?);
        let lines =
            endpoint.parameters().into_iter().map(|(name, value)| format!("{name}={value}\n"));
        let text = format!("[{SERVICE}]\n{}", lines.collect::<String>());
        private(&files.service(), &text)?;
        if let Some(password) = &endpoint.password {
            private(&files.password(), pass_line(password).expose())?;
        }
        Ok(files)
    }

    fn service(&self) -> PathBuf {
        self.0.path().join("service.conf")
    }

    fn password(&self) -> PathBuf {
        self.0.path().join("pass")
    }

    fn remove(self) -> io::Result<()> {
        self.0.close()
    }
}

fn private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// Returns the line of a password file that fits wherever the service leads.
fn pass_line(password: &SecretText) -> SecretText {
    let escaped = password.expose().replace('\\', "\\\\").replace(':', "\\:");
    format!("*:*:*:*:{escaped}\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_private_hold_no_password_but_one_and_go() {
        let url = "postgresql://app:s%3Ac%5Cret@db.example.com:6543/tenant_acme?sslrootcert=system";
        let endpoint = Endpoint::parse(url).unwrap();
        let files = Files::write(&endpoint).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = files.0.path().to_owned();
        assert_eq!(
            (mode(&folder), mode(&files.service()), mode(&files.password())),
            (0o700, 0o600, 0o600)
        );
        let service = std::fs::read_to_string(files.service()).unwrap();
        for line in
            ["[tenantctl]", "host=db.example.com", "port=6543", "dbname=tenant_acme", "user=app"]
        {
            assert!(service.lines().any(|it| it == line), "{line}: {service}");
        }
        assert!(!service.contains("ret"), "{service}");
        assert_eq!(std::fs::read_to_string(files.password()).unwrap(), "*:*:*:*:s\\:c\\\\ret\n");
        files.remove().unwrap();
        assert!(!folder.exists());
    }
}
