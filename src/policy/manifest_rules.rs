//! What must hold in a manifest before anything is allocated or wired from it.

use std::collections::BTreeMap;

use super::MAX_WAYPOINTS;
use super::files::is_plain_name;
use super::manifest::{GraphDecl, Graphs, Manifest, TensorDecl, VALUES_PER_WAYPOINT};

/// Largest tensor a manifest may declare, in numbers per batch item (64 MB as f32).
const MAX_NUMBERS: usize = 16 * 1024 * 1024;

impl Manifest {
    /// The first rule that does not hold: key and reason.
    pub(crate) fn fault(&self) -> Option<(String, String)> {
        self.fault_in_values().or_else(|| self.fault_in_files()).or_else(|| self.fault_in_wiring())
    }

    fn fault_in_values(&self) -> Option<(String, String)> {
        let Self { name, input, output, .. } = self;
        let of_pictures = picture_rules(input.width, input.height, &input.resize, input.mean, input.std);
        let rules: [Rule; 6] = [
            name_rule(name),
            (
                (1..=16).contains(&input.context_frames),
                "input.context_frames",
                format!("{}, 1 to 16 are possible", input.context_frames),
            ),
            (within(input.rate_hz, 0.1, 60.0), "input.rate_hz", format!("{}, 0.1 to 60 are possible", input.rate_hz)),
            (
                (1..=MAX_WAYPOINTS).contains(&output.waypoints),
                "output.waypoints",
                format!("{}, 1 to {MAX_WAYPOINTS} are possible", output.waypoints),
            ),
            (
                output.values_per_waypoint == VALUES_PER_WAYPOINT,
                "output.values_per_waypoint",
                format!("{}, only {VALUES_PER_WAYPOINT} (x, y, cos, sin) is possible", output.values_per_waypoint),
            ),
            (
                within(f64::from(output.max_distance_steps), 1.0, 10_000.0),
                "output.max_distance_steps",
                format!("{}, 1 to 10000 are possible", output.max_distance_steps),
            ),
        ];
        first_broken(of_pictures.into_iter().chain(rules))
    }

    fn graphs(&self) -> impl Iterator<Item = (&'static str, &GraphDecl)> {
        let Graphs { tick, node, candidate, whole } = &self.graphs;
        let three = [("graphs.tick", tick), ("graphs.node", node), ("graphs.candidate", candidate)];
        three.into_iter().chain(whole.iter().map(|g| ("graphs.whole", g)))
    }

    fn fault_in_files(&self) -> Option<(String, String)> {
        let golden = self.golden.iter().map(|g| ("golden", &g.file, &g.sha256));
        let mut files = self.graphs().map(|(key, g)| (key, &g.file, &g.sha256)).chain(golden);
        if let Some(fault) = files.find_map(|(key, file, sha256)| fault_in_file(key, file, sha256)) {
            return Some(fault);
        }
        let counts = self.golden.as_ref().map(|g| (g.contexts, g.goals));
        counts
            .filter(|&(c, g)| !(1..=64).contains(&c) || !(1..=64).contains(&g))
            .map(|(c, g)| ("golden".to_string(), format!("{c} contexts and {g} goals, 1 to 64 of each are possible")))
    }

    fn fault_in_wiring(&self) -> Option<(String, String)> {
        let mut made: BTreeMap<&str, &TensorDecl> = BTreeMap::new();
        for (key, graph) in self.graphs() {
            for (part, tensors) in [("inputs", &graph.inputs), ("outputs", &graph.outputs)] {
                if let Some(reason) = fault_in_tensors(tensors) {
                    return Some((format!("{key}.{part}"), reason));
                }
            }
        }
        let Graphs { tick, node, candidate, whole } = &self.graphs;
        let (width, height) = (i64::from(self.input.width), i64::from(self.input.height));
        let channels = i64::try_from(self.input.context_frames * 3).unwrap_or(0);
        let context = |batch: i64| vec![batch, channels, height, width];
        let goal = vec![-1, 3, height, width];
        for (key, graph, shape) in [("graphs.tick", tick, context(1)), ("graphs.node", node, goal.clone())] {
            if graph.inputs.len() != 1 || graph.inputs.iter().any(|t| t.shape != shape) {
                return Some((format!("{key}.inputs"), format!("must be one tensor of shape {shape:?}")));
            }
        }
        for (key, graph, batched) in [("graphs.tick", tick, false), ("graphs.node", node, true)] {
            for tensor in &graph.outputs {
                if tensor.is_batched() != batched {
                    let lead = if batched { -1 } else { 1 };
                    let reason = format!("'{}' has shape {:?}, it must begin with {lead}", tensor.name, tensor.shape);
                    return Some((format!("{key}.outputs"), reason));
                }
                if made.insert(&tensor.name, tensor).is_some() {
                    let reason = format!("'{}' is made by both tick and node, so the wiring is unclear", tensor.name);
                    return Some((format!("{key}.outputs"), reason));
                }
            }
        }
        for tensor in &candidate.inputs {
            let source = made.get(tensor.name.as_str());
            if source.is_none_or(|made| made.shape != tensor.shape) {
                let found = source.map_or("nothing of that name".to_string(), |m| format!("shape {:?}", m.shape));
                let reason = format!("'{}' of shape {:?}: tick and node make {found}", tensor.name, tensor.shape);
                return Some(("graphs.candidate.inputs".to_string(), reason));
            }
        }
        if !candidate.inputs.iter().any(TensorDecl::is_batched) {
            return Some(("graphs.candidate.inputs".to_string(), "takes nothing from the node graph".to_string()));
        }
        if let Some(reason) = self.fault_in_answers(candidate) {
            return Some(("graphs.candidate.outputs".to_string(), reason));
        }
        let whole = whole.as_ref()?;
        if let Some(reason) = self.fault_in_answers(whole) {
            return Some(("graphs.whole.outputs".to_string(), reason));
        }
        let wanted = [("context", context(-1)), ("goal", goal)];
        let fits = whole.inputs.len() == wanted.len()
            && wanted.iter().all(|(name, shape)| whole.inputs.iter().any(|t| t.name == *name && t.shape == *shape));
        (!fits).then(|| ("graphs.whole.inputs".to_string(), format!("must be {wanted:?}")))
    }

