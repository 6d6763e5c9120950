//! One course (a route driven cleanly by the expert) and a policy's drives along it.

use std::collections::VecDeque;
use std::sync::Arc;

use pilotage_sim::trig::atan2;
use pilotage_sim::{
    Crowd, CrowdSpec, Drive, Episode, EpisodeError, Expert, HEIGHT, Light, Motion, Mover, MoversAt, Pose, RenderError,
    Rng, Robot, RobotKind, Route, STEP_S, SensorEffects, Simulation, Surroundings, Visit, WIDTH, World, advance,
    plan_route,
};

/// Drives of the policy along every course.
pub(super) const DRIVES: usize = 3;
/// Contact steps after which a drive is given up.
const MOST_CONTACTS: usize = 9;
/// Nobody is nearer to the start of a course than this, metres.
const CLEAR_START_M: f64 = 1.5;
/// Steps a clean drive may take.
const MOST_CLEAN_STEPS: usize = 600;

/// A route in a world, its robot, and how the expert drives it.
pub(super) struct Course {
    number: u64,
    world: Arc<World>,
    robot: Robot,
    route: Route,
    clean: Drive,
    progress_m: Vec<f64>,
    /// Who is about during all drives but the clean one.
    crowd: Option<Crowd>,
    seed: u64,
    /// The finished drives with their kinds.
    pub(super) drives: Vec<(usize, Drive)>,
}

impl Course {
    /// Plans a route for a random robot and drives it cleanly; `None` where that does not work out.
    pub(super) fn new(
        number: u64,
        world: Arc<World>,
        kinds: &[RobotKind],
        movers: f64,
        seed: u64,
    ) -> Result<Option<Self>, RenderError> {
        let mut rng = Rng::new(seed);
        let Some(robot) = RobotKind::pick(&mut rng, world.family(), kinds).map(|k| k.sample(&mut rng, world.family()))
        else {
            return Ok(None);
        };
        let Some(route) = plan_route(&world, &robot, &mut rng) else {
            return Ok(None);
        };
        let crowd = rng
            .chance(movers)
            .then(|| Crowd::near_route(&world, route.points(), CLEAR_START_M, rng.next_u64(), &CrowdSpec::default()));
        let mut course = Self {
            number,
            world: Arc::clone(&world),
            robot,
            route,
            clean: Drive::default(),
            progress_m: Vec::new(),
            crowd,
            seed: rng.next_u64(),
            drives: Vec::with_capacity(DRIVES),
        };
        let (effects, light) = (sensor(&mut rng), light(&mut rng));
        let expert = Expert::new(&*world, &robot, &course.route);
        let mut motion = Motion { pose: course.route.start(), ..Motion::default() };
        let mut progress = 0.0;
        loop {
            progress = course.route.project(&motion.pose, progress).0;
            let t_s = course.clean.visits.len() as f64 * STEP_S;
            let around = Surroundings::new(&world, &[]).with_light(light);
            let frame = effects.picture(around, &robot, &motion, t_s, WIDTH, HEIGHT)?;
            course.clean.visits.push(Visit { t_s, motion, contact: false, frame });
            course.progress_m.push(progress);
            if progress >= course.route.length_m() {
                return Ok(Some(course));
            }
            let (v, w) = expert.command(&motion.pose, progress);
            // A lesson that bumps into things or never arrives is none.
            if advance(&*world, &robot, &mut motion, v, w, STEP_S).contact
                || course.clean.visits.len() > MOST_CLEAN_STEPS
            {
                return Ok(None);
            }
        }
    }

    /// Steps of the clean drive.
    fn clean_len(&self) -> usize {
        self.clean.visits.len()
    }

    /// Frame number `index` of the clean drive, the last one beyond its end.
    pub(super) fn clean_frame(&self, index: usize) -> &[u8] {
        self.clean.visits.get(index).or(self.clean.visits.last()).map_or(&[], |visit| visit.frame.as_slice())
    }

    /// When the clean drive was at `progress_m`, steps from its start.
    fn clean_steps(&self, progress_m: f64) -> f64 {
        let after = self.progress_m.partition_point(|p| *p < progress_m);
        match (after.checked_sub(1).and_then(|i| self.progress_m.get(i)), self.progress_m.get(after)) {
            (Some(a), Some(b)) => (after - 1) as f64 + (progress_m - a) / (b - a).max(1e-6),
            _ => after as f64,
        }
    }

    /// Who is about `t_s` seconds after the crowd's start.
    fn movers(&self, t_s: f64) -> Vec<Mover> {
        self.crowd.as_ref().map_or_else(Vec::new, |crowd| crowd.at(t_s))
    }

