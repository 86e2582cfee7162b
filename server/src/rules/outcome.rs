use tribune_protocol::{CellContent, PlayerId};

/// What a turn has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnOutcome {
    /// The cells that changed, each once.
    pub cells: Vec<CellContent>,
    /// The players whose scores changed, with their scores.
    pub scores: Vec<(PlayerId, i64)>,
    /// The players that are out, with the reasons, for people.
    pub out: Vec<(PlayerId, String)>,
    /// Lines for people.
    pub notes: Vec<String>,
    /// The end of the round.
    pub result: Option<RoundResult>,
    /// The end of the game: the reason, for people.
    pub end: Option<String>,
}

/// The result of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoundResult {
    /// Players are ranked by their scores, the highest first.
    ByScore,
    /// These groups, the best first. Those within a group are equal, and players that are in none are
    /// last.
    Ranking(Vec<Vec<PlayerId>>),
}
