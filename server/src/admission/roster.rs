use tribune_protocol::{ErrorCode, Name, Refusal};

/// The players that one connection or program carries, which may be only so many.
///
/// The game never lets a player go while its origin is there, so this list is what the game has.
#[derive(Clone, Debug)]
pub struct Roster {
    names: Vec<Name>,
    most: usize,
}

impl Roster {
    /// A roster for at most `most` players.
    pub fn new(most: usize) -> Self {
        Self { names: Vec::new(), most }
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

    /// Carries a player called `name` from now on.
    pub fn enter(&mut self, name: &Name) {
        if !self.names.contains(name) {
            self.names.push(name.clone());
        }
    }

    /// Whether it carries nobody.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_too_many_is_refused_and_the_others_go_on() {
        let [ann, bob, eve] = ["ann", "bob", "eve"].map(|name| Name::try_from(name).unwrap());
        let mut roster = Roster::new(2);
        for name in [&ann, &bob, &ann] {
            assert_eq!(roster.check(name), Ok(()));
            roster.enter(name);
        }
        let refusal = roster.check(&eve).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::TooManyPlayers);
        assert_eq!(refusal.message, "eve would be one too many: you move 2 already (ann, bob)");
        assert_eq!(roster.check(&bob), Ok(()));
    }
}
