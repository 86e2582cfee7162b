use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tribune_protocol::Exit;

use crate::{
    game::{Game, GameConfig, Input, OutputLine, REFEREE},
    messages::Messages,
    programs::{Forker, ProgramContext, RefereeProcess, SpawnEnv},
    rules::{Fault, FaultReason, Referee, RefereeFailure},
    schedule::Program,
};

/// How long a referee may take for the first turn, in which it starts.
const FIRST_TURN_LIMIT: Duration = Duration::from_secs(10);

/// How many lines of the standard error of a referee that has failed at the start the operator sees: the
/// last ones, which have the reason.
const MAX_ERROR_LINES: usize = 20;

/// What starting a referee needs. The game begins after that, so nothing else takes its inputs.
pub(super) struct StartingReferee<'a> {
    pub(super) forker: &'a Forker,
    pub(super) spawn_env: SpawnEnv,
    pub(super) context: ProgramContext,
    pub(super) inputs: &'a mut mpsc::Receiver<Input>,
}

impl StartingReferee<'_> {
    /// Starts `program` as the referee of a game, and has it play the first turn.
    ///
    /// # Errors
    /// If it fails. What it has printed on its standard error is shown to the operator.
    pub(super) async fn start(
        self,
        program: Arc<Program>,
        config: &GameConfig,
    ) -> Result<(Game, RefereeProcess), RefereeFailure> {
        let Self { forker, spawn_env, context, inputs } = self;
        let messages = context.messages.clone();
        let mut rules = Referee::new(config.board, program.title.clone());
        rules.begin(config.seed);
        let process = RefereeProcess::start(REFEREE, &program, &spawn_env, forker, context).await;
        let mut process = process.map_err(|exit| not_started(&rules, &exit))?;
        match process.play_first_turn(&mut rules, FIRST_TURN_LIMIT).await {
            Ok(outcome) => rules.keep_first(outcome),
            Err(fault) => {
                show_errors(process, inputs, &messages).await;
                return Err(rules.failure(fault));
            }
        }
        let command = process.command.clone();
        Ok((Game::with_referee(config.clone(), rules, program, command), process))
    }
}

fn not_started(rules: &Referee, exit: &Exit) -> RefereeFailure {
    let reason = match exit {
        Exit::NotStarted { reason, .. } => reason.clone(),
        other => other.to_string(),
    };
    let fault: Fault = rules.fault(FaultReason::NotStarted(reason));
    rules.failure(fault)
}

/// Terminates `process`, and shows the end of its standard error to the operator.
async fn show_errors(
    process: RefereeProcess,
    inputs: &mut mpsc::Receiver<Input>,
    messages: &Messages,
) {
    let mut last = LastLines::default();
    let terminate = process.terminate();
    tokio::pin!(terminate);
    loop {
        tokio::select! {
            () = &mut terminate => break,
            Some(input) = inputs.recv() => last.add(input),
        }
    }
    while let Ok(input) = inputs.try_recv() {
        last.add(input);
    }
    if !last.0.is_empty() {
        messages.say_first(last.0.make_contiguous()).await;
    }
}

#[derive(Default)]
struct LastLines(VecDeque<String>);

impl LastLines {
    fn add(&mut self, input: Input) {
        let Input::Printed { lines, .. } = input else { return };
        for line in lines {
            let OutputLine::Other { line, .. } = line else { continue };
            if self.0.len() == MAX_ERROR_LINES {
                self.0.pop_front();
            }
            self.0.push_back(format!("ps#{REFEREE} {line}"));
        }
    }
}
