//! What our own marks are where the locale has no UTF-8.

use std::ffi::OsString;

/// Returns whether the environment says a locale, and it is none of UTF-8. Where it says none, as in
/// containers, terminals and logs take UTF-8 all the same.
pub(super) fn is_ascii(environment: &dyn Fn(&str) -> Option<OsString>) -> bool {
    let said = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(environment);
    let locale = said.map(|value| value.to_string_lossy().to_lowercase());
    let locale = locale.into_iter().find(|value| !value.is_empty());
    locale.is_some_and(|locale| !locale.contains("utf-8") && !locale.contains("utf8"))
}

/// Returns a text with our marks in ASCII, one character for one, so that columns stay as they are. What
/// others wrote, names among it, stays.
pub(super) fn in_ascii(text: &str) -> String {
    let mark = |character| match character {
        '✓' => '+',
        '✗' | '×' => 'x',
        '·' | '–' | '—' | '─' => '-',
        '•' => '*',
        '→' => '>',
        '…' => '~',
        other => other,
    };
    text.replace("'…'", "'...'").chars().map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_that_is_said_decides_the_first_that_is() {
        for (variables, expected) in [
            (&[][..], false),
            (&[("LANG", "C")], true),
            (&[("LANG", "C.UTF-8")], false),
            (&[("LANG", "de_DE.utf8")], false),
            (&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "POSIX")], true),
            (&[("LC_ALL", ""), ("LC_CTYPE", "en_US.UTF-8"), ("LANG", "C")], false),
        ] {
            let variables: &[(&str, &str)] = variables;
            let environment = |name: &str| {
                let found = variables.iter().find(|(variable, _)| *variable == name);
                found.map(|(_, value)| OsString::from(value))
            };
            assert_eq!(is_ascii(&environment), expected, "{variables:?}");
        }
        assert_eq!(in_ascii("✓ a… × '…' شرکت"), "+ a~ x '...' شرکت");
    }
}
