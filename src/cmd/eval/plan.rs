//! What an evaluation is asked to do, checked; and which robot drives in which world.

use anyhow::{Context as _, Result};
use pilotage_sim::{Family, RobotKind, Split, WorldId};
use serde::{Deserialize, Serialize};

use crate::cli::EvalArgs;
use crate::config::Profile;
use crate::control::ControllerConfig;
use crate::drive::{controller_of, navigator_of};
use crate::episode::{DriveOptions, Effects, EpisodeSpec};
use crate::navigator::NavigatorConfig;

/// A way of driving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) enum Method {
    /// The runtime as it is.
    Ours,
    /// The runtime with other numbers: the so manieth `--also`.
    Also(u8),
    /// Our weights under the published rules.
    Reference,
    /// Picture matching.
    Visual,
    /// Picture matching that repeats the taught turns.
    Repeat,
    /// The taught commands, blind.
    Replay,
    /// The simulator's own driver.
    Oracle,
}

impl Method {
    pub(super) const ALL: [Self; 6] =
        [Self::Ours, Self::Reference, Self::Visual, Self::Repeat, Self::Replay, Self::Oracle];

    pub(super) fn name(self) -> String {
        match self {
            Self::Ours => "ours".into(),
            Self::Also(number) => format!("also-{number}"),
            Self::Reference => "reference".into(),
            Self::Visual => "visual".into(),
            Self::Repeat => "repeat".into(),
            Self::Replay => "replay".into(),
            Self::Oracle => "oracle".into(),
        }
    }

    pub(super) fn title(self) -> String {
        match self {
            Self::Ours => "pilotage".into(),
            Self::Also(_) => self.name(),
            Self::Reference => "reference rules".into(),
            Self::Visual => "visual matching".into(),
            Self::Repeat => "teach and repeat".into(),
            Self::Replay => "open-loop replay".into(),
            Self::Oracle => "oracle".into(),
        }
    }
}

impl From<Method> for String {
    fn from(method: Method) -> Self {
        method.name()
    }
}

impl TryFrom<String> for Method {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let also = name.strip_prefix("also-").and_then(|number| number.parse().ok()).map(Self::Also);
        let known = Self::ALL.into_iter().find(|method| method.name() == name);
        also.or(known).ok_or_else(|| format!("there is no method {name:?}"))
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
    settings: Vec<Setting>,
    /// The numbers of each [`Method::Also`], over `settings`.
    also: Vec<Vec<Setting>>,
}

/// A number's name and value.
type Setting = (String, serde_json::Value);

/// Which robots drive.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Robots {
    /// Whatever the world's seed gives, of those that training knows.
    Any,
    /// Three of five worlds of each kind with robots that training knows, two with others; each in turn.
    Mixed,
    /// These in turn.
    These(Vec<RobotKind>),
}

impl Robots {
    fn parse(names: &[String]) -> Result<Self> {
        let known = RobotKind::ALL.map(RobotKind::name).join(", ");
        match names {
            [one] if one == "any" => Ok(Self::Any),
            [one] if one == "all" => Ok(Self::Mixed),
            [one] if one == "seen" => Ok(Self::These(RobotKind::TRAINING.to_vec())),
            [one] if one == "unseen" => Ok(Self::These(RobotKind::HELD_OUT.to_vec())),
            _ => {
                let kind = |name: &String| {
                    RobotKind::from_name(name).with_context(|| {
                        format!("there is no robot {name:?}; choose all, seen, unseen, any or of {known}")
                    })
                };
                Ok(Self::These(names.iter().map(kind).collect::<Result<_>>()?))
            }
        }
    }

    /// The robot for a world; `Err` where none of them has room in it.
    fn kind(&self, id: WorldId) -> Result<Option<RobotKind>, Unfit> {
        // The kinds of worlds come in turn too, so the turn of the robots goes by rounds of them.
        let round = id.index / Family::ALL.len() as u64;
        let (kinds, turn): (&[RobotKind], u64) = match self {
            Self::Any => return Ok(None),
            Self::These(kinds) => (kinds, round),
            Self::Mixed if round.is_multiple_of(5) || round % 5 == 2 || round % 5 == 4 => {
                (&RobotKind::TRAINING, round / 5 * 3 + round % 5 / 2)
            }
            Self::Mixed => (&RobotKind::HELD_OUT, round / 5 * 2 + round % 5 / 2),
        };
        let fit: Vec<RobotKind> = kinds.iter().copied().filter(|kind| kind.suits(id.family())).collect();
        let index = turn.checked_rem(fit.len() as u64).ok_or(Unfit)?;
        fit.get(index as usize).copied().map(Some).ok_or(Unfit)
    }
}

/// None of the robots has room in this kind of world.
#[derive(Debug)]
struct Unfit;

