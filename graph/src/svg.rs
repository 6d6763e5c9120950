//! A drawing of the map, for people.

use crate::{Evidence, NodeId, Route, TopoMap};
use std::collections::{BTreeMap, BTreeSet};
use std::f64::consts::TAU;
use std::fmt::Write;

const MARGIN: f64 = 40.0;
/// Above this many places numbers would cover the drawing; names are always shown.
const MOST_NUMBERS: usize = 200;
/// A small map without pose hints becomes a circle, a larger one rows.
const MOST_ON_CIRCLE: usize = 60;
const ROW: usize = 40;

/// Where each place is drawn, and how high the picture is, in pixels.
type Layout = (BTreeMap<NodeId, (f64, f64)>, f64);

/// The map as an SVG picture `width_px` wide (held within 100..=10 000), with a route drawn in where one is given.
///
/// Places lie by their pose hints (x right, y up) where all of one session have them, else on a circle or in rows:
/// hints of different sessions have different origins and cannot be drawn together.
#[must_use]
pub fn svg(map: &TopoMap, width_px: u32, route: Option<&Route>) -> String {
    let width = f64::from(width_px.clamp(100, 10_000));
    let (places, height) = layout(map, width);
    let on_route: BTreeSet<(NodeId, NodeId)> = route.map(route_pairs).unwrap_or_default();
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" font-family=\"sans-serif\" font-size=\"10\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for edge in map.edges() {
        let (Some(&(x1, y1)), Some(&(x2, y2))) = (places.get(&edge.from), places.get(&edge.to)) else { continue };
        let (colour, dash) = match edge.evidence {
            Evidence::Driven => ("#5b6b7b", ""),
            Evidence::Closed => ("#2a7f9e", ""),
            Evidence::Failed => ("#c0392b", " stroke-dasharray=\"4 3\""),
            Evidence::Forbidden => ("#c0392b", " stroke-dasharray=\"1 3\""),
        };
        let routed = on_route.contains(&(edge.from, edge.to));
        let (colour, thickness) = if routed { ("#e67e22", 4.0) } else { (colour, 1.5) };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" \
             stroke-width=\"{thickness}\"{dash}><title>{} to {}: {:.1} steps</title></line>",
            edge.from, edge.to, edge.cost_steps
        );
    }
    for node in map.nodes() {
        let Some(&(x, y)) = places.get(&node.id) else { continue };
        let fill = if node.name.is_some() { "#e67e22" } else { "#1f2d3a" };
        let _ = writeln!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{fill}\"/>");
        let number = (map.node_count() <= MOST_NUMBERS).then(|| node.id.to_string());
        if let Some(label) = node.name.as_deref().map(escape).or(number) {
            let _ = writeln!(out, "<text x=\"{:.1}\" y=\"{:.1}\">{label}</text>", x + 5.0, y - 5.0);
        }
    }
    out.push_str("</svg>\n");
    out
}

fn route_pairs(route: &Route) -> BTreeSet<(NodeId, NodeId)> {
    let nodes = route.nodes();
    nodes.iter().copied().zip(nodes.iter().copied().skip(1)).collect()
}

fn layout(map: &TopoMap, width: f64) -> Layout {
    hinted(map, width)
        .unwrap_or_else(|| if map.node_count() <= MOST_ON_CIRCLE { circle(map, width) } else { rows(map, width) })
}

fn hinted(map: &TopoMap, width: f64) -> Option<Layout> {
    let session = map.nodes().next()?.session;
    let mut points = Vec::new();
    for node in map.nodes() {
        let hint = node.pose_hint.filter(|_| node.session == session)?;
        points.push((node.id, hint.x_m, hint.y_m));
    }
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
    };
    let (x_low, x_high) = range(&mut points.iter().map(|point| point.1));
    let (y_low, y_high) = range(&mut points.iter().map(|point| point.2));
    let extent = (x_high - x_low).max(y_high - y_low).max(1e-3);
    // Hints may be finite and still too far apart to subtract.
    if !extent.is_finite() {
        return None;
    }
    let scale = (width - 2.0 * MARGIN).max(1.0) / extent;
    let place = |&(id, x, y): &(NodeId, f64, f64)| (id, (MARGIN + (x - x_low) * scale, MARGIN + (y_high - y) * scale));
    Some((points.iter().map(place).collect(), (y_high - y_low) * scale + 2.0 * MARGIN))
}

