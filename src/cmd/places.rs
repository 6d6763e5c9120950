//! `pilotage policy recall`: how often a place descriptor finds the right place, beside plain image correlation.
//!
//! In simulated worlds the map is one drive and the questions are from another (`pilotage_sim::PlaceTrial`): the same
//! robot on another day, and the camera of another kind of robot. A right answer is a place within max(1 m, three
//! steps) of the question along the route. Every world is asked for itself, and again with the maps of several
//! worlds put together, where rooms that look alike can be confused.

mod course;
mod score;

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use indicatif::ProgressBar;
use pilotage_sim::{GreyQuestion, GreyWindow, PlaceTrial, PlaceView, QueryKind, RobotKind, Split, World, WorldId};
use serde::Serialize;

use super::{Outcome, refuse_existing, shipped_model};
use crate::cli::RecallArgs;
use crate::policy::{Descriptor, EngineChoice, ModelImage, PlaceDescriber, PlaceIndex};
use crate::runtime::parallel::map_indexed;
use score::{Count, Hits, best};

/// Answers looked at.
const BEST: usize = 5;

pub(super) fn run(args: &RecallArgs) -> Result<Outcome> {
    let folder = match &args.folder {
        Some(folder) => folder.clone(),
        None => shipped_model("place-sim")?,
    };
    let engine: EngineChoice = args.engine.parse()?;
    let load = || PlaceDescriber::load(&folder, engine, args.ort_lib.as_deref());
    let mut describer = load()?;
    println!("descriptor  {} at {}", describer.name(), folder.display());
    if let (Some(log), Some(truth), Some(lap)) = (&args.log, &args.truth, args.lap) {
        return course::run(args, &mut describer, log, truth, lap);
    }
    let split = Split::from_name(&args.split)
        .with_context(|| format!("there is no split {:?}; choose train, validation or test", args.split))?;
    if let Some(json) = &args.json {
        refuse_existing(json, "give another file name")?;
    }
    let bar = ProgressBar::new(args.worlds as u64);
    let worlds: Vec<Result<Option<Asked>>> = map_indexed(args.worlds, args.threads, |number| {
        let asked = Asked::of(WorldId { split, index: args.first + number as u64 }, &mut load()?);
        bar.inc(1);
        asked
    });
    bar.finish_and_clear();
    let worlds: Vec<Asked> = worlds.into_iter().filter_map(Result::transpose).collect::<Result<_>>()?;
    anyhow::ensure!(!worlds.is_empty(), "none of the {} worlds could be driven", args.worlds);
    let groups: Vec<&[Asked]> = worlds.chunks(usize::from(args.pool)).collect();
    let counted: Vec<Result<Vec<Row>>> = map_indexed(groups.len(), args.threads, |number| {
        groups.get(number).map_or(Ok(Vec::new()), |group| count(group))
    });
    let rows: Vec<Row> = counted.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    if let Some(json) = &args.json {
        write(json, &rows)?;
    }
    report(args, split, &worlds, &rows);
    Ok(Outcome::Done)
}

fn write(json: &Path, rows: &[Row]) -> Result<()> {
    let mut file = std::fs::File::create_new(json).with_context(|| format!("cannot make {}", json.display()))?;
    for row in rows {
        writeln!(file, "{}", serde_json::to_string(row)?)
            .with_context(|| format!("cannot write {}", json.display()))?;
    }
    Ok(())
}

/// A world's trial, described.
struct Asked {
    trial: PlaceTrial,
    family: &'static str,
    nodes: Vec<Descriptor>,
    node_pictures: Vec<GreyWindow>,
    questions: [Vec<Descriptor>; 2],
}

impl Asked {
    fn of(id: WorldId, describer: &mut PlaceDescriber) -> Result<Option<Self>> {
        let world = World::generate(id);
        let Some(trial) = PlaceTrial::generate(&world)? else { return Ok(None) };
        let mut all = |views: &[PlaceView]| -> Result<Vec<Descriptor>> {
            views.iter().map(|view| Ok(describer.describe(&image(view))?)).collect()
        };
        let nodes = all(&trial.nodes)?;
        let [same, other] = &trial.queries;
        let questions = [all(same)?, all(other)?];
        let node_pictures = trial.nodes.iter().map(|view| GreyWindow::of(&view.rgb)).collect();
        Ok(Some(Self { family: world.family().name(), trial, nodes, node_pictures, questions }))
    }
}

fn image(view: &PlaceView) -> ModelImage {
    let (width, height) = (pilotage_sim::WIDTH as u32, pilotage_sim::HEIGHT as u32);
    ModelImage { width, height, rgb: Arc::from(view.rgb.as_slice()) }
}

/// What was found of one world's questions of one kind, by one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    Descriptor,
    Correlation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Map {
    OneWorld,
    SeveralWorlds,
}

