//! Plays seeds, for `cargo xtask sim` and for whoever looks into one of them.

#![allow(
    clippy::print_stdout,
    reason = "what was found is for whoever started the program"
)]

use std::process::ExitCode;

use clap::Parser;
use instep_sim::{Bug, Coverage, Schedule, play, shrink};

/// Plays seeded schedules against the engine, on one core.
#[derive(Parser)]
struct Args {
    /// The first seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many seeds
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Only every so-manieth seed, so that several processes can share a range
    #[arg(long, default_value_t = 1)]
    stride: usize,
    /// Tell everything that happens
    #[arg(long)]
    trace: bool,
    /// Plant this bug, or each in turn for `all`, and stop at the first seed that finds it
    #[arg(long)]
    bug: Option<String>,
    /// Name the planted bugs
    #[arg(long)]
    list_bugs: bool,
    /// Play the schedule in this file instead of a seed's
    #[arg(long)]
    file: Option<std::path::PathBuf>,
    /// Say how many were played each time so many are done
    #[arg(long, default_value_t = 0)]
    progress: usize,
    /// Shrink schedules that fail, and tell what happens in what is left of them
    #[arg(long)]
    shrink: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.list_bugs {
        for bug in Bug::ALL {
            println!("{bug}");
        }
        return ExitCode::SUCCESS;
    }
    if let Some(name) = &args.bug {
        return hunt(&args, name);
    }
    let schedules: Box<dyn Iterator<Item = (u64, Schedule)>> = match &args.file {
        Some(file) => match read(file) {
            Ok(schedule) => Box::new(std::iter::once((0, schedule))),
            Err(why) => {
                println!("{} cannot be played: {why}", file.display());
                return ExitCode::from(2);
            }
        },
        None => {
            let seeds = (args.from..args.from + args.seeds).step_by(args.stride);
            Box::new(seeds.map(|seed| (seed, Schedule::draw(seed))))
        }
    };
    let mut coverage = Coverage::default();
    let mut failed = false;
    for (played, (seed, schedule)) in schedules.enumerate() {
        if args.progress > 0 && played > 0 && played.is_multiple_of(args.progress) {
            println!("played {played}");
        }
        let outcome = play(&schedule, None, args.trace);
        coverage.absorb(&outcome.coverage);
        for line in &outcome.trace {
            println!("{line}");
        }
        if let Some(breach) = outcome.breach {
            failed = true;
            println!("failed {seed}: {} {}", breach.invariant, breach.what);
            if args.shrink {
                let short = shrink(&schedule, None);
                print!("{short}");
                for line in play(&short, None, true).trace {
                    println!("{line}");
                }
            }
        }
    }
    print!("{coverage}");
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn read(file: &std::path::Path) -> Result<Schedule, Box<dyn std::error::Error>> {
    Ok(std::fs::read_to_string(file)?.parse()?)
}

/// Looks for the first seed that finds a planted bug; the run fails if one stays hidden.
fn hunt(args: &Args, name: &str) -> ExitCode {
    let mut hidden = 0;
    let asked = |bug: &&Bug| name == "all" || bug.to_string() == name;
    for bug in Bug::ALL.iter().filter(asked) {
        let seeds = (args.from..args.from + args.seeds).step_by(args.stride);
        let found = seeds.into_iter().find_map(|seed| {
            let schedule = Schedule::draw(seed);
            let breach = play(&schedule, Some(*bug), false).breach?;
            // A seed that fails by itself finds nothing.
            let is_sound = play(&schedule, None, false).breach.is_none();
            is_sound.then_some((seed, breach))
        });
        match found {
            Some((seed, breach)) => println!(
                "bug {bug} {}: seed {seed}, {} {}",
                bug.invariant(),
                breach.invariant,
                breach.what
            ),
            None => {
                hidden += 1;
                println!("bug {bug} {}: hidden", bug.invariant());
            }
        }
    }
    if hidden == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
