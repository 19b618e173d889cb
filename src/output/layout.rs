//! How a text becomes characters: colour, columns, and where a line ends.

use super::columns::columns;
use super::line::Line;
use super::look::Look;
use super::text::{Block, Facts, Text};
use crate::model::escape_controls;

/// Returns a text as a stream gets it, without the last line break.
pub(super) fn laid_out(text: &Text, look: Look) -> String {
    let blocks: Vec<_> = text.0.iter().map(|block| laid_out_block(block, look)).collect();
    blocks.join("\n")
}

fn laid_out_block(block: &Block, look: Look) -> String {
    match block {
        Block::Line(line) => laid_out_line(line, look),
        Block::Hanging(lead, rest) => hanging(lead, rest, look),
        Block::Facts(facts) => columns_of_facts(facts, look),
        Block::Table(table) => columns(table, look),
        Block::Revealed(secret) => escape_controls(secret.expose()),
    }
}

/// Returns a line, broken where the window ends.
pub(super) fn laid_out_line(line: &Line, look: Look) -> String {
    let text = line.painted(look.has_color);
    match look.width {
        Some(width) if look.wraps && !text.starts_with(' ') => {
            textwrap::fill(&text, options(width))
        }
        _ => text,
    }
}

fn hanging(lead: &Line, rest: &Line, look: Look) -> String {
    let painted = lead.painted(look.has_color);
    let rest = rest.painted(look.has_color);
    let Some(width) = look.width else { return painted + &rest };
    let below = " ".repeat(textwrap::core::display_width(&painted));
    let options = options(width).initial_indent(&painted).subsequent_indent(&below);
    textwrap::fill(&rest, options)
}

/// Words stay whole: names and addresses are there to be copied.
fn options<'a>(width: usize) -> textwrap::Options<'a> {
    textwrap::Options::new(width)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
}

fn columns_of_facts(facts: &Facts, look: Look) -> String {
    let line = |(name, value): &(&str, Line)| {
        let name = facts.name(name).painted(look.has_color);
        format!("{name}  {}", value.painted(look.has_color))
    };
    facts.0.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::line::good;

    fn look(width: usize) -> Look {
        Look { has_color: false, width: Some(width), wraps: false }
    }

    #[test]
    fn a_long_text_hangs_below_its_beginning() {
        let hang = |lead: &str, rest: &str, width| {
            laid_out(&Text::new().hanging(good(lead), rest), look(width))
        };
        assert_eq!(hang("ab: ", "one two three", 24), "ab: one two three");
        assert_eq!(hang("ab: ", "one two three", 11), "ab: one two\n    three");
        assert_eq!(hang("a", "one two three", 3), "aone\n two\n three");
        assert_eq!(hang("ab: ", "電機 電機", 9), "ab: 電機\n    電機", "two columns a character");
        assert_eq!(hang("ab: ", "x--y a-b", 8), "ab: x--y\n    a-b", "words stay whole");
    }

    #[test]
    fn commands_stay_whole_where_prose_is_broken() {
        let text = Text::from("one two three").next_commands(["tenantctl tenant show acme"]);
        let shown = laid_out(&text, Look { wraps: true, ..look(8) });
        assert_eq!(shown, "one two\nthree\n\nNext:\n  tenantctl tenant show acme");
    }
}
