use crate::herd::{
    failure::Party,
    plan::Mode,
    run::Run,
    verdict::{Blame, Failed},
};

/// Says in words who was at fault in `run`, given the checks that `failed`: the server, the network
/// or the generator. If nobody was, it says what held it back, if anything did.
pub fn diagnose(run: &Run, failed: &[Failed]) -> Vec<String> {
    let mut said = Vec::new();
    let has = |blame| failed.iter().any(|failed| failed.blame == blame);
    if has(Blame::Stream) {
        let counts = &run.tally.counts;
        let is_server = counts.duplicated + counts.out_of_order + counts.malformed > 0
            || run.tally.offenders.iter().any(|offender| !offender.offence.may_be_the_network());
        said.push(
            if is_server {
                "the server is at fault: TCP neither loses nor repeats nor reorders within a connection, so it sent what was \
                 received, or did not send what is missing"
            } else {
                "what was expected did not come, or not in time: the server, or the network to it, is the place to look"
            }
            .to_owned(),
        );
    }
    let mut parties: Vec<Party> =
        run.tally.failures.iter().map(|(kind, ..)| kind.party()).collect();
    parties.sort_unstable();
    parties.dedup();
    for party in parties {
        said.push(
            match party {
                Party::Server => "the server refused or ended some conversations: see the errors",
                Party::ServerOrNetwork => {
                    "some connections were refused, broke or were too slow: the server, or the network to it, is the place to look"
                }
                Party::Generator => "this machine had not enough for all jobs: see the errors",
            }
            .to_owned(),
        );
    }
    if has(Blame::Generator) {
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
    said.extend(held_back(run));
    if failed.is_empty() && run.interrupted.is_none() {
        said.push("nothing was at fault".to_owned());
    }
    said
}

/// What kept the herd from doing more.
fn held_back(run: &Run) -> Vec<String> {
    let mut said = Vec::new();
    let left = run.dispatched.left;
    if left > 0 {
        let stays = run.plan.mode != Mode::Echo && run.plan.stay.is_none();
        let stay = if run.plan.throttle > 0 && stays {
            ": with --stay, members make room for the next"
        } else {
            ""
        };
        said.push(format!("{left} jobs were due and not begun before the end{stay}"));
    }
    let waited = run.dispatched.held_back.as_secs_f64() / run.took.as_secs_f64();
    if run.plan.arrivals.is_some() && waited > 0.1 {
        said.push(format!(
            "all {} places were taken for {:.0} % of the time: the throttle held the rate back, as answers came too slowly",
            run.plan.throttle,
            waited * 100.0
        ));
    }
    said
}
