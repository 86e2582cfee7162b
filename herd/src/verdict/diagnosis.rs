use super::check::{Category, FailedCheck};
use crate::{
    failure::{FailureKind, FaultDomain},
    mode::Mode,
    run::Run,
};

/// Explains which checks `failed`, and where to look for the cause: in the server, the network or
/// the generator.
pub fn diagnose(run: &Run, failed: &[FailedCheck]) -> Vec<String> {
    let has = |category| failed.iter().any(|check| check.category == category);
    let overloaded = has(Category::Generator);
    let mut lines = Vec::new();
    if has(Category::Stream) {
        lines.push(stream_diagnosis(run).to_owned());
    }
    lines.extend(failure_diagnoses(run, overloaded).map(str::to_owned));
    if failed.iter().any(|check| check.check == "generator_failed") {
        lines.push(
            "a part of the generator failed, which is a bug of the herd (see the message above): the counts are incomplete"
                .to_owned(),
        );
    }
    if overloaded {
        lines.push(
            "the generator was the bottleneck: these figures are its limits, not the server's; run it on more or other \
             processors (--workers, another machine)"
                .to_owned(),
        );
    } else if has(Category::Threshold) {
        lines.push(
            "a --fail-if threshold was crossed, and the generator was not the bottleneck: the server, or the network to \
             it, was too slow"
                .to_owned(),
        );
    }
    lines.extend(completeness_diagnoses(run, failed, overloaded));
    if failed.is_empty() && run.interrupted.is_none() {
        lines.push("no faults found".to_owned());
    }
    lines
}

fn stream_diagnosis(run: &Run) -> &'static str {
    let counts = &run.tally.counts;
    let is_server = counts.duplicated + counts.out_of_order + counts.malformed > 0
        || run.tally.violations.iter().any(|observed| !observed.violation.may_be_the_network());
    if is_server {
        "the server is at fault: TCP neither loses nor repeats nor reorders within a connection, so it sent what was \
         received, or did not send what is missing"
    } else {
        "something expected did not arrive, or not in time: check the server, or the network to it"
    }
}

/// One line for each domain in which jobs failed.
fn failure_diagnoses(run: &Run, overloaded: bool) -> impl Iterator<Item = &'static str> {
    let is_doubtful = |kind: FailureKind| overloaded && kind.is_timeout();
    let kinds = || run.tally.failures.iter().map(|(kind, ..)| kind);
    let mut domains: Vec<FaultDomain> =
        kinds().filter(|kind| !is_doubtful(*kind)).map(FailureKind::fault_domain).collect();
    domains.sort_unstable();
    domains.dedup();
    let has_doubtful = kinds().any(is_doubtful) || overloaded && run.tally.lost_by_timeout > 0;
    let doubtful = has_doubtful.then_some(
        "some replies or events missed their timeout while the generator itself was too slow: they may have arrived in \
         time, so this says nothing about the server",
    );
    let domains = domains.into_iter().map(|domain| match domain {
        FaultDomain::Server => "the server refused or closed some connections: see the errors",
        FaultDomain::ServerOrNetwork => {
            "some connections were refused, failed or were too slow: check the server, or the network to it"
        }
        FaultDomain::Generator => "this machine lacked resources for some jobs: see the errors",
    });
    domains.chain(doubtful)
}

fn completeness_diagnoses(run: &Run, failed: &[FailedCheck], overloaded: bool) -> Vec<String> {
    let has = |check| failed.iter().any(|failed| failed.check == check);
    let (plan, dispatched) = (&run.plan, &run.dispatched);
    let mut lines = Vec::new();
    if has("not_started") {
        let holds = plan.mode != Mode::Echo && plan.hold.is_none();
        let hint = if plan.throttle > 0 && holds {
            ": with --hold, clients leave and make room for others"
        } else {
            ""
        };
        lines.push(format!(
            "{} jobs were due but not started before the end{hint}",
            dispatched.not_started
        ));
    }
    let waited = dispatched.throttle_wait.as_secs_f64() / run.took.as_secs_f64();
    if plan.arrivals.is_some() && waited > 0.1 {
        // An overloaded generator sees replies late, which says nothing about the server.
        let why = if overloaded { "" } else { ", as replies came too slowly" };
        lines.push(format!(
            "all {} permits were in use for {:.0} % of the time: the throttle limited the rate{why} (--throttle)",
            plan.throttle,
            waited * 100.0
        ));
    }
    if has("nothing_checked") {
        lines.push(
            "there was nothing to check, so this run proves nothing: check that there is a server, that --mode suits it, \
             and that the run is long enough for something to happen"
                .to_owned(),
        );
    }
    lines
}
