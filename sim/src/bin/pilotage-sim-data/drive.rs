//! Robots driven from outside, by a policy that is being trained: pictures out on standard output,
//! waypoints in on standard input, and the drives, labelled, into a spool folder.
//!
//! After one header line, each tick (0.25 s of every robot's time) is one line of JSON (who begins
//! anew, who came to an end and how), then, little-endian: `frames` u8 [N, 64, 85, 3], `goals` of
//! the same shape, `unit` f32 `[N]` (metres a step); with `--first-frames` five frames more of the
//! clean drive for every robot named as fresh, in that order. The answer is f32 [N, 5, 4],
//! normalised waypoints (x, y, cos, sin).

mod run;

use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pilotage_sim::{CONTEXT, FRAME_BYTES, HEIGHT, HORIZON, RobotKind, Split, WIDTH, World, WorldId, mix64};

use crate::arguments::Arguments;
use run::{Course, DRIVES, Run};

/// Courses tried in each world before the next one is made.
const COURSES_A_WORLD: u64 = 2;
/// Files that may wait in the spool; more are of no use to a reader that does not keep up.
const MOST_WAITING: usize = 400;
const ANSWERS: usize = HORIZON * 4;

struct Plan {
    split: Split,
    seed: u64,
    robots: usize,
    kinds: Vec<RobotKind>,
    courses: u64,
    first_frames: bool,
    noise: f64,
    movers: f64,
    spool: Option<PathBuf>,
}

