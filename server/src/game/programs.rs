use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tribune_protocol::{Exit, WorkerId, WorkerState};

use crate::schedule::{Program, Scheduled};

/// After a program has run this long, its earlier restarts are no longer counted.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// The minimum time between two starts of a repeated script, so that one whose programs all exit
/// immediately does not fork without a pause.
const MIN_REPEAT_INTERVAL: Duration = Duration::from_secs(1);

/// The number of a referee: it is started before all other programs.
pub const REFEREE: WorkerId = WorkerId(1);

/// The player programs of a game: those that are scheduled, and those that run.
#[derive(Debug)]
pub struct Programs {
    script: Vec<Scheduled>,
    repeat: bool,
    /// When the script last started.
    script_start: Duration,
    /// The programs to start, ordered by time. Entries of the same time keep their order.
    queue: VecDeque<Queued>,
    /// The programs that were requested to start or run.
    active: BTreeMap<WorkerId, Active>,
    last: WorkerId,
    any_started: bool,
    /// The program that decides the game, which goes on without the others.
    referee: Option<WorkerId>,
    stopped: bool,
}

#[derive(Debug)]
struct Queued {
    at: Duration,
    program: Arc<Program>,
    /// How many times in a row it has been restarted.
    restarts: u32,
}

#[derive(Debug)]
struct Active {
    label: String,
    program: Arc<Program>,
    restarts: u32,
    /// When it started; `None` until that is reported.
    since: Option<Duration>,
}

/// A request to start a program now.
#[derive(Clone, Debug, PartialEq)]
pub struct LaunchRequest {
    /// The number assigned to the program.
    pub id: WorkerId,
    /// What to run.
    pub program: Arc<Program>,
}

/// A program that has exited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitedProgram {
    /// Its label, as in `ps#1 (predef 1)`.
    pub label: String,
    /// How many programs are still running.
    pub running: usize,
}

impl Programs {
    /// The programs of `script`, which starts now, at 0. With `repeat`, it starts again whenever
    /// all of its programs have exited.
    pub fn new(script: Vec<Scheduled>, repeat: bool) -> Self {
        let mut programs = Self {
            script,
            repeat,
            script_start: Duration::ZERO,
            queue: VecDeque::new(),
            active: BTreeMap::new(),
            last: WorkerId::default(),
            any_started: false,
            referee: None,
            stopped: false,
        };
        programs.start_script(Duration::ZERO);
        programs
    }

    /// Adds the referee, which was started already. Its number is [`REFEREE`].
    pub fn add_referee(&mut self, program: Arc<Program>) {
        debug_assert_eq!(self.last.next(), REFEREE, "it is the first program");
        let label = format!("ps#{REFEREE} (referee {})", program.title);
        let referee = Active { label, program, restarts: 0, since: None };
        self.active.insert(REFEREE, referee);
        (self.last, self.referee) = (REFEREE, Some(REFEREE));
    }

    /// Whether the program `id` is the referee.
    pub fn is_referee(&self, id: WorkerId) -> bool {
        self.referee == Some(id)
    }

    /// When the next program is to be started.
    pub fn next_due(&self) -> Option<Duration> {
        self.queue.front().map(|queued| queued.at)
    }

    /// Takes the next program that is due at `now`.
    pub fn take_due(&mut self, now: Duration) -> Option<LaunchRequest> {
        self.next_due().filter(|&due| due <= now)?;
        let queued = self.queue.pop_front()?;
        Some(self.launch(queued.program, queued.restarts))
    }

    /// Requests the start of `program`, which is not part of the script.
    pub fn start_now(&mut self, program: Arc<Program>) -> LaunchRequest {
        self.launch(program, 0)
    }

    /// Records that the program `id` has started, and returns its label.
    pub fn started(&mut self, id: WorkerId, now: Duration) -> Option<&str> {
        let program = self.active.get_mut(&id).filter(|program| program.since.is_none())?;
        program.since = Some(now);
        self.any_started |= self.referee != Some(id);
        Some(&program.label)
    }

    /// Records that the program `id` has exited or could not be started, and schedules its restart
    /// according to its policy.
    pub fn exited(&mut self, id: WorkerId, exit: &Exit, now: Duration) -> Option<ExitedProgram> {
        let Active { label, program, restarts, since } = self.active.remove(&id)?;
        let was_stable = since.is_some_and(|since| now.saturating_sub(since) >= STABLE_AFTER);
        let restarts = if was_stable { 0 } else { restarts };
        if let Some(delay) = program.restart.delay_after(exit.is_success(), restarts) {
            self.schedule(Queued { at: now + delay, program, restarts: restarts + 1 });
        }
        Some(ExitedProgram { label, running: self.running() })
    }

