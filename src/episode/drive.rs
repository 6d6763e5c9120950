//! The robot's own drive through the whole runtime, in lockstep.

use pilotage_graph::{MapDir, NodeId, Start, TopoMap};

use super::{Episode, LOG_RATE_HZ, Outcome, TickNote, Track};
use crate::control::ControllerConfig;
use crate::drive::{DriveLoop, navigator_of};
use crate::navigator::{Decision, NavigatorConfig, Phase};
use crate::pilot::Pilot;
use crate::policy::Policy;
use crate::record::run::RunRecorder;
use crate::runtime::lockstep::{self, Event, Flow};
use crate::runtime::{ControlLoop, Intake, TickLoop};

/// What may differ between two drives of one episode.
#[derive(Clone, Debug)]
pub struct DriveOptions {
    /// The navigator's numbers.
    pub navigator: NavigatorConfig,
    /// The controller's, where they are not the profile's own.
    pub controller: Option<ControllerConfig>,
    /// Rate of the camera, hertz. The runtime samples it at the policy's rate.
    pub camera_hz: f64,
}

impl Default for DriveOptions {
    fn default() -> Self {
        Self { navigator: NavigatorConfig::default(), controller: None, camera_hz: LOG_RATE_HZ }
    }
}

/// A drive and how it ended.
pub struct Drive {
    /// How it ended.
    pub outcome: Outcome,
    /// What the robot truly did.
    pub track: Track,
    /// What the method thought.
    pub notes: Vec<TickNote>,
    /// The policy, to be used again.
    pub policy: Option<Box<dyn Policy>>,
}

impl Episode {
    /// Closed loop through the whole runtime, in lockstep, with the runtime's own numbers.
    ///
    /// # Errors
    /// When the policy or the map fails.
    pub fn drive(
        &self,
        policy: Box<dyn Policy>,
        map: MapDir,
        recorder: Option<&RunRecorder>,
        onlooker: &mut dyn FnMut(&Event<'_>),
    ) -> anyhow::Result<Drive> {
        let options = DriveOptions { navigator: navigator_of(&self.profile), ..DriveOptions::default() };
        self.drive_with(&options, policy, map, recorder, onlooker)
    }

    /// The same with other numbers.
    ///
    /// # Errors
    /// When the policy, the map or a number fails.
    pub fn drive_with(
        &self,
        options: &DriveOptions,
        policy: Box<dyn Policy>,
        map: MapDir,
        recorder: Option<&RunRecorder>,
        onlooker: &mut dyn FnMut(&Event<'_>),
    ) -> anyhow::Result<Drive> {
        let goal = map.map().goal_spec("LAST")?;
        let along = Along::new(map.map());
        let pilot = Pilot::new(policy, map, options.navigator.clone(), goal, Start::At(NodeId(0)))?;
        let spec = pilot.policy().spec().clone();
        let mut intake = Intake::new(&spec, &self.profile, recorder.cloned());
        let mut ticks = TickLoop::new(pilot, &self.profile, recorder.cloned());
        let drive_loop = match options.controller {
            Some(controller) => DriveLoop::with_controller(&self.profile, controller)?,
            None => DriveLoop::new(&self.profile, spec.rate_hz)?,
        };
        let mut control = ControlLoop::new(drive_loop, recorder.cloned());
        let limit_s = self.limit_s(spec.rate_hz, spec.context_frames);
        let mut last_phase = Phase::Waiting;
        let mut declared_s = None;
        let mut notes: Vec<TickNote> = Vec::new();
        let mut now_s = 0.0;
        let mut fresh = false;
        let mut probe = self.probe(options.camera_hz);
        lockstep::run(&mut probe, &mut intake, &mut ticks, &mut control, &self.profile, limit_s, &mut |event| {
            onlooker(&event);
            match event {
                Event::Tick { output, .. } => {
                    last_phase = output.decision.phase;
                    notes.push(along.note(now_s, &output.decision));
                    fresh = true;
                }
                Event::Control { at_ns, output } => {
                    now_s = at_ns as f64 * 1e-9 + 1.0 / crate::runtime::CONTROL_RATE_HZ;
                    if let Some(note) = notes.last_mut().filter(|_| std::mem::take(&mut fresh)) {
                        note.command = [output.command.linear_mps(), output.command.angular_rps()];
                    }
                    if last_phase == Phase::Arrived && output.command.is_zero() {
                        declared_s = Some(at_ns as f64 * 1e-9);
                        return Flow::Stop;
                    }
                }
                Event::Filling(..) => {}
            }
            Flow::On
        })?;
        let track = probe.into_track();
        let outcome = self.judge(&track, &notes, declared_s, Some(last_phase));
        Ok(Drive { outcome, track, notes, policy: Some(ticks.into_pilot().into_policy()) })
    }
}

/// The places of a map that is one drive, by steps from its start.
struct Along(Vec<(NodeId, f64)>);

impl Along {
    fn new(map: &TopoMap) -> Self {
        let mut steps = 0.0;
        let mut places = Vec::with_capacity(map.node_count());
        let mut before = None;
        for id in map.node_ids() {
            let cost = before.and_then(|before| map.edge(before, id)).map_or(0.0, |edge| edge.cost_steps);
            steps += f64::from(cost);
            places.push((id, steps));
            before = Some(id);
        }
        Self(places)
    }

    fn steps(&self, node: NodeId) -> Option<f64> {
        let place = self.0.binary_search_by_key(&node, |&(id, _)| id).ok()?;
        self.0.get(place).map(|&(_, steps)| steps)
    }

    fn note(&self, t_s: f64, decision: &Decision) -> TickNote {
        let waypoint = decision
            .chosen
            .as_ref()
            .and_then(|chosen| chosen.waypoints().get(2).or(chosen.waypoints().last()).copied());
        TickNote {
            t_s,
            believed_steps: self.steps(decision.node).map(|steps| steps + f64::from(decision.offset_steps)),
            phase: decision.phase,
            subgoal_steps: decision.subgoal.and_then(|node| self.steps(node)),
            waypoint_units: waypoint.map(|waypoint| [waypoint.x_units, waypoint.y_units]),
            nearest_steps: decision.min_distance_steps,
            command: [0.0; 2],
        }
    }
}
