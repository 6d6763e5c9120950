//! What a simulated robot does in one step of its time: obey, move, and show its sensors when they are due.
//!
//! Pure: time is counted in steps, and whoever calls says what the stamps are.

use pilotage_gate::Wanted;
use pilotage_sim::Odometry;

use crate::camera::SourceError;
use crate::frame::Picture;
use crate::sink::SinkError;

/// Length of a step, nanoseconds of the robot's own time.
pub const STEP_NS: u64 = 10_000_000;
/// A robot whose commands have stopped for longer than this stops by itself, nanoseconds of its own time.
pub const COMMAND_TIMEOUT_NS: u64 = 500_000_000;
/// Odometry readings a second.
pub const ODOMETRY_HZ: f64 = 50.0;
/// Range scans a second.
pub const SCAN_HZ: f64 = 10.0;
/// Decisions of the robot's own driver a second.
const DRIVER_HZ: f64 = 20.0;
/// How long the robot's own driver stands before it starts: listeners have to find the topics first.
const DRIVER_WAITS_NS: u64 = 3_000_000_000;
/// A contact is over when nothing was touched for this long: pushing against a wall is one contact.
const CONTACT_HOLD_NS: u64 = 200_000_000;
const STANDING: Wanted = Wanted { linear_mps: 0.0, angular_rps: 0.0 };

/// A robot that can be moved and asked.
pub trait Body {
    /// Moves for `dt_s` seconds under a command; whether it touched something.
    fn drive(&mut self, wanted: Wanted, dt_s: f64) -> bool;
    /// What its wheels say.
    fn odometry(&self) -> Odometry;
    /// What its range finder measures, metres, first beam first.
    fn scan(&mut self) -> Vec<f32>;
    /// What its camera sees.
    ///
    /// # Errors
    /// When no picture can be taken, now or later.
    fn picture(&mut self) -> Result<Picture, SourceError>;
    /// What a driver of its own, who knows the way, would do now; `None` at the goal.
    fn expert(&mut self) -> Option<Wanted>;
}

/// One thing that a robot shows.
#[derive(Clone, Copy, Debug)]
pub enum Reading<'a> {
    /// The time itself.
    Time,
    /// What the wheels say.
    Odometry(&'a Odometry),
    /// Ranges, metres.
    Scan(&'a [f32]),
    /// What the camera saw.
    Picture(&'a Picture),
    /// Whether something is being touched.
    Contact(bool),
    /// What the robot's own driver commands.
    Commanded(Wanted),
}

/// The outside of a robot: where its commands come from and its readings go.
pub trait RobotFace {
    /// The newest command since the last call.
    fn command(&mut self) -> Option<Wanted>;
    /// Whether anybody looks at pictures; they are not taken otherwise.
    fn wants_pictures(&self) -> bool;
    /// Shows a reading that was true at `stamp_ns`.
    ///
    /// # Errors
    /// When it could not be shown; the next one is tried all the same.
    fn show(&mut self, stamp_ns: i64, reading: Reading<'_>) -> Result<(), SinkError>;
}

/// Who drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// Whoever sends commands.
    Outside,
    /// The robot's own driver; commands from outside are not obeyed.
    Expert,
}

/// What is worth a line to whoever looks on.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// Commands come in, the first or again.
    Commanded,
    /// Commands have stopped, so the robot does.
    Silence,
    /// Something is touched.
    Touched,
    /// The robot's own driver has reached its goal.
    Arrived,
    /// Something could not be shown, for the first time.
    NotShown(String),
}

/// What the steps so far came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Steps done.
    pub steps: u64,
    /// Pictures shown.
    pub pictures: u64,
    /// Commands obeyed.
    pub commands: u64,
    /// Contacts, each counted once.
    pub contacts: u64,
    /// Readings that could not be shown.
    pub not_shown: u64,
}

/// Something that happens so many times a second.
struct Beat {
    hz: f64,
    done: u64,
}

impl Beat {
    fn new(hz: f64) -> Self {
        Self { hz, done: 0 }
    }

    fn is_due(&mut self, now_ns: u64) -> bool {
        let due_ns = (self.done as f64 * 1e9 / self.hz) as u64;
        let due = now_ns >= due_ns;
        if due {
            // Faster than the steps it cannot be; it does not try to catch up either. What little is added keeps
            // rounding from doing a beat twice.
            self.done = (now_ns as f64 * 1e-9 * self.hz + 1e-6) as u64 + 1;
        }
        due
    }
}

/// A robot between its steps.
pub struct Stepper {
    driver: Driver,
    counts: Counts,
    obeyed: Wanted,
    commanded_at_ns: Option<u64>,
    silent: bool,
    touched_at_ns: Option<u64>,
    arrived: bool,
    odometry: Beat,
    scan: Beat,
    camera: Beat,
    decisions: Beat,
}

