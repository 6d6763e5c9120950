//! A policy of the GNM contract, split in three graphs so that nothing is computed twice: `tick` once per
//! context, `node` once per goal image, `candidate` per question. Tensors are wired by name; what is in
//! them is the model's affair.

use std::path::Path;
use std::sync::Arc;

use super::engine::{Chosen, EngineChoice, Graph, choose};
use super::error::PolicyError;
use super::manifest::{PolicyFolder, VALUES_PER_WAYPOINT};
use super::preprocess::{check_size, normalise};
use super::{MAX_WAYPOINTS, ModelImage, ModelSpec, NodeFeatures, Policy, Prediction, WaypointUnits};

/// Most nodes in one run of the candidate graph; longer questions are cut up, which bounds the memory.
const MAX_BATCH: usize = 32;

/// Where an input of the candidate graph comes from: position among the tick's or the node's outputs.
#[derive(Clone, Copy)]
enum Source {
    Tick(usize),
    Node(usize),
}

/// A loaded policy of the GNM contract.
pub(crate) struct GraphPolicy {
    spec: ModelSpec,
    sha256: String,
    describe: String,
    engine_kind: EngineChoice,
    mean: [f32; 3],
    std: [f32; 3],
    tick: Graph,
    node: Graph,
    candidate: Graph,
    wiring: Vec<Source>,
    answers: Answers,
    /// Normalised pictures of the last context or goal.
    numbers: Vec<f32>,
    /// Features of a batch of nodes, one buffer per input of the candidate graph.
    batch: Vec<Vec<f32>>,
    /// The tick's outputs, from `observe` until the next one.
    seen: Option<Vec<Vec<f32>>>,
}

/// Positions of the two answers among a graph's outputs.
#[derive(Clone, Copy)]
pub(crate) struct Answers {
    distance: usize,
    waypoints: usize,
}

impl Answers {
    /// Finds the answers by name; the manifest's rules say that they are there.
    pub(crate) fn of(graph: &Graph) -> Self {
        let position = |name: &str| graph.outputs().iter().position(|t| t.name == name).unwrap_or(usize::MAX);
        Self { distance: position("distance"), waypoints: position("waypoints") }
    }

    /// Turns a run's outputs into predictions, one per batch item.
    pub(crate) fn predictions(self, outputs: &[Vec<f32>], waypoints: usize) -> Vec<Prediction> {
        let none: &[f32] = &[];
        let distances = outputs.get(self.distance).map_or(none, Vec::as_slice);
        let values = outputs.get(self.waypoints).map_or(none, Vec::as_slice);
        let rows = values.chunks_exact((waypoints * VALUES_PER_WAYPOINT).max(1));
        distances.iter().zip(rows).map(|(distance, row)| prediction(*distance, row)).collect()
    }
}

fn prediction(distance_steps: f32, row: &[f32]) -> Prediction {
    let mut waypoints = [WaypointUnits::default(); MAX_WAYPOINTS];
    let (rows, _) = row.as_chunks::<VALUES_PER_WAYPOINT>();
    for (waypoint, &[x_units, y_units, cos_yaw, sin_yaw]) in waypoints.iter_mut().zip(rows) {
        *waypoint = WaypointUnits { x_units, y_units, cos_yaw, sin_yaw };
    }
    Prediction { distance_steps, waypoints, len: rows.len().min(MAX_WAYPOINTS) }
}

impl GraphPolicy {
    /// Loads a folder with the engine asked for and runs every graph once.
    pub(crate) fn load(folder: &Path, engine: EngineChoice, library: Option<&Path>) -> Result<Self, PolicyError> {
        let folder = PolicyFolder::open(folder)?;
        Self::from_folder(&folder, &choose(engine, library)?)
    }

    /// As [`Self::load`], with the engine already chosen.
    pub(crate) fn from_folder(folder: &PolicyFolder, chosen: &Chosen) -> Result<Self, PolicyError> {
        let graphs = &folder.manifest.graphs;
        let engine = chosen.engine.as_ref();
        let tick = Graph::load(folder, &graphs.tick, engine)?;
        let node = Graph::load(folder, &graphs.node, engine)?;
        let candidate = Graph::load(folder, &graphs.candidate, engine)?;
        let spec = folder.spec();
        let position = |graph: &Graph, name: &str| graph.outputs().iter().position(|t| t.name == name);
        let wiring = candidate.inputs().iter().filter_map(|t| {
            let tick = position(&tick, &t.name).map(Source::Tick);
            tick.or_else(|| position(&node, &t.name).map(Source::Node))
        });
        let mut policy = Self {
            describe: format!("{}, {}", spec.name, chosen.describe()),
            engine_kind: chosen.kind,
            sha256: folder.sha256.clone(),
            mean: folder.manifest.input.mean,
            std: folder.manifest.input.std,
            wiring: wiring.collect(),
            answers: Answers::of(&candidate),
            batch: vec![Vec::new(); candidate.inputs().len()],
            numbers: Vec::new(),
            seen: None,
            spec,
            tick,
            node,
            candidate,
        };
        policy.rehearse()?;
        Ok(policy)
    }

