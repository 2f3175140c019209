//! Arguments in, text and exit codes out. No decision about tasks is ever made here.
//!
//! What was typed ([`args`]) becomes what it means ([`plan`]), is carried out by `instep-app`
//! ([`run`]) and told ([`render`]).

mod answer;
mod args;
mod ask;
mod config_edit;
mod hook;
mod limits;
mod logging;
mod manner;
mod output;
mod plan;
mod progress;
mod render;
mod run;
mod usage;
mod watch;

use std::ffi::OsString;
use std::io::{IsTerminal, stdin};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use instep_api::{Exit, Failure};
use instep_app::HookCall;

use answer::Answer;
use manner::Manner;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let given = args.get(1..).unwrap_or_default();
    if let Some(call) = HookCall::parse(given, || stdin().is_terminal()) {
        hook::answer(&call);
        return ExitCode::SUCCESS;
    }
    let cli = match args::Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(usage::tell(&error).code()),
    };
    let manner = Manner::new(&cli.global);
    let serves = matches!(cli.command, args::Command::Serve(_));
    let notes = logging::start(&manner, cli.global.config.clone(), serves);
    output::notes(&notes, &manner);
    let began = Instant::now();
    let exit = match carry_out(cli, &manner) {
        Ok(answer) => {
            output::answer(&answer, &manner);
            answer.exit()
        }
        Err(failure) => {
            output::failure(&failure, &manner);
            if failure.exit != Exit::Usage {
                // Its reason may be somebody's words.
                tracing::warn!(code = failure.code, "a command failed");
            }
            failure.exit
        }
    };
    let duration_ms = began.elapsed().as_millis();
    tracing::debug!(exit.code = exit.code(), duration_ms, "the command ended");
    ExitCode::from(exit.code())
}

fn carry_out(cli: args::Cli, manner: &Manner) -> Result<Answer, Failure> {
    let config = cli.global.config.clone();
    let patience = plan::patience(&cli.global)?;
    let plan = plan::plan(cli)?;
    if let plan::Plan::AtOnce(plan) = &plan {
        return Ok(run::at_once(plan));
    }
    limits::enough_open_files()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            let why = error.to_string();
            Failure::new(
                Exit::Failed,
                "no_runtime",
                "Instep cannot start",
                why,
                "try again",
            )
        })?;
    // The daemon ends its turns before it leaves, and whoever watches has nothing to finish.
    let stops_at_once = !matches!(plan, plan::Plan::Serve { .. } | plan::Plan::Watch);
    let outcome = runtime.block_on(async {
        limits::outlive_file_size_limit();
        tokio::select! {
            outcome = run::run(plan, config, patience, manner) => outcome,
            _ = tokio::signal::ctrl_c(), if stops_at_once => Err(interrupted()),
        }
    });
    // A thread that still waits for a disk must not hold up an interrupted command.
    runtime.shutdown_background();
    outcome
}

fn interrupted() -> Failure {
    Failure::new(
        Exit::Interrupted,
        "interrupted",
        "interrupted",
        "you stopped it",
        "run the same command again: it finishes the job",
    )
}
