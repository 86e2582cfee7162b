use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tribune_protocol::{Exit, WorkerId, WorkerState};

use crate::schedule::{Program, Scheduled};

/// A program that has run this long is sound: what it needed to be restarted before is forgotten.
const SOUND_AFTER: Duration = Duration::from_secs(60);

/// A script is not repeated more often than this, so that one whose programs all end at once does
/// not fork without a pause.
const SHORTEST_REPEAT: Duration = Duration::from_secs(1);

/// The player programs: which are to be started when, and which run.
#[derive(Debug)]
pub struct Programs {
    script: Vec<Scheduled>,
    repeat: bool,
    /// When the script started last.
    script_start: Duration,
    /// What is to be started, the next first. Entries of the same time keep their order.
    due: VecDeque<Due>,
    /// What was handed out to be started, and what runs.
    alive: BTreeMap<WorkerId, Alive>,
    last: WorkerId,
    stopped: bool,
}

#[derive(Debug)]
struct Due {
    at: Duration,
    program: Arc<Program>,
    /// How often in a row it was restarted before.
    restarts: u32,
}

#[derive(Debug)]
struct Alive {
    label: String,
    program: Arc<Program>,
    restarts: u32,
    /// When it started; `None` while that is still to be confirmed.
    since: Option<Duration>,
}

/// A program to be started now.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    /// The number it has got.
    pub worker: WorkerId,
    /// What to run.
    pub program: Arc<Program>,
}

/// What is left of a program that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What people read, as in `ps#1 (predef 1)`.
    pub label: String,
    /// How many programs still run.
    pub running: usize,
}

impl Programs {
    /// The programs of `script`, which starts now, at 0. If `repeat`, it starts again each time it
    /// has ended.
    pub fn new(script: Vec<Scheduled>, repeat: bool) -> Self {
        let mut programs = Self {
            script,
            repeat,
            script_start: Duration::ZERO,
            due: VecDeque::new(),
            alive: BTreeMap::new(),
            last: WorkerId::default(),
            stopped: false,
        };
        programs.start_script(Duration::ZERO);
        programs
    }

    /// When the next program is to be started.
    pub fn next_due(&self) -> Option<Duration> {
        self.due.front().map(|due| due.at)
    }

    /// Takes the next program that is to be started at `now` or before.
    pub fn take_due(&mut self, now: Duration) -> Option<Launch> {
        self.next_due().filter(|&due| due <= now)?;
        let due = self.due.pop_front()?;
        Some(self.launch(due.program, due.restarts))
    }

    /// Starts `program`, which nobody scheduled.
    pub fn start_now(&mut self, program: Arc<Program>) -> Launch {
        self.launch(program, 0)
    }

    /// Notes that `worker` has started, and gives its label.
    pub fn started(&mut self, worker: WorkerId, now: Duration) -> Option<&str> {
        let alive = self.alive.get_mut(&worker).filter(|alive| alive.since.is_none())?;
        alive.since = Some(now);
        Some(&alive.label)
    }

    /// Notes that `worker` has ended or could not be started, and schedules its restart if it is
    /// to have one.
    pub fn exited(&mut self, worker: WorkerId, exit: &Exit, now: Duration) -> Option<Ended> {
        let Alive { label, program, restarts, since } = self.alive.remove(&worker)?;
        let sound = since.is_some_and(|since| now.saturating_sub(since) >= SOUND_AFTER);
        let restarts = if sound { 0 } else { restarts };
        if let Some(pause) = program.restart.pause_after(exit.is_success(), restarts) {
            self.schedule(Due { at: now + pause, program, restarts: restarts + 1 });
        }
        Some(Ended { label, running: self.running() })
    }

    /// Starts nothing any more.
    pub fn stop(&mut self) {
        self.stopped = true;
        self.due.clear();
    }

    /// Whether [`Self::stop`] was called.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Whether something runs or is to be started. If all has ended and the script is to be
    /// repeated, it starts again.
    pub fn go_on(&mut self, now: Duration) -> bool {
        let ended = self.alive.is_empty() && self.due.is_empty();
        if ended && self.repeat && !self.stopped {
            self.start_script(now.max(self.script_start + SHORTEST_REPEAT));
        }
        !self.alive.is_empty() || !self.due.is_empty()
    }

    /// How many programs run or are about to.
    pub fn alive(&self) -> usize {
        self.alive.len()
    }

    /// The programs that run, in the order they started.
    pub fn states(&self) -> Vec<WorkerState> {
        let running = self.alive.iter().filter(|(_, alive)| alive.since.is_some());
        running.map(|(&id, alive)| WorkerState { id, label: alive.label.clone() }).collect()
    }

    fn running(&self) -> usize {
        self.alive.values().filter(|alive| alive.since.is_some()).count()
    }

    fn start_script(&mut self, start: Duration) {
        self.script_start = start;
        for Scheduled { at, program } in self.script.clone() {
            self.schedule(Due { at: start + at, program, restarts: 0 });
        }
    }

    fn schedule(&mut self, due: Due) {
        if !self.stopped {
            let place = self.due.partition_point(|other| other.at <= due.at);
            self.due.insert(place, due);
        }
    }

    fn launch(&mut self, program: Arc<Program>, restarts: u32) -> Launch {
        let worker = self.last.next();
        self.last = worker;
        let label = format!("ps#{worker} ({})", program.title);
        self.alive.insert(worker, Alive { label, program: program.clone(), restarts, since: None });
        Launch { worker, program }
    }
}

