//! Which of the system's processes are whose.

use std::collections::{HashMap, HashSet};

use tribune_protocol::WorkerId;

use super::process::Process;

/// What the server knows of its own children.
#[derive(Clone, Debug, Default)]
pub(super) struct Children {
    /// The programs, by the number of the session that each leads or led. One is here until nothing
    /// of it is left.
    pub(super) programs: HashMap<i32, WorkerId>,
    /// Others that the server has started for itself: they are waited for where they were started.
    pub(super) own: HashSet<i32>,
    /// What was there before the server: children that it inherited with its process id, as from a
    /// shell that became the server.
    pub(super) before: Vec<Process>,
}

/// All processes that the server has to answer for, at one moment.
#[derive(Debug, Default)]
pub(super) struct ProcessTable {
    /// What runs of each program, by the number of its session.
    programs: HashMap<i32, Vec<Process>>,
    /// What runs, descends from a program, and cannot be said to be of one that is left.
    pub(super) strays: Vec<Process>,
    /// Children of the server that have ended.
    pub(super) ended: Vec<i32>,
}

impl ProcessTable {
    /// Finds out whose each of `processes` is, seen from the server `server`. `mark` is the number
    /// that a process has in its environment.
    pub(super) fn new(
        processes: &[Process],
        server: i32,
        children: &Children,
        mark: impl Fn(&Process) -> Option<WorkerId>,
    ) -> Self {
        let by_id = processes.iter().map(|process| (process.id, process)).collect();
        let mut owners = Owners { by_id, server, children, mark, known: HashMap::new() };
        let mut table = Self::default();
        for process in processes {
            if process.is_zombie {
                if process.parent == server {
                    table.ended.push(process.id);
                }
                continue;
            }
            match owners.owner(process) {
                Owner::Program(session) => {
                    table.programs.entry(session).or_default().push(*process);
                }
                Owner::Stray => table.strays.push(*process),
                Owner::Nobody => {}
            }
        }
        table
    }

    /// What runs of the program that leads, or led, `session`.
    pub(super) fn of(&self, session: i32) -> &[Process] {
        self.programs.get(&session).map_or(&[], Vec::as_slice)
    }

    /// Everything that runs of any program.
    pub(super) fn all(&self) -> impl Iterator<Item = &Process> {
        self.programs.values().flatten().chain(&self.strays)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Program(i32),
    Stray,
    Nobody,
}

struct Owners<'a, M> {
    by_id: HashMap<i32, &'a Process>,
    server: i32,
    children: &'a Children,
    mark: M,
    known: HashMap<i32, Owner>,
}

impl<M: Fn(&Process) -> Option<WorkerId>> Owners<'_, M> {
    fn owner(&mut self, process: &Process) -> Owner {
        // Up to the first ancestor that says whose it is, which then is what all below it are.
        let mut path = vec![process.id];
        let mut ancestor = *process;
        let owner = loop {
            if let Some(owner) = self.owner_at_sight(&ancestor) {
                break owner;
            }
            match self.by_id.get(&ancestor.parent) {
                // Read one after the other, processes may seem to be their own ancestors.
                Some(parent) if !path.contains(&parent.id) => ancestor = **parent,
                _ => break Owner::Nobody,
            }
            path.push(ancestor.id);
        };
        self.known.extend(path.into_iter().map(|id| (id, owner)));
        owner
    }

    /// Whose `process` is, if its parent need not be known for that.
    fn owner_at_sight(&self, process: &Process) -> Option<Owner> {
        let Children { programs, own, before } = self.children;
        if let Some(owner) = self.known.get(&process.id) {
            return Some(*owner);
        }
        if programs.contains_key(&process.session) {
            return Some(Owner::Program(process.session));
        }
        // Between fork and setsid it is in the server's session.
        if programs.contains_key(&process.id) {
            return Some(Owner::Program(process.id));
        }
        if process.id == self.server || own.contains(&process.id) {
            return Some(Owner::Nobody);
        }
        if process.parent != self.server {
            return None;
        }
        if before.iter().any(|known| known.is(process)) {
            return Some(Owner::Nobody);
        }
        // An orphan, which came to the server when its parent ended.
        let marked = (self.mark)(process);
        // It may descend from what was there before.
        if marked.is_none() && !before.is_empty() {
            return Some(Owner::Nobody);
        }
        let session = programs.iter().find(|(_, program)| Some(**program) == marked);
        Some(session.map_or(Owner::Stray, |(session, _)| Owner::Program(*session)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: i32 = 10;

    fn process(id: i32, parent: i32, session: i32) -> Process {
        Process::for_test(id, parent, session)
    }

    fn table(processes: &[Process]) -> ProcessTable {
        table_after(processes, Vec::new())
    }

    fn table_after(processes: &[Process], before: Vec<Process>) -> ProcessTable {
        let children = Children {
            programs: HashMap::from([(20, WorkerId(1)), (30, WorkerId(2))]),
            own: HashSet::from([11]),
            before,
        };
        let mark = |process: &Process| (process.id == 50).then_some(WorkerId(2));
        ProcessTable::new(processes, SERVER, &children, mark)
    }

    fn ids(processes: &[Process]) -> Vec<i32> {
        processes.iter().map(|process| process.id).collect()
    }

    #[test]
    fn a_program_is_its_session_and_all_that_descends_from_it() {
        let table = table(&[
            process(SERVER, 1, SERVER),
            process(20, SERVER, 20),
            process(21, 20, 20),
            // It has called setsid, and forked.
            process(22, 21, 22),
            process(23, 22, 22),
            // Its parent has ended.
            process(24, 1, 20),
            // It is about to call setsid.
            process(30, SERVER, SERVER),
        ]);
        assert_eq!(ids(table.of(20)), [20, 21, 22, 23, 24]);
        assert_eq!(ids(table.of(30)), [30]);
        assert_eq!((table.strays.len(), table.of(99).len()), (0, 0));
    }

    #[test]
    fn an_orphan_is_known_by_its_mark_or_else_a_stray() {
        let table = table(&[
            process(SERVER, 1, SERVER),
            process(50, SERVER, 50),
            process(51, 50, 50),
            process(60, SERVER, 60),
            process(61, 60, 61),
        ]);
        assert_eq!(ids(table.of(30)), [50, 51]);
        assert_eq!(ids(&table.strays), [60, 61]);
        assert_eq!(table.all().count(), 4);
    }

    #[test]
    fn what_is_not_of_a_program_is_left_alone() {
        let processes = [
            process(1, 0, 1),
            process(SERVER, 1, SERVER),
            process(11, SERVER, 11),
            process(12, SERVER, 12),
            process(13, 12, 12),
            process(14, 1, 14),
            // Another child of 12 may have left it behind.
            process(15, SERVER, 15),
            // Each other's parents, as can be read while numbers are given anew.
            process(70, 71, 70),
            process(71, 70, 71),
        ];
        let table = table_after(&processes, vec![process(12, SERVER, 12)]);
        assert_eq!(table.all().count(), 0);
    }

    #[test]
    fn children_that_have_ended_are_listed_and_run_nowhere() {
        let ended = |mut process: Process| {
            process.is_zombie = true;
            process
        };
        let table = table(&[
            process(SERVER, 1, SERVER),
            ended(process(20, SERVER, 20)),
            ended(process(21, 20, 20)),
            ended(process(60, SERVER, 60)),
        ]);
        assert_eq!(table.ended, [20, 60]);
        assert_eq!(table.all().count(), 0);
    }
}
