use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::Context;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval},
};
use tribune_cli::Signals;
use tribune_protocol::{Event, EventKind, Origin, ServerLine, WorkerId, encode};

use super::{
    input_probe::sample_input,
    live_view::{line_row, refusal_row},
    paint::Paint,
    printer::Printer,
    report::Report,
    trial::Trial,
};
use crate::{
    edge::bind_all,
    feed::{Delivery, Subscription},
    game::{REFEREE, RulesConfig},
    messages::Messages,
    observer::{Observation, ObservationKind, Observer},
    outcome::Outcome,
    server::Server,
    settings::Settings,
    shutdown::{ShutdownHandle, shutdown},
};

/// The time between two looks at the program's standard input.
const INPUT_INTERVAL: Duration = Duration::from_millis(50);

/// About how many bytes of the feed are taken at once.
const BYTES_PER_READ: usize = 64 << 10;

/// What is to be tried.
#[derive(Clone, Debug)]
pub struct TrialConfig {
    /// The settings of the game, in which the first program is the one to try.
    pub settings: Settings,
    /// How long the program runs.
    pub duration: Duration,
    /// Whether to print the report as JSON, and nothing else.
    pub json: bool,
    /// Whether to use colours.
    pub colours: bool,
}

/// Runs a game on a free port of this machine until the program has run for its time or has exited.
/// Prints each of its lines as it comes, and then the report; `None` if it was interrupted twice, or
/// before the game began. A failure of another program is reported to `messages`.
///
/// # Errors
/// If the server cannot start, or has failed, or the report cannot be written.
pub async fn run_trial(config: TrialConfig, messages: Messages) -> anyhow::Result<Option<Report>> {
    let listeners = bind_all(&[SocketAddr::from((Ipv4Addr::LOCALHOST, 0))])?;
    let mut signals = Signals::listen().context("cannot listen to signals")?;
    // The report contains what the messages of the server would.
    let (server_messages, _writer) = Messages::to(io::sink());
    let (observer, observations) = Observer::new();
    let duration = config.duration;
    let trial = Trial::new(config.settings.program_limits.input_grace);
    let tried = first_program(&config.settings.game.rules);
    let paint = Paint { colours: config.colours };
    let server = tokio::select! {
        server = Server::new(config.settings, listeners, server_messages) => server?,
        // A referee may take its time for the first turn.
        _ = signals.next_stop() => return Ok(None),
    };
    let server = server.with_observer(observer);
    let (handle, shutdown) = shutdown();
    let mut session = Session {
        trial,
        feed: server.subscribe(),
        observations,
        begun: Instant::now(),
        tried,
        process: None,
        paint,
        printer: Printer::start(io::stdout())?,
        shows_lines: !config.json,
        messages,
        handle: handle.clone(),
    };
    let running = server.run(shutdown);
    let watched = async {
        tokio::select! {
            () = session.watch(duration) => {}
            _ = signals.next_stop() => {}
        }
        handle.drain("the trial is over");
        tokio::select! {
            // It ends with the feed.
            () = session.watch(Duration::MAX) => {}
            _ = signals.next_stop() => handle.abort(),
        }
    };
    let (outcome, ()) = tokio::join!(running, watched);
    match outcome? {
        Outcome::Aborted => return Ok(None),
        Outcome::RefereeFailed(failure) => return Err(failure.into()),
        Outcome::Finished | Outcome::NoProgramStarted { .. } => {}
    }
    session.take_observations();
    let report = session.trial.report();
    let text = if config.json { json(&report) } else { report.text(paint) };
    tokio::select! {
        printed = session.printer.finish(text) => printed.map(|()| Some(report)),
        // Nothing may read it.
        _ = signals.next_stop() => Ok(None),
    }
}

/// A trial and where it is seen.
struct Session {
    trial: Trial,
    feed: Subscription,
    observations: mpsc::Receiver<Observation>,
    begun: Instant,
    /// The number of the program, the first one of the script.
    tried: WorkerId,
    /// The process of the program, while it runs.
    process: Option<u32>,
    paint: Paint,
    printer: Printer,
    shows_lines: bool,
    messages: Messages,
    handle: ShutdownHandle,
}

/// What came next.
enum Next {
    Lines(Vec<Event>),
    Observation(Observation),
    Sample,
    End,
}