    /// Asks one question of every graph, so that a shape the engine could not tell beforehand is found at
    /// load and not on the first tick, and the engine has made its first-run allocations.
    fn rehearse(&mut self) -> Result<(), PolicyError> {
        let (width, height) = (self.spec.width, self.spec.height);
        let black = ModelImage { width, height, rgb: vec![0; width as usize * height as usize * 3].into() };
        let node = self.remember(&black)?;
        self.observe(&vec![black; self.spec.context_frames])?;
        // Two nodes, because a graph whose batch is fixed at one would pass with one.
        self.predict(&[&node, &node])?;
        self.seen = None;
        Ok(())
    }

    /// Gathers a batch's features input by input and runs the candidate graph on it.
    fn ask(&mut self, nodes: &[&NodeFeatures]) -> Result<Vec<Prediction>, PolicyError> {
        let Some(seen) = &self.seen else {
            return Err(PolicyError::NothingObserved);
        };
        for (buffer, source) in self.batch.iter_mut().zip(&self.wiring) {
            let Source::Node(position) = *source else {
                continue;
            };
            buffer.clear();
            for features in nodes.iter().filter_map(|n| n.0.get(position)) {
                buffer.extend_from_slice(features);
            }
        }
        let inputs: Vec<&[f32]> = self
            .wiring
            .iter()
            .zip(&self.batch)
            .filter_map(|(source, buffer)| match *source {
                Source::Tick(position) => seen.get(position).map(Vec::as_slice),
                Source::Node(_) => Some(buffer.as_slice()),
            })
            .collect();
        let outputs = self.candidate.run(nodes.len(), &inputs)?;
        Ok(self.answers.predictions(&outputs, self.spec.waypoints))
    }

    fn check_features(&self, index: usize, features: &NodeFeatures) -> Result<(), PolicyError> {
        let foreign = |reason: String| PolicyError::ForeignFeatures { index, reason };
        let declared = self.node.outputs();
        if features.0.len() != declared.len() {
            return Err(foreign(format!("{} tensors, not {}", features.0.len(), declared.len())));
        }
        match features.0.iter().zip(declared).find(|(f, t)| f.len() != t.numbers()) {
            Some((f, t)) => Err(foreign(format!("'{}' has {} numbers, not {}", t.name, f.len(), t.numbers()))),
            None => Ok(()),
        }
    }
}

/// Normalises into a buffer that is kept from call to call.
fn fill(
    numbers: &mut Vec<f32>,
    pictures: &[ModelImage],
    spec: &ModelSpec,
    mean: [f32; 3],
    std: [f32; 3],
) -> Result<(), PolicyError> {
    for picture in pictures {
        check_size(picture, spec.width, spec.height)?;
    }
    numbers.resize(pictures.len() * 3 * spec.width as usize * spec.height as usize, 0.0);
    normalise(pictures, mean, std, numbers)
}

impl Policy for GraphPolicy {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn sha256(&self) -> &str {
        &self.sha256
    }

    fn describe(&self) -> String {
        self.describe.clone()
    }

    fn engine(&self) -> EngineChoice {
        self.engine_kind
    }

    fn remember(&mut self, goal: &ModelImage) -> Result<NodeFeatures, PolicyError> {
        fill(&mut self.numbers, std::slice::from_ref(goal), &self.spec, self.mean, self.std)?;
        // Always one at a time: features must not depend on which nodes were computed together.
        let features = self.node.run(1, &[&self.numbers])?;
        Ok(NodeFeatures(Arc::from(features)))
    }

    fn observe(&mut self, context: &[ModelImage]) -> Result<(), PolicyError> {
        // Forgotten first: after a failure an answer about the context before would be a lie.
        self.seen = None;
        if context.len() != self.spec.context_frames {
            return Err(PolicyError::ContextLength { expected: self.spec.context_frames, got: context.len() });
        }
        fill(&mut self.numbers, context, &self.spec, self.mean, self.std)?;
        self.seen = Some(self.tick.run(1, &[&self.numbers])?);
        Ok(())
    }

    fn predict(&mut self, nodes: &[&NodeFeatures]) -> Result<Vec<Prediction>, PolicyError> {
        for (index, features) in nodes.iter().enumerate() {
            self.check_features(index, features)?;
        }
        if self.seen.is_none() {
            return Err(PolicyError::NothingObserved);
        }
        let mut predictions = Vec::with_capacity(nodes.len());
        for some in nodes.chunks(MAX_BATCH) {
            predictions.extend(self.ask(some)?);
        }
        Ok(predictions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_not_finite_are_passed_on_for_the_navigator_to_judge() {
        let outputs = [vec![f32::NAN, 3.0], vec![f32::INFINITY, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]];
        let answers = Answers { distance: 0, waypoints: 1 }.predictions(&outputs, 1);
        assert_eq!(answers.len(), 2);
        assert!(answers[0].distance_steps.is_nan());
        assert!(answers[0].waypoints()[0].x_units.is_infinite());
        assert_eq!(answers[1].waypoints().len(), 1);
        let second = answers[1].waypoints()[0];
        assert_eq!([second.x_units, second.y_units, second.cos_yaw, second.sin_yaw].map(|x| x as i32), [4, 5, 6, 7]);
    }
}
