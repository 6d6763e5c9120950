//! A look through an ONNX file before an engine gets it: is it whole, and are all weights inside?
//!
//! ONNX Runtime resolves external data against the working directory when it loads from memory, so a
//! hostile graph could read any file. No engine option forbids that; this walk over the protobuf does.

/// What the walk found wrong.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The bytes end too early or are not protobuf; says where.
    Broken(String),
    /// A tensor keeps its data outside; its name.
    External(String),
}

/// The ONNX messages on a path from the model to a tensor.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Training,
    Graph,
    Function,
    Node,
    Attribute,
    Sparse,
    Tensor,
}

/// Graphs nest through attributes (If, Loop); real ones stay far below this.
const MAX_DEPTH: usize = 48;

const TENSOR_NAME: u64 = 8;
const TENSOR_EXTERNAL_DATA: u64 = 13;
const TENSOR_DATA_LOCATION: u64 = 14;
const MODEL_GRAPH: u64 = 7;

/// Refuses bytes that are no whole ONNX model, or that refer to data in other files.
pub(crate) fn scan(bytes: &[u8]) -> Result<(), Finding> {
    if !walk(bytes, Message::Model, 0)? {
        return Err(Finding::Broken("it holds no graph".to_string()));
    }
    Ok(())
}

/// Walks one message; for a model says whether it holds a graph.
fn walk(bytes: &[u8], message: Message, depth: usize) -> Result<bool, Finding> {
    if depth > MAX_DEPTH {
        return Err(Finding::Broken(format!("messages nest deeper than {MAX_DEPTH}")));
    }
    let mut rest = bytes;
    let mut tensor_name = String::new();
    let mut external = false;
    let mut has_graph = false;
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let field = key >> 3;
        match key & 7 {
            0 => {
                let value = varint(&mut rest)?;
                external |= matches!(message, Message::Tensor) && field == TENSOR_DATA_LOCATION && value != 0;
            }
            1 => drop(take(&mut rest, 8)?),
            5 => drop(take(&mut rest, 4)?),
            2 => {
                let length = varint(&mut rest)?;
                let body = take(&mut rest, length)?;
                if let Some(child) = child(message, field) {
                    walk(body, child, depth + 1)?;
                }
                match (message, field) {
                    (Message::Tensor, TENSOR_NAME) => tensor_name = String::from_utf8_lossy(body).into_owned(),
                    (Message::Tensor, TENSOR_EXTERNAL_DATA) => external = true,
                    (Message::Model, MODEL_GRAPH) => has_graph = true,
                    _ => {}
                }
            }
            other => {
                return Err(Finding::Broken(format!("wire type {other} is not protobuf's")));
            }
        }
    }
    if external {
        return Err(Finding::External(tensor_name));
    }
    Ok(has_graph)
}

/// Field numbers as in the published onnx.proto.
fn child(message: Message, field: u64) -> Option<Message> {
    Some(match (message, field) {
        (Message::Model, MODEL_GRAPH) | (Message::Training, 1 | 2) | (Message::Attribute, 6 | 11) => Message::Graph,
        (Message::Model, 20) => Message::Training,
        (Message::Model, 25) => Message::Function,
        (Message::Graph, 1) | (Message::Function, 7) => Message::Node,
        (Message::Node, 5) | (Message::Function, 11) => Message::Attribute,
        (Message::Graph, 5) | (Message::Attribute, 5 | 10) | (Message::Sparse, 1 | 2) => Message::Tensor,
        (Message::Graph, 15) | (Message::Attribute, 22 | 23) => Message::Sparse,
        _ => return None,
    })
}

fn varint(rest: &mut &[u8]) -> Result<u64, Finding> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let Some((&byte, tail)) = rest.split_first() else {
            return Err(Finding::Broken("the file ends inside a number".to_string()));
        };
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Finding::Broken("a number is longer than 10 bytes".to_string()))
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> Result<&'a [u8], Finding> {
    let wanted = usize::try_from(length).unwrap_or(usize::MAX);
    match rest.split_at_checked(wanted) {
        Some((body, tail)) => {
            *rest = tail;
            Ok(body)
        }
        None => Err(Finding::Broken(format!("a field of {length} bytes is announced, {} are left", rest.len()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wraps a body as a length-delimited field (short bodies only).
    fn field(number: u8, body: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(body.len()).unwrap()];
        out.extend_from_slice(body);
        out
    }

    #[test]
    fn a_tensor_with_outside_data_is_found_wherever_it_hides() {
        let by_location = [field(8, b"w"), vec![14 << 3, 1]].concat();
        let by_entry = [field(8, b"w"), field(13, b"\x0a\x00")].concat();
        for tensor in [by_location, by_entry] {
            let initializer = field(7, &field(5, &tensor));
            let constant = field(7, &field(1, &field(5, &field(5, &tensor))));
            let in_branch = field(7, &field(1, &field(5, &field(6, &field(5, &tensor)))));
            for model in [initializer, constant, in_branch] {
                assert_eq!(scan(&model), Err(Finding::External("w".to_string())));
            }
        }
    }

    #[test]
    fn a_tensor_with_inside_data_is_accepted() {
        let tensor = [field(8, b"w"), vec![14 << 3, 0]].concat();
        assert_eq!(scan(&field(7, &field(5, &tensor))), Ok(()));
    }

    #[test]
    fn every_cut_of_a_model_is_refused() {
        let model = field(7, &field(5, &field(8, b"weight")));
        for end in 0..model.len() {
            assert!(matches!(scan(&model[..end]), Err(Finding::Broken(_))), "cut at {end}");
        }
    }

    #[test]
    fn endless_nesting_ends_in_an_error() {
        let mut graph = Vec::new();
        for _ in 0..18 {
            graph = field(1, &field(5, &field(6, &graph)));
        }
        assert!(matches!(scan(&field(7, &graph)), Err(Finding::Broken(_))));
    }
}
