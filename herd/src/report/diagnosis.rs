use crate::{
    failure::{FailureKind, Party},
    plan::Mode,
    run::Run,
    verdict::{Blame, Failed},
};

/// Says in words who was at fault in `run`, given the checks that `failed`: the server, the network
/// or the generator. If nobody was, it says so.
pub fn diagnose(run: &Run, failed: &[Failed]) -> Vec<String> {
    let has = |blame| failed.iter().any(|failed| failed.blame == blame);
    let was_starved = has(Blame::Generator);
    let mut said = Vec::new();
    if has(Blame::Stream) {
        said.push(stream(run).to_owned());
    }
    said.extend(parties(run, was_starved).map(str::to_owned));
    if failed.iter().any(|failed| failed.check == "generator_failed") {
        said.push(
            "a part of the generator has failed, which is a bug of the herd (the message is above): what its members saw is \
             not complete"
                .to_owned(),
        );
    }
    if was_starved {
        said.push(
            "the generator was the bottleneck: take these figures for its limits, not the server's, and run it on more or \
             other processors (--workers, another machine)"
                .to_owned(),
        );
    } else if has(Blame::Limit) {
        said.push(
            "a limit was crossed, and the generator had time to spare: the server, or the network to it, was too slow"
                .to_owned(),
        );
    }
    said.extend(not_done(run, failed, was_starved));
    if failed.is_empty() && run.interrupted.is_none() {
        said.push("nothing was at fault".to_owned());
    }
    said
}

/// What it means that the stream was not what it should be.
fn stream(run: &Run) -> &'static str {
    let counts = &run.tally.counts;
    let is_server = counts.duplicated + counts.out_of_order + counts.malformed > 0
        || run.tally.offenders.iter().any(|offender| !offender.offence.may_be_the_network());
    if is_server {
        "the server is at fault: TCP neither loses nor repeats nor reorders within a connection, so it sent what was \
         received, or did not send what is missing"
    } else {
        "what was expected did not come, or not in time: the server, or the network to it, is the place to look"
    }
}

/// What failures mean, for each who can do something about them.
fn parties(run: &Run, was_starved: bool) -> impl Iterator<Item = &'static str> {
    let is_doubtful = |kind: FailureKind| was_starved && kind.is_about_time();
    let kinds = || run.tally.failures.iter().map(|(kind, ..)| kind);
    let mut parties: Vec<Party> =
        kinds().filter(|kind| !is_doubtful(*kind)).map(FailureKind::party).collect();
    parties.sort_unstable();
    parties.dedup();
    let doubtful = (kinds().any(is_doubtful) || was_starved && run.tally.overdue > 0).then_some(
        "some of what was waited for came too late or not at all, and the generator was too slow itself: it may have come \
         in time, so that says nothing about the server",
    );
    let parties = parties.into_iter().map(|party| match party {
        Party::Server => "the server refused or ended some conversations: see the errors",
        Party::ServerOrNetwork => {
            "some connections were refused, broke or were too slow: the server, or the network to it, is the place to look"
        }
        Party::Generator => "this machine had not enough for all jobs: see the errors",
    });
    parties.chain(doubtful)
}

/// What was asked for and not done, and why.
fn not_done(run: &Run, failed: &[Failed], was_starved: bool) -> Vec<String> {
    let has = |check| failed.iter().any(|failed| failed.check == check);
    let (plan, dispatched) = (&run.plan, &run.dispatched);
    let mut said = Vec::new();
    if has("not_begun") {
        let stays = plan.mode != Mode::Echo && plan.stay.is_none();
        let stay = if plan.throttle > 0 && stays {
            ": with --stay, members make room for the next"
        } else {
            ""
        };
        said.push(format!("{} jobs were due and not begun before the end{stay}", dispatched.left));
    }
    let waited = dispatched.held_back.as_secs_f64() / run.took.as_secs_f64();
    if plan.arrivals.is_some() && waited > 0.1 {
        // How soon a generator that is too slow sees an answer is no matter of the server.
        let why = if was_starved { "" } else { ", as answers came too slowly for so few" };
        said.push(format!(
            "all {} places were taken for {:.0} % of the time: the throttle held the rate back{why} (--throttle)",
            plan.throttle,
            waited * 100.0
        ));
    }
    if has("nothing_checked") {
        said.push(
            "nothing was there to check, so this run says nothing: is there a server, does --mode suit it, and is there time \
             enough for something to happen?"
                .to_owned(),
        );
    }
    said
}
