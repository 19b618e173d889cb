//! The table of settings as the manual shows it: the help topics, the man pages and the README.

use super::spec::{PROFILE_MEANING, PROFILE_VARIABLE, SPECS};

/// A setting as a person reads of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Documented {
    pub variable: &'static str,
    /// The variable that names a file with the value.
    pub file_variable: Option<String>,
    /// The keys of a config file, the one with the value first.
    pub keys: Vec<String>,
    pub meaning: &'static str,
}

/// Returns every setting there is, the profile first.
pub(crate) fn documented() -> Vec<Documented> {
    let profile = Documented {
        variable: PROFILE_VARIABLE,
        file_variable: None,
        keys: Vec::new(),
        meaning: PROFILE_MEANING,
    };
    let others = SPECS.iter().map(|spec| Documented {
        variable: spec.variable,
        file_variable: spec.file_variable(),
        keys: spec.keys(),
        meaning: spec.meaning,
    });
    std::iter::once(profile).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of the README's table.
    fn row(setting: &Documented) -> String {
        let or_file =
            |is_there: bool, short: &str| if is_there { short.to_owned() } else { String::new() };
        let variable = format!(
            "`{}`{}",
            setting.variable,
            or_file(setting.file_variable.is_some(), ", `…_FILE`")
        );
        let keys = match setting.keys.as_slice() {
            [] => String::new(),
            [only] => format!("`{only}` "),
            [value, ..] => format!("`{value}`, `…_file` "),
        };
        format!("| {variable} | {keys}| {} |", setting.meaning)
    }

    #[test]
    fn the_readme_has_every_setting_as_the_table_has_it() {
        let readme = include_str!("../../README.md");
        let (_, after) = readme.split_once("| variable | key in the file | meaning |\n").unwrap();
        let rows: Vec<_> = after.lines().skip(1).take_while(|line| line.starts_with('|')).collect();
        let expected: Vec<_> = documented().iter().map(row).collect();
        assert_eq!(rows, expected, "{}", expected.join("\n"));
    }
}
