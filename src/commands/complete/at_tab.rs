//! Answers a shell that asks at Tab: its script calls tenantctl with `COMPLETE=SHELL` and the words.
//!
//! A Tab never prompts and never prints an error.

use std::ffi::OsString;
use std::sync::Arc;

use super::look_up::LookUp;
use super::shells::{CompletingShell, listed, rejoined};
use crate::cli::{Source, Typed, offers};
use crate::config::environment;

/// Returns the answer to a shell's question; nothing when none asked.
pub(crate) fn at_tab(arguments: &[OsString]) -> Option<String> {
    let asked = environment("COMPLETE")?;
    let shell = CompletingShell::named(asked.to_str()?)?;
    let start = arguments.iter().position(|word| word == "--")? + 1;
    let words = arguments[start..].iter().map(|word| word.to_string_lossy().into_owned());
    let words: Vec<_> = words.collect();
    let last = words.len().saturating_sub(1);
    let index = environment("_CLAP_COMPLETE_INDEX").and_then(|text| text.to_str()?.parse().ok());
    let typed = Typed { words, index: index.unwrap_or(last) };
    let (typed, cut) = match shell {
        CompletingShell::Bash => rejoined(&typed),
        _ => (typed, 0),
    };
    let working_dir = std::env::current_dir().ok();
    let look_up = LookUp::of(&typed);
    let source: Source = Arc::new(move |wanted, text| look_up.values(wanted, text));
    let offers = offers(&typed, working_dir.as_deref(), &source);
    Some(listed(shell, &offers, cut))
}
