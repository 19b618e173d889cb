//! What the stream can show that a text is laid out for.

/// What a stream can show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) has_color: bool,
    /// How wide a line may be, in columns; unbounded for a file or a pipe.
    pub(super) width: Option<usize>,
    /// Whether long lines are broken; what is indented is a command to be copied, and stays whole.
    pub(super) wraps: bool,
}
