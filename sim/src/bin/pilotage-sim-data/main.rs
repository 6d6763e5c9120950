//! Training data, pictures and statistics from the simulator, on the command line.

#![cfg_attr(test, allow(clippy::unwrap_used))]
#![allow(
    clippy::disallowed_methods,
    reason = "a workbench tool: it times itself and paces its own threads; nothing here drives a robot"
)]

mod arguments;
mod check;
mod drive;
mod kinds;
mod places;
mod png;
mod preview;
mod spool;
mod stream;

use std::process::ExitCode;

use arguments::Arguments;

const HELP: &str = "\
pilotage-sim-data: training data, pictures and statistics from the simulator

  stream   --split train|validation|test  --seed N  [--pool-frames 90000] [--fill-frames 15000]
           [--blocks 16] [--anchors 4] [--goals 4] [--generator-duty 0.25] [--generators 1]
           [--assemblers 1] [--batches N] [--no-augment] [--robots compact,car,...] [--effects 1.0]
           [--movers 0.2] [--spool DIR --spool-share 0.3 --spool-frames 40000] [--static-context]
           one JSON line, then batches as raw little-endian bytes, for ever or N of them; with a spool,
           a share of them from drives that `drive` put there
  drive    [--robots-parallel 24] [--split train] [--seed N] [--robots a,b] [--out DIR] [--courses N]
           [--noise 0.3] [--movers 0.2] [--first-frames]
           robots driven over standard input and output by a policy; labelled drives go to DIR
  places   --split train|validation|test  --seed N  [--pool-frames 60000] [--fill-frames 12000]
           [--worlds 8] [--places 16] [--views 2] [--fresh 0.3] [--batches N] [--no-augment]
           one JSON line, then batches for training a place descriptor, for ever or N of them
           --trials N [--first 0]: a map and questions of each of N worlds instead
  preview  --out DIR [--seed N]
           PNG pictures of every family, plan views with routes, one batch
  check    [--routes 24] [--seed N]
           prints speed, label mix, how well the expert (by kind of robot) and a blind replay do
  episodes [--count 20] [--split train] [--seed N] [--robots compact,...] [--effects 1.0] [--movers]
           times the whole generator, tells how its drives end; with --movers all have company
";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let verb = words.next().unwrap_or_default();
    let result = Arguments::parse(words).and_then(|arguments| match verb.as_str() {
        "stream" => stream::run(arguments),
        "places" => places::run(arguments),
        "preview" => preview::run(arguments),
        "drive" => drive::run(arguments),
        "check" => check::run(arguments),
        "episodes" => check::episodes(arguments),
        "" | "help" | "--help" | "-h" => {
            eprint!("{HELP}");
            Ok(())
        }
        other => Err(format!("unknown command `{other}`; use stream, places, drive, preview, check or episodes")),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("pilotage-sim-data: {message}");
            ExitCode::FAILURE
        }
    }
}
