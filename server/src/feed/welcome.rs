use tribune_protocol::{GameId, Origin, PROTOCOL_VERSION, Seq, Welcome};

/// What the `welcome` lines of all subscribers have in common.
#[derive(Clone, Debug)]
pub struct WelcomeTemplate {
    /// Names this run of the game.
    pub game: GameId,
    /// The name of its rules.
    pub rules: String,
    /// Milliseconds from tick to tick.
    pub tick_ms: u64,
    /// How many moves per second a connection may make; 0 for no limit.
    pub move_rate: u32,
}

impl WelcomeTemplate {
    /// The `welcome` of the subscriber `you`, which gets the state that includes the event `seq`, and
    /// can resume from `oldest`.
    pub(super) fn fill(&self, you: Origin, seq: Seq, oldest: Seq) -> Welcome {
        Welcome {
            protocol: PROTOCOL_VERSION,
            game: self.game.clone(),
            server: env!("CARGO_PKG_VERSION").to_owned(),
            rules: Some(self.rules.clone()),
            you,
            seq,
            oldest,
            tick_ms: self.tick_ms,
            // Programs have no move rate.
            move_rate: you.connection_id().map(|_| self.move_rate),
        }
    }
}
