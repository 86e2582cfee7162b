use tribune_protocol::{ErrorCode, Name, Refusal};

use super::PlayerPlaces;

/// The players that one connection or program carries, which may be only so many.
///
/// The game never lets a player go while its origin is there, so this list is what the game has.
/// Each takes one of the places that the game has for all, until this is dropped.
#[derive(Debug)]
pub struct Roster {
    names: Vec<Name>,
    most: usize,
    places: PlayerPlaces,
}

impl Roster {
    /// A roster for at most `most` players, who take `places` of the game.
    pub fn new(most: usize, places: PlayerPlaces) -> Self {
        Self { names: Vec::new(), most, places }
    }

    /// Whether a player called `name` is carried, or may be.
    ///
    /// # Errors
    /// If it would be one too many.
    pub fn check(&self, name: &Name) -> Result<(), Refusal> {
        if self.names.contains(name) || self.names.len() < self.most {
            return Ok(());
        }
        let carried: Vec<&str> = self.names.iter().map(Name::as_str).collect();
        Err(Refusal::new(
            ErrorCode::TooManyPlayers,
            format!(
                "{name} would be one too many: you move {} already ({})",
                self.most,
                carried.join(", ")
            ),
        ))
    }

    /// Whether a player called `name` is carried.
    pub fn carries(&self, name: &Name) -> bool {
        self.names.contains(name)
    }

    /// Carries a player called `name` from now on.
    ///
    /// # Errors
    /// If the game has no place for one more.
    pub fn enter(&mut self, name: &Name) -> Result<(), Refusal> {
        if self.names.contains(name) {
            return Ok(());
        }
        if !self.places.take() {
            return Err(Refusal::new(
                ErrorCode::TooManyPlayers,
                format!(
                    "there is no place for {name}: the game has as many players as it may ({}), try again when one leaves",
                    self.places.most()
                ),
            ));
        }
        self.names.push(name.clone());
        Ok(())
    }

    /// Carries the player called `name` no more, and gives back its place.
    pub fn remove(&mut self, name: &Name) {
        let before = self.names.len();
        self.names.retain(|carried| carried != name);
        self.places.give_back(before - self.names.len());
    }

    /// Whether it carries nobody.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

impl Drop for Roster {
    fn drop(&mut self) {
        self.places.give_back(self.names.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_too_many_is_refused_and_the_others_go_on() {
        let [ann, bob, eve] = ["ann", "bob", "eve"].map(|name| Name::try_from(name).unwrap());
        let mut roster = Roster::new(2, PlayerPlaces::new(100));
        for name in [&ann, &bob, &ann] {
            assert_eq!(roster.check(name), Ok(()));
            roster.enter(name).unwrap();
        }
        let refusal = roster.check(&eve).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::TooManyPlayers);
        assert_eq!(refusal.message, "eve would be one too many: you move 2 already (ann, bob)");
        assert_eq!(roster.check(&bob), Ok(()));
    }

    #[test]
    fn the_game_has_so_many_places_and_those_who_leave_make_room() {
        let name = |name: &str| Name::try_from(name).unwrap();
        let places = PlayerPlaces::new(3);
        let [mut one, mut two] = [(); 2].map(|()| Roster::new(2, places.clone()));
        one.enter(&name("ann")).unwrap();
        one.enter(&name("bob")).unwrap();
        one.enter(&name("ann")).unwrap();
        two.enter(&name("ann")).unwrap();
        let refusal = two.enter(&name("bob")).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::TooManyPlayers);
        assert!(refusal.message.contains("(3)"), "{}", refusal.message);
        assert!(two.carries(&name("ann")) && !two.carries(&name("bob")));
        one.remove(&name("ann"));
        one.remove(&name("eve"));
        two.enter(&name("bob")).unwrap();
        assert!(one.enter(&name("ann")).is_err());
        drop(two);
        one.enter(&name("ann")).unwrap();
    }
}
