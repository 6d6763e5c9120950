//! Places for training a descriptor: an endless stream of batches, or trials of place recognition.

use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Instant;

use pilotage_sim::{
    FRAME_BYTES, HEIGHT, PlaceBatch, PlaceBatchSize, PlaceSet, PlaceTrial, Rng, Split, VIEWS, WIDTH, World, WorldId,
    mix64,
};

use crate::arguments::Arguments;

#[derive(Clone, Copy)]
struct Plan {
    split: Split,
    seed: u64,
    pool_frames: usize,
    fill_frames: usize,
    size: PlaceBatchSize,
    /// Pictures rendered for each picture sent.
    fresh: f64,
    batches: u64,
    augment: bool,
}

pub(crate) fn run(mut arguments: Arguments) -> Result<(), String> {
    let split = arguments.split(Split::Train)?;
    let trials: u64 = arguments.number("trials", 0)?;
    if trials > 0 {
        let first = arguments.number("first", 0)?;
        arguments.finish()?;
        return done(write_trials(split, first, trials));
    }
    let plan = Plan {
        split,
        seed: arguments.number("seed", 0)?,
        pool_frames: arguments.number("pool-frames", 60_000)?,
        fill_frames: arguments.number("fill-frames", 12_000)?,
        size: PlaceBatchSize {
            worlds: arguments.number("worlds", 8)?,
            places: arguments.number("places", 16)?,
            views: arguments.number("views", 2)?,
        },
        fresh: arguments.number("fresh", 0.3)?,
        batches: arguments.number("batches", u64::MAX)?,
        augment: !arguments.flag("no-augment"),
    };
    arguments.finish()?;
    check(&plan)?;
    done(write_stream(&plan))
}

fn check(plan: &Plan) -> Result<(), String> {
    let PlaceBatchSize { worlds, places, views } = plan.size;
    for (name, value, most) in [
        ("worlds", worlds, 256),
        ("places", places, 256),
        ("views", views, VIEWS),
        ("pool-frames", plan.pool_frames, 20_000_000),
    ] {
        if value == 0 || value > most {
            return Err(format!("--{name} {value} is out of range; use 1 to {most}"));
        }
    }
    if !(plan.fresh > 0.0 && plan.fresh <= 10.0) {
        return Err(format!("--fresh {} is out of range; use above 0 to 10", plan.fresh));
    }
    Ok(())
}

/// Worlds in order; the next set that could be made.
struct Maker {
    split: Split,
    seed: u64,
    next: u64,
}

impl Maker {
    fn set(&mut self) -> Result<PlaceSet, String> {
        for _ in 0..1000 {
            let index = self.seed.wrapping_mul(1 << 32) + self.next;
            self.next += 1;
            let world = World::generate(WorldId { split: self.split, index });
            if let Some(set) = PlaceSet::generate(&world, mix64(index)).map_err(|e| e.to_string())? {
                return Ok(set);
            }
        }
        Err("no way in a thousand worlds".to_owned())
    }
}

