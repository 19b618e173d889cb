//! The steps of a plan, numbered.

use super::text::Text;

/// Returns what would be done, by title; the words are for JSON.
pub(super) fn step_list(steps: &[(&'static str, &'static str)]) -> Text {
    if steps.is_empty() {
        return Text::from("Nothing to do.");
    }
    let text = Text::from("Would do:");
    steps
        .iter()
        .enumerate()
        .fold(text, |text, (index, (_, title))| text.line(format_args!("  {}. {title}", index + 1)))
}
