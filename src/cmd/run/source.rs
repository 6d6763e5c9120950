//! Where `run` gets its frames from and where its commands go.

use std::sync::{Arc, Mutex};

use anyhow::Result;

use crate::camera::FrameSource;
use crate::camera::replay::ReplaySource;
use crate::camera::sim::{SharedSimRobot, SimCamera, SimRobot, SimSink, SimSource};
use crate::cli::RunArgs;
use crate::cmd::sim::episode_of;
use crate::config::Profile;
use crate::episode::{LOG_RATE_HZ, profile_of};
use crate::ingest::{self, LogOptions};
use crate::runtime::lockstep::{LogPlant, Plant};
use crate::sink::{CommandSink, NullSink, Tee};

/// Both ends of a run, opened.
pub(super) struct Ends {
    source: Source,
    /// `None` where commands only reach the simulated robot, or nothing.
    ros: Option<Box<dyn CommandSink>>,
}

enum Source {
    Log { source: Box<ReplaySource>, hz: Option<f64> },
    Sim(Box<SimRobot>),
    Live(Box<dyn FrameSource>),
}

/// Whether commands may reach a real robot.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Robot,
    DryRun,
}

/// Opens what the command line asks for. A simulated robot brings its own profile.
pub(super) fn open(args: &RunArgs, profile: &mut Profile) -> Result<Ends> {
    let live = args.replay.is_none() && args.sim.is_none();
    anyhow::ensure!(!(args.publish && live), "--publish is for --replay and --sim; a live camera publishes anyway");
    anyhow::ensure!(
        !(args.publish && (args.no_ros || args.lockstep)),
        "--publish needs ROS: leave --no-ros and --lockstep out"
    );
    anyhow::ensure!(!(args.lockstep && live), "--lockstep needs --replay or --sim: a camera keeps its own time");
    let reach = if (!live && !args.publish) || args.dry_run { Reach::DryRun } else { Reach::Robot };
    let with_ros = !(args.no_ros || args.lockstep);
    if let Some(path) = &args.replay {
        let options = LogOptions { hz: args.log_args.hz, range: args.log_args.range.clone() };
        let log = ingest::open(path, &options)?;
        let info = log.info();
        info.require_stamps()?;
        let ros = if with_ros { Some(ros::commands(profile, reach, false)?) } else { None };
        return Ok(Ends { source: Source::Log { source: Box::new(ReplaySource::once(log)), hz: info.hz }, ros });
    }
    if let Some(world) = &args.sim {
        let episode = episode_of(world)?;
        if args.profile.is_none() {
            let (ros, policy) = (profile.ros.clone(), profile.policy.clone());
            *profile = Profile { ros, policy, ..profile_of(&episode.robot, &episode.id) };
        }
        let camera = SimCamera { rate_hz: LOG_RATE_HZ, ..SimCamera::default() };
        let robot = SimRobot::new(Arc::clone(&episode.world), episode.robot, episode.start, episode.id.seed(), camera);
        let ros = if with_ros { Some(ros::commands(profile, reach, false)?) } else { None };
        return Ok(Ends { source: Source::Sim(Box::new(robot)), ros });
    }
    if let Some(topic) = &args.image_topic {
        anyhow::ensure!(!args.no_ros, "--image-topic needs ROS; leave --no-ros out");
        let (source, sink) = ros::image_topic(profile, reach, topic, args.compressed)?;
        return Ok(Ends { source: Source::Live(source), ros: Some(sink) });
    }
    let device = args.camera.clone().unwrap_or_else(|| profile.camera.device.clone());
    let source = camera(&device, profile)?;
    let ros = if with_ros { Some(ros::commands(profile, reach, true)?) } else { None };
    Ok(Ends { source: Source::Live(source), ros })
}

#[cfg(feature = "camera")]
fn camera(device: &str, profile: &Profile) -> Result<Box<dyn FrameSource>> {
    use crate::camera::{CameraOptions, CameraSource};
    let (width, height, rate_hz) = (profile.camera.width, profile.camera.height, profile.camera.rate_hz);
    let device = if device.is_empty() { "0" } else { device }.to_owned();
    let options = CameraOptions { device, width, height, rate_hz };
    Ok(Box::new(CameraSource::open(&options, crate::runtime::realtime::receipt_clock())?))
}

#[cfg(not(feature = "camera"))]
fn camera(_device: &str, _profile: &Profile) -> Result<Box<dyn FrameSource>> {
    anyhow::bail!(
        "this program was built without the camera (feature `camera`); build with `cargo xtask build`, or give --image-topic, --replay or --sim"
    )
}