    /// The two tensors every asking graph answers with.
    fn fault_in_answers(&self, graph: &GraphDecl) -> Option<String> {
        let waypoints = i64::try_from(self.output.waypoints).unwrap_or(0);
        let values = i64::try_from(self.output.values_per_waypoint).unwrap_or(0);
        [("distance", vec![-1, 1]), ("waypoints", vec![-1, waypoints, values])].into_iter().find_map(|(name, shape)| {
            let fits = graph.outputs.iter().any(|t| t.name == name && t.shape == shape);
            (!fits).then(|| format!("must hold '{name}' of shape {shape:?}"))
        })
    }
}

/// A rule: whether it holds, the key it is about, what is wrong if it does not.
pub(crate) type Rule = (bool, &'static str, String);

/// Key and reason of the first rule that does not hold.
pub(crate) fn first_broken(rules: impl IntoIterator<Item = Rule>) -> Option<(String, String)> {
    rules.into_iter().find(|(holds, ..)| !holds).map(|(_, field, reason)| (field.to_string(), reason))
}

fn within(value: f64, low: f64, high: f64) -> bool {
    (low..=high).contains(&value)
}

/// The model's name.
pub(crate) fn name_rule(name: &str) -> Rule {
    (is_plain_name(name), "name", format!("{name:?} is no plain name (letters, digits, . _ -)"))
}

/// What pictures a model may take.
pub(crate) fn picture_rules(width: u32, height: u32, resize: &str, mean: [f32; 3], std: [f32; 3]) -> [Rule; 4] {
    [
        (
            (8..=512).contains(&width) && (8..=512).contains(&height),
            "input.width, input.height",
            format!("{width}x{height} pixels, 8 to 512 a side are possible"),
        ),
        (resize == "pillow-bicubic", "input.resize", format!("{resize:?} is not known, only \"pillow-bicubic\" is")),
        (
            mean.iter().all(|m| within(f64::from(*m), -10.0, 10.0)),
            "input.mean",
            format!("{mean:?}, -10 to 10 are possible"),
        ),
        (
            std.iter().all(|s| within(f64::from(*s), 1e-3, 1e3)),
            "input.std",
            format!("{std:?}, 0.001 to 1000 are possible"),
        ),
    ]
}

/// What may be wrong with the entry of a file.
pub(crate) fn fault_in_file(key: &str, file: &str, sha256: &str) -> Option<(String, String)> {
    if !is_plain_name(file) {
        let reason = format!("{file:?} is no plain file name; every file must lie in the policy folder itself");
        return Some((format!("{key}.file"), reason));
    }
    if sha256.len() != 64 || !sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Some((format!("{key}.sha256"), format!("{sha256:?} is not 64 lower-case hex digits")));
    }
    None
}

pub(crate) fn fault_in_tensors(tensors: &[TensorDecl]) -> Option<String> {
    if tensors.is_empty() || tensors.len() > 32 {
        return Some(format!("{} tensors, 1 to 32 are possible", tensors.len()));
    }
    for (i, tensor) in tensors.iter().enumerate() {
        let TensorDecl { name, shape } = tensor;
        if name.is_empty() || name.len() > 128 || name.chars().any(char::is_control) {
            return Some(format!("{name:?} is no tensor name"));
        }
        if tensors.iter().take(i).any(|other| other.name == *name) {
            return Some(format!("'{name}' is declared twice"));
        }
        let sound = (1..=6).contains(&shape.len())
            && shape.iter().enumerate().all(|(axis, &d)| (axis == 0 && d == -1) || (1..=1 << 24).contains(&d));
        if !sound || !(1..=MAX_NUMBERS).contains(&tensor.numbers()) {
            return Some(format!(
                "'{name}' has the impossible shape {shape:?} (1 to 6 sizes from 1, a leading -1 for the batch, at most {MAX_NUMBERS} numbers)"
            ));
        }
    }
    None
}
