//! A console whose streams are kept, for tests.

use super::appearance::{Appearance, Format, Volume};
use super::console::{Console, Terminals};
use super::kept::Kept;
use super::stream::Stream;

/// Returns a console of 100 columns, in colour when it is a terminal; and its stdout and stderr.
pub(super) fn captured(format: Format, is_terminal: bool) -> (Console, Kept, Kept) {
    let (stdout, stderr) = (Kept::default(), Kept::default());
    let terminals = Terminals { stdin: is_terminal, stdout: is_terminal, stderr: is_terminal };
    let appearance = Appearance {
        format,
        color: None,
        is_plain_environment: false,
        is_ascii: false,
        columns: Some(100),
        volume: Volume::Usual,
        is_no_input: false,
    };
    let streams = (Stream::Kept(stdout.clone()), Stream::Kept(stderr.clone()));
    (Console::on(appearance, terminals, streams.0, streams.1), stdout, stderr)
}
