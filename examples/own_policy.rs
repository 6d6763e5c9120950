//! A policy of your own: implement `Policy` and the runtime localises and drives by it.
//!
//! This one has learned nothing: it compares pictures column by column. The more they differ, the farther away the
//! goal is said to be; the goal is steered at by the shift that makes the two fit best. It shows the contract.
//!
//! Run it: `cargo run --example own_policy`

use pilotage::episode::{Episode, default_rule};
use pilotage::mapping::{self, BuildOptions};
use pilotage::policy::{
    MAX_WAYPOINTS, ModelImage, ModelSpec, NodeFeatures, Policy, PolicyError, Prediction, WaypointUnits,
};
use pilotage_sim::{Split, WorldId};

const WAYPOINTS: usize = 5;
/// How far one picture is slid over the other, columns.
const MOST_SHIFT: i32 = 10;
/// Mean difference of two columns that counts as one step.
const DIFFERENCE_PER_STEP: f32 = 3.0;

struct Columns {
    spec: ModelSpec,
    newest: Option<Vec<f32>>,
}

impl Columns {
    fn new() -> Self {
        let spec = ModelSpec {
            name: "columns".into(),
            width: 85,
            height: 64,
            context_frames: 6,
            rate_hz: 4.0,
            waypoints: WAYPOINTS,
            max_distance_steps: 20.0,
        };
        Self { spec, newest: None }
    }

    /// Mean brightness of each column.
    fn columns(&self, image: &ModelImage) -> Result<Vec<f32>, PolicyError> {
        let (width, height) = (self.spec.width, self.spec.height);
        if (image.width, image.height) != (width, height) {
            let (got_width, got_height) = (image.width, image.height);
            return Err(PolicyError::PictureSize { width, height, got_width, got_height });
        }
        let mut columns = vec![0.0; width as usize];
        for row in image.rgb.chunks_exact(3 * width as usize) {
            for (column, pixel) in columns.iter_mut().zip(row.chunks_exact(3)) {
                *column += pixel.iter().map(|&value| f32::from(value)).sum::<f32>() / (3.0 * height as f32);
            }
        }
        Ok(columns)
    }
}

/// Mean difference of two pictures when the goal is slid to the right by `shift` columns.
fn difference(now: &[f32], goal: &[f32], shift: i32) -> f32 {
    let skip = |by: i32| usize::try_from(by.max(0)).unwrap_or(0);
    let pairs = now.iter().skip(skip(shift)).zip(goal.iter().skip(skip(-shift)));
    let (sum, count) = pairs.fold((0.0, 0.0), |(sum, count), (a, b)| (sum + (a - b).abs(), count + 1.0));
    sum / f32::max(count, 1.0)
}

impl Policy for Columns {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn sha256(&self) -> &str {
        // A map remembers which model it was built with. A learned policy gives the hash of its weights here.
        "00000000000000000000000000000000000000000000000000000000000c0105"
    }

    fn describe(&self) -> String {
        "columns, not learned".into()
    }

    fn remember(&mut self, goal: &ModelImage) -> Result<NodeFeatures, PolicyError> {
        Ok(NodeFeatures::new(vec![self.columns(goal)?]))
    }

    fn observe(&mut self, context: &[ModelImage]) -> Result<(), PolicyError> {
        let expected = self.spec.context_frames;
        let newest = context.last().filter(|_| context.len() == expected);
        let newest = newest.ok_or(PolicyError::ContextLength { expected, got: context.len() })?;
        self.newest = Some(self.columns(newest)?);
        Ok(())
    }

    fn predict(&mut self, nodes: &[&NodeFeatures]) -> Result<Vec<Prediction>, PolicyError> {
        let now = self.newest.as_ref().ok_or(PolicyError::NothingObserved)?;
        let answer = |(index, node): (usize, &&NodeFeatures)| {
            let reason = "it holds no columns".to_owned();
            let goal = node.tensors().first().ok_or(PolicyError::ForeignFeatures { index, reason })?;
            let shift = (-MOST_SHIFT..=MOST_SHIFT)
                .min_by(|&a, &b| difference(now, goal, a).total_cmp(&difference(now, goal, b)))
                .unwrap_or(0);
            let turn_rad = -0.02 * shift as f32;
            let mut waypoints = [WaypointUnits::default(); MAX_WAYPOINTS];
            for (step, waypoint) in (1_u8..).zip(waypoints.iter_mut().take(WAYPOINTS)) {
                let (steps, yaw_rad) = (f32::from(step), turn_rad * f32::from(step));
                *waypoint = WaypointUnits {
                    x_units: steps * yaw_rad.cos(),
                    y_units: steps * yaw_rad.sin(),
                    cos_yaw: yaw_rad.cos(),
                    sin_yaw: yaw_rad.sin(),
                };
            }
            let distance_steps = difference(now, goal, shift) / DIFFERENCE_PER_STEP;
            Ok(Prediction { distance_steps, waypoints, len: WAYPOINTS })
        };
        nodes.iter().enumerate().map(answer).collect()
    }
}

#[allow(clippy::print_stdout)]
fn main() -> anyhow::Result<()> {
    let world = WorldId { split: Split::Validation, index: 5 };
    let episode = Episode::of(world).ok_or_else(|| anyhow::anyhow!("this world cannot be driven"))?;
    let folder = std::env::temp_dir().join(format!("pilotage-own-policy-{}", std::process::id()));
    let options = BuildOptions { rule: default_rule(), replace: true };
    let (map, report) = mapping::build(&mut episode.log(), &mut Columns::new(), &options, &folder, &mut |_, _, _| {})?;
    println!("map         {} places out of {} frames", report.nodes, report.frames);
    let outcome = episode.drive(Box::new(Columns::new()), map, None, &mut |_| {})?.outcome;
    println!(
        "drive       {:.0} % of the way, {} touches, then {}",
        100.0 * outcome.progress,
        outcome.touches,
        outcome.end_phase.as_deref().unwrap_or("nothing")
    );
    println!("A learned policy does better: cargo run -- eval --split validation --episodes 6");
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