pub(crate) fn run(mut arguments: Arguments) -> Result<(), String> {
    let plan = Plan {
        split: arguments.split(Split::Train)?,
        seed: arguments.number("seed", 0)?,
        robots: arguments.number("robots-parallel", 24)?,
        kinds: arguments.robots()?,
        courses: arguments.number("courses", u64::MAX)?,
        first_frames: arguments.flag("first-frames"),
        noise: arguments.number("noise", 0.3)?,
        movers: arguments.number("movers", 0.2)?,
        spool: arguments.text("out").map(PathBuf::from),
    };
    arguments.finish()?;
    if plan.robots == 0 || plan.robots > 1024 {
        return Err(format!("--robots-parallel {} is out of range; use 1 to 1024", plan.robots));
    }
    for (name, value) in [("noise", plan.noise), ("movers", plan.movers)] {
        if !(0.0..=1.0).contains(&value) {
            return Err(format!("--{name} {value} is out of range; use 0 to 1"));
        }
    }
    if let Some(folder) = &plan.spool {
        std::fs::create_dir_all(folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    }
    match Fleet::new(plan).serve() {
        // Whoever drives has had enough: that is how this program is meant to end.
        Err(problem) if matches!(problem.kind(), ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof) => Ok(()),
        Err(problem) => Err(problem.to_string()),
        Ok(()) => Ok(()),
    }
}

/// All robots and the courses they are on.
struct Fleet {
    plan: Plan,
    slots: Vec<Option<Run>>,
    courses: BTreeMap<u64, Course>,
    waiting: VecDeque<(u64, usize)>,
    world: Option<(u64, Arc<World>)>,
    next_course: u64,
    written: u64,
}

impl Fleet {
    fn new(plan: Plan) -> Self {
        let slots = (0..plan.robots).map(|_| None).collect();
        Self {
            plan,
            slots,
            courses: BTreeMap::new(),
            waiting: VecDeque::new(),
            world: None,
            next_course: 0,
            written: 0,
        }
    }

    fn serve(&mut self) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        let mut answer = vec![0; self.slots.len() * ANSWERS * 4];
        out.write_all(self.header().as_bytes())?;
        let mut ended = Vec::new();
        loop {
            let fresh = self.set_off()?;
            if fresh.is_empty() && self.slots.iter().all(Option::is_none) {
                // The last news, with no pictures after it.
                return writeln!(out, "{{\"over\":true,\"fresh\":[],\"ended\":[{}]}}", ended.join(","));
            }
            let names: Vec<String> = fresh.iter().map(ToString::to_string).collect();
            writeln!(out, "{{\"over\":false,\"fresh\":[{}],\"ended\":[{}]}}", names.join(","), ended.join(","))?;
            self.show(&mut out, &fresh)?;
            out.flush()?;
            std::io::stdin().read_exact(&mut answer)?;
            ended = self.drive(&answer)?;
        }
    }

    fn header(&self) -> String {
        format!(
            "{{\"format\":\"pilotage-sim-drive\",\"version\":1,\"split\":\"{}\",\"seed\":{},\"robots\":{},\
             \"height\":{HEIGHT},\"width\":{WIDTH},\"horizon\":{HORIZON},\"first_frames\":{}}}\n",
            self.plan.split.name(),
            self.plan.seed,
            self.slots.len(),
            if self.plan.first_frames { CONTEXT - 1 } else { 0 },
        )
    }

    /// Gives every idle robot a drive, if there are any left; answers who begins anew.
    fn set_off(&mut self) -> std::io::Result<Vec<usize>> {
        let mut fresh = Vec::new();
        for slot in 0..self.slots.len() {
            if self.slots.get(slot).is_some_and(Option::is_some) {
                continue;
            }
            while self.waiting.is_empty() && self.next_course < self.plan.courses {
                self.open_course()?;
            }
            let Some((number, kind)) = self.waiting.pop_front() else {
                break;
            };
            if let (Some(course), Some(place)) = (self.courses.get(&number), self.slots.get_mut(slot)) {
                *place = Some(Run::new(course, kind, self.plan.noise));
                fresh.push(slot);
            }
        }
        Ok(fresh)
    }

    fn open_course(&mut self) -> std::io::Result<()> {
        let number = self.next_course;
        self.next_course += 1;
        let index = self.plan.seed.wrapping_mul(1 << 32).wrapping_add(number / COURSES_A_WORLD);
        let world = match &self.world {
            Some((of, world)) if *of == index => Arc::clone(world),
            _ => Arc::new(World::generate(WorldId { split: self.plan.split, index })),
        };
        self.world = Some((index, Arc::clone(&world)));
        let seed = mix64(mix64(index).wrapping_add(number));
        if let Some(course) =
            Course::new(number, world, &self.plan.kinds, self.plan.movers, seed).map_err(std::io::Error::other)?
        {
            self.waiting.extend((0..DRIVES).map(|kind| (number, kind)));
            self.courses.insert(number, course);
        }
        Ok(())
    }

    /// Writes what all robots see and are asked to reach; nothing (zeros) for idle ones.
    fn show(&mut self, out: &mut impl Write, fresh: &[usize]) -> std::io::Result<()> {
        let nothing = vec![0; FRAME_BYTES];
        for run in self.slots.iter_mut() {
            let Some(run) = run else {
                out.write_all(&nothing)?;
                continue;
            };
            out.write_all(run.look().map_err(std::io::Error::other)?)?;
        }
        for run in &self.slots {
            let goal = run.as_ref().and_then(|run| self.courses.get(&run.course).map(|course| run.goal(course)));
            out.write_all(goal.unwrap_or(&nothing))?;
        }
        for run in &self.slots {
            let unit = run.as_ref().map_or(1.0, |run| run.robot().step_length_m() as f32);
            out.write_all(&unit.to_le_bytes())?;
        }
        if self.plan.first_frames {
            for run in fresh.iter().filter_map(|slot| self.slots.get(*slot)?.as_ref()) {
                let course = self.courses.get(&run.course);
                for k in 0..CONTEXT - 1 {
                    out.write_all(course.map_or(&nothing, |course| course.clean_frame(k)))?;
                }
            }
        }
        Ok(())
    }

    /// Moves every robot by what was answered; says as JSON who came to an end.
    fn drive(&mut self, answer: &[u8]) -> std::io::Result<Vec<String>> {
        let mut ended = Vec::new();
        for slot in 0..self.slots.len() {
            let mut waypoints = [0.0; ANSWERS];
            for (value, bytes) in waypoints.iter_mut().zip(answer.chunks_exact(4).skip(slot * ANSWERS)) {
                *value = bytes.try_into().map_or(0.0, f32::from_le_bytes);
            }
            let Some(place) = self.slots.get_mut(slot) else {
                continue;
            };
            let Some((run, course)) = place.as_mut().and_then(|run| {
                let course = self.courses.get(&run.course)?;
                Some((run, course))
            }) else {
                continue;
            };
            let Some(end) = run.step(course, &waypoints) else {
                continue;
            };
            ended.push(run.report(course, slot, end));
            if let Some(run) = place.take() {
                self.finish(run)?;
            }
        }
        Ok(ended)
    }

    /// Keeps a finished drive; a course whose drives are all done goes to the spool.
    fn finish(&mut self, run: Run) -> std::io::Result<()> {
        let number = run.course;
        let Some(course) = self.courses.get_mut(&number) else {
            return Ok(());
        };
        course.drives.push((run.kind, run.into_drive()));
        if course.drives.len() < DRIVES {
            return Ok(());
        }
        let Some(course) = self.courses.remove(&number) else {
            return Ok(());
        };
        match &self.plan.spool {
            Some(folder) => {
                self.written += 1;
                let name = format!("{:08x}-{:08}", mix64(self.plan.seed) >> 32, self.written);
                spool(folder, &name, course)
            }
            None => Ok(()),
        }
    }
}

/// Labels a course and writes it beside, then renames: a reader sees whole files only.
fn spool(folder: &Path, name: &str, course: Course) -> std::io::Result<()> {
    if std::fs::read_dir(folder)?.count() >= MOST_WAITING {
        eprintln!("pilotage-sim-data: {MOST_WAITING} files wait in {}: {name} is not kept", folder.display());
        return Ok(());
    }
    let episode = course.into_episode().map_err(std::io::Error::other)?;
    let beside = folder.join(format!("{name}.part"));
    std::fs::write(&beside, episode.to_bytes())?;
    std::fs::rename(&beside, folder.join(format!("{name}.episode")))
}
