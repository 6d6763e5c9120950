//! The teleoperator's drive as a log: rendered as it is read, or from pictures that are there already.

use pilotage_sim::{Motion, Surroundings};

use super::{Episode, LOG_RATE_HZ};
use crate::camera::sim::SimCamera;
use crate::frame::{Picture, RawFrame, SourceStamp};
use crate::ingest::{IngestError, LogInfo, LogKind, LogReader, Skipped, Stamps};

/// The teleoperator's drive as a log: pictures are rendered as they are read.
pub struct SimLog<'a> {
    episode: &'a Episode,
    next: usize,
    camera: SimCamera,
}

impl<'a> SimLog<'a> {
    pub(super) fn new(episode: &'a Episode) -> Self {
        Self { episode, next: 0, camera: SimCamera { rate_hz: LOG_RATE_HZ, ..SimCamera::default() } }
    }
}

impl LogReader for SimLog<'_> {
    fn next(&mut self) -> Result<Option<RawFrame>, IngestError> {
        let Some(step) = self.episode.teleop.get(self.next) else { return Ok(None) };
        let SimCamera { width, height, .. } = self.camera;
        let (world, robot) = (&self.episode.world, &self.episode.robot);
        let scene = &self.episode.taught;
        let around = Surroundings::from(&**world).with_light(scene.light);
        let motion = Motion { pose: step.pose, v_mps: step.v_mps, w_rps: step.w_rps };
        let render = scene.effects.picture(around, robot, &motion, step.t_s, width as usize, height as usize);
        let index = self.next as u64;
        let unusable = |reason: String| IngestError::NothingUsable {
            path: self.episode.id.split.name().into(),
            skipped: 0,
            index,
            reason,
        };
        let rgb = render.map_err(|error| unusable(error.to_string()))?;
        let picture = Picture::from_rgb8(width, height, rgb).map_err(|error| unusable(error.to_string()))?;
        self.next += 1;
        Ok(Some(RawFrame {
            seq: self.next as u64 - 1,
            captured: SourceStamp((step.t_s * 1e9).round() as i64),
            picture,
            encoded: None,
            teleop: None,
        }))
    }

    fn info(&self) -> LogInfo {
        LogInfo {
            kind: LogKind::Simulated,
            path: format!("{}:{}", self.episode.id.split.name(), self.episode.id.index).into(),
            frames: self.episode.teleop.len() as u64,
            hz: Some(LOG_RATE_HZ),
            hz_given: false,
            stamps: Stamps::Trusted,
        }
    }

    fn skipped(&self) -> &[Skipped] {
        &[]
    }
}

/// The same log from pictures that were rendered before ([`Episode::pictures`]).
pub struct MemoryLog<'a> {
    log: SimLog<'a>,
    pictures: std::slice::Iter<'a, RawFrame>,
}

impl<'a> MemoryLog<'a> {
    pub(super) fn new(log: SimLog<'a>, pictures: &'a [RawFrame]) -> Self {
        Self { log, pictures: pictures.iter() }
    }
}

impl LogReader for MemoryLog<'_> {
    fn next(&mut self) -> Result<Option<RawFrame>, IngestError> {
        Ok(self.pictures.next().cloned())
    }

    fn info(&self) -> LogInfo {
        self.log.info()
    }

    fn skipped(&self) -> &[Skipped] {
        self.log.skipped()
    }
}
