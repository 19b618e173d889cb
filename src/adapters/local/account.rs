//! The operating system's user that Postgres runs as, since it refuses root.
//!
//! Chooses the user, builds commands that run as that user, and checks that the user can enter the
//! directories of the files. Users are looked up as the system does (NSS), so that those of LDAP
//! are found too.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;
use uzers::User;

use super::error::LocalError;
use super::layout::Layout;
use crate::files::Owner;

/// The user that the server's processes and files belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    gid: u32,
    /// Whether we are root and start the server as this user.
    switches: bool,
}

impl Account {
    /// Returns the user to run the server of `layout` as.
    ///
    /// For root that is the first of: the owner of the cluster, the owner of the data dir,
    /// `postgres`, `nobody`. Everyone else runs it themselves.
    ///
    /// # Errors
    /// [`LocalError::OtherOwner`] when an ordinary user meets another user's server,
    /// [`LocalError::NoAccount`] when root finds no user to become.
    pub(super) fn choose(layout: &Layout) -> Result<Self, LocalError> {
        let owner = |path: &Path| fs::metadata(path).ok().map(|found| (found.uid(), found.gid()));
        let cluster = owner(&layout.cluster);
        let uid = rustix::process::geteuid();
        if !uid.is_root() {
            let uid = uid.as_raw();
            if let Some((other, _)) = cluster.filter(|(other, _)| *other != uid) {
                let problem = format!("belongs to {}", described(other));
                return Err(LocalError::OtherOwner { path: layout.cluster.clone(), problem });
            }
            let gid = rustix::process::getegid().as_raw();
            return Ok(Self { name: name_of(uid), uid, gid, switches: false });
        }
        let stays = cluster.filter(|(uid, _)| *uid != 0);
        stays
            .map(|(uid, gid)| Self { name: name_of(uid), uid, gid, switches: true })
            .or_else(|| {
                let (uid, _) = owner(&layout.data_dir)?;
                Self::from_user(&uzers::get_user_by_uid(uid)?)
            })
            .or_else(|| Self::from_user(&uzers::get_user_by_name("postgres")?))
            .or_else(|| Self::from_user(&uzers::get_user_by_name("nobody")?))
            .ok_or(LocalError::NoAccount)
    }

    /// Returns the account that root becomes for a user; nothing for root itself.
    fn from_user(user: &User) -> Option<Self> {
        let name = user.name().to_string_lossy().into_owned();
        let (uid, gid) = (user.uid(), user.primary_group_id());
        (uid != 0).then_some(Self { name, uid, gid, switches: true })
    }

    /// Returns the owner to give the server's files to, where they would not be the server's
    /// anyway.
    pub(super) fn owner(&self) -> Owner {
        self.switches.then_some((self.uid, self.gid))
    }

    /// Returns the command `program` as this user, with an environment of our making.
    ///
    /// Nothing of the operator's environment reaches the server: neither `PG…` variables, which
    /// would redirect it, nor access tokens, which would stay readable in its `/proc` entry for as
    /// long as it runs.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .current_dir("/")
            .stdin(Stdio::null())
            // Ctrl-C at our terminal is for us; the server gets its signals from `down`.
            .process_group(0);
        if self.switches {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Checks that this user can enter `directory` and everything above it.
    ///
    /// # Errors
    /// [`LocalError::Blocked`] with the topmost directory that keeps the user out.
    pub(super) fn check_enterable(&self, directory: &Path) -> Result<(), LocalError> {
        if !self.switches {
            return Ok(());
        }
        let mut way: Vec<&Path> = directory.ancestors().collect();
        way.reverse();
        let blocks = |path: &&Path| {
            fs::metadata(path)
                .is_ok_and(|found| !self.may_enter(found.mode(), found.uid(), found.gid()))
        };
        match way.into_iter().find(blocks) {
            Some(blocking) => Err(LocalError::Blocked {
                directory: blocking.to_path_buf(),
                user: self.name.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Applies the kernel's rule: the first class that matches decides alone.
    fn may_enter(&self, mode: u32, uid: u32, gid: u32) -> bool {
        let needed = match (uid == self.uid, gid == self.gid) {
            (true, _) => 0o100,
            (false, true) => 0o010,
            (false, false) => 0o001,
        };
        mode & needed != 0
    }
}

/// Returns a user's name, or the number of one that has none.
fn name_of(uid: u32) -> String {
    let user = uzers::get_user_by_uid(uid);
    user.map_or_else(|| format!("uid {uid}"), |user| user.name().to_string_lossy().into_owned())
}

fn described(uid: u32) -> String {
    match uzers::get_user_by_uid(uid) {
        Some(user) => format!("user `{}`", user.name().to_string_lossy()),
        None => format!("uid {uid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_that_matches_first_decides() {
        let user = Account { name: "u".to_owned(), uid: 5, gid: 6, switches: true };
        assert!(user.may_enter(0o700, 5, 0));
        assert!(!user.may_enter(0o077, 5, 6), "the owner's bits count even when others have more");
        assert!(user.may_enter(0o010, 0, 6));
        assert!(!user.may_enter(0o701, 0, 6));
        assert!(user.may_enter(0o701, 0, 0));
        assert!(!user.may_enter(0o750, 0, 0));
    }

    #[test]
    fn the_topmost_closed_directory_is_the_one_named() {
        use std::os::unix::fs::PermissionsExt;
        let outer = tempfile::tempdir().unwrap();
        fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let inner = outer.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        let stranger =
            Account { name: "s".to_owned(), uid: u32::MAX - 7, gid: u32::MAX - 7, switches: true };
        match stranger.check_enterable(&inner) {
            Err(LocalError::Blocked { directory, .. }) => assert_eq!(directory, outer.path()),
            other => panic!("{other:?}"),
        }
    }
}
