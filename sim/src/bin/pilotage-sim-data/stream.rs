//! The endless training stream on standard output.

use std::collections::VecDeque;
use std::io::{ErrorKind, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pilotage_sim::{
    Batch, BatchSize, CONTEXT, CrowdSpec, Episode, FRAME_BYTES, HEIGHT, HORIZON, MAX_STEPS, Recipe, Rng, RobotKind,
    Split, WIDTH, World, WorldId, mix64,
};

use crate::arguments::Arguments;
use crate::spool::Spool;

/// Keeps the choice of who has company apart from all else that follows from an episode's seed.
const CROWD_SALT: u64 = 0xC0_FFEE;

/// Who is about in an episode with company: enough to be met, not so many that nothing moves.
const COMPANY: CrowdSpec =
    CrowdSpec { crossing: 1, following: 1, standing: 2, on_route: 0.3, passage_m: 1.0, clear_end_m: 3.5 };

/// Routes driven in each world before the next one is made.
const EPISODES_A_WORLD: u64 = 3;

#[derive(Clone)]
struct Plan {
    split: Split,
    seed: u64,
    pool_frames: usize,
    fill_frames: usize,
    size: BatchSize,
    duty: f64,
    generators: usize,
    assemblers: usize,
    batches: u64,
    augment: bool,
    static_context: bool,
    robots: Vec<RobotKind>,
    effects: f64,
    movers: f64,
}

/// A ring of episodes: the oldest leave when it holds too many frames.
#[derive(Default)]
pub(crate) struct Pool {
    episodes: VecDeque<Arc<Episode>>,
    pub(crate) frames: usize,
    made: u64,
}

impl Pool {
    pub(crate) fn add(&mut self, episode: Arc<Episode>, most_frames: usize) {
        self.frames += episode.states.len();
        self.made += episode.states.len() as u64;
        self.episodes.push_back(episode);
        while self.frames > most_frames && self.episodes.len() > 2 {
            if let Some(oldest) = self.episodes.pop_front() {
                self.frames -= oldest.states.len();
            }
        }
    }

    pub(crate) fn draw(&self, rng: &mut Rng) -> Option<Arc<Episode>> {
        self.episodes.get(rng.below(self.episodes.len())).cloned()
    }
}

pub(crate) fn lock(pool: &Mutex<Pool>) -> MutexGuard<'_, Pool> {
    // A pool is whole after every statement, so what a dead thread left behind is usable.
    pool.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn run(mut arguments: Arguments) -> Result<(), String> {
    let plan = Plan {
        split: arguments.split(Split::Train)?,
        seed: arguments.number("seed", 0)?,
        pool_frames: arguments.number("pool-frames", 90_000)?,
        fill_frames: arguments.number("fill-frames", 15_000)?,
        size: BatchSize {
            blocks: arguments.number("blocks", 16)?,
            anchors: arguments.number("anchors", 4)?,
            goals: arguments.number("goals", 4)?,
        },
        duty: arguments.number("generator-duty", 0.25)?,
        generators: arguments.number("generators", 1)?,
        assemblers: arguments.number("assemblers", 1)?,
        batches: arguments.number("batches", u64::MAX)?,
        augment: !arguments.flag("no-augment"),
        static_context: arguments.flag("static-context"),
        robots: arguments.robots()?,
        effects: arguments.number("effects", 1.0)?,
        movers: arguments.number("movers", 0.2)?,
    };
    let spool = Spool::from_arguments(&mut arguments)?;
    arguments.finish()?;
    check(&plan)?;
    let pool = Arc::new(Mutex::new(Pool::default()));
    let spool = spool.map(Spool::watch);
    for number in 0..plan.generators {
        let (plan, pool) = (plan.clone(), Arc::clone(&pool));
        thread::spawn(move || generate(&plan, number as u64, &pool));
    }
    while lock(&pool).frames < plan.fill_frames.min(plan.pool_frames) {
        thread::sleep(Duration::from_millis(20));
    }
    let (full_in, full_out) = sync_channel(plan.assemblers);
    let mut empty = Vec::new();
    for number in 0..plan.assemblers {
        let (empty_in, empty_out) = sync_channel(2);
        for _ in 0..2 {
            let mut batch = Batch::new(plan.size);
            batch.static_context = plan.static_context;
            empty_in.send(batch).map_err(|e| e.to_string())?;
        }
        let (plan, pool, spool, full_in) = (plan.clone(), Arc::clone(&pool), spool.clone(), full_in.clone());
        thread::spawn(move || assemble(&plan, number, &pool, spool.as_ref(), &empty_out, &full_in));
        empty.push(empty_in);
    }
    drop(full_in);
    write(&plan, &full_out, &empty)
}

fn check(plan: &Plan) -> Result<(), String> {
    let BatchSize { blocks, anchors, goals } = plan.size;
    for (name, value, most) in [
        ("blocks", blocks, 4096),
        ("anchors", anchors, 64),
        ("goals", goals, 64),
        ("generators", plan.generators, 64),
        ("assemblers", plan.assemblers, 64),
        ("pool-frames", plan.pool_frames, 20_000_000),
    ] {
        if value == 0 || value > most {
            return Err(format!("--{name} {value} is out of range; use 1 to {most}"));
        }
    }
    if !(plan.duty > 0.0 && plan.duty <= 1.0) {
        return Err(format!("--generator-duty {} is out of range; use above 0 to 1", plan.duty));
    }
    if plan.robots.iter().any(|kind| RobotKind::HELD_OUT.contains(kind)) && plan.split == Split::Train {
        eprintln!(
            "pilotage-sim-data: a robot that is kept for the test is in the training data; be sure you want that"
        );
    }
    for (name, value) in [("effects", plan.effects), ("movers", plan.movers)] {
        if !(0.0..=3.0).contains(&value) {
            return Err(format!("--{name} {value} is out of range; use 0 to 3"));
        }
    }
    Ok(())
}

fn generate(plan: &Plan, number: u64, pool: &Mutex<Pool>) {
    let first = plan.seed.wrapping_mul(1 << 32);
    for round in 0u64.. {
        // Families come in turn by index; the shift keeps several generators out of step.
        let index = first + round * plan.generators as u64 + (number + round) % plan.generators as u64;
        let started = Instant::now();
        let world = World::generate(WorldId { split: plan.split, index });
        for part in 0..EPISODES_A_WORLD {
            let seed = mix64(index).wrapping_add(part);
            let crowd = Rng::new(seed ^ CROWD_SALT).chance(plan.movers).then_some(COMPANY);
            let recipe = Recipe { robots: &plan.robots, crowd, effects: plan.effects };
            let episode = match Episode::generate_with(&world, seed, &recipe) {
                Ok(Some(episode)) => Arc::new(episode),
                Ok(None) => continue,
                Err(problem) => {
                    eprintln!("pilotage-sim-data: world {index}: {problem}");
                    return;
                }
            };
            lock(pool).add(episode, plan.pool_frames);
        }
        let filled = lock(pool).frames >= plan.fill_frames.min(plan.pool_frames);
        if filled {
            thread::sleep(started.elapsed().mul_f64((1.0 - plan.duty) / plan.duty));
        }
    }
}

fn assemble(
    plan: &Plan,
    number: usize,
    pool: &Mutex<Pool>,
    spool: Option<&Spool>,
    empty: &Receiver<Batch>,
    full: &SyncSender<(usize, Batch)>,
) {
    let mut rng = Rng::new(mix64(plan.seed ^ (number as u64) << 48));
    while let Ok(mut batch) = empty.recv() {
        for block in 0..plan.size.blocks {
            let (path, other) = {
                let visited = spool.and_then(|spool| spool.draw(&mut rng));
                let pool = lock(pool);
                let path = visited.or_else(|| pool.draw(&mut rng));
                // A goal from elsewhere must not come from the same world.
                let other = (0..8)
                    .filter_map(|_| pool.draw(&mut rng))
                    .find(|o| path.as_ref().is_some_and(|p| p.world != o.world));
                (path, other)
            };
            if let (Some(path), Some(other)) = (path, other) {
                batch.fill(block, &path, &other, &mut rng, plan.augment);
            }
        }
        if full.send((number, batch)).is_err() {
            return;
        }
    }
}

fn header(plan: &Plan) -> String {
    let BatchSize { blocks: b, anchors: a, goals: g } = plan.size;
    let obs = b * a * CONTEXT * FRAME_BYTES;
    let goal = b * g * FRAME_BYTES;
    let (pairs, act, unit) = (b * a * g, b * a * HORIZON * 4, b * a);
    format!(
        "{{\"format\":\"pilotage-sim-stream\",\"version\":1,\"split\":\"{}\",\"seed\":{},\
         \"blocks\":{b},\"anchors\":{a},\"goals\":{g},\"context\":{CONTEXT},\"height\":{HEIGHT},\
         \"width\":{WIDTH},\"channels\":3,\"horizon\":{HORIZON},\"max_steps\":{MAX_STEPS},\
         \"order\":[\"obs\",\"goal\",\"dist\",\"act\",\"act_mask\",\"unit\"],\
         \"bytes\":{{\"obs\":{obs},\"goal\":{goal},\"dist\":{},\"act\":{},\"act_mask\":{},\"unit\":{}}},\
         \"batch_bytes\":{}}}\n",
        plan.split.name(),
        plan.seed,
        pairs * 4,
        act * 4,
        pairs * 4,
        unit * 4,
        obs + goal + (2 * pairs + act + unit) * 4,
    )
}

fn write(plan: &Plan, full: &Receiver<(usize, Batch)>, empty: &[SyncSender<Batch>]) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    let mut numbers = Vec::new();
    let mut one = |batch: &Batch| -> std::io::Result<()> {
        numbers.clear();
        for values in [&batch.dist, &batch.act, &batch.act_mask, &batch.unit] {
            numbers.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        }
        out.write_all(&batch.obs)?;
        out.write_all(&batch.goal)?;
        out.write_all(&numbers)?;
        out.flush()
    };
    let mut go = || -> std::io::Result<()> {
        std::io::stdout().write_all(header(plan).as_bytes())?;
        for _ in 0..plan.batches {
            let Ok((number, batch)) = full.recv() else {
                break;
            };
            one(&batch)?;
            if let Some(empty) = empty.get(number) {
                // An assembler that ended shows as a closed channel on the other side.
                let _ = empty.send(batch);
            }
        }
        Ok(())
    };
    match go() {
        // The reader has had enough: that is how this program is meant to end.
        Err(problem) if problem.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(problem) => Err(format!("cannot write to standard output: {problem}")),
        Ok(()) => Ok(()),
    }
}