fn circle(map: &TopoMap, width: f64) -> Layout {
    let (centre, radius) = (width / 2.0, (width / 2.0 - MARGIN).max(1.0));
    let count = map.node_count().max(1) as f64;
    let place = |(turn, id): (u32, NodeId)| {
        let angle = TAU * f64::from(turn) / count;
        (id, (centre - radius * angle.cos(), centre - radius * angle.sin()))
    };
    ((0..).zip(map.node_ids()).map(place).collect(), width)
}

fn rows(map: &TopoMap, width: f64) -> Layout {
    let gap = (width - 2.0 * MARGIN).max(1.0) / (ROW - 1) as f64;
    let place = |(position, id): (usize, NodeId)| {
        let (row, along) = (position / ROW, position % ROW);
        // Every other row runs back, so that neighbours stay neighbours.
        let column = if row % 2 == 0 { along } else { ROW - 1 - along };
        (id, (MARGIN + column as f64 * gap, MARGIN + row as f64 * MARGIN))
    };
    let height = (map.node_count().div_ceil(ROW).max(1) - 1) as f64 * MARGIN + 2.0 * MARGIN;
    (map.node_ids().enumerate().map(place).collect(), height)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Edge, Node, PoseHint, SessionId};

    fn chain(nodes: u32, hint: impl Fn(u32) -> Option<PoseHint>) -> TopoMap {
        let mut map = TopoMap::new();
        for id in 0..nodes {
            let node = Node { pose_hint: hint(id), ..Node::bare(NodeId(id), SessionId(0)) };
            map.add_node(node).unwrap();
        }
        for id in 1..nodes {
            map.add_edge(Edge::new(NodeId(id - 1), NodeId(id), 2.5, Evidence::Driven)).unwrap();
        }
        map
    }

    #[test]
    fn every_place_and_edge_is_drawn_inside_the_picture_whatever_the_layout() {
        let far = |id: u32| Some(PoseHint { x_m: f64::from(id) * 1e308, y_m: -1e308, yaw_rad: 0.0 });
        let near = |id: u32| Some(PoseHint { x_m: f64::from(id), y_m: f64::from(id % 3), yaw_rad: 0.0 });
        for map in
            [chain(0, |_| None), chain(1, near), chain(9, near), chain(2, far), chain(9, |_| None), chain(99, |_| None)]
        {
            let drawing = svg(&map, 800, None);
            assert_eq!(drawing.matches("<circle").count(), map.node_count());
            assert_eq!(drawing.matches("<line").count(), map.edge_count());
            assert!(!drawing.contains("NaN") && !drawing.contains("inf"), "{drawing}");
            for x in drawing.split("cx=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!((0.0..=800.0).contains(&x.parse::<f64>().unwrap()), "{x}");
            }
        }
    }

    #[test]
    fn a_name_cannot_break_out_of_the_drawing() {
        let mut map = chain(2, |_| None);
        map.set_name(NodeId(1), Some("<script>&\"")).unwrap();
        let drawing = svg(&map, 800, None);
        assert!(drawing.contains("&lt;script&gt;&amp;&quot;") && !drawing.contains("<script>"));
    }

    #[test]
    fn the_route_stands_out() {
        let map = chain(4, |_| None);
        let route = map.route(NodeId(1), NodeId(3)).unwrap();
        assert_eq!(svg(&map, 800, Some(&route)).matches("stroke-width=\"4\"").count(), 2);
    }
}