    /// All drives, the clean one first, with the expert's labels.
    pub(super) fn into_episode(mut self) -> Result<Episode, EpisodeError> {
        self.drives.sort_by_key(|(kind, _)| *kind);
        let mut drives = vec![self.clean];
        drives.extend(self.drives.into_iter().map(|(_, drive)| drive));
        let crowd = self.crowd.unwrap_or_default();
        let movers_at = |t_s: f64| crowd.at(t_s);
        let movers_at: Option<MoversAt<'_>> = if crowd.is_empty() { None } else { Some(&movers_at) };
        Episode::from_drives(&self.world, self.robot, self.route, movers_at, drives)
    }
}

/// How a drive ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Reached,
    Stuck,
    TimedOut,
}

/// A policy's drive along a course.
pub(super) struct Run {
    /// Which course.
    pub(super) course: u64,
    /// Which of its drives.
    pub(super) kind: usize,
    sim: Simulation<Arc<World>>,
    /// When it began on the crowd's clock, seconds.
    begin_s: f64,
    drive: Drive,
    progress_m: f64,
    goal_index: usize,
    goal_kept: usize,
    pace: f64,
    far: bool,
    /// Whether it backs off what it touches, as the runtime does, or pushes on until given up.
    recovers: bool,
    manoeuvre: VecDeque<(f64, f64)>,
    attempts: usize,
    contacts: usize,
    in_contact: usize,
    rng: Rng,
}

impl Run {
    /// Sets the robot down near the course's start, or near a random point of it for the last kind.
    pub(super) fn new(course: &Course, kind: usize, noise: f64) -> Self {
        let mut rng = Rng::new(course.seed).fork(kind as u64);
        let begin_s = rng.range(0.0, 60.0);
        let (start, progress_m) = start(course, kind + 1 == DRIVES, begin_s, &mut rng);
        let share = rng.range(0.0, noise);
        let mut sim = Simulation::new(Arc::clone(&course.world), course.robot, start, rng.next_u64())
            .with_effects(sensor(&mut rng))
            .with_actuator_noise(share, 0.7 * share);
        sim.set_light(light(&mut rng));
        sim.set_movers(course.movers(begin_s));
        let mut run = Self {
            course: course.number,
            kind,
            sim,
            begin_s,
            drive: Drive { from_m: progress_m, visits: Vec::new() },
            progress_m,
            goal_index: 0,
            goal_kept: 0,
            pace: rng.range(0.8, 1.15),
            far: rng.chance(0.15),
            recovers: rng.chance(0.6),
            manoeuvre: VecDeque::new(),
            attempts: 0,
            contacts: 0,
            in_contact: 0,
            rng,
        };
        run.choose_goal(course);
        run
    }

    pub(super) fn robot(&self) -> &Robot {
        self.sim.robot()
    }

    /// What the robot sees now; the moment is recorded.
    pub(super) fn look(&mut self) -> Result<&[u8], RenderError> {
        let frame = self.sim.picture(WIDTH, HEIGHT)?;
        let visit = Visit {
            t_s: self.begin_s + self.sim.time_s(),
            motion: self.sim.motion(),
            contact: self.in_contact > 0,
            frame,
        };
        self.drive.visits.push(visit);
        Ok(self.drive.visits.last().map_or(&[], |visit| visit.frame.as_slice()))
    }

