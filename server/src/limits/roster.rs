use tribune_protocol::{ErrorCode, Name, Refusal};

use super::PlayerPermits;

/// The players of one connection or program, of which there is a maximum.
///
/// The game removes a player only when its origin leaves, so this list is what the game has. Each
/// player holds one of the game's permits until it is removed or the roster is dropped.
#[derive(Debug)]
pub struct Roster {
    names: Vec<Name>,
    max: usize,
    permits: PlayerPermits,
}

impl Roster {
    /// A roster of at most `max` players, which hold `permits` of the game.
    pub fn new(max: usize, permits: PlayerPermits) -> Self {
        Self { names: Vec::new(), max, permits }
    }

    /// Whether the player `name` is on the roster, or there is room for it.
    ///
    /// # Errors
    /// If it would be one too many.
    pub fn check(&self, name: &Name) -> Result<(), Refusal> {
        if self.contains(name) || self.names.len() < self.max {
            return Ok(());
        }
        let names: Vec<&str> = self.names.iter().map(Name::as_str).collect();
        Err(Refusal::new(
            ErrorCode::TooManyPlayers,
            format!(
                "{name} would be one player too many: you have {} already ({})",
                self.max,
                names.join(", ")
            ),
        ))
    }

    /// Whether the player `name` is on the roster.
    pub fn contains(&self, name: &Name) -> bool {
        self.names.contains(name)
    }

    /// Adds the player `name`, unless it is on the roster.
    ///
    /// # Errors
    /// If the game has no permit left.
    pub fn add(&mut self, name: &Name) -> Result<(), Refusal> {
        if self.contains(name) {
            return Ok(());
        }
        if !self.permits.try_acquire() {
            return Err(Refusal::new(
                ErrorCode::TooManyPlayers,
                format!(
                    "{name} cannot join: the game has its maximum of {} players; try again when one leaves",
                    self.permits.max()
                ),
            ));
        }
        self.names.push(name.clone());
        Ok(())
    }

    /// Removes the player `name`, and releases its permit.
    pub fn remove(&mut self, name: &Name) {
        let before = self.names.len();
        self.names.retain(|other| other != name);
        self.permits.release(before - self.names.len());
    }

    /// Whether there are no players.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

impl Drop for Roster {
    fn drop(&mut self) {
        self.permits.release(self.names.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_one_player_too_many_and_keeps_the_others() {
        let [ann, bob, eve] = ["ann", "bob", "eve"].map(|name| Name::try_from(name).unwrap());
        let mut roster = Roster::new(2, PlayerPermits::new(100));
        for name in [&ann, &bob, &ann] {
            assert_eq!(roster.check(name), Ok(()));
            roster.add(name).unwrap();
        }
        let refusal = roster.check(&eve).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::TooManyPlayers);
        assert_eq!(
            refusal.message,
            "eve would be one player too many: you have 2 already (ann, bob)"
        );
        assert_eq!(roster.check(&bob), Ok(()));
    }

    #[test]
    fn players_that_leave_release_their_permits() {
        let name = |name: &str| Name::try_from(name).unwrap();
        let permits = PlayerPermits::new(3);
        let [mut one, mut two] = [(); 2].map(|()| Roster::new(2, permits.clone()));
        one.add(&name("ann")).unwrap();
        one.add(&name("bob")).unwrap();
        one.add(&name("ann")).unwrap();
        two.add(&name("ann")).unwrap();
        let refusal = two.add(&name("bob")).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::TooManyPlayers);
        assert!(refusal.message.contains("3 players"), "{}", refusal.message);
        assert!(two.contains(&name("ann")) && !two.contains(&name("bob")));
        one.remove(&name("ann"));
        one.remove(&name("eve"));
        two.add(&name("bob")).unwrap();
        assert!(one.add(&name("ann")).is_err());
        drop(two);
        one.add(&name("ann")).unwrap();
    }
}
