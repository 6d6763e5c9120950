//! All methods on one episode: the same world, start, noise and pictures for each.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use pilotage_graph::MapDir;
use pilotage_sim::RobotKind;

use super::plan::{CAMERA_HZ, Method, Plan};
use super::rows::{Facts, Finished};
use crate::baseline::{self, Reference, ReferenceRules, Visual, VisualRules};
use crate::episode::{Drive, Episode, Way};
use crate::frame::RawFrame;
use crate::policy::Policy;

/// What a thread keeps from episode to episode.
pub(super) struct Worker {
    policy: Option<Box<dyn Policy>>,
    scratch: PathBuf,
}

impl Worker {
    pub(super) fn new(policy: Box<dyn Policy>, scratch: PathBuf) -> Self {
        Self { policy: Some(policy), scratch }
    }

    /// Drives the episode of `index` by all methods of the plan. `seen` is shown each drive.
    pub(super) fn episode(
        &mut self,
        plan: &Plan,
        index: u64,
        seen: &mut dyn FnMut(Method, &Episode, &Drive) -> Result<()>,
    ) -> Result<Finished> {
        let Some(episode) = plan.spec(index).and_then(Episode::new) else {
            return Ok(Finished { index, episode: None });
        };
        let mut course = Course::new(self, &episode, index)?;
        let mut outcomes = Vec::new();
        for &method in &plan.methods {
            let drive = course.drive(method, plan)?;
            seen(method, &episode, &drive)?;
            outcomes.push((method, drive.outcome));
        }
        let places = course.places;
        let facts = Facts {
            world: format!("{}:{}", episode.id.split.name(), episode.id.index),
            family: episode.world.family().name().to_owned(),
            robot: episode.robot.kind.name().to_owned(),
            seen: RobotKind::TRAINING.contains(&episode.robot.kind),
            teleop_s: episode.teleop_s(),
            taught_m: Way::new(&episode.teleop, CAMERA_HZ).length_m(),
            cruise_mps: episode.robot.v_max_mps,
            places,
            outcomes,
        };
        Ok(Finished { index, episode: Some(facts) })
    }
}

/// An episode under way: what its methods share.
struct Course<'a> {
    worker: &'a mut Worker,
    episode: &'a Episode,
    folder: PathBuf,
    pictures: Vec<RawFrame>,
    map: Option<MapDir>,
    places: usize,
}

impl<'a> Course<'a> {
    fn new(worker: &'a mut Worker, episode: &'a Episode, index: u64) -> Result<Self> {
        let folder = worker.scratch.join(index.to_string());
        Ok(Self { worker, episode, folder, pictures: Vec::new(), map: None, places: 0 })
    }

    fn policy(&mut self) -> Result<Box<dyn Policy>> {
        self.worker.policy.take().context("the policy was lost in an episode that failed")
    }

    /// The taught pictures, rendered when first asked for.
    fn pictures(&mut self) -> Result<()> {
        if self.pictures.is_empty() {
            self.pictures = self.episode.pictures()?;
        }
        Ok(())
    }

    fn drive(&mut self, method: Method, plan: &Plan) -> Result<Drive> {
        let episode = self.episode;
        match method {
            Method::Replay => return Ok(baseline::replay(episode)),
            Method::Oracle => return Ok(baseline::oracle(episode)),
            _ => self.pictures()?,
        }
        let mut policy = self.policy()?;
        let spec = policy.spec().clone();
        anyhow::ensure!(
            (spec.rate_hz - CAMERA_HZ).abs() < 1e-9,
            "the evaluation drives policies of {CAMERA_HZ} Hz, this one runs at {} Hz",
            spec.rate_hz
        );
        let mut drive = match method {
            Method::Reference => {
                let rules = ReferenceRules::default();
                let mut reference = Reference::new(policy.as_mut(), rules, &self.pictures, &episode.profile)?;
                baseline::drive(episode, &spec, CAMERA_HZ, &mut reference)?
            }
            Method::Visual | Method::Repeat => {
                let rules = if method == Method::Visual { VisualRules::MATCHING } else { VisualRules::REPEAT };
                let commands: Vec<(f64, f64)> = episode.teleop.iter().map(|step| (step.v_mps, step.w_rps)).collect();
                let mut visual = Visual::new(&spec, rules, &self.pictures, &commands, &episode.profile)?;
                baseline::drive(episode, &spec, CAMERA_HZ, &mut visual)?
            }
            _ => {
                let map = self.map(policy.as_mut())?;
                let options = plan.options(method, &episode.profile)?;
                let mut drive = episode.drive_with(&options, policy, map, None, &mut |_| {})?;
                self.worker.policy = drive.policy.take();
                return Ok(drive);
            }
        };
        self.worker.policy = Some(policy);
        drive.policy = None;
        Ok(drive)
    }

    /// The map of the taught drive, built once.
    fn map(&mut self, policy: &mut dyn Policy) -> Result<MapDir> {
        if let Some(map) = &self.map {
            return Ok(map.clone());
        }
        let (map, report) = self.episode.build_map_of(&self.pictures, policy, &self.folder)?;
        self.places = report.nodes;
        self.map = Some(map.clone());
        Ok(map)
    }
}

impl Drop for Course<'_> {
    fn drop(&mut self) {
        if self.map.is_some() {
            std::fs::remove_dir_all(&self.folder).ok();
        }
    }
}

/// A folder for the maps of a run, in memory where the system has such a place: a map is synced to its disk as it is
/// written, and these live for a second.
pub(super) fn scratch() -> Result<PathBuf> {
    let name = format!("pilotage-eval-{}", std::process::id());
    let memory = Path::new("/dev/shm").join(&name);
    if std::fs::create_dir(&memory).is_ok() {
        return Ok(memory);
    }
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}