#[derive(Clone, Debug, Serialize)]
struct Row {
    world: u64,
    family: &'static str,
    map: Map,
    method: Method,
    question: &'static str,
    /// Kind of the robot that asks.
    robot: &'static str,
    #[serde(flatten)]
    count: Count,
    #[serde(skip)]
    held_out: bool,
}

/// All questions of a group of worlds, each world for itself and all of them in one map.
fn count(group: &[Asked]) -> Result<Vec<Row>> {
    let together = PlaceIndex::of(&group.iter().flat_map(|asked| asked.nodes.clone()).collect::<Vec<_>>())?;
    let all_pictures: Vec<&GreyWindow> = group.iter().flat_map(|asked| &asked.node_pictures).collect();
    let mut rows = Vec::new();
    let mut first = 0;
    for asked in group {
        let alone = PlaceIndex::of(&asked.nodes)?;
        let own = first..first + asked.nodes.len();
        for (kind, (views, questions)) in
            QueryKind::ALL.into_iter().zip(asked.trial.queries.iter().zip(&asked.questions))
        {
            let mut counts = [[Count::default(); 2]; 2];
            for (view, question) in views.iter().zip(questions) {
                let right = |node: usize| asked.trial.is_right(node, view.arc_m);
                let right_of_all = |node: usize| own.contains(&node) && right(node - own.start);
                let likeness = GreyQuestion::of(&view.rgb).likeness(&all_pictures);
                let of_own = likeness.get(own.clone()).unwrap_or(&[]);
                let [descriptor, correlation] = &mut counts;
                let found = |index: &PlaceIndex| -> Result<Vec<usize>> {
                    Ok(index.search(question, BEST)?.iter().map(|found| found.index).collect())
                };
                descriptor[0].add(Hits::of(&found(&alone)?, right));
                descriptor[1].add(Hits::of(&found(&together)?, right_of_all));
                correlation[0].add(Hits::of(&best(of_own, BEST), right));
                correlation[1].add(Hits::of(&best(&likeness, BEST), right_of_all));
            }
            let [first_robot, other] = asked.trial.kinds;
            let robot = if kind == QueryKind::SameRobot { first_robot } else { other };
            for (method, counts) in [Method::Descriptor, Method::Correlation].into_iter().zip(counts) {
                for (map, count) in [Map::OneWorld, Map::SeveralWorlds].into_iter().zip(counts) {
                    rows.push(Row {
                        world: asked.trial.world.index,
                        family: asked.family,
                        map,
                        method,
                        question: kind.name(),
                        robot: robot.name(),
                        count,
                        held_out: RobotKind::HELD_OUT.contains(&robot),
                    });
                }
            }
        }
        first = own.end;
    }
    Ok(rows)
}

fn report(args: &RecallArgs, split: Split, worlds: &[Asked], rows: &[Row]) {
    let nodes: usize = worlds.iter().map(|asked| asked.nodes.len()).sum();
    let questions: usize = worlds.iter().map(|asked| asked.questions.iter().map(Vec::len).sum::<usize>()).sum();
    println!(
        "worlds      {}:{} and on, {} of {} could be driven; {nodes} places, {questions} questions",
        split.name(),
        args.first,
        worlds.len(),
        args.worlds
    );
    println!("right       a place within max(1 m, 3 steps) of the question along the route");
    println!();
    println!("{:<48}{:>18}{:>18}", "", "recall@1", "recall@5");
    for (map, title) in [
        (Map::OneWorld, "every world for itself".to_owned()),
        (Map::SeveralWorlds, format!("{} worlds in one map", args.pool)),
    ] {
        println!("{title}");
        for kind in QueryKind::ALL {
            for (method, name) in [(Method::Descriptor, "descriptor"), (Method::Correlation, "image correlation")] {
                let of = |row: &&Row| row.map == map && row.method == method && row.question == kind.name();
                line(&format!("  {}, {name}", kind.name()), rows.iter().filter(of));
            }
        }
        let foreign = |row: &&Row| row.map == map && row.method == Method::Descriptor && row.held_out;
        line("  kinds of robots never trained on, descriptor", rows.iter().filter(foreign));
    }
    println!("every world for itself, descriptor, by kind of world");
    let mut families: Vec<&str> = rows.iter().map(|row| row.family).collect();
    families.sort_unstable();
    families.dedup();
    for family in families {
        for kind in QueryKind::ALL {
            let of = |row: &&Row| {
                (row.map, row.method, row.question) == (Map::OneWorld, Method::Descriptor, kind.name())
                    && row.family == family
            };
            line(&format!("  {family}, {}", kind.name()), rows.iter().filter(of));
        }
    }
    println!();
    println!("after +-    half the 95 % interval; worlds count as the independent units, not questions");
}

fn line<'a>(title: &str, rows: impl Iterator<Item = &'a Row>) {
    let counts: Vec<Count> = rows.map(|row| row.count).collect();
    if !counts.is_empty() {
        println!("{title:<48}{:>18}{:>18}", score::share(&counts, |c| c.first), score::share(&counts, |c| c.among));
    }
}
