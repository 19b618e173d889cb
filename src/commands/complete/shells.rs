//! What differs between shells: how words arrive, and how offers are listed.

use crate::cli::{Offer, Typed};
use crate::model::escape_controls;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CompletingShell {
    Bash,
    Zsh,
    Fish,
    PowerShell,
}

impl CompletingShell {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "bash" => Some(Self::Bash),
            "zsh" => Some(Self::Zsh),
            "fish" => Some(Self::Fish),
            "powershell" => Some(Self::PowerShell),
            _ => None,
        }
    }
}

/// Puts words together that bash took apart at `=` and `:`, and returns how many bytes of the last one
/// bash holds for words before it: an offer is what follows them.
pub(super) fn rejoined(typed: &Typed) -> (Typed, usize) {
    let is_break = |word: &str| !word.is_empty() && word.bytes().all(|b| b"=:".contains(&b));
    let mut words: Vec<String> = Vec::new();
    let (mut index, mut cut) = (0, 0);
    let mut is_open = false;
    for (at, word) in typed.words.iter().enumerate() {
        let joins = at > 0 && words.len() > 1 && (is_open || is_break(word));
        is_open = is_break(word);
        let before = if joins { words.last().map_or(0, String::len) } else { 0 };
        match words.last_mut() {
            Some(last) if joins => last.push_str(word),
            _ => words.push(word.clone()),
        }
        if at == typed.index {
            (index, cut) = (words.len() - 1, before);
            if is_break(word) {
                cut += word.len();
            }
            words.truncate(index + 1);
            break;
        }
    }
    (Typed { words, index }, cut)
}

/// Returns the offers as a shell's script reads them, one on each line.
pub(super) fn listed(shell: CompletingShell, offers: &[Offer], cut: usize) -> String {
    let line = |Offer { value, what }: &Offer| {
        let value = escape_controls(value.get(cut..).unwrap_or_default());
        let what = escape_controls(what.lines().next().unwrap_or_default());
        match shell {
            CompletingShell::Bash => value,
            _ if what.is_empty() => value,
            CompletingShell::Zsh => {
                format!("{}:{what}", value.replace('\\', "\\\\").replace(':', "\\:"))
            }
            CompletingShell::Fish | CompletingShell::PowerShell => format!("{value}\t{what}"),
        }
    };
    offers.iter().map(|offer| line(offer) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bash_took_apart_is_one_word_again() {
        for (words, index, expected, cut) in [
            (vec!["t", "list", "--tenant", "=", "be"], 4, vec!["t", "list", "--tenant=be"], 9),
            (vec!["t", "list", "--status", "="], 3, vec!["t", "list", "--status="], 9),
            (
                vec!["t", "list", "--label", "tier", "=", "g"],
                5,
                vec!["t", "list", "--label", "tier=g"],
                5,
            ),
            (vec!["t", "--tenant", "=", "be", "x", ""], 5, vec!["t", "--tenant=be", "x", ""], 0),
            (vec!["t", "--tenant=be"], 1, vec!["t", "--tenant=be"], 0),
            (vec!["t", "show", "ac", "rest"], 2, vec!["t", "show", "ac"], 0),
            (vec!["t", ""], 1, vec!["t", ""], 0),
        ] {
            let words: Vec<_> = words.into_iter().map(str::to_owned).collect();
            let (typed, found) = rejoined(&Typed { words, index });
            assert_eq!(typed.words, expected);
            assert_eq!((typed.index, found), (expected.len() - 1, cut), "{expected:?}");
        }
    }

    #[test]
    fn a_hostile_offer_stays_one_line() {
        let offer = Offer { value: "a:b".to_owned(), what: "x\x1b[2J\ny\tz".to_owned() };
        let offers = [offer];
        assert_eq!(listed(CompletingShell::Bash, &offers, 2), "b\n");
        assert_eq!(listed(CompletingShell::Zsh, &offers, 0), "a\\:b:x\\u{1b}[2J\n");
        assert_eq!(listed(CompletingShell::Fish, &offers, 0), "a:b\tx\\u{1b}[2J\n");
    }
}