    /// Cancels everything that is scheduled. From now on no program is started.
    pub fn stop(&mut self) {
        self.stopped = true;
        self.queue.clear();
    }

    /// Whether [`Self::stop`] was called.
    pub fn are_stopped(&self) -> bool {
        self.stopped
    }

    /// How many programs were to be started besides the referee, if none of them has started.
    pub fn none_started(&self) -> Option<u64> {
        let tried = self.last.0 - u64::from(self.referee.is_some());
        (!self.any_started && tried > 0).then_some(tried)
    }

    /// Whether no program is running or scheduled, except for the referee.
    pub fn are_finished(&self) -> bool {
        self.active.keys().all(|&id| self.is_referee(id)) && self.queue.is_empty()
    }

    /// Starts a repeated script again if no program is running or scheduled.
    pub fn repeat_if_finished(&mut self, now: Duration) {
        if self.are_finished() && self.repeat && !self.stopped {
            self.start_script(now.max(self.script_start + MIN_REPEAT_INTERVAL));
        }
    }

    /// How many programs are running or about to start.
    pub fn active(&self) -> usize {
        self.active.len()
    }

    /// The running programs, in the order of their numbers.
    pub fn states(&self) -> Vec<WorkerState> {
        let running = self.active.iter().filter(|(_, program)| program.since.is_some());
        running.map(|(&id, program)| WorkerState { id, label: program.label.clone() }).collect()
    }

    fn running(&self) -> usize {
        self.active.values().filter(|program| program.since.is_some()).count()
    }

    fn start_script(&mut self, start: Duration) {
        self.script_start = start;
        for Scheduled { at, program } in self.script.clone() {
            self.schedule(Queued { at: start + at, program, restarts: 0 });
        }
    }

    fn schedule(&mut self, queued: Queued) {
        if !self.stopped {
            let index = self.queue.partition_point(|other| other.at <= queued.at);
            self.queue.insert(index, queued);
        }
    }

    fn launch(&mut self, program: Arc<Program>, restarts: u32) -> LaunchRequest {
        let id = self.last.next();
        self.last = id;
        let label = format!("ps#{id} ({})", program.title);
        self.active.insert(id, Active { label, program: program.clone(), restarts, since: None });
        LaunchRequest { id, program }
    }
}

#[cfg(test)]
mod tests {
    use players_agent::Predef;

    use super::*;
    use crate::schedule::{PredefCommand, Restart, RestartPolicy, parse_script};

    const SUCCESS: Exit = Exit::Code { code: 0 };
    const CRASH: Exit = Exit::Signal { signal: 11 };

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn script(text: &str) -> Vec<Scheduled> {
        parse_script(text, &PredefCommand::BuiltIn).unwrap()
    }

    /// The programs that are due until `now`, in order: when, and the number and title of each.
    fn starts(programs: &mut Programs, now: Duration) -> Vec<(f64, String)> {
        let due = std::iter::from_fn(|| {
            let at = programs.next_due()?;
            let request = programs.take_due(now)?;
            Some((at.as_secs_f64(), format!("ps#{} {}", request.id, request.program.title)))
        });
        due.collect()
    }

    /// Reports the exit of every active program.
    fn exit_all(programs: &mut Programs, now: Duration) {
        for worker in programs.active.keys().copied().collect::<Vec<_>>() {
            programs.exited(worker, &SUCCESS, now);
        }
    }

    /// Whether the programs are finished at `now`, after a repeated script was started again.
    fn are_finished(programs: &mut Programs, now: Duration) -> bool {
        programs.repeat_if_finished(now);
        programs.are_finished()
    }

    fn restarting(policy: RestartPolicy) -> Vec<Scheduled> {
        let mut program = PredefCommand::BuiltIn.program(Predef::One);
        program.restart = Restart { policy, initial_delay: seconds(1.0), max_restarts: 2 };
        vec![Scheduled { at: Duration::ZERO, program: Arc::new(program) }]
    }

    #[test]
    fn scheduled_programs_start_in_order_of_time() {
        let mut programs = Programs::new(script("6:3,0.5:1,1:2,0.5:4"), false);
        assert_eq!(starts(&mut programs, seconds(0.4)), []);
        assert_eq!(
            starts(&mut programs, seconds(1.0)),
            [
                (0.5, "ps#1 predef 1".into()),
                (0.5, "ps#2 predef 4".into()),
                (1.0, "ps#3 predef 2".into())
            ]
        );
        assert_eq!(programs.next_due(), Some(seconds(6.0)));
    }

