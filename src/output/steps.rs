//! The steps of a plan, numbered.

use super::text::Text;

/// Returns what would be done, by word and title.
pub(super) fn step_list(steps: &[(&'static str, &'static str)]) -> Text {
    if steps.is_empty() {
        return Text::from("Nothing to do.");
    }
    let width = steps.iter().map(|(word, _)| word.len()).max().unwrap_or_default().max(10);
    let text = Text::from("Would do:");
    steps.iter().enumerate().fold(text, |text, (index, (word, title))| {
        text.line(format_args!("  {}. {word:<width$} {title}", index + 1))
    })
}