    /// The picture it is asked to reach.
    pub(super) fn goal<'a>(&self, course: &'a Course) -> &'a [u8] {
        course.clean_frame(self.goal_index)
    }

    /// Moves one step towards normalised `waypoints` [5, 4]; `Some` where the drive ended.
    pub(super) fn step(&mut self, course: &Course, waypoints: &[f32]) -> Option<End> {
        let (v, w) = match self.manoeuvre.pop_front() {
            Some((v, w)) => (v * self.robot().v_max_mps, w * self.robot().w_max_rps),
            None => self.steer(waypoints),
        };
        let contact = self.sim.step(v, w, STEP_S).contact;
        self.sim.set_movers(course.movers(self.begin_s + self.sim.time_s()));
        self.contacts += usize::from(contact);
        self.in_contact = if contact { self.in_contact + 1 } else { 0 };
        if self.recovers && self.in_contact >= 2 && self.manoeuvre.is_empty() {
            self.back_off(w);
        }
        self.progress_m = course.route.project(&self.sim.pose(), self.progress_m).0;
        self.goal_kept += 1;
        self.choose_goal(course);
        let (unit, length_m) = (self.robot().step_length_m(), course.route.length_m());
        if self.progress_m >= length_m - unit {
            Some(End::Reached)
        } else if self.contacts > MOST_CONTACTS * if self.recovers { 2 } else { 1 } {
            Some(End::Stuck)
        } else if self.drive.visits.len() > 2 * course.clean_len() + 10 {
            Some(End::TimedOut)
        } else {
            None
        }
    }

    /// The runtime's controller on the third waypoint.
    fn steer(&self, waypoints: &[f32]) -> (f64, f64) {
        let robot = self.robot();
        let Some(&[x, y, cos, sin]) = waypoints.get(8..12) else {
            return (0.0, 0.0);
        };
        let [x, y, cos, sin] = [x, y, cos, sin].map(f64::from);
        if ![x, y, cos, sin].iter().all(|value| value.is_finite()) {
            return (0.0, 0.0);
        }
        let near = (x * x + y * y).sqrt().min(1.0);
        let towards = atan2(y, x.max(0.001));
        let w = (near * 1.6 * towards + (1.0 - near) * atan2(sin, cos)) / 0.75;
        let v = robot.v_max_mps * (x / 3.0).clamp(0.0, 1.0) * self.pace;
        (v, w.clamp(-robot.w_max_rps, robot.w_max_rps))
    }

    /// The runtime's ways of getting off what was touched, in turn.
    fn back_off(&mut self, w: f64) {
        let side = if w < 0.0 { -1.0 } else { 1.0 };
        let back = [(-0.5, 0.0); 3];
        self.manoeuvre.extend(back);
        match self.attempts % 3 {
            0 => self.manoeuvre.extend([(0.5, 0.0); 2]),
            1 => self.manoeuvre.extend([(0.0, -0.7 * side), (0.0, -0.7 * side), (0.5, 0.0), (0.5, 0.0)]),
            _ => self.manoeuvre.extend([(0.0, 0.7 * side); 3]),
        }
        self.attempts += 1;
    }

    /// A moment of the clean drive some steps ahead of the true progress, kept for a while as the
    /// runtime keeps its next node.
    fn choose_goal(&mut self, course: &Course) {
        let now = course.clean_steps(self.progress_m);
        if self.goal_index > 0 && (self.goal_index as f64) > now + 2.5 && self.goal_kept < 8 {
            return;
        }
        let lead = if self.far && self.rng.chance(0.5) { self.rng.range(8.0, 14.0) } else { self.rng.range(3.0, 8.0) };
        self.goal_index = ((now + lead).round() as usize).min(course.clean_len().saturating_sub(1));
        self.goal_kept = 0;
    }

    /// One JSON object about how it went.
    pub(super) fn report(&self, course: &Course, slot: usize, end: End) -> String {
        let end = match end {
            End::Reached => "reached",
            End::Stuck => "stuck",
            End::TimedOut => "timed-out",
        };
        format!(
            "{{\"slot\":{slot},\"course\":{},\"drive\":{},\"end\":\"{end}\",\"steps\":{},\"contacts\":{},\
             \"movers\":{},\"progress\":{:.3},\"robot\":\"{}\",\"family\":\"{}\"}}",
            self.course,
            self.kind,
            self.drive.visits.len(),
            self.contacts,
            course.crowd.is_some(),
            self.progress_m / course.route.length_m().max(1e-6),
            self.robot().kind.name(),
            course.world.family().name(),
        )
    }

    pub(super) fn into_drive(self) -> Drive {
        self.drive
    }
}

/// A camera's sensor; some are good.
fn sensor(rng: &mut Rng) -> SensorEffects {
    let strength = rng.range(0.1, 1.0);
    SensorEffects::sample(rng, strength)
}

/// The light of a drive; some are in the world's own.
fn light(rng: &mut Rng) -> Light {
    let light = Light::sample(rng);
    if rng.chance(0.7) { light } else { Light::default() }
}

/// Where a drive starts, and its progress there: a little beside the route, looking a little wrong.
fn start(course: &Course, anywhere: bool, begin_s: f64, rng: &mut Rng) -> (Pose, f64) {
    let (route, movers) = (&course.route, course.movers(begin_s));
    let around = Surroundings::new(&course.world, &movers);
    let turn = if course.robot.min_turn_radius_m > 0.0 { 0.2 } else { 0.35 };
    for _ in 0..20 {
        let arc = if anywhere { rng.range(0.0, 0.67) * route.length_m() } else { 0.0 };
        let pose = route.at(arc).moved(0.1 * rng.normal(), 0.2 * rng.normal(), turn * rng.normal());
        if around.clearance_m(pose.x_m, pose.y_m) > course.robot.radius_m + 0.02 {
            return (pose, route.project(&pose, arc).0);
        }
    }
    (route.start(), 0.0)
}

#[cfg(test)]
mod tests;