#[cfg(test)]
mod tests {
    use players_agent::Predef;

    use super::*;
    use crate::schedule::{Agent, Restart, RestartPolicy, parse_script};

    const SUCCESS: Exit = Exit::Code { code: 0 };
    const CRASH: Exit = Exit::Signal { signal: 11 };

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn script(text: &str) -> Vec<Scheduled> {
        parse_script(text, &Agent::BuiltIn).unwrap()
    }

    /// What is started until `now`, in order: when it was due and what it is.
    fn starts(programs: &mut Programs, now: Duration) -> Vec<(f64, String)> {
        let due = std::iter::from_fn(|| {
            let at = programs.next_due()?;
            let launch = programs.take_due(now)?;
            Some((at.as_secs_f64(), format!("ps#{} {}", launch.worker, launch.program.title)))
        });
        due.collect()
    }

    /// Lets everything that is alive end.
    fn end_all(programs: &mut Programs, now: Duration) {
        for worker in programs.alive.keys().copied().collect::<Vec<_>>() {
            programs.exited(worker, &SUCCESS, now);
        }
    }

    fn restarting(policy: RestartPolicy) -> Vec<Scheduled> {
        let mut program = Agent::BuiltIn.program(Predef::One);
        program.restart = Restart { policy, pause: seconds(1.0), most: 2 };
        vec![Scheduled { at: Duration::ZERO, program: Arc::new(program) }]
    }

    #[test]
    fn a_script_starts_in_the_order_of_its_times() {
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
    fn it_has_ended_when_nothing_runs_and_nothing_is_to_come() {
        let mut programs = Programs::new(script("0:1,2:2"), false);
        assert!(programs.go_on(Duration::ZERO));
        starts(&mut programs, Duration::ZERO);
        programs.started(WorkerId(1), Duration::ZERO);
        assert_eq!(programs.exited(WorkerId(1), &SUCCESS, seconds(1.0)).unwrap().running, 0);
        assert!(programs.go_on(seconds(1.0)));
        starts(&mut programs, seconds(2.0));
        assert!(programs.go_on(seconds(2.0)), "one is about to start");
        programs.exited(
            WorkerId(2),
            &Exit::NotStarted { code: 127, reason: String::new() },
            seconds(2.0),
        );
        assert!(!programs.go_on(seconds(2.0)));
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
        assert_eq!(programs.exited(WorkerId(1), &CRASH, Duration::ZERO), None, "it ended before");
    }

    #[test]
    fn a_repeated_script_starts_again_when_all_has_ended() {
        let mut programs = Programs::new(script("0.5:1,1:2"), true);
        starts(&mut programs, seconds(1.0));
        assert!(programs.go_on(seconds(3.0)));
        end_all(&mut programs, seconds(7.0));
        assert!(programs.go_on(seconds(7.0)));
        assert_eq!(
            starts(&mut programs, seconds(9.0)),
            [(7.5, "ps#3 predef 1".into()), (8.0, "ps#4 predef 2".into())]
        );
    }

    #[test]
    fn a_script_that_ends_at_once_is_not_repeated_at_once() {
        let mut programs = Programs::new(script("0:1"), true);
        starts(&mut programs, Duration::ZERO);
        end_all(&mut programs, Duration::ZERO);
        assert!(programs.go_on(Duration::ZERO));
        assert_eq!(programs.next_due(), Some(SHORTEST_REPEAT));
    }

    #[test]
    fn a_program_is_restarted_with_growing_pauses_up_to_a_number() {
        let mut programs = Programs::new(restarting(RestartPolicy::OnFailure), false);
        let mut pauses = Vec::new();
        let mut now = Duration::ZERO;
        while let Some(due) = programs.next_due() {
            pauses.push(due.saturating_sub(now).as_secs_f64());
            now = due;
            let worker = programs.take_due(now).unwrap().worker;
            programs.started(worker, now);
            programs.exited(worker, &CRASH, now);
        }
        assert_eq!(pauses, [0.0, 1.0, 2.0]);
        assert!(!programs.go_on(now));
    }

    #[test]
    fn a_program_that_ran_long_is_restarted_as_if_for_the_first_time() {
        let mut programs = Programs::new(restarting(RestartPolicy::Always), false);
        let mut now = Duration::ZERO;
        for _ in 0..10 {
            let worker = programs.take_due(now).unwrap().worker;
            programs.started(worker, now);
            now += SOUND_AFTER;
            programs.exited(worker, &SUCCESS, now);
            assert_eq!(programs.next_due(), Some(now + seconds(1.0)));
            now += seconds(1.0);
        }
    }

    #[test]
    fn after_a_stop_nothing_starts_any_more() {
        let mut programs = Programs::new(script("0:1,1:2"), true);
        starts(&mut programs, Duration::ZERO);
        programs.started(WorkerId(1), Duration::ZERO);
        programs.stop();
        assert_eq!(programs.next_due(), None);
        assert!(programs.go_on(seconds(1.0)), "one still runs");
        programs.exited(WorkerId(1), &CRASH, seconds(1.0));
        assert!(!programs.go_on(seconds(1.0)));
        assert_eq!(programs.next_due(), None);
    }
}
