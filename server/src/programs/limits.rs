use std::{num::NonZeroU32, time::Duration};

/// What each player program is allowed.
#[derive(Clone, Copy, Debug)]
pub struct ProgramLimits {
    /// The maximum number of players of one program.
    pub max_players: usize,
    /// Lines per second of each output stream; `None` for no limit.
    pub max_output_lines: Option<NonZeroU32>,
    /// Bytes per second that each output stream can add to the log; `None` for no limit.
    pub max_output_bytes: Option<NonZeroU32>,
    /// The time between end-of-file on its standard input and the request to terminate.
    pub input_grace: Duration,
    /// The time between the request to terminate and the kill.
    pub grace: Duration,
}
