//! The successes of an evaluation as bars with their intervals, as a PNG or an SVG.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::plan::Method;
use super::rows::Facts;
use super::stats::Figure;
use super::table::{Figures, groups, seen};
use crate::draw::{Canvas, Colour, DRIVEN, GOAL, INK, TAUGHT};

const LEFT: f64 = 56.0;
const TOP: f64 = 40.0;
const HEIGHT: f64 = 260.0;
const BAR: f64 = 14.0;
const GAP: f64 = 22.0;
const GRID: Colour = [225, 228, 232];

fn colour(method: Method) -> Colour {
    match method {
        Method::Ours => DRIVEN,
        Method::Also(_) => [235, 160, 120],
        Method::Reference => TAUGHT,
        Method::Visual => [150, 120, 190],
        Method::Repeat => [190, 165, 220],
        Method::Replay => [170, 175, 180],
        Method::Oracle => GOAL,
    }
}

/// What a plot is made of; both kinds of file are drawn from it.
enum Mark {
    Bar { x: f64, y: f64, width: f64, height: f64, colour: Colour },
    Line { from: (f64, f64), to: (f64, f64), colour: Colour },
    Text { x: f64, y: f64, text: String },
}

/// Draws all methods over all episodes, over seen and unseen robots, over each kind of robot and of world.
pub(super) fn draw(path: &Path, methods: &[Method], rows: &[&Facts], title: &str) -> Result<()> {
    let mut columns = vec![("all".to_owned(), rows.to_vec())];
    columns.extend(groups(rows, &seen));
    columns.extend(groups(rows, &|facts| facts.family.clone()));
    columns.extend(groups(rows, &|facts| facts.robot.clone()));
    let group = (BAR * methods.len() as f64).max(62.0) + GAP;
    let (width, height) = (LEFT + group * columns.len() as f64 + 12.0, TOP + HEIGHT + 78.0);
    let marks = marks(methods, &columns, title, group, width);
    let because = || format!("cannot write {}", path.display());
    if path.extension().is_some_and(|extension| extension == "svg") {
        return std::fs::write(path, svg(&marks, width, height)).with_context(because);
    }
    let mut canvas = Canvas::new(width.ceil() as u32, height.ceil() as u32);
    for mark in &marks {
        match mark {
            Mark::Bar { x, y, width, height, colour } => {
                canvas.bar(x.round() as i32, y.round() as i32, width.round() as u32, height.round() as u32, *colour);
            }
            Mark::Line { from, to, colour } => canvas.path(&[*from, *to], *colour, 1),
            Mark::Text { x, y, text } => canvas.text(x.round() as i32, y.round() as i32, text, INK),
        }
    }
    canvas.save(path).with_context(because)
}

fn marks(methods: &[Method], columns: &[(String, Vec<&Facts>)], title: &str, group: f64, width: f64) -> Vec<Mark> {
    let level = |share: f64| TOP + HEIGHT * (1.0 - share);
    let mut marks = vec![Mark::Text { x: 8.0, y: 8.0, text: title.to_owned() }];
    for tick in 0..=5 {
        let share = f64::from(tick) / 5.0;
        marks.push(Mark::Line { from: (LEFT, level(share)), to: (width - 8.0, level(share)), colour: GRID });
        marks.push(Mark::Text { x: 12.0, y: level(share) - 7.0, text: format!("{:>3} %", tick * 20) });
    }
    for (index, (name, members)) in columns.iter().enumerate() {
        let x0 = LEFT + GAP / 2.0 + group * index as f64;
        for (number, &method) in methods.iter().enumerate() {
            let Some(figures) = Figures::of(method, members) else { continue };
            let Figure { value, low, high } = figures.success;
            let x = x0 + BAR * number as f64;
            let (y, height) = (level(value), HEIGHT * value);
            marks.push(Mark::Bar { x, y, width: BAR - 2.0, height, colour: colour(method) });
            let middle = x + BAR / 2.0 - 1.0;
            marks.push(Mark::Line { from: (middle, level(low)), to: (middle, level(high)), colour: INK });
            for end in [low, high] {
                let y = level(end);
                marks.push(Mark::Line { from: (middle - 3.0, y), to: (middle + 3.0, y), colour: INK });
            }
        }
        marks.push(Mark::Text { x: x0, y: TOP + HEIGHT + 6.0, text: name.clone() });
        marks.push(Mark::Text { x: x0, y: TOP + HEIGHT + 20.0, text: format!("n={}", members.len()) });
    }
    let mut x = LEFT;
    for &method in methods {
        let y = TOP + HEIGHT + 50.0;
        marks.push(Mark::Bar { x, y, width: 12.0, height: 12.0, colour: colour(method) });
        marks.push(Mark::Text { x: x + 17.0, y: y - 1.0, text: method.title() });
        x += 30.0 + 7.2 * method.title().len() as f64;
    }
    marks
}

fn svg(marks: &[Mark], width: f64, height: f64) -> String {
    let hex = |[r, g, b]: Colour| format!("#{r:02x}{g:02x}{b:02x}");
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"monospace\" \
         font-size=\"12\" fill=\"{}\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        hex(INK)
    );
    for mark in marks {
        // Writing into a string cannot fail.
        let _ = match mark {
            Mark::Bar { x, y, width, height, colour } => writeln!(
                out,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{}\"/>",
                hex(*colour)
            ),
            Mark::Line { from, to, colour } => writeln!(
                out,
                "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{}\"/>",
                from.0,
                from.1,
                to.0,
                to.1,
                hex(*colour)
            ),
            Mark::Text { x, y, text } => {
                let text = text.replace('&', "&amp;").replace('<', "&lt;");
                writeln!(out, "<text x=\"{x:.1}\" y=\"{:.1}\">{text}</text>", y + 11.0)
            }
        };
    }
    out.push_str("</svg>\n");
    out
}
