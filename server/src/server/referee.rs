use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tribune_protocol::{Exit, OutputStream};

use crate::{
    game::{Game, GameConfig, Input, OutputLine, REFEREE},
    messages::Messages,
    programs::{Forker, ProgramContext, RefereeProcess, SpawnEnv},
    rules::{Fault, FaultReason, Referee, RefereeFailure},
    schedule::Program,
};

/// How long a referee may take for the first turn, in which it starts.
const FIRST_TURN_LIMIT: Duration = Duration::from_secs(10);

/// How many lines of the standard error of a referee are kept until the game begins: the last ones.
const MAX_EARLY_LINES: usize = 1000;

/// How many of them the operator sees if the referee fails: the last ones, which have the reason.
const MAX_SHOWN_LINES: usize = 20;

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
        let (messages, mailbox) = (context.messages.clone(), context.mailbox.clone());
        let mut errors = EarlyErrors { inputs, lines: VecDeque::new() };
        let mut rules = Referee::new(config.board, program.title.clone());
        rules.begin(config.seed);
        let process = RefereeProcess::start(REFEREE, &program, &spawn_env, forker, context).await;
        let mut process = process.map_err(|exit| not_started(&rules, &exit))?;
        let first = process.play_first_turn(&mut rules, FIRST_TURN_LIMIT);
        match errors.collect_during(first).await {
            Ok(outcome) => rules.keep_first(outcome),
            Err(fault) => {
                errors.collect_during(process.terminate()).await;
                errors.show(&messages).await;
                return Err(rules.failure(fault));
            }
        }
        if let Some(early) = errors.take() {
            // The mailbox has just been emptied.
            let _ = mailbox.try_send(early);
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

/// What a referee prints on its standard error before the game begins, and takes its inputs.
struct EarlyErrors<'a> {
    inputs: &'a mut mpsc::Receiver<Input>,
    lines: VecDeque<OutputLine>,
}

impl EarlyErrors<'_> {
    /// Waits for `task` and collects lines meanwhile, so that the referee never waits for them to be read.
    async fn collect_during<T>(&mut self, task: impl Future<Output = T>) -> T {
        tokio::pin!(task);
        let output = loop {
            tokio::select! {
                output = &mut task => break output,
                Some(input) = self.inputs.recv() => self.add(input),
            }
        };
        while let Ok(input) = self.inputs.try_recv() {
            self.add(input);
        }
        output
    }

    fn add(&mut self, input: Input) {
        if let Input::Printed { lines, .. } = input {
            self.lines.extend(lines);
            let surplus = self.lines.len().saturating_sub(MAX_EARLY_LINES);
            self.lines.drain(..surplus);
        }
    }

    /// The collected lines as an input for the game, if there are any.
    fn take(&mut self) -> Option<Input> {
        let lines: Vec<OutputLine> = std::mem::take(&mut self.lines).into();
        let stream = OutputStream::Stderr;
        (!lines.is_empty()).then_some(Input::Printed { program: REFEREE, stream, lines })
    }

    /// Shows the last lines to the operator.
    async fn show(&self, messages: &Messages) {
        let surplus = self.lines.len().saturating_sub(MAX_SHOWN_LINES);
        let text = |line: &OutputLine| match line {
            OutputLine::Other { line, .. } => Some(format!("ps#{REFEREE} {line}")),
            OutputLine::Action(_) => None,
        };
        let lines: Vec<String> = self.lines.iter().skip(surplus).filter_map(text).collect();
        if !lines.is_empty() {
            messages.say_first(&lines).await;
        }
    }
}
