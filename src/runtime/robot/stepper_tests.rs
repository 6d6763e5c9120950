//! The rules of a step, on a robot of glass.

use super::*;

/// Keeps what it was told; its wheels turn at once.
#[derive(Default)]
struct GlassBody {
    obeyed: Vec<Wanted>,
    wall_at_step: Option<std::ops::Range<usize>>,
    way_left: usize,
}

impl Body for GlassBody {
    fn drive(&mut self, wanted: Wanted, _dt_s: f64) -> bool {
        self.obeyed.push(wanted);
        self.wall_at_step.as_ref().is_some_and(|steps| steps.contains(&self.obeyed.len()))
    }

    fn odometry(&self) -> Odometry {
        Odometry::default()
    }

    fn scan(&mut self) -> Vec<f32> {
        vec![1.0]
    }

    fn picture(&mut self) -> Result<Picture, SourceError> {
        Picture::from_rgb8(1, 1, vec![0; 3]).map_err(|error| SourceError::Stream(error.to_string()))
    }

    fn expert(&mut self) -> Option<Wanted> {
        self.way_left = self.way_left.checked_sub(1)?;
        Some(FORWARD)
    }
}

const FORWARD: Wanted = Wanted { linear_mps: 0.5, angular_rps: 0.0 };

#[derive(Default)]
struct Notebook {
    next: Option<Wanted>,
    blind: bool,
    broken: bool,
    shown: Vec<(i64, &'static str)>,
}

impl Notebook {
    fn times(&self, what: &str) -> Vec<i64> {
        self.shown.iter().filter(|(_, kind)| *kind == what).map(|&(at, _)| at).collect()
    }
}

impl RobotFace for Notebook {
    fn command(&mut self) -> Option<Wanted> {
        self.next.take()
    }

    fn wants_pictures(&self) -> bool {
        !self.blind
    }

    fn show(&mut self, stamp_ns: i64, reading: Reading<'_>) -> Result<(), SinkError> {
        if self.broken {
            return Err(SinkError("the paper is wet".into()));
        }
        let kind = match reading {
            Reading::Time => "time",
            Reading::Odometry(_) => "odometry",
            Reading::Scan(_) => "scan",
            Reading::Picture(_) => "picture",
            Reading::Contact(true) => "contact",
            Reading::Contact(false) => "free",
            Reading::Commanded(_) => "commanded",
        };
        self.shown.push((stamp_ns, kind));
        Ok(())
    }
}

struct Trial {
    body: GlassBody,
    face: Notebook,
    stepper: Stepper,
    told: Vec<(u64, Happening)>,
}

impl Trial {
    fn new(driver: Driver, camera_hz: f64) -> Self {
        let (body, face) = (GlassBody::default(), Notebook::default());
        Self { body, face, stepper: Stepper::new(driver, camera_hz), told: Vec::new() }
    }

    fn steps(&mut self, count: u64) {
        for _ in 0..count {
            let stamp_ns = (self.stepper.time_ns() + STEP_NS) as i64;
            let told = &mut self.told;
            self.stepper.step(&mut self.body, &mut self.face, stamp_ns, &mut |at, what| told.push((at, what))).unwrap();
        }
    }
}

#[test]
fn every_sensor_is_shown_at_its_own_rate_and_stamped_with_its_step() {
    let mut trial = Trial::new(Driver::Outside, 30.0);
    trial.steps(1000);
    for (kind, per_s) in [("time", 100), ("odometry", 50), ("scan", 10), ("picture", 30), ("free", 10)] {
        let times = trial.face.times(kind);
        assert!(times.len().abs_diff(10 * per_s) <= 1, "{kind}: {}", times.len());
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{kind}");
        assert!(times.iter().all(|at| at % STEP_NS as i64 == 0), "{kind}");
    }
    assert!(trial.told.is_empty(), "{:?}", trial.told);
}

#[test]
fn a_robot_whose_commands_stop_stands_after_the_time_out_and_says_so_once() {
    let mut trial = Trial::new(Driver::Outside, 20.0);
    trial.steps(5);
    trial.face.next = Some(FORWARD);
    trial.steps(200);
    let moving = trial.body.obeyed.iter().filter(|&&wanted| wanted == FORWARD).count() as u64;
    assert_eq!(moving * STEP_NS, COMMAND_TIMEOUT_NS);
    assert_eq!(trial.body.obeyed[4], STANDING);
    assert_eq!(trial.told, [(5 * STEP_NS, Happening::Commanded), (55 * STEP_NS, Happening::Silence)]);
    trial.face.next = Some(FORWARD);
    trial.steps(1);
    assert_eq!(trial.told.len(), 3);
    assert_eq!(trial.stepper.counts().commands, 2);
}

#[test]
fn pushing_against_a_wall_is_one_contact_told_at_once_and_ended_later() {
    let mut trial = Trial::new(Driver::Outside, 20.0);
    trial.body.wall_at_step = Some(103..150);
    trial.steps(300);
    assert_eq!(trial.stepper.counts().contacts, 1);
    assert_eq!(trial.told, [(103 * STEP_NS, Happening::Touched)]);
    let contact = trial.face.times("contact");
    assert_eq!(contact.first(), Some(&(103 * STEP_NS as i64)));
    let free = trial.face.times("free");
    assert!(free.contains(&(170 * STEP_NS as i64)), "{free:?}");
}

#[test]
fn its_own_driver_waits_for_listeners_drives_says_what_it_commands_and_heeds_nobody() {
    let mut trial = Trial::new(Driver::Expert, 20.0);
    trial.body.way_left = 40;
    trial.face.next = Some(Wanted { linear_mps: -1.0, angular_rps: 0.0 });
    trial.steps(600);
    assert!(trial.stepper.has_arrived());
    assert!(trial.body.obeyed.iter().all(|wanted| *wanted == FORWARD || *wanted == STANDING));
    // 40 decisions of 0.05 s, after the wait.
    assert_eq!(trial.body.obeyed.iter().position(|wanted| *wanted == FORWARD), Some(300));
    assert_eq!(trial.body.obeyed.iter().filter(|&&wanted| wanted == FORWARD).count(), 200);
    assert_eq!(trial.face.times("commanded").len(), 120);
    assert_eq!(trial.told, [(500 * STEP_NS, Happening::Arrived)]);
}

#[test]
fn no_picture_is_taken_for_nobody() {
    let mut trial = Trial::new(Driver::Outside, 20.0);
    trial.face.blind = true;
    trial.steps(100);
    assert_eq!(trial.stepper.counts().pictures, 0);
}

#[test]
fn a_face_that_shows_nothing_does_not_hold_the_robot_up_and_is_told_once() {
    let mut trial = Trial::new(Driver::Outside, 20.0);
    trial.face.broken = true;
    trial.steps(50);
    assert_eq!(trial.body.obeyed.len(), 50);
    assert!(trial.stepper.counts().not_shown > 50);
    assert_eq!(trial.told.len(), 1);
}
