use tribune_protocol::Action;

/// After so many missed turns in a row, a player counts as silent rather than late: turns do not wait for
/// it until it acts.
const MAX_LATE: u32 = 10;

/// What a player has answered to turns in lockstep.
///
/// A line carries no number of a turn. So that the answer to a turn that has closed never counts for the next
/// one, each turn that a player misses makes its next line a late one.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Its action in the open turn.
    held: Option<Action>,
    /// How many turns in a row it has missed.
    missed: u32,
    /// How many of its next lines are late answers to those.
    late: u32,
}

/// Why an action in lockstep is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// The player has acted in the open turn already.
    Repeated,
    /// It is the answer to a turn that has closed, this many turns ago.
    Late(u32),
}

impl Answers {
    /// Holds `action` until the open turn closes.
    ///
    /// # Errors
    /// If it does not count for that turn.
    pub fn hold(&mut self, action: &Action) -> Result<(), AnswerError> {
        if self.held.is_some() {
            return Err(AnswerError::Repeated);
        }
        if self.late > 0 {
            self.late -= 1;
            return Err(AnswerError::Late(self.late + 1));
        }
        self.held = Some(action.clone());
        Ok(())
    }

    /// Whether it has acted in the open turn.
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Whether it has missed so many turns that its player is taken to be gone.
    pub fn is_silent(&self) -> bool {
        self.missed >= MAX_LATE
    }

    /// Counts a line that counts for no turn: if a late line was due, this is it.
    pub fn count_line_between_turns(&mut self) {
        self.late = self.late.saturating_sub(1);
    }

    /// Takes the action of the turn that closes.
    pub fn take(&mut self) -> Option<Action> {
        let held = self.held.take();
        if held.is_some() {
            self.missed = 0;
        }
        held
    }

    /// Notes that a turn has closed in which the player should have acted.
    pub fn miss(&mut self) {
        self.missed = self.missed.saturating_add(1);
        self.late = if self.missed < MAX_LATE { self.late + 1 } else { 0 };
    }

    /// Forgets the turns that were missed, long before the round that begins.
    pub fn reset(&mut self) {
        (self.missed, self.late) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use tribune_protocol::Direction;

    use super::*;

    const NORTH: Action = Action::Move(Direction::North);

    #[test]
    fn one_action_counts_in_each_turn() {
        let mut answers = Answers::default();
        for _ in 0..3 {
            assert_eq!(answers.hold(&NORTH), Ok(()));
            assert_eq!(answers.hold(&NORTH), Err(AnswerError::Repeated));
            assert_eq!(answers.take(), Some(NORTH));
            assert_eq!(answers.take(), None);
        }
    }

    #[test]
    fn each_missed_turn_makes_one_line_late() {
        let mut answers = Answers::default();
        answers.miss();
        answers.miss();
        assert_eq!(answers.hold(&NORTH), Err(AnswerError::Late(2)));
        assert_eq!(answers.hold(&NORTH), Err(AnswerError::Late(1)));
        assert_eq!(answers.hold(&NORTH), Ok(()));
        answers.take();
        answers.miss();
        assert_eq!(answers.hold(&NORTH), Err(AnswerError::Late(1)));
    }

    #[test]
    fn a_silent_player_is_not_late() {
        let mut answers = Answers::default();
        for _ in 0..MAX_LATE {
            assert!(!answers.is_silent());
            answers.miss();
        }
        assert!(answers.is_silent());
        assert_eq!(answers.hold(&NORTH), Ok(()));
        answers.take();
        assert!(!answers.is_silent());
    }
}
