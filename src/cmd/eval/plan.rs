//! What an evaluation is asked to do, checked; and which robot drives in which world.

use anyhow::{Context as _, Result};
use pilotage_sim::{Split, WorldId};
use serde::{Deserialize, Serialize};

use crate::cli::EvalArgs;
use crate::control::ControllerConfig;
use crate::episode::{DriveOptions, Effects, EpisodeSpec, Kind};
use crate::navigator::NavigatorConfig;

/// A way of driving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Method {
    /// The runtime as it is.
    Ours,
    /// Our weights under the published rules.
    Reference,
    /// Picture matching.
    Visual,
    /// The taught commands, blind.
    Replay,
    /// The simulator's own driver.
    Oracle,
}

impl Method {
    pub(super) const ALL: [Self; 5] = [Self::Ours, Self::Reference, Self::Visual, Self::Replay, Self::Oracle];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Reference => "reference",
            Self::Visual => "visual",
            Self::Replay => "replay",
            Self::Oracle => "oracle",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Ours => "pilotage",
            Self::Reference => "reference rules",
            Self::Visual => "visual matching",
            Self::Replay => "open-loop replay",
            Self::Oracle => "oracle",
        }
    }
}

/// What to do, checked.
pub(super) struct Plan {
    pub(super) split: Split,
    pub(super) first: u64,
    pub(super) episodes: usize,
    pub(super) methods: Vec<Method>,
    pub(super) robots: Robots,
    pub(super) effects: Effects,
    pub(super) movers: bool,
    settings: Vec<(String, serde_json::Value)>,
}

/// Which robots drive.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Robots {
    /// Whatever the world's seed gives.
    Any,
}

impl Robots {
    fn parse(names: &[String]) -> Result<Self> {
        match names {
            [one] if one == "any" || one == "all" => Ok(Self::Any),
            _ => anyhow::bail!("unknown robots"),
        }
    }

    fn kind(&self, _id: WorldId) -> Kind {
        match self {
            Self::Any => Kind::Any,
        }
    }
}

impl Plan {
    pub(super) fn new(args: &EvalArgs) -> Result<Self> {
        let split = Split::from_name(&args.split)
            .with_context(|| format!("there is no split {:?}; choose train, validation or test", args.split))?;
        let effects = Effects::from_name(&args.effects)
            .with_context(|| format!("there are no effects {:?}; choose none, mild or strong", args.effects))?;
        let mut methods = Vec::new();
        for name in &args.methods {
            let method = Method::ALL.into_iter().find(|method| method.name() == name);
            let known = Method::ALL.map(Method::name).join(", ");
            methods.push(method.with_context(|| format!("there is no method {name:?}; choose of {known}"))?);
        }
        methods.sort_unstable();
        methods.dedup();
        let settings = args.settings.iter().map(|text| setting(text)).collect::<Result<Vec<_>>>()?;
        let plan = Self {
            split,
            first: args.first,
            episodes: args.episodes,
            methods,
            robots: Robots::parse(&args.robots)?,
            effects,
            movers: args.movers,
            settings,
        };
        anyhow::ensure!(plan.episodes > 0, "--episodes must be at least 1");
        // A wrong name or value is said now and not after the first episode.
        plan.options(ControllerConfig::for_robot(0.5, 1.0, 0.125))?;
        Ok(plan)
    }

    pub(super) fn spec(&self, index: u64) -> EpisodeSpec {
        let world = WorldId { split: self.split, index };
        EpisodeSpec { world, kind: self.robots.kind(world), effects: self.effects, movers: self.movers }
    }

    /// The numbers for `ours`, for a robot whose own controller is `base`.
    pub(super) fn options(&self, base: ControllerConfig) -> Result<DriveOptions> {
        let mut navigator = serde_json::to_value(NavigatorConfig::default())?;
        let mut controller = serde_json::to_value(base)?;
        for (name, value) in &self.settings {
            let (tree, path) = match name.strip_prefix("controller.") {
                Some(path) => (&mut controller, path),
                None => (&mut navigator, name.as_str()),
            };
            let pointer = format!("/{}", path.replace('.', "/"));
            let slot = tree.pointer_mut(&pointer).with_context(|| format!("--set: there is no number {name:?}"))?;
            *slot = value.clone();
        }
        let because = || format!("--set {:?} cannot be used", self.settings);
        let navigator: NavigatorConfig = serde_json::from_value(navigator).with_context(because)?;
        let controller: ControllerConfig = serde_json::from_value(controller).with_context(because)?;
        Ok(DriveOptions {
            navigator,
            controller: Some(controller.checked()?),
            // The runtime samples the camera at the policy's rate: pictures between would only be thrown away.
            camera_hz: CAMERA_HZ,
        })
    }

    /// What must be equal for two runs to be one; binds a file of finished episodes to its run.
    pub(super) fn key(&self, policy_sha256: &str) -> String {
        let settings: Vec<String> = self.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!(
            "{} {} {:?} effects {} movers {} set [{}] policy {policy_sha256}",
            env!("CARGO_PKG_VERSION"),
            self.split.name(),
            self.robots,
            self.effects.name(),
            self.movers,
            settings.join(", ")
        )
    }
}

/// Rate of the cameras in an evaluation, hertz: the policy's own.
pub(super) const CAMERA_HZ: f64 = 4.0;

fn setting(text: &str) -> Result<(String, serde_json::Value)> {
    let (name, value) = text.split_once('=').with_context(|| format!("--set {text:?}: write it as NAME=VALUE"))?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::String(value.to_owned()));
    Ok((name.trim().to_owned(), value))
}