impl Stepper {
    /// A robot that stands, with so many pictures a second.
    #[must_use]
    pub fn new(driver: Driver, camera_hz: f64) -> Self {
        Self {
            driver,
            counts: Counts::default(),
            obeyed: STANDING,
            commanded_at_ns: None,
            silent: true,
            touched_at_ns: None,
            arrived: false,
            odometry: Beat::new(ODOMETRY_HZ),
            scan: Beat::new(SCAN_HZ),
            camera: Beat::new(camera_hz),
            decisions: Beat::new(DRIVER_HZ),
        }
    }

    /// The robot's own time, nanoseconds since it was set down.
    #[must_use]
    pub fn time_ns(&self) -> u64 {
        self.counts.steps.saturating_mul(STEP_NS)
    }

    /// What the steps so far came to.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether the robot's own driver has reached its goal.
    #[must_use]
    pub fn has_arrived(&self) -> bool {
        self.arrived
    }

    /// One step of [`STEP_NS`], the end of which is stamped `stamp_ns`.
    ///
    /// # Errors
    /// When the robot cannot go on.
    pub fn step(
        &mut self,
        body: &mut dyn Body,
        face: &mut dyn RobotFace,
        stamp_ns: i64,
        tell: &mut dyn FnMut(u64, Happening),
    ) -> Result<(), SourceError> {
        self.listen(face, tell);
        if self.driver == Driver::Expert && self.decisions.is_due(self.time_ns()) {
            self.decide(body, tell);
            self.show(face, stamp_ns, Reading::Commanded(self.obeyed), tell);
        }
        let touches = body.drive(self.obeyed, STEP_NS as f64 * 1e-9);
        self.counts.steps += 1;
        let now_ns = self.time_ns();
        self.show(face, stamp_ns, Reading::Time, tell);
        let contact_changed = self.feel(touches, tell);
        if self.odometry.is_due(now_ns) {
            self.show(face, stamp_ns, Reading::Odometry(&body.odometry()), tell);
        }
        let scans = self.scan.is_due(now_ns);
        if scans {
            self.show(face, stamp_ns, Reading::Scan(&body.scan()), tell);
        }
        if scans || contact_changed {
            self.show(face, stamp_ns, Reading::Contact(self.touched_at_ns.is_some()), tell);
        }
        if self.camera.is_due(now_ns) && face.wants_pictures() {
            let picture = body.picture()?;
            self.show(face, stamp_ns, Reading::Picture(&picture), tell);
            self.counts.pictures += 1;
        }
        Ok(())
    }

    fn listen(&mut self, face: &mut dyn RobotFace, tell: &mut dyn FnMut(u64, Happening)) {
        let now_ns = self.time_ns();
        // Always asked, so that an old command is not waiting when it is the turn of those outside.
        let command = face.command();
        if self.driver == Driver::Expert {
            return;
        }
        if let Some(command) = command {
            self.obeyed = command;
            self.commanded_at_ns = Some(now_ns);
            self.counts.commands += 1;
            if std::mem::take(&mut self.silent) {
                tell(now_ns, Happening::Commanded);
            }
        } else if self.commanded_at_ns.is_some_and(|at| now_ns.saturating_sub(at) >= COMMAND_TIMEOUT_NS) {
            self.obeyed = STANDING;
            if !std::mem::replace(&mut self.silent, true) {
                tell(now_ns, Happening::Silence);
            }
        }
    }

    fn decide(&mut self, body: &mut dyn Body, tell: &mut dyn FnMut(u64, Happening)) {
        if self.time_ns() < DRIVER_WAITS_NS || self.arrived {
            return;
        }
        self.obeyed = body.expert().unwrap_or_else(|| {
            self.arrived = true;
            tell(self.time_ns(), Happening::Arrived);
            STANDING
        });
    }

    fn feel(&mut self, touches: bool, tell: &mut dyn FnMut(u64, Happening)) -> bool {
        let now_ns = self.time_ns();
        let before = self.touched_at_ns.is_some();
        if touches {
            self.touched_at_ns = Some(now_ns);
        } else if self.touched_at_ns.is_some_and(|at| now_ns.saturating_sub(at) > CONTACT_HOLD_NS) {
            self.touched_at_ns = None;
        }
        let after = self.touched_at_ns.is_some();
        if after && !before {
            self.counts.contacts += 1;
            tell(now_ns, Happening::Touched);
        }
        after != before
    }

    fn show(
        &mut self,
        face: &mut dyn RobotFace,
        stamp_ns: i64,
        reading: Reading<'_>,
        tell: &mut dyn FnMut(u64, Happening),
    ) {
        if let Err(error) = face.show(stamp_ns, reading) {
            self.counts.not_shown += 1;
            if self.counts.not_shown == 1 {
                tell(self.time_ns(), Happening::NotShown(error.to_string()));
            }
        }
    }
}

#[cfg(test)]
#[path = "stepper_tests.rs"]
mod tests;