impl Plan {
    pub(super) fn new(args: &EvalArgs) -> Result<Self> {
        let split = Split::from_name(&args.split)
            .with_context(|| format!("there is no split {:?}; choose train, validation or test", args.split))?;
        let effects = Effects::from_name(&args.effects)
            .with_context(|| format!("there are no effects {:?}; choose none, mild or strong", args.effects))?;
        let mut methods = Vec::new();
        for name in &args.methods {
            let method = Method::ALL.into_iter().find(|method| method.name() == *name);
            let known = Method::ALL.map(Method::name).join(", ");
            methods.push(method.with_context(|| format!("there is no method {name:?}; choose of {known}"))?);
        }
        let also =
            args.also.iter().map(|text| text.split_whitespace().map(setting).collect()).collect::<Result<Vec<_>>>()?;
        methods.extend((1..=also.len()).filter_map(|number| u8::try_from(number).ok()).map(Method::Also));
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
            also,
        };
        anyhow::ensure!(plan.episodes > 0, "--episodes must be at least 1");
        // A wrong name or value is said now and not after the first episode.
        for &method in &plan.methods {
            plan.options(method, &Profile::default())?;
        }
        Ok(plan)
    }

    /// The episode of an index; `None` where none of the robots has room in such a world.
    pub(super) fn spec(&self, index: u64) -> Option<EpisodeSpec> {
        let world = WorldId { split: self.split, index };
        let kind = self.robots.kind(world).ok()?;
        Some(EpisodeSpec { world, kind, effects: self.effects, movers: self.movers })
    }

    /// The numbers for `ours` and its like, for a robot.
    pub(super) fn options(&self, method: Method, profile: &Profile) -> Result<DriveOptions> {
        let mut navigator = serde_json::to_value(navigator_of(profile))?;
        let mut controller = serde_json::to_value(controller_of(profile, CAMERA_HZ))?;
        let also = match method {
            Method::Also(number) => self.also.get(usize::from(number).saturating_sub(1)),
            _ => None,
        };
        for (name, value) in self.settings.iter().chain(also.into_iter().flatten()) {
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

    /// The numbers that a method differs by, in words.
    pub(super) fn differs(&self, method: Method) -> Option<String> {
        let Method::Also(number) = method else { return None };
        let settings = self.also.get(usize::from(number).saturating_sub(1))?;
        Some(settings.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "))
    }

    /// What must be equal for two runs to be one; binds a file of finished episodes to its run.
    pub(super) fn key(&self, policy_sha256: &str) -> String {
        let text = |settings: &[Setting]| {
            settings.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        let also: Vec<String> = self.also.iter().map(|settings| text(settings)).collect();
        format!(
            "{} {} {:?} effects {} movers {} set [{}] also {also:?} policy {policy_sha256}",
            env!("CARGO_PKG_VERSION"),
            self.split.name(),
            self.robots,
            self.effects.name(),
            self.movers,
            text(&self.settings)
        )
    }
}

/// Rate of the cameras in an evaluation, hertz: the policy's own.
pub(super) const CAMERA_HZ: f64 = 4.0;

fn setting(text: &str) -> Result<Setting> {
    let (name, value) = text.split_once('=').with_context(|| format!("--set {text:?}: write it as NAME=VALUE"))?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::String(value.to_owned()));
    Ok((name.trim().to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_of_five_worlds_of_each_kind_are_driven_by_robots_that_training_knows() {
        for family in Family::ALL {
            let ids = (0..400).map(|index| WorldId { split: Split::Validation, index });
            let kinds: Vec<RobotKind> = ids
                .filter(|id| id.family() == family)
                .map(|id| Robots::Mixed.kind(id).unwrap().unwrap())
                .inspect(|kind| assert!(kind.suits(family), "{kind:?} in {family:?}"))
                .collect();
            let count = |kind: &RobotKind| kinds.iter().filter(|other| *other == kind).count();
            assert_eq!(RobotKind::TRAINING.iter().map(count).sum::<usize>(), 60, "{family:?}");
            let of_each: Vec<usize> = RobotKind::TRAINING.iter().filter(|kind| kind.suits(family)).map(count).collect();
            assert!(of_each.iter().all(|&n| n >= 60 / of_each.len() - 1), "{family:?}: {of_each:?}");
            let unseen = RobotKind::HELD_OUT.iter().filter(|kind| kind.suits(family)).map(count);
            assert!(unseen.clone().all(|n| n >= 20) && unseen.sum::<usize>() == 40, "{family:?}");
        }
    }

    #[test]
    fn a_number_that_does_not_exist_is_refused_by_name() {
        let plan = |text: &str| Plan {
            split: Split::Validation,
            first: 0,
            episodes: 1,
            methods: vec![Method::Ours],
            robots: Robots::Any,
            effects: Effects::None,
            movers: false,
            settings: vec![setting(text).unwrap()],
            also: Vec::new(),
        };
        let base = &Profile::default();
        assert!(
            (plan("lookahead_steps=4").options(Method::Ours, base).unwrap().navigator.lookahead_steps - 4.0).abs()
                < 1e-6
        );
        let divisor =
            plan("controller.speed_divisor=4").options(Method::Ours, base).unwrap().controller.unwrap().speed_divisor;
        assert!((divisor - 4.0).abs() < 1e-9);
        let error = plan("localizer.arive=4").options(Method::Ours, base).unwrap_err().to_string();
        assert!(error.contains("localizer.arive"), "{error}");
        assert!(plan("controller.speed_divisor=-1").options(Method::Ours, base).is_err());
    }
}
