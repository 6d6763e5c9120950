//! What a person may write for a goal.

use crate::{GoalError, NodeId, TopoMap};

/// Enough names for a person to see the right one, few enough for one message.
const NAMES_LISTED: usize = 20;

impl TopoMap {
    /// The place that `LAST` (the highest number), a number or a name stands for.
    ///
    /// # Errors
    /// [`GoalError`], which lists what exists.
    pub fn goal_spec(&self, spec: &str) -> Result<NodeId, GoalError> {
        let spec = spec.trim();
        let last = self.last_id().ok_or(GoalError::EmptyMap)?;
        if spec.eq_ignore_ascii_case("last") {
            return Ok(last);
        }
        if let Some(node) = self.node_by_name(spec) {
            return Ok(node.id);
        }
        let by_number = spec.parse().ok().map(NodeId).filter(|&id| self.node(id).is_some());
        by_number.ok_or_else(|| GoalError::Unknown {
            wanted: spec.escape_debug().take(80).collect(),
            exists: self.what_exists(last),
        })
    }

    fn what_exists(&self, last: NodeId) -> String {
        let first = self.node_ids().next().unwrap_or(last);
        let mut text = format!("{} nodes from {first} to {last}, LAST", self.node_count());
        let names: Vec<_> = self.names().take(NAMES_LISTED).map(|(name, id)| format!("\"{name}\" ({id})")).collect();
        if names.is_empty() {
            text.push_str(", and no names yet");
        } else {
            text.push_str(", and the names ");
            text.push_str(&names.join(", "));
        }
        let more = self.names().count().saturating_sub(NAMES_LISTED);
        if more > 0 {
            text.push_str(&format!(" and {more} more"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Node, SessionId};

    #[test]
    fn a_goal_is_last_a_number_or_a_name() {
        let mut map = TopoMap::new();
        assert_eq!(map.goal_spec("LAST"), Err(GoalError::EmptyMap));
        for id in [2, 4, 9] {
            map.add_node(Node::bare(NodeId(id), SessionId(0))).unwrap();
        }
        map.set_name(NodeId(4), Some("kitchen")).unwrap();
        assert_eq!(map.goal_spec("LAST"), Ok(NodeId(9)));
        assert_eq!(map.goal_spec(" 2 "), Ok(NodeId(2)));
        assert_eq!(map.goal_spec("kitchen"), Ok(NodeId(4)));
    }

    #[test]
    fn an_unknown_goal_is_told_what_exists() {
        let mut map = TopoMap::new();
        for id in 0..30 {
            map.add_node(Node::bare(NodeId(id), SessionId(0))).unwrap();
            map.set_name(NodeId(id), Some(&format!("room {id:02}"))).unwrap();
        }
        for wrong in ["kitchn", "30", "-1", "4294967296", ""] {
            let said = map.goal_spec(wrong).unwrap_err().to_string();
            assert!(said.contains(wrong), "{said}");
            assert!(said.contains("30 nodes from 0 to 29"), "{said}");
            assert!(said.contains("\"room 00\" (0)") && said.contains("and 10 more"), "{said}");
        }
    }
}
