//! Assigns the processes of the system to programs.

use std::collections::{HashMap, HashSet};

use tribune_protocol::WorkerId;

use crate::proc_stat::ProcStat;

/// The children that the server has forked or inherited.
#[derive(Clone, Debug, Default)]
pub(super) struct Children {
    /// The programs, by the number of the session that each leads or led, until no process of that
    /// session is left.
    pub(super) programs: HashMap<i32, WorkerId>,
    /// Processes that the server has forked for itself. They are reaped where they were forked.
    pub(super) internal: HashSet<i32>,
    /// Children that existed before the server, as when a shell replaces itself by the server.
    pub(super) inherited: Vec<ProcStat>,
}

/// All processes that the server is responsible for, at one moment.
#[derive(Debug, Default)]
pub(super) struct ProcessTable {
    /// The running processes of each program, by the number of its session.
    programs: HashMap<i32, Vec<ProcStat>>,
    /// Running processes that descend from a program, but cannot be assigned to one.
    pub(super) strays: Vec<ProcStat>,
    /// Children of the server that have exited.
    pub(super) exited_children: Vec<i32>,
}

impl ProcessTable {
    /// Assigns `processes`, seen from the process `server`. `marked_program` is the program that
    /// is named in the environment of a process.
    pub(super) fn new(
        processes: &[ProcStat],
        server: i32,
        children: &Children,
        marked_program: impl Fn(&ProcStat) -> Option<WorkerId>,
    ) -> Self {
        let by_id = processes.iter().map(|process| (process.id, process)).collect();
        let mut owners = Owners { by_id, server, children, marked_program, known: HashMap::new() };
        let mut table = Self::default();
        for process in processes {
            if process.has_exited() {
                if process.parent == server {
                    table.exited_children.push(process.id);
                }
                continue;
            }
            match owners.owner(process) {
                Owner::Program(session) => {
                    table.programs.entry(session).or_default().push(*process);
                }
                Owner::Stray => table.strays.push(*process),
                Owner::Unrelated => {}
            }
        }
        table
    }

    /// The running processes of the program that leads, or led, `session`.
    pub(super) fn of_session(&self, session: i32) -> &[ProcStat] {
        self.programs.get(&session).map_or(&[], Vec::as_slice)
    }

    /// The running processes of all programs, and strays.
    pub(super) fn all(&self) -> impl Iterator<Item = &ProcStat> {
        self.programs.values().flatten().chain(&self.strays)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// The program that leads, or led, this session.
    Program(i32),
    /// A program, but it is not known which.
    Stray,
    /// None of the programs.
    Unrelated,
}

struct Owners<'a, M> {
    by_id: HashMap<i32, &'a ProcStat>,
    server: i32,
    children: &'a Children,
    marked_program: M,
    known: HashMap<i32, Owner>,
}

impl<M: Fn(&ProcStat) -> Option<WorkerId>> Owners<'_, M> {
    /// The owner of `process`: that of its nearest ancestor whose owner is known by itself.
    fn owner(&mut self, process: &ProcStat) -> Owner {
        let mut path = vec![process.id];
        let mut ancestor = *process;
        let owner = loop {
            if let Some(owner) = self.own_owner(&ancestor) {
                break owner;
            }
            match self.by_id.get(&ancestor.parent) {
                // As they are read one after another, processes may seem to be their own ancestors.
                Some(parent) if !path.contains(&parent.id) => ancestor = **parent,
                _ => break Owner::Unrelated,
            }
            path.push(ancestor.id);
        };
        self.known.extend(path.into_iter().map(|id| (id, owner)));
        owner
    }

    /// The owner of `process`, if that does not depend on its parent.
    fn own_owner(&self, process: &ProcStat) -> Option<Owner> {
        let Children { programs, internal, inherited } = self.children;
        if let Some(owner) = self.known.get(&process.id) {
            return Some(*owner);
        }
        if programs.contains_key(&process.session) {
            return Some(Owner::Program(process.session));
        }
        // Between fork and setsid it is still in the server's session.
        if programs.contains_key(&process.id) {
            return Some(Owner::Program(process.id));
        }
        if process.id == self.server || internal.contains(&process.id) {
            return Some(Owner::Unrelated);
        }
        if process.parent != self.server {
            return None;
        }
        if inherited.iter().any(|known| known.is_same_process(process)) {
            return Some(Owner::Unrelated);
        }
        // An orphan, which the server has adopted.
        let marked = (self.marked_program)(process);
        // It may descend from an inherited child.
        if marked.is_none() && !inherited.is_empty() {
            return Some(Owner::Unrelated);
        }
        let session = programs.iter().find(|(_, program)| Some(**program) == marked);
        Some(session.map_or(Owner::Stray, |(session, _)| Owner::Program(*session)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: i32 = 10;

    fn process(id: i32, parent: i32, session: i32) -> ProcStat {
        ProcStat::running(id, parent, session)
    }

    fn table(processes: &[ProcStat]) -> ProcessTable {
        table_with_inherited(processes, Vec::new())
    }

    fn table_with_inherited(processes: &[ProcStat], inherited: Vec<ProcStat>) -> ProcessTable {
        let children = Children {
            programs: HashMap::from([(20, WorkerId(1)), (30, WorkerId(2))]),
            internal: HashSet::from([11]),
            inherited,
        };
        let marked_program = |process: &ProcStat| (process.id == 50).then_some(WorkerId(2));
        ProcessTable::new(processes, SERVER, &children, marked_program)
    }

    fn ids(processes: &[ProcStat]) -> Vec<i32> {
        processes.iter().map(|process| process.id).collect()
    }

    #[test]
    fn program_owns_its_session_and_all_descendants() {
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
        assert_eq!(ids(table.of_session(20)), [20, 21, 22, 23, 24]);
        assert_eq!(ids(table.of_session(30)), [30]);
        assert_eq!((table.strays.len(), table.of_session(99).len()), (0, 0));
    }

    #[test]
    fn orphan_is_assigned_by_its_environment_or_else_a_stray() {
        let table = table(&[
            process(SERVER, 1, SERVER),
            process(50, SERVER, 50),
            process(51, 50, 50),
            process(60, SERVER, 60),
            process(61, 60, 61),
        ]);
        assert_eq!(ids(table.of_session(30)), [50, 51]);
        assert_eq!(ids(&table.strays), [60, 61]);
        assert_eq!(table.all().count(), 4);
    }

    #[test]
    fn other_processes_are_unrelated() {
        let processes = [
            process(1, 0, 1),
            process(SERVER, 1, SERVER),
            process(11, SERVER, 11),
            process(12, SERVER, 12),
            process(13, 12, 12),
            process(14, 1, 14),
            // It may have been forked by another child of 12.
            process(15, SERVER, 15),
            // Each other's parents, as can be read while numbers are being reused.
            process(70, 71, 70),
            process(71, 70, 71),
        ];
        let table = table_with_inherited(&processes, vec![process(12, SERVER, 12)]);
        assert_eq!(table.all().count(), 0);
    }

    #[test]
    fn children_that_have_exited_are_listed_for_reaping() {
        let table = table(&[
            process(SERVER, 1, SERVER),
            process(20, SERVER, 20).exited(),
            process(21, 20, 20).exited(),
            process(60, SERVER, 60).exited(),
        ]);
        assert_eq!(table.exited_children, [20, 60]);
        assert_eq!(table.all().count(), 0);
    }
}