    #[test]
    fn programs_are_finished_when_none_runs_and_none_is_scheduled() {
        let mut programs = Programs::new(script("0:1,2:2"), false);
        assert!(!programs.are_finished());
        starts(&mut programs, Duration::ZERO);
        programs.started(WorkerId(1), Duration::ZERO);
        assert_eq!(programs.exited(WorkerId(1), &SUCCESS, seconds(1.0)).unwrap().running, 0);
        assert!(!are_finished(&mut programs, seconds(1.0)));
        starts(&mut programs, seconds(2.0));
        assert!(!are_finished(&mut programs, seconds(2.0)), "one is about to start");
        programs.exited(
            WorkerId(2),
            &Exit::NotStarted { code: 127, reason: String::new() },
            seconds(2.0),
        );
        assert!(are_finished(&mut programs, seconds(2.0)));
    }

    #[test]
    fn counts_programs_until_one_has_started() {
        let mut programs = Programs::new(script("0:1,0:2"), false);
        assert_eq!(programs.none_started(), None);
        starts(&mut programs, Duration::ZERO);
        let failed = Exit::NotStarted { code: 127, reason: String::new() };
        programs.exited(WorkerId(1), &failed, Duration::ZERO);
        assert_eq!(programs.none_started(), Some(2));
        programs.started(WorkerId(2), Duration::ZERO);
        programs.exited(WorkerId(2), &CRASH, Duration::ZERO);
        assert_eq!(programs.none_started(), None);
    }

    #[test]
    fn only_programs_that_started_are_running() {
        let mut programs = Programs::new(script("0:1,0:2"), false);
        starts(&mut programs, Duration::ZERO);
        assert_eq!(programs.states(), []);
        assert_eq!(programs.started(WorkerId(2), Duration::ZERO), Some("ps#2 (predef 2)"));
        assert_eq!(
            programs.states(),
            [WorkerState { id: WorkerId(2), label: "ps#2 (predef 2)".into() }]
        );
        assert_eq!(programs.exited(WorkerId(1), &CRASH, Duration::ZERO).unwrap().running, 1);
        assert_eq!(
            programs.exited(WorkerId(1), &CRASH, Duration::ZERO),
            None,
            "it has exited already"
        );
    }

    #[test]
    fn repeated_script_starts_again_when_all_programs_have_exited() {
        let mut programs = Programs::new(script("0.5:1,1:2"), true);
        starts(&mut programs, seconds(1.0));
        assert!(!are_finished(&mut programs, seconds(3.0)));
        exit_all(&mut programs, seconds(7.0));
        assert!(!are_finished(&mut programs, seconds(7.0)));
        assert_eq!(
            starts(&mut programs, seconds(9.0)),
            [(7.5, "ps#3 predef 1".into()), (8.0, "ps#4 predef 2".into())]
        );
    }

    #[test]
    fn script_that_finishes_immediately_is_repeated_after_a_pause() {
        let mut programs = Programs::new(script("0:1"), true);
        starts(&mut programs, Duration::ZERO);
        exit_all(&mut programs, Duration::ZERO);
        assert!(!are_finished(&mut programs, Duration::ZERO));
        assert_eq!(programs.next_due(), Some(MIN_REPEAT_INTERVAL));
    }

    #[test]
    fn restart_delay_grows_until_the_maximum_number_of_restarts() {
        let mut programs = Programs::new(restarting(RestartPolicy::OnFailure), false);
        let mut delays = Vec::new();
        let mut now = Duration::ZERO;
        while let Some(due) = programs.next_due() {
            delays.push(due.saturating_sub(now).as_secs_f64());
            now = due;
            let worker = programs.take_due(now).unwrap().id;
            programs.started(worker, now);
            programs.exited(worker, &CRASH, now);
        }
        assert_eq!(delays, [0.0, 1.0, 2.0]);
        assert!(are_finished(&mut programs, now));
    }

    #[test]
    fn restart_count_is_reset_after_a_stable_run() {
        let mut programs = Programs::new(restarting(RestartPolicy::Always), false);
        let mut now = Duration::ZERO;
        for _ in 0..10 {
            let worker = programs.take_due(now).unwrap().id;
            programs.started(worker, now);
            now += STABLE_AFTER;
            programs.exited(worker, &SUCCESS, now);
            assert_eq!(programs.next_due(), Some(now + seconds(1.0)));
            now += seconds(1.0);
        }
    }

    #[test]
    fn nothing_starts_after_a_stop() {
        let mut programs = Programs::new(script("0:1,1:2"), true);
        starts(&mut programs, Duration::ZERO);
        programs.started(WorkerId(1), Duration::ZERO);
        programs.stop();
        assert_eq!(programs.next_due(), None);
        assert!(!are_finished(&mut programs, seconds(1.0)), "one is still running");
        programs.exited(WorkerId(1), &CRASH, seconds(1.0));
        assert!(are_finished(&mut programs, seconds(1.0)));
        assert_eq!(programs.next_due(), None);
    }
}