impl Session {
    /// Watches the program until it has run for `duration` or has exited, or until the feed ends.
    async fn watch(&mut self, duration: Duration) {
        let mut sample = interval(INPUT_INTERVAL);
        sample.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let has_deadline = duration != Duration::MAX;
        loop {
            let next = tokio::select! {
                // What a program has printed, it has printed after the events that it has read.
                biased;
                delivery = self.feed.next(BYTES_PER_READ) => match delivery {
                    Some(Delivery::Lines(lines)) => Next::Lines(events(lines)),
                    Some(Delivery::Missed(_)) => continue,
                    None => Next::End,
                },
                Some(observation) = self.observations.recv() => Next::Observation(observation),
                _ = sample.tick() => Next::Sample,
            };
            match next {
                Next::Lines(events) => events.iter().for_each(|event| self.take_event(event)),
                Next::Observation(observation) => self.take_observation(&observation),
                Next::Sample => self.sample_input(),
                Next::End => return,
            }
            let time = self.trial.started().map(|start| self.now().saturating_sub(start));
            let is_over = time.is_some_and(|time| time >= duration) || self.trial.has_exited();
            if has_deadline && is_over {
                return;
            }
        }
    }

    /// Takes the observations that are there.
    fn take_observations(&mut self) {
        while let Ok(observation) = self.observations.try_recv() {
            self.take_observation(&observation);
        }
    }

    fn take_observation(&mut self, Observation { at, kind }: &Observation) {
        let at = at.saturating_duration_since(self.begun);
        let since_start = at.saturating_sub(self.trial.started().unwrap_or(at));
        match kind {
            ObservationKind::Started { program, process } if self.tried == *program => {
                self.trial.start(at);
                self.process = Some(*process);
            }
            ObservationKind::Line { program, line } if self.tried == *program => {
                self.trial.line(at, line);
                self.show(line_row(since_start, line, self.paint));
            }
            ObservationKind::Refused { from, refusal } if self.is_tried(*from) => {
                self.trial.refuse(refusal.code);
                self.show(refusal_row(since_start, refusal, self.paint));
            }
            ObservationKind::Stopping => {
                self.trial.stop(at);
                self.process = None;
            }
            _ => {}
        }
    }

    fn take_event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Exited { worker, exit, .. } if self.tried == *worker => {
                // The last lines of a program are printed before.
                self.take_observations();
                self.process = None;
                self.trial.exit(self.now(), exit.clone());
            }
            EventKind::Exited { worker, label, exit, .. } if *worker > self.tried => {
                // Whether it was to end.
                self.take_observations();
                if !exit.is_success() && !self.trial.is_stopped() {
                    self.messages.say(format_args!("{label} does not play any more: {exit}"));
                }
            }
            // What the program itself causes comes after its line.
            EventKind::Joined { from, .. }
            | EventKind::Move { from, .. }
            | EventKind::Action { from, .. }
                if self.is_tried(*from) => {}
            EventKind::Output { .. } | EventKind::Started { .. } | EventKind::Exited { .. } => {}
            _ => self.trial.event(self.now()),
        }
    }

    /// Whether `origin` is the program.
    fn is_tried(&self, origin: Origin) -> bool {
        origin.worker_id() == Some(self.tried)
    }

    fn sample_input(&mut self) {
        if let Some(process) = self.process {
            self.trial.input(self.now(), sample_input(process));
        }
    }

    fn show(&mut self, row: String) {
        if self.shows_lines && !self.printer.print(row) {
            self.handle.drain("nothing reads the report");
        }
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }
}

/// The number of the first program of the script.
fn first_program(rules: &RulesConfig) -> WorkerId {
    match rules {
        RulesConfig::Walk | RulesConfig::Snake => WorkerId(1),
        RulesConfig::Referee(_) => REFEREE.next(),
    }
}

/// The events in `lines`.
fn events(lines: &[u8]) -> Vec<Event> {
    let lines = lines.split_inclusive(|&byte| byte == b'\n');
    let events = lines.filter_map(|line| match ServerLine::parse(line) {
        Ok(ServerLine::Event(event)) => Some(event),
        _ => None,
    });
    events.collect()
}

fn json(report: &Report) -> String {
    let mut line = Vec::new();
    encode(report, &mut line);
    String::from_utf8_lossy(&line).into_owned()
}
