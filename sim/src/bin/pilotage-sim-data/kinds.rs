//! How well the driver that knows the map does with every kind of robot.

use pilotage_sim::{
    Crowd, CrowdSpec, Expert, Family, Motion, Mover, Pose, Rng, Robot, RobotKind, Route, STEP_S, Simulation, Split,
    Surroundings, World, WorldId, advance, plan_route,
};

use crate::check::jittered;

/// Jittered starts on each route.
const STARTS: u64 = 3;

#[derive(Default)]
struct Tally {
    runs: u32,
    arrived: u32,
    touched: u32,
    contact_steps: u32,
    steps: u32,
    /// Steps nearer than 0.15 m to something where the route itself keeps 0.2 m.
    close: u32,
    ideal_steps: f64,
    rooms_m: Vec<f64>,
}

impl Tally {
    fn line(&mut self) -> String {
        self.rooms_m.sort_unstable_by(f64::total_cmp);
        let room = |share: f64| self.rooms_m.get((self.rooms_m.len() as f64 * share) as usize).copied().unwrap_or(0.0);
        let n = f64::from(self.runs.max(1));
        format!(
            "{:5.1} % arrive {:5.1} % touch {:6.3} contact steps/run {:5.2} % close \
             {:4.2} x time, room of all steps 1 % {:.2} 5 % {:.2} 25 % {:.2} m",
            100.0 * f64::from(self.arrived) / n,
            100.0 * f64::from(self.touched) / n,
            f64::from(self.contact_steps) / n,
            100.0 * f64::from(self.close) / f64::from(self.steps.max(1)),
            f64::from(self.steps) / self.ideal_steps.max(1.0),
            room(0.01),
            room(0.05),
            room(0.25),
        )
    }
}

pub(crate) fn run(routes: u64, seed: u64) {
    eprintln!(
        "\nexpert from jittered starts (0.2 m, 0.35 rad); then the same with the robot's latency and slip;\n\
         then so from anywhere near the way (0.35 m, 0.8 rad), touching walls too"
    );
    for kind in RobotKind::ALL {
        let [mut ideal, mut real, mut hard, mut company] = std::array::from_fn(|_| Tally::default());
        let nobody = Crowd::default();
        let (mut planned, mut none) = (0, 0);
        for number in 0..routes * 4 {
            let index = (seed * routes + number / 4) * 4 + number % 4;
            let id = WorldId { split: Split::Validation, index };
            if !kind.suits(Family::ALL[(number % 4) as usize]) {
                continue;
            }
            let world = World::generate(id);
            let mut rng = Rng::new(id.seed() ^ 11);
            let robot = kind.sample(&mut rng, world.family());
            let Some(route) = plan_route(&world, &robot, &mut rng) else {
                none += 1;
                continue;
            };
            planned += 1;
            for start in 0..STARTS {
                let pose = jittered(&world, &robot, &route, 0.2, 0.35, &mut rng);
                let mut motion = Motion { pose, ..Motion::default() };
                drive((&world, &nobody), &robot, &route, (pose, 0.0), &mut ideal, |v, w, _| {
                    let contact = advance(&world, &robot, &mut motion, v, w, STEP_S).contact;
                    (motion.pose, contact)
                });
                let mut simulation = Simulation::new(&world, robot, pose, id.seed() ^ start);
                drive((&world, &nobody), &robot, &route, (pose, 0.0), &mut real, |v, w, _| {
                    let contact = simulation.step(v, w, STEP_S).contact;
                    (simulation.pose(), contact)
                });
                let spec = CrowdSpec { passage_m: 2.0 * robot.radius_m + 0.6, ..CrowdSpec::default() };
                let crowd = Crowd::near_route(&world, route.points(), 1.5, id.seed() ^ start, &spec);
                let mut simulation = Simulation::new(&world, robot, pose, id.seed() ^ start);
                drive((&world, &crowd), &robot, &route, (pose, 0.0), &mut company, |v, w, movers| {
                    simulation.set_movers(movers);
                    let contact = simulation.step(v, w, STEP_S).contact;
                    (simulation.pose(), contact)
                });
                let (pose, arc_m) = lost(&world, &robot, &route, &mut rng);
                let mut simulation = Simulation::new(&world, robot, pose, id.seed() ^ start);
                drive((&world, &nobody), &robot, &route, (pose, arc_m), &mut hard, |v, w, _| {
                    let contact = simulation.step(v, w, STEP_S).contact;
                    (simulation.pose(), contact)
                });
            }
        }
        eprintln!("{:9} {planned} routes, none in {none} worlds", kind.name());
        eprintln!("   ideal  {}", ideal.line());
        eprintln!("   real   {}", real.line());
        eprintln!("   hard   {}", hard.line());
        eprintln!("   people {}", company.line());
    }
}

/// A start anywhere near the way, up to touching something, and how far along the way it is.
fn lost(world: &World, robot: &Robot, route: &Route, rng: &mut Rng) -> (Pose, f64) {
    for _ in 0..100 {
        let arc = rng.range(0.0, 0.8) * route.length_m();
        let at = route.at(arc);
        let pose = at.moved(0.1 * rng.normal(), 0.35 * rng.normal(), 0.8 * rng.normal());
        let between = |k: u32| {
            let part = f64::from(k) / 8.0;
            world.clearance_m(at.x_m + (pose.x_m - at.x_m) * part, at.y_m + (pose.y_m - at.y_m) * part)
        };
        if (1..=8).all(|k| between(k) > robot.radius_m + 0.005) {
            return (pose, arc);
        }
    }
    (route.start(), 0.0)
}

fn drive(
    (world, crowd): (&World, &Crowd),
    robot: &Robot,
    route: &Route,
    (start, from_m): (Pose, f64),
    tally: &mut Tally,
    mut step: impl FnMut(f64, f64, Vec<Mover>) -> (Pose, bool),
) {
    let ideal = (route.length_m() - from_m) / robot.step_length_m();
    let (mut pose, mut progress, mut contacts) = (start, from_m, 0);
    tally.runs += 1;
    tally.ideal_steps += ideal;
    for number in 0..(ideal * 2.0) as usize + 40 {
        let t_s = number as f64 * STEP_S;
        let movers = crowd.at(t_s);
        // A driver sees where people go: they are minded where they will be in a moment, too.
        let minded: Vec<Mover> = [0.0, 0.6].iter().flat_map(|later_s| crowd.at(t_s + later_s)).collect();
        let expert = Expert::new(Surroundings::new(world, &minded), robot, route);
        progress = expert.progress_m(&pose, progress);
        if progress >= route.length_m() {
            tally.arrived += u32::from(pose.distance_m(&route.goal()) < 0.6);
            break;
        }
        let (v, w) = expert.command(&pose, progress);
        let contact;
        (pose, contact) = step(v, w, movers);
        contacts += u32::from(contact);
        let way = route.at(progress);
        let room = |p: &Pose| world.clearance_field_m(p.x_m, p.y_m) - robot.radius_m;
        tally.rooms_m.push(room(&pose));
        tally.close += u32::from(room(&pose) < 0.15 && room(&way) > 0.2);
        tally.steps += 1;
    }
    tally.contact_steps += contacts;
    tally.touched += u32::from(contacts > 0);
}
