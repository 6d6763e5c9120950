//! The built-in engine: `rten`, pure Rust, always there.

use std::sync::Arc;

use rten::{DataType, Dimension, Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueType, ValueView};

use super::engine::{Answer, Engine, Feed, Outlet, Session};
use super::error::one_line;
use super::manifest::TensorDecl;

/// The version this program is built with; a test holds it to the lock file.
const VERSION: &str = "0.27";

/// The built-in engine.
pub(crate) struct Rten {
    // One thread: the models are so small that a pool costs more than it gives, and a robot has other work.
    threads: Arc<ThreadPool>,
}

impl Rten {
    pub(crate) fn new() -> Self {
        Self { threads: Arc::new(ThreadPool::with_num_threads(1)) }
    }
}

impl Engine for Rten {
    fn name(&self) -> &'static str {
        "the built-in engine"
    }

    fn describe(&self) -> String {
        format!("built-in engine rten {VERSION}")
    }

    fn load(&self, bytes: Vec<u8>) -> Result<Box<dyn Session>, String> {
        let model = ModelOptions::with_all_ops().prepack_weights(true).load(bytes).map_err(|e| one_line(&e))?;
        Ok(Box::new(RtenSession { model, threads: Arc::clone(&self.threads) }))
    }
}

struct RtenSession {
    model: Model,
    threads: Arc<ThreadPool>,
}

impl RtenSession {
    fn outlets(&self, ids: &[NodeId]) -> Vec<Outlet> {
        let infos = ids.iter().filter_map(|id| self.model.node_info(*id));
        infos
            .map(|info| Outlet {
                name: info.name().unwrap_or_default().to_string(),
                shape: info.shape().map(|shape| shape.iter().map(size).collect()),
                is_f32: info.dtype().map(|t| t == ValueType::Tensor(DataType::Float)),
            })
            .collect()
    }
}

fn size(dimension: &Dimension) -> i64 {
    match dimension {
        Dimension::Fixed(size) => i64::try_from(*size).unwrap_or(i64::MAX),
        Dimension::Symbolic(_) => -1,
    }
}

impl Session for RtenSession {
    fn inputs(&self) -> Vec<Outlet> {
        self.outlets(self.model.input_ids())
    }

    fn outputs(&self) -> Vec<Outlet> {
        self.outlets(self.model.output_ids())
    }

    fn run(&mut self, inputs: &[Feed<'_>], outputs: &[TensorDecl]) -> Result<Vec<Answer>, String> {
        let mut values = Vec::with_capacity(inputs.len());
        for feed in inputs {
            let id = self.model.node_id(feed.name).map_err(|e| one_line(&e))?;
            let view = ValueView::from_shape(feed.shape, feed.numbers).map_err(|e| one_line(&e))?;
            values.push((id, view.into()));
        }
        let mut ids = Vec::with_capacity(outputs.len());
        for tensor in outputs {
            ids.push(self.model.node_id(&tensor.name).map_err(|e| one_line(&e))?);
        }
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads)));
        let found = self.model.run(values, &ids, Some(options)).map_err(|e| one_line(&e))?;
        found.into_iter().zip(outputs).map(|(value, tensor)| answer(value, tensor.shape.len())).collect()
    }
}

/// Takes an output of the declared rank apart. The rank has to be a constant, so each has its arm.
fn answer(value: Value, rank: usize) -> Result<Answer, String> {
    macro_rules! ranks {
        ($($n:literal),*) => {
            match rank {
                $($n => value.into_shape_vec::<f32, $n>().map(|(shape, numbers)| Answer { shape: shape.to_vec(), numbers }),)*
                _ => return Err(format!("outputs of {rank} dimensions are not supported")),
            }
        };
    }
    ranks!(1, 2, 3, 4, 5, 6).map_err(|e| one_line(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_reported_is_the_one_built_with() {
        let lock = include_str!("../../Cargo.lock");
        assert!(lock.contains(&format!("name = \"rten\"\nversion = \"{VERSION}.")));
    }
}
