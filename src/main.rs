//! The `pilotage` command: parse, dispatch, turn the outcome into an exit code.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("PILOTAGE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,pilotage=info,rustdds=error,ros2_client=error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
    match pilotage::cmd::dispatch(pilotage::cli::Cli::parse()) {
        Ok(outcome) => ExitCode::from(outcome.exit_code()),
        Err(error) => {
            // One line: causes joined, so that it can be grepped and read over a bad link.
            let text = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
            eprintln!("pilotage: {text}");
            ExitCode::from(1)
        }
    }
}
