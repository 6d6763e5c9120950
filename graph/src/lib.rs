//! The topological map.
