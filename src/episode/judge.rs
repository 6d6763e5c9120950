//! How an episode ended, and why it failed: from the truth beside what the method believed.

use serde::{Deserialize, Serialize};

use super::{Episode, OnWay, TickNote, Track, Way};
use crate::navigator::Phase;

/// Why an episode failed: the first thing that could not be mended any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It did not.
    None,
    /// Touched something while it believed to know where it was.
    Contact,
    /// Touched something while lost or localising.
    ContactLost,
    /// Declared arrival before it had ever been near the goal.
    FalseArrival,
    /// Had been near the goal and did not stay there.
    PassedGoal,
    /// Stood lost until the time was up.
    LostStanding,
    /// Wanted to drive and came no further.
    Stuck,
    /// Was still on its way when the time was up.
    TimeOut,
}

impl Cause {
    /// All causes, in the order of tables.
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::Contact,
        Self::ContactLost,
        Self::FalseArrival,
        Self::PassedGoal,
        Self::LostStanding,
        Self::Stuck,
        Self::TimeOut,
    ];

    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Contact => "contact while tracking",
            Self::ContactLost => "contact while lost",
            Self::FalseArrival => "false arrival",
            Self::PassedGoal => "passed the goal",
            Self::LostStanding => "lost standing",
            Self::Stuck => "stuck",
            Self::TimeOut => "time-out",
        }
    }
}

/// How an episode ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Arrival declared, near the goal, nothing touched.
    pub success: bool,
    /// Arrival declared, near the goal.
    pub arrived: bool,
    /// Arrival declared.
    pub declared: bool,
    /// How often something was touched.
    pub touches: u64,
    /// Distance from the goal at the end, metres.
    pub error_m: f64,
    /// Share of the taught way that was driven, by the truth.
    pub progress: f64,
    /// Time needed over the teleoperator's.
    pub time_ratio: f64,
    /// The navigator's phase at the end.
    pub end_phase: Option<String>,
    /// Metres driven.
    pub driven_m: f64,
    /// Success weighted by path length: the taught way over the driven one where that is longer, 0 without success.
    pub spl: f64,
    /// How often the robot stood for more than a second on the way.
    pub stops: u32,
    /// Ticks.
    pub ticks: u32,
    /// Ticks on which it said that it was lost.
    pub lost_ticks: u32,
    /// Why it failed.
    pub cause: Cause,
    /// When: the first touch, else the end; seconds.
    pub cause_s: f64,
    /// Metres to the left of the taught way then.
    pub lateral_m: f64,
    /// Radians turned to the left of it then.
    pub heading_rad: f64,
    /// Steps by which the belief was ahead of the truth then, where the method has one.
    pub belief_error_steps: Option<f64>,
    /// Largest distance from the taught way before that moment, metres.
    pub worst_lateral_m: f64,
    /// The nearest it ever came to the goal, metres.
    pub nearest_goal_m: f64,
    /// The least room on the way, metres.
    pub least_room_m: f64,
}

/// The last seconds in which a robot that wants to drive must come further than this, or it is stuck.
const STUCK_S: f64 = 4.0;
const STUCK_M: f64 = 0.25;

impl Episode {
    /// Judges a drive. `declared_s` is when the method said that it had arrived and stood.
    #[must_use]
    pub fn judge(&self, track: &Track, notes: &[TickNote], declared_s: Option<f64>, phase: Option<Phase>) -> Outcome {
        let way = Way::new(&self.teleop, RATE_HZ);
        let places = places(&way, track);
        let end_s = track.samples.last().map_or(0.0, |sample| sample.t_s);
        let end = track.samples.last().map_or(self.start, |sample| sample.pose);
        let goal = self.goal();
        let error_m = end.distance_m(&goal);
        let near = error_m <= self.tolerance_m();
        let declared = declared_s.is_some();
        let touches = track.contacts.len() as u64;
        let success = declared && near && touches == 0;
        let nearest_goal_m = track.poses().map(|pose| pose.distance_m(&goal)).fold(f64::INFINITY, f64::min);
        let first_touch = track.contacts.first();
        let cause_s = first_touch.map_or(end_s, |contact| contact.t_s);
        let at = |t_s: f64| {
            let index = track.samples.partition_point(|sample| sample.t_s < t_s - 1e-6);
            places.get(index).or(places.last()).copied().unwrap_or_default()
        };
        let then = at(cause_s);
        let note = notes.iter().take_while(|note| note.t_s <= cause_s).last();
        let cause = if success {
            Cause::None
        } else if first_touch.is_some() {
            match note.map(|note| note.phase) {
                Some(Phase::Lost | Phase::Localising) => Cause::ContactLost,
                _ => Cause::Contact,
            }
        } else if nearest_goal_m <= self.tolerance_m() {
            Cause::PassedGoal
        } else if declared {
            Cause::FalseArrival
        } else if matches!(phase, Some(Phase::Lost | Phase::Localising | Phase::NoRoute)) {
            Cause::LostStanding
        } else if came_no_further(track, end_s) {
            Cause::Stuck
        } else {
            Cause::TimeOut
        };
        let driven_m = track.length_m();
        let taught_m = way.length_m();
        let upto = track.samples.partition_point(|sample| sample.t_s <= cause_s);
        Outcome {
            success,
            arrived: declared && near,
            declared,
            touches,
            error_m,
            progress: places.last().map_or(0.0, |place| place.arc_m / taught_m.max(1e-6)).min(1.0),
            time_ratio: declared_s.unwrap_or(end_s) / self.teleop_s().max(0.1),
            end_phase: phase.map(|phase| phase.to_string()),
            driven_m,
            spl: if success { taught_m / driven_m.max(taught_m).max(1e-6) } else { 0.0 },
            stops: track.stops(declared_s.unwrap_or(end_s) - 0.3),
            ticks: notes.len() as u32,
            lost_ticks: notes.iter().filter(|note| note.phase == Phase::Lost).count() as u32,
            cause,
            cause_s,
            lateral_m: then.lateral_m,
            heading_rad: then.heading_rad,
            belief_error_steps: note.and_then(|note| note.believed_steps.map(|steps| steps - at(note.t_s).steps)),
            worst_lateral_m: places.iter().take(upto).map(|place| place.lateral_m.abs()).fold(0.0, f64::max),
            nearest_goal_m: if nearest_goal_m.is_finite() { nearest_goal_m } else { error_m },
            least_room_m: track.samples.iter().map(|sample| sample.clearance_m).fold(99.0, f64::min),
        }
    }
}

/// Policy steps a second, by which progress is told.
pub(super) const RATE_HZ: f64 = 4.0;

/// Where the robot truly was, sample by sample.
pub(super) fn places(way: &Way, track: &Track) -> Vec<OnWay> {
    let mut near = OnWay::default();
    let mut places = Vec::with_capacity(track.samples.len());
    for pose in track.poses() {
        near = way.find(pose, &near);
        places.push(near);
    }
    places
}

fn came_no_further(track: &Track, end_s: f64) -> bool {
    let Some(end) = track.samples.last() else { return false };
    let since = track.samples.iter().filter(|sample| sample.t_s >= end_s - STUCK_S);
    since.map(|sample| sample.pose.distance_m(&end.pose)).fold(0.0, f64::max) < STUCK_M
}

impl Track {
    /// Where the robot truly was on the taught way at each sample.
    #[must_use]
    pub fn places(&self, way: &Way) -> Vec<OnWay> {
        places(way, self)
    }
}