impl Ends {
    pub(super) fn describe_source(&self) -> String {
        match &self.source {
            Source::Log { source, .. } => source.describe(),
            Source::Sim(_) => "simulated camera".into(),
            Source::Live(source) => source.describe(),
        }
    }

    pub(super) fn describe_sink(&self) -> String {
        let ros = self.ros.as_ref().map(|ros| ros.describe());
        match (&self.source, ros) {
            (Source::Sim(_), Some(ros)) => format!("the simulated robot, and {ros}"),
            (Source::Sim(_), None) => "the simulated robot".into(),
            (_, Some(ros)) => ros,
            (_, None) => NullSink.describe(),
        }
    }

    pub(super) fn log_hz(&self) -> Option<f64> {
        match &self.source {
            Source::Log { hz, .. } => *hz,
            _ => None,
        }
    }

    /// For real time.
    pub(super) fn into_parts(self) -> Result<(Box<dyn FrameSource>, Box<dyn CommandSink>)> {
        let ros = self.ros.unwrap_or_else(|| Box::new(NullSink));
        Ok(match self.source {
            Source::Log { source, .. } => (source, ros),
            Source::Live(source) => (source, ros),
            Source::Sim(robot) => {
                let shared: SharedSimRobot = Arc::new(Mutex::new(*robot));
                let sink = SimSink::new(Arc::clone(&shared));
                (Box::new(SimSource(shared)), Box::new(Tee(vec![Box::new(sink), ros])))
            }
        })
    }

    /// For lockstep.
    pub(super) fn into_plant(self) -> Result<Box<dyn Plant>> {
        match self.source {
            Source::Log { source, .. } => Ok(Box::new(LogPlant::new(source))),
            Source::Sim(robot) => Ok(robot),
            Source::Live(_) => anyhow::bail!("a live source cannot run in lockstep"),
        }
    }
}

#[cfg(feature = "ros")]
mod ros {
    use anyhow::Context as _;

    use super::{CommandSink, FrameSource, Profile, Reach, Result};
    use crate::ros::{ImageTransport, Network, Purpose, RosNode, RosOptions};

    fn node(profile: &Profile, reach: Reach, live: bool, image: Option<(&str, bool)>) -> Result<RosNode> {
        let purpose = if live { Purpose::Live } else { Purpose::NotLive };
        let network = Network::from_env(|name| std::env::var(name).ok(), purpose)?;
        for note in network.notes() {
            tracing::warn!("{note}");
        }
        let mut options = RosOptions {
            node_name: profile.ros.node_name.clone(),
            namespace: profile.ros.namespace.clone(),
            cmd_vel_topic: profile.ros.cmd_vel.clone(),
            stamped: profile.ros.stamped,
            ..RosOptions::default()
        };
        if let Some((topic, compressed)) = image {
            topic.clone_into(&mut options.image_topic);
            options.image_transport = if compressed { ImageTransport::Compressed } else { ImageTransport::Raw };
        }
        if reach == Reach::DryRun {
            options = options.dry_run();
        }
        RosNode::start(&network, &options).context("cannot join the ROS network (--no-ros does without)")
    }

    pub(super) fn commands(profile: &Profile, reach: Reach, live: bool) -> Result<Box<dyn CommandSink>> {
        Ok(Box::new(node(profile, reach, live, None)?.command_publisher()?))
    }

    pub(super) fn image_topic(
        profile: &Profile,
        reach: Reach,
        topic: &str,
        compressed: bool,
    ) -> Result<(Box<dyn FrameSource>, Box<dyn CommandSink>)> {
        let node = node(profile, reach, true, Some((topic, compressed)))?;
        Ok((Box::new(node.image_source()?), Box::new(node.command_publisher()?)))
    }
}

#[cfg(not(feature = "ros"))]
mod ros {
    use super::{CommandSink, FrameSource, Profile, Reach, Result};

    const WITHOUT: &str =
        "this program was built without ROS (feature `ros`); give --no-ros, or build with the feature";

    pub(super) fn commands(_: &Profile, _: Reach, _: bool) -> Result<Box<dyn CommandSink>> {
        anyhow::bail!(WITHOUT)
    }

    pub(super) fn image_topic(
        _: &Profile,
        _: Reach,
        _: &str,
        _: bool,
    ) -> Result<(Box<dyn FrameSource>, Box<dyn CommandSink>)> {
        anyhow::bail!(WITHOUT)
    }
}
