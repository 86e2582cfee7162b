use std::process::ExitCode;

use tribune_cli::{Program, failure, is_closed_pipe};

use crate::{
    mode::Mode,
    options::HerdOptions,
    plan::Plan,
    progress::Progress,
    report::{Document, ReportFormat, print, save},
    run::{RunError, run},
    verdict::{Measured, Verdict},
};

/// Runs a herd and reports the outcome. Returns the exit code for its verdict.
pub async fn herd(options: HerdOptions) -> ExitCode {
    let HerdOptions { plan, format, files, verbose, quiet } = options;
    let run = match run(plan, Progress::suitable(quiet), verbose).await {
        Ok(run) => run,
        Err(RunError::Aborted(code)) => return ExitCode::from(code),
        Err(RunError::System(error)) => return failure(format_args!("cannot run: {error}")),
    };
    let measured = Measured::new(&run);
    let verdict = Verdict::new(&run, &measured);
    let document = Document::new(&run, &measured, verdict);
    let mut code = ExitCode::from(document.exit);
    if let (Some(example), ReportFormat::Text) = (run.no_server(), format) {
        // An empty report would hide the one thing that matters.
        failure(no_server(&run.plan, example));
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

/// The message if no client could connect; `example` is the failure of one.
fn no_server(plan: &Plan, example: &str) -> String {
    // It was the same for all, so the number of the client does not matter.
    let reason = example.split_once(": ").map_or(example, |(_, reason)| reason);
    let server = Program::Server.name();
    let echo = if plan.mode == Mode::Echo { " echo" } else { "" };
    format!(
        "no server at {}: {reason}; start one with `{server}{echo}`, or name another with --server HOST:PORT",
        plan.server
    )
}