/// One thread makes worlds and batches, in turn: as many new pictures as `--fresh` asks for. So the stream
/// follows from the seed alone, however fast its reader is.
fn write_stream(plan: &Plan) -> Result<(), String> {
    let (full_in, full_out) = sync_channel::<Result<PlaceBatch, String>>(2);
    let (empty_in, empty_out) = sync_channel::<PlaceBatch>(4);
    for _ in 0..4 {
        empty_in.send(PlaceBatch::new(plan.size)).map_err(|e| e.to_string())?;
    }
    let plan_of_maker = *plan;
    thread::spawn(move || {
        let plan = plan_of_maker;
        let mut maker = Maker { split: plan.split, seed: plan.seed, next: 0 };
        let mut rng = Rng::new(mix64(plan.seed ^ 0x0091_4ce5));
        let mut pool: Vec<Arc<PlaceSet>> = Vec::new();
        let (mut held, mut owed, mut oldest) = (0, plan.fill_frames.min(plan.pool_frames) as f64, 0);
        while let Ok(mut batch) = empty_out.recv() {
            while owed > 0.0 || pool.is_empty() {
                let set = match maker.set() {
                    Ok(set) => Arc::new(set),
                    Err(problem) => {
                        // The other side may be gone already; then nobody needs to know.
                        let _ = full_in.send(Err(problem));
                        return;
                    }
                };
                owed -= set.frames() as f64;
                held += set.frames();
                if held > plan.pool_frames && !pool.is_empty() {
                    oldest %= pool.len();
                    held -= pool[oldest].frames();
                    pool[oldest] = set;
                    oldest += 1;
                } else {
                    pool.push(set);
                }
            }
            for (block, set) in draw(&pool, plan.size.worlds, &mut rng).into_iter().enumerate() {
                batch.fill(block, &set, &mut rng, plan.augment);
            }
            owed += plan.fresh * (plan.size.worlds * plan.size.places * plan.size.views) as f64;
            if full_in.send(Ok(batch)).is_err() {
                return;
            }
        }
    });
    let PlaceBatchSize { worlds, places, views } = plan.size;
    let pictures = worlds * places * views * FRAME_BYTES;
    let apart = worlds * places * places * 4;
    let header = format!(
        "{{\"format\":\"pilotage-place-stream\",\"version\":1,\"split\":\"{}\",\"seed\":{},\"worlds\":{worlds},\
         \"places\":{places},\"views\":{views},\"height\":{HEIGHT},\"width\":{WIDTH},\"channels\":3,\
         \"order\":[\"pictures\",\"apart\"],\"bytes\":{{\"pictures\":{pictures},\"apart\":{apart}}},\
         \"batch_bytes\":{}}}\n",
        plan.split.name(),
        plan.seed,
        pictures + apart
    );
    let mut out = std::io::stdout().lock();
    write_all(&mut out, header.as_bytes())?;
    for _ in 0..plan.batches {
        let Ok(batch) = full_out.recv() else { break };
        let batch = batch?;
        write_all(&mut out, &batch.pictures)?;
        let apart: Vec<u8> = batch.apart.iter().flat_map(|a| a.to_le_bytes()).collect();
        write_all(&mut out, &apart)?;
        out.flush().map_err(|e| words(&e))?;
        // A maker that ended shows as a closed channel on the other side.
        let _ = empty_in.send(batch);
    }
    Ok(())
}

/// Different sets of the pool; a pool with too few gives some twice.
fn draw(pool: &[Arc<PlaceSet>], count: usize, rng: &mut Rng) -> Vec<Arc<PlaceSet>> {
    let mut order: Vec<usize> = (0..pool.len()).collect();
    (0..count)
        .map(|i| {
            let at = i % order.len();
            let with = at + rng.below(order.len() - at);
            order.swap(at, with);
            Arc::clone(&pool[order[at]])
        })
        .collect()
}

/// Trials one after another: a line of JSON, then the pictures of the map and of both kinds of questions.
fn write_trials(split: Split, first: u64, count: u64) -> Result<(), String> {
    let started = Instant::now();
    let mut out = std::io::stdout().lock();
    let (mut made, mut pictures) = (0, 0);
    for index in first..first + count {
        let world = World::generate(WorldId { split, index });
        let Some(trial) = PlaceTrial::generate(&world).map_err(|e| e.to_string())? else { continue };
        let [same, other] = &trial.queries;
        let arcs = |views: &[pilotage_sim::PlaceView]| {
            let arcs: Vec<String> = views.iter().map(|v| format!("{:.3}", v.arc_m)).collect();
            arcs.join(",")
        };
        let header = format!(
            "{{\"world\":{index},\"family\":\"{}\",\"tolerance_m\":{:.3},\"nodes\":[{}],\"queries\":[{}]}}\n",
            world.family().name(),
            trial.tolerance_m,
            arcs(&trial.nodes),
            arcs(same)
        );
        write_all(&mut out, header.as_bytes())?;
        for view in trial.nodes.iter().chain(same).chain(other) {
            write_all(&mut out, &view.rgb)?;
            pictures += 1;
        }
        made += 1;
    }
    out.flush().map_err(|e| words(&e))?;
    eprintln!("{made} of {count} worlds, {pictures} pictures in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// The reader has had enough: that is how this program is meant to end.
const ENOUGH: &str = "";

fn words(problem: &std::io::Error) -> String {
    if problem.kind() == ErrorKind::BrokenPipe {
        return ENOUGH.to_owned();
    }
    format!("cannot write to standard output: {problem}")
}

fn write_all(out: &mut impl Write, bytes: &[u8]) -> Result<(), String> {
    out.write_all(bytes).map_err(|e| words(&e))
}

fn done(result: Result<(), String>) -> Result<(), String> {
    match result {
        Err(problem) if problem == ENOUGH => Ok(()),
        other => other,
    }
}
