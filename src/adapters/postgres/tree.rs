//! A statement's tree, for the few questions that its words alone do not answer.
//!
//! The parser descends as deep as a text nests, so it runs on a wide stack of its own and reads
//! nothing long; what is not read so, the server judges.

use squawk_syntax::SourceFile;

/// The longest statement that is read, in bytes; no text nests deeper than it is long.
const LIMIT: usize = 8_000;

/// Room for each byte of a statement to be a level of its own: a level took 2 KB in a debug build.
const STACK: usize = 64 << 20;

/// Asks something of a statement's tree; nothing when the statement cannot be read.
pub(crate) fn ask<T: Send>(
    statement: &str,
    question: impl FnOnce(&SourceFile) -> T + Send,
) -> Option<T> {
    if statement.len() > LIMIT {
        return None;
    }
    on_wide_stack(STACK, move || question(&SourceFile::parse(statement).tree()))
}

/// Asks something on a stack of this many bytes; nothing when there is no room for it.
pub(crate) fn on_wide_stack<T: Send>(
    bytes: usize,
    question: impl FnOnce() -> T + Send,
) -> Option<T> {
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().stack_size(bytes);
        reader.spawn_scoped(scope, question).ok()?.join().ok()
    })
}

#[cfg(test)]
mod tests {
    use squawk_syntax::ast::{AstNode, Do};

    use super::*;

    #[test]
    fn however_deep_a_statement_nests_reading_it_ends() {
        for (open, close) in [
            ("(", ")"),
            ("begin ", "end; "),
            ("not ", ""),
            ("case when ", " then 1 end"),
            ("[", "]"),
        ] {
            let count = (LIMIT - 60) / (open.len() + close.len());
            let nested = format!("{}1{}", open.repeat(count), close.repeat(count));
            let asked = ask(&format!("do $$ begin {nested}; end $$"), |file| {
                let body = file.syntax().descendants().find_map(Do::cast);
                body.and_then(|body| body.plpgsql()).map(|body| body.syntax().text().len())
            });
            assert!(asked.is_some(), "{open}");
        }
        let nested = format!("select {}1", "(".repeat(LIMIT - 60));
        assert!(ask(&nested, |_| ()).is_some());
        assert_eq!(ask(&"x".repeat(LIMIT + 1), |_| ()), None);
    }
}
