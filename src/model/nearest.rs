//! What somebody meant who typed a name that does not exist.

/// Returns the known names that are most like one that was typed: as near as a slip of the fingers, or of
/// the eye between letters that look alike; at most three, and none when all are too far.
pub(crate) fn nearest<'n>(typed: &str, known: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let typed_alike = alike(typed);
    let reach = (typed.chars().count() / 3).clamp(1, 2);
    let scored = known.into_iter().filter_map(|name| {
        let slips = strsim::osa_distance(typed, name);
        let is_near =
            slips <= reach || name.len() >= 3 && typed.len() >= 3 && alike(name) == typed_alike;
        is_near.then(|| ((strsim::osa_distance(&typed_alike, &alike(name)), slips), name))
    });
    let mut scored: Vec<_> = scored.collect();
    scored.sort_unstable();
    let best = scored.first().map(|(score, _)| *score);
    scored
        .into_iter()
        .filter(|(score, _)| Some(*score) == best)
        .map(|(_, name)| name)
        .take(3)
        .collect()
}

/// Returns a question that names them; nothing where there are none.
pub(crate) fn did_you_mean(names: &[&str]) -> Option<String> {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    (!quoted.is_empty()).then(|| format!("did you mean {}?", quoted.join(" or ")))
}

/// Returns a text in which letters that look alike are the same.
fn alike(text: &str) -> String {
    let look = |c: char| match c {
        'l' | 'i' | 'I' | '|' => '1',
        'o' | 'O' => '0',
        '_' => '-',
        other => other.to_ascii_lowercase(),
    };
    text.chars().map(look).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_what_was_meant_and_nothing_far_away() {
        let known = ["acme", "acme-south", "globex", "t00", "t01", "t07", "initech"];
        for (typed, meant) in [
            ("t0l", &["t01"][..]),
            ("tO1", &["t01"]),
            ("amce", &["acme"]),
            ("acme-suoth", &["acme-south"]),
            ("acme_south", &["acme-south"]),
            ("globx", &["globex"]),
            ("t0", &["t00", "t01", "t07"]),
            ("umbrella", &[]),
            ("x", &[]),
            ("", &[]),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
        assert_eq!(did_you_mean(&["a", "b"]).unwrap(), "did you mean `a` or `b`?");
        assert_eq!(did_you_mean(&[]), None);
    }
}
