//! Faults at a program's border to the system: a clock that is off, a disk without room.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The seconds by which a program's clock is off.
pub(crate) const CLOCK_IS_OFF: &str = "TEST_CLOCK_IS_OFF";

/// Names a file; while it is there, no table's file can grow.
pub(crate) const DISK_IS_FULL: &str = "TEST_DISK_IS_FULL";

/// Returns the library to preload, compiled when it is first asked for; the linker of Rust programs
/// is a C compiler.
pub(crate) fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/support/preload.c");
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("preload.so");
        // A server of an earlier run may still have the old one open.
        let new = made.with_extension(std::process::id().to_string());
        let said = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&new, Path::new(source)])
            .arg("-ldl")
            .output()
            .unwrap();
        assert!(said.status.success(), "cc: {}", String::from_utf8_lossy(&said.stderr));
        std::fs::rename(new, &made).unwrap();
        made
    })
}
