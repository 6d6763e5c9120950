//! Does a model answer here what it answered where it was made? `pilotage policy check` prints this report.

use std::fmt;
use std::path::Path;

use super::engine::{Chosen, EngineChoice, Graph, choose};
use super::error::PolicyError;
use super::gnm::{Answers, GraphPolicy};
use super::golden::{GoldenSet, largest_difference, numbers};
use super::manifest::PolicyFolder;
use super::preprocess::normalise;
use super::{ModelImage, Policy, Prediction};

/// Largest accepted difference from the golden values, and between engines.
pub const GOLDEN_TOLERANCE: f32 = 1e-3;
/// Largest accepted difference of the split, cached graphs from the whole one.
pub const SPLIT_TOLERANCE: f32 = 1e-4;

/// What one engine answered. Differences are the largest over all pairs and numbers (steps, model units,
/// cosines and sines alike); a number that is not finite makes them infinite.
#[derive(Clone, Debug)]
pub struct EngineParity {
    /// Engine and version.
    pub engine: String,
    /// Split graphs against the golden values.
    pub golden_max_diff: f32,
    /// Split graphs against the `whole` graph; `None` when the folder has none.
    pub split_max_diff: Option<f32>,
}

/// What all engines answered.
#[derive(Clone, Debug)]
pub struct ParityReport {
    /// Name of the model.
    pub model: String,
    /// SHA-256 of the manifest.
    pub sha256: String,
    /// Context and goal pairs asked about.
    pub pairs: usize,
    /// One entry per engine that could be used.
    pub engines: Vec<EngineParity>,
    /// Largest difference between engines; `None` with one engine.
    pub between_engines_max_diff: Option<f32>,
    /// Why an engine could not be used.
    pub left_out: Vec<String>,
}

impl ParityReport {
    /// Whether every difference is within its tolerance. At least one engine answered, or there is no report.
    #[must_use]
    pub fn passes(&self) -> bool {
        let each = |e: &EngineParity| {
            e.golden_max_diff <= GOLDEN_TOLERANCE && e.split_max_diff.is_none_or(|d| d <= SPLIT_TOLERANCE)
        };
        self.engines.iter().all(each) && self.between_engines_max_diff.is_none_or(|d| d <= GOLDEN_TOLERANCE)
    }
}

impl fmt::Display for ParityReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, sha256, pairs, engines, between_engines_max_diff, left_out } = self;
        writeln!(f, "{model}: {pairs} pairs of context and goal, manifest SHA-256 {sha256}")?;
        for EngineParity { engine, golden_max_diff, split_max_diff } in engines {
            writeln!(f, "{engine}")?;
            writeln!(f, "  golden values   largest difference {golden_max_diff:.1e} (allowed {GOLDEN_TOLERANCE:.0e})")?;
            match split_max_diff {
                Some(d) => writeln!(f, "  split vs whole  largest difference {d:.1e} (allowed {SPLIT_TOLERANCE:.0e})")?,
                None => writeln!(f, "  split vs whole  not checked: the folder has no whole graph")?,
            }
        }
        if let Some(d) = between_engines_max_diff {
            writeln!(f, "between engines   largest difference {d:.1e} (allowed {GOLDEN_TOLERANCE:.0e})")?;
        }
        for reason in left_out {
            writeln!(f, "left out: {reason}")?;
        }
        write!(f, "{}", if self.passes() { "pass" } else { "FAIL" })
    }
}

/// Asks every engine about the golden pairs of a folder.
///
/// # Errors
/// Those of loading and running; [`PolicyError::NothingToCompare`] for a folder without golden values. That
/// ONNX Runtime is missing is an error only when a library was named.
pub fn parity(folder: &Path, library: Option<&Path>) -> Result<ParityReport, PolicyError> {
    let folder = PolicyFolder::open(folder)?;
    let golden = GoldenSet::read(&folder)?;
    let mut report = ParityReport {
        model: folder.manifest.name.clone(),
        sha256: folder.sha256.clone(),
        pairs: golden.answers.len(),
        engines: Vec::new(),
        between_engines_max_diff: None,
        left_out: Vec::new(),
    };
    let mut of_engines: Vec<Vec<Vec<f32>>> = Vec::new();
    for choice in [EngineChoice::Ort, EngineChoice::Builtin] {
        let chosen = match choose(choice, library) {
            Ok(chosen) => chosen,
            Err(error) if library.is_some() => return Err(error),
            Err(error) => {
                report.left_out.push(error.to_string());
                continue;
            }
        };
        let split = answers(&mut GraphPolicy::from_folder(&folder, &chosen)?, &golden)?;
        let whole = match Whole::load(&folder, &chosen)? {
            Some(mut whole) => Some(whole.answers(&golden)?),
            None => None,
        };
        report.engines.push(EngineParity {
            engine: chosen.describe(),
            golden_max_diff: largest(&split, &golden.answers),
            split_max_diff: whole.map(|whole| largest(&split, &whole)),
        });
        of_engines.push(split);
    }
    if let [first, second] = of_engines.as_slice() {
        report.between_engines_max_diff = Some(largest(first, second));
    }
    Ok(report)
}

