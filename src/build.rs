//! Makes cargo notice new files under `migrations/` and `seeds/`, and embeds the seed sets and the SQL functions.
//!
//! Refinery's macro alone would not see a file that was added. It writes nothing into the tree.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script everything by environment"
)]
fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=seeds");
    println!("cargo:rerun-if-changed=src/build.rs");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("seed_sets.rs"), folders(&root.join("seeds"))?)?;
    fs::write(out.join("functions.rs"), folders(&root.join("migrations/functions"))?)
}

/// Returns `&[("demo", &[("010_vendors.sql", include_str!("…")), …]), …]`.
fn folders(folder: &Path) -> io::Result<String> {
    let mut code = String::from("&[");
    for set in sorted(folder)?.into_iter().filter(|path| path.is_dir()) {
        let _ = write!(code, "({:?}, &[", name(&set));
        for file in
            sorted(&set)?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "sql"))
        {
            let _ = write!(
                code,
                "({:?}, include_str!({:?})),",
                name(&file),
                file.display().to_string()
            );
        }
        code.push_str("]),");
    }
    code.push(']');
    Ok(code)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
