//! A herd of clients, of which a queue lets only so many be active at once, and that proves what it
//! claims: what each of them received, and what it did itself.
//!
//! ```text
//! args -> plan -> dispatch -> worker -> member      jobs go out, each through the throttle
//!                                |
//!                             measure               what members saw
//!                                |
//!                run -> verdict -> report           when all are back
//!                 |
//!              progress                             meanwhile
//! ```

#![forbid(unsafe_code)]

mod args;
mod arrivals;
mod bottleneck;
mod dispatch;
mod failure;
mod limit;
mod measure;
mod member;
mod plan;
mod preflight;
mod progress;
mod report;
mod run;
mod source;
mod throttle;
mod verdict;
mod worker;

pub use self::{
    args::{HerdArgs, HerdArgsError, HerdOptions},
    plan::Mode,
};

use std::process::ExitCode;

use tribune_cli::{failure, is_closed_pipe, say};

use self::{
    plan::Plan,
    progress::Progress,
    report::{Document, ReportFormat, print, save},
    run::{RunError, run},
};

/// Runs a herd, reports how that went, and says it in its exit code, too.
pub async fn herd(options: HerdOptions) -> ExitCode {
    let HerdOptions { plan, format, files, verbose, quiet } = options;
    let run = match run(plan, Progress::suitable(quiet), verbose).await {
        Ok(run) => run,
        Err(RunError::CutShort(code)) => return ExitCode::from(code),
        Err(RunError::System(error)) => return failure(format_args!("cannot run: {error}")),
    };
    // A report of nothing would hide the one thing that there is to say.
    let no_server = run.no_server().map(|example| no_server(&run.plan, example));
    let document = Document::new(run);
    let mut code = ExitCode::from(document.exit);
    if let (Some(message), ReportFormat::Text) = (no_server, format) {
        say(format_args!("error: {message}"));
    } else if let Err(error) = print(&document, format)
        && !is_closed_pipe(&error)
    {
        code = failure(format_args!("cannot print the report: {error}"));
    }
    for (path, format) in &files {
        if let Err(error) = save(&document, path, *format) {
            code = failure(format_args!("cannot write {}: {error}", path.display()));
        }
    }
    code
}

/// What to say when nobody could connect, as in `example`.
fn no_server(plan: &Plan, example: &str) -> String {
    // Which member it was does not matter: it was so for all.
    let reason = example.split_once(": ").map_or(example, |(_, reason)| reason);
    let start = if plan.mode == Mode::Echo { "server echo" } else { "server" };
    format!(
        "no server at {}: {reason}; start one with `{start}`, or name another with --server HOST:PORT",
        plan.server
    )
}
