//! The figures of an evaluation as text.

use super::plan::Method;
use super::rows::Facts;
use super::stats::{self, Figure, Paired};
use crate::episode::{Cause, Outcome};

/// The figures of one method over some episodes.
pub(super) struct Figures {
    pub(super) success: Figure,
    pub(super) arrived: Figure,
    pub(super) contacts_per_run: Figure,
    pub(super) contacts_per_100_m: Figure,
    pub(super) spl: Figure,
    pub(super) stops: Figure,
    pub(super) time_ratio: Figure,
    pub(super) lost: Figure,
}

impl Figures {
    pub(super) fn of(method: Method, rows: &[&Facts]) -> Option<Self> {
        let outcomes: Vec<&Outcome> = rows.iter().filter_map(|facts| facts.of(method)).collect();
        if outcomes.is_empty() {
            return None;
        }
        let count = |yes: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| yes(outcome)).count();
        let mean = |value: &dyn Fn(&Outcome) -> f64| {
            stats::mean(&outcomes.iter().map(|outcome| value(outcome)).collect::<Vec<_>>())
        };
        let ratio = |value: &dyn Fn(&Outcome) -> (f64, f64)| {
            stats::ratio(&outcomes.iter().map(|outcome| value(outcome)).collect::<Vec<_>>())
        };
        let declared: Vec<f64> = outcomes.iter().filter(|o| o.declared).map(|o| o.time_ratio).collect();
        Some(Self {
            success: stats::share(count(&|o| o.success), outcomes.len()),
            arrived: stats::share(count(&|o| o.arrived), outcomes.len()),
            contacts_per_run: mean(&|o| o.touches as f64),
            contacts_per_100_m: ratio(&|o| (100.0 * o.touches as f64, o.driven_m)),
            spl: mean(&|o| o.spl),
            stops: mean(&|o| f64::from(o.stops)),
            time_ratio: stats::mean(&declared),
            lost: ratio(&|o| (f64::from(o.lost_ticks), f64::from(o.ticks))),
        })
    }
}

/// How a method differs from ours on the episodes that both drove.
pub(super) fn against_ours(method: Method, rows: &[&Facts]) -> Option<Paired> {
    let both: Vec<(bool, bool)> =
        rows.iter().filter_map(|facts| Some((facts.of(method)?.success, facts.of(Method::Ours)?.success))).collect();
    let (theirs, ours): (Vec<bool>, Vec<bool>) = both.into_iter().unzip();
    (!theirs.is_empty() && method != Method::Ours).then(|| stats::paired(&theirs, &ours))
}

/// Episodes by some property, in order of its name.
pub(super) fn groups<'a>(rows: &[&'a Facts], by: &dyn Fn(&Facts) -> String) -> Vec<(String, Vec<&'a Facts>)> {
    let mut names: Vec<String> = rows.iter().map(|facts| by(facts)).collect();
    names.sort_unstable();
    names.dedup();
    let members = |name: &String| rows.iter().copied().filter(|facts| by(facts) == *name).collect();
    names.into_iter().map(|name| (name.clone(), members(&name))).filter(|(name, _)| !name.is_empty()).collect()
}

/// Whether training may know the robot.
pub(super) fn seen(facts: &Facts) -> String {
    if facts.seen { "robots seen".into() } else { "robots unseen".into() }
}

/// Prints everything; intervals are 95 %.
pub(super) fn print(methods: &[Method], rows: &[&Facts]) {
    println!();
    println!(
        "{:<18}{:>22}{:>9}{:>21}{:>9}{:>7}{:>7}{:>6}{:>7}",
        "", "success [95 %]", "arrived", "contacts/run", "/100 m", "SPL", "stops", "time", "LOST"
    );
    for &method in methods {
        if let Some(figures) = Figures::of(method, rows) {
            line(&method.title(), &figures);
        }
    }
    println!();
    if methods.contains(&Method::Ours) {
        println!("{:<18}{:>28}{:>9}{:>7}", "less pilotage", "points [95 %]", "won", "lost");
        for &method in methods {
            if let Some(paired) = against_ours(method, rows) {
                let Figure { value, low, high } = paired.difference;
                let points = format!("{:+.1} [{:+.1}, {:+.1}]", 100.0 * value, 100.0 * low, 100.0 * high);
                println!("{:<18}{points:>28}{:>9}{:>7}", method.title(), paired.won, paired.lost);
            }
        }
        println!();
    }
    for (title, by) in [
        ("robots", &seen as &dyn Fn(&Facts) -> String),
        ("robot", &|facts: &Facts| facts.robot.clone()),
        ("world", &|facts: &Facts| facts.family.clone()),
    ] {
        by_group(title, methods, rows, by);
    }
    causes(methods, rows);
    conditions(methods, rows);
}