fn largest(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    if a.len() != b.len() {
        return f32::INFINITY;
    }
    a.iter().zip(b).fold(0.0, |largest: f32, (x, y)| largest.max(largest_difference(x, y)))
}

/// The split graphs' answers to all golden pairs, every node remembered once, as on the robot.
fn answers(policy: &mut GraphPolicy, golden: &GoldenSet) -> Result<Vec<Vec<f32>>, PolicyError> {
    let nodes = golden.goals.iter().map(|goal| policy.remember(goal)).collect::<Result<Vec<_>, _>>()?;
    let nodes: Vec<_> = nodes.iter().collect();
    let mut all = Vec::new();
    for context in &golden.contexts {
        policy.observe(context)?;
        all.extend(policy.predict(&nodes)?.iter().map(numbers));
    }
    Ok(all)
}

/// The oracle: the model as one graph that shares nothing. Never on the robot.
pub struct Whole {
    graph: Graph,
    answers: Answers,
    context_first: bool,
    waypoints: usize,
    mean: [f32; 3],
    std: [f32; 3],
}

impl Whole {
    /// Opens the `whole` graph of a folder with the engine asked for; `None` when the folder has none.
    ///
    /// # Errors
    /// Those of loading.
    pub fn open(folder: &Path, engine: EngineChoice, library: Option<&Path>) -> Result<Option<Self>, PolicyError> {
        Self::load(&PolicyFolder::open(folder)?, &choose(engine, library)?)
    }

    fn load(folder: &PolicyFolder, chosen: &Chosen) -> Result<Option<Self>, PolicyError> {
        let manifest = &folder.manifest;
        let Some(decl) = &manifest.graphs.whole else {
            return Ok(None);
        };
        let graph = Graph::load(folder, decl, chosen.engine.as_ref())?;
        Ok(Some(Self {
            answers: Answers::of(&graph),
            context_first: graph.inputs().first().is_some_and(|t| t.name == "context"),
            waypoints: manifest.output.waypoints,
            mean: manifest.input.mean,
            std: manifest.input.std,
            graph,
        }))
    }

    /// Asks about goals with one context, everything computed anew and the context repeated for every goal.
    ///
    /// # Errors
    /// When pictures do not fit the model, or the engine fails.
    pub fn predict(&mut self, context: &[ModelImage], goals: &[ModelImage]) -> Result<Vec<Prediction>, PolicyError> {
        let seen = self.normalised(context)?.repeat(goals.len());
        let mut wanted = Vec::new();
        for goal in goals {
            wanted.extend(self.normalised(std::slice::from_ref(goal))?);
        }
        let inputs = if self.context_first { [&seen[..], &wanted[..]] } else { [&wanted[..], &seen[..]] };
        let outputs = self.graph.run(goals.len(), &inputs)?;
        Ok(self.answers.predictions(&outputs, self.waypoints))
    }

    fn normalised(&self, pictures: &[ModelImage]) -> Result<Vec<f32>, PolicyError> {
        let mut numbers = vec![0.0; pictures.iter().map(|p| p.rgb.len()).sum()];
        normalise(pictures, self.mean, self.std, &mut numbers)?;
        Ok(numbers)
    }

    fn answers(&mut self, golden: &GoldenSet) -> Result<Vec<Vec<f32>>, PolicyError> {
        let mut all = Vec::new();
        for context in &golden.contexts {
            // One goal at a time, so that nothing can be shared between them.
            for goal in &golden.goals {
                all.extend(self.predict(context, std::slice::from_ref(goal))?.iter().map(numbers));
            }
        }
        Ok(all)
    }
}
