//! `cargo xtask`: the commands that build, show and test Pilotage on a fresh machine, without root.

// A build tool waits, and says for how long: the walls of the runtime are not its own.
#![allow(clippy::disallowed_methods)]

mod camera;
mod demo;
mod fetch;
mod libtest;
mod models;
mod process;
mod python;
mod stamp;
mod test;
mod workspace;

use anyhow::{Result, bail};
use std::process::ExitCode;
use test::Selection;
use workspace::Workspace;

const HELP: &str = "\
cargo xtask COMMAND

  demo [ARGS]                 build Pilotage and show a simulated robot finding its way;
                              ARGS go to `pilotage demo`. Needs Rust and a C compiler.
  test [--models] [FILTER]    every check there is; the last line counts them. Also needs
                              Python 3 with pip. FILTER: only tests with this in their name.
                              --models: also check every policy folder with the program, and
                              training (fetches torch, 3.5 GB, unless PILOTAGE_TRAIN_PYTHON
                              names a Python that has it).
  setup                       fetch what tests and fast inference need, into the cache
  build                       the release binary for a robot, cameras included
  help                        this text

Fetched things are pinned by hash and kept in $PILOTAGE_CACHE, else $XDG_CACHE_HOME/pilotage,
else ~/.cache/pilotage. $PILOTAGE_PYTHON names another Python than python3.
";

fn main() -> ExitCode {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<ExitCode> {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", arguments),
    };
    match command {
        "demo" => demo::demo(&Workspace::find()?, rest)?,
        "test" => {
            // Its last line is the count; the exit code says the rest.
            let all_well = test::test(&Workspace::find()?, &selection(rest)?)?;
            return Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        "setup" if rest.is_empty() => test::setup(&Workspace::find()?)?,
        "build" if rest.is_empty() => demo::robot_binary(&Workspace::find()?)?,
        "help" | "--help" | "-h" => print!("{HELP}"),
        "setup" | "build" => bail!("`cargo xtask {command}` takes no arguments, got {rest:?}"),
        other => bail!("no command {other:?}; `cargo xtask help` lists them"),
    }
    Ok(ExitCode::SUCCESS)
}

fn selection(arguments: &[String]) -> Result<Selection> {
    let mut selection = Selection { models: false, filter: None };
    for argument in arguments {
        match argument.as_str() {
            "--models" => selection.models = true,
            flag if flag.starts_with('-') => {
                bail!("`cargo xtask test` has no option {flag:?}; it has --models")
            }
            filter if selection.filter.is_none() => selection.filter = Some(filter.to_owned()),
            filter => bail!("one FILTER at most, got {filter:?} as well"),
        }
    }
    Ok(selection)
}

#[cfg(test)]
mod tests {
    use super::selection;

    #[test]
    fn test_takes_one_filter_and_known_options_only() {
        let parse = |words: &[&str]| selection(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        let both = parse(&["gate", "--models"]).unwrap();
        assert_eq!((both.models, both.filter.as_deref()), (true, Some("gate")));
        assert!(parse(&["--model"]).is_err());
        assert!(parse(&["a", "b"]).is_err());
    }
}