fn line(title: &str, figures: &Figures) {
    println!(
        "{title:<18}{:>22}{:>7.1} %{:>21}{:>9.2}{:>7.2}{:>7.2}{:>6.2}{:>5.1} %",
        percent(figures.success),
        100.0 * figures.arrived.value,
        plain(figures.contacts_per_run),
        figures.contacts_per_100_m.value,
        figures.spl.value,
        figures.stops.value,
        figures.time_ratio.value,
        100.0 * figures.lost.value
    );
}

fn percent(Figure { value, low, high }: Figure) -> String {
    format!("{:.1} % [{:.1}, {:.1}]", 100.0 * value, 100.0 * low, 100.0 * high)
}

fn plain(Figure { value, low, high }: Figure) -> String {
    format!("{value:.2} [{low:.2}, {high:.2}]")
}

fn by_group(title: &str, methods: &[Method], rows: &[&Facts], by: &dyn Fn(&Facts) -> String) {
    let groups = groups(rows, by);
    if groups.is_empty() {
        return;
    }
    print!("{:<18}{:>5}", format!("success by {title}"), "n");
    for method in methods {
        print!("{:>22}", method.title());
    }
    println!("{:>16}", if methods.contains(&Method::Ours) { "our contacts/run" } else { "" });
    for (name, members) in groups {
        print!("  {name:<16}{:>5}", members.len());
        for &method in methods {
            print!("{:>22}", Figures::of(method, &members).map_or(String::new(), |f| percent(f.success)));
        }
        let ours = Figures::of(Method::Ours, &members);
        println!("{:>16}", ours.map_or(String::new(), |f| format!("{:.2}", f.contacts_per_run.value)));
    }
    println!();
}

fn causes(methods: &[Method], rows: &[&Facts]) {
    print!("{:<23}", "failed by");
    methods.iter().for_each(|method| print!("{:>18}", method.title()));
    println!();
    for cause in Cause::ALL.into_iter().filter(|&cause| cause != Cause::None) {
        print!("  {:<21}", cause.name());
        for &method in methods {
            let count = rows.iter().filter_map(|facts| facts.of(method)).filter(|o| o.cause == cause).count();
            print!("{count:>18}");
        }
        println!();
    }
    println!();
}

/// Whether the worlds are hard enough for the figures to mean anything.
fn conditions(methods: &[Method], rows: &[&Facts]) {
    let success = |method| Figures::of(method, rows).map(|figures| 100.0 * figures.success.value);
    if let (true, Some(replay), Some(visual)) =
        (methods.contains(&Method::Replay), success(Method::Replay), success(Method::Visual))
    {
        let holds = replay <= 35.0 && visual <= 55.0;
        println!(
            "hard enough {}: replay {replay:.1} % (at most 35), visual matching {visual:.1} % (at most 55)",
            if holds { "yes" } else { "NO" }
        );
    }
    println!(
        "success     arrival declared by the method, within max(0.6 m, 0.75 s of cruise) of the goal, nothing touched"
    );
    println!("time        over the teleoperator's, of those that declared arrival; LOST: share of all ticks");
    println!(
        "episodes    {}, {:.1} s and {:.1} m of teleoperation and {:.0} places on average",
        rows.len(),
        rows.iter().map(|row| row.teleop_s).sum::<f64>() / rows.len().max(1) as f64,
        rows.iter().map(|row| row.taught_m).sum::<f64>() / rows.len().max(1) as f64,
        rows.iter().map(|row| row.places as f64).sum::<f64>() / rows.len().max(1) as f64
    );
}

/// Prints each failure of ours with the numbers behind it.
pub(super) fn failures(rows: &[&Facts]) {
    for facts in rows {
        let Some(o) = facts.of(Method::Ours).filter(|o| !o.success) else { continue };
        println!(
            "failed      {:<15}{:<10}{:<10} {:<23} at {:5.1} s, {:3.0} % of the way; {:+.2} m and {:+.0} deg off the way, \
             belief {}, nearest to goal {:.2} m, then {:.2} m",
            facts.world,
            facts.family,
            facts.robot,
            o.cause.name(),
            o.cause_s,
            100.0 * o.progress,
            o.lateral_m,
            o.heading_rad.to_degrees(),
            o.belief_error_steps.map_or("-".into(), |steps| format!("{steps:+.1} steps")),
            o.nearest_goal_m,
            o.error_m
        );
    }
}
