//! Counting right answers, and how sure the share is.

use serde::Serialize;

/// Whether the best answer, and whether any answer, was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hits {
    first: bool,
    among: bool,
}

impl Hits {
    /// Judges answers, best first.
    pub(super) fn of(answers: &[usize], right: impl Fn(usize) -> bool) -> Self {
        Self { first: answers.first().is_some_and(|&node| right(node)), among: answers.iter().any(|&node| right(node)) }
    }
}

/// Numbers of the `k` most like, best first; of equal ones the first.
pub(super) fn best(likeness: &[f32], k: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..likeness.len()).collect();
    let of = |node: &usize| likeness.get(*node).copied().unwrap_or(f32::NEG_INFINITY);
    order.sort_by(|a, b| of(b).total_cmp(&of(a)).then(a.cmp(b)));
    order.truncate(k);
    order
}

/// Right answers among the questions of one unit (a world, a second of a log).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Count {
    /// Questions.
    pub(super) questions: u64,
    /// Where the best answer was right.
    #[serde(rename = "right_at_1")]
    pub(super) first: u64,
    /// Where one of the best five was right.
    #[serde(rename = "right_at_5")]
    pub(super) among: u64,
}

impl Count {
    pub(super) fn add(&mut self, hits: Hits) {
        self.questions += 1;
        self.first += u64::from(hits.first);
        self.among += u64::from(hits.among);
    }
}

/// The share of right answers over all units with half its 95 % interval, in percent.
pub(super) fn share(counts: &[Count], right: impl Fn(&Count) -> u64) -> String {
    let (share, half) = interval(counts, right);
    format!("{:.1} +- {:.1} %", 100.0 * share, 100.0 * half)
}

/// Share and half width. The questions of one unit resemble each other, so the spread is that between units: the
/// usual variance of a ratio of sums.
fn interval(counts: &[Count], right: impl Fn(&Count) -> u64) -> (f64, f64) {
    let questions: f64 = counts.iter().map(|c| c.questions as f64).sum();
    let hits: f64 = counts.iter().map(|c| right(c) as f64).sum();
    let share = hits / questions.max(1.0);
    let units = counts.len() as f64;
    if units < 2.0 {
        return (share, f64::NAN);
    }
    let squares: f64 = counts.iter().map(|c| (right(c) as f64 - share * c.questions as f64).powi(2)).sum();
    (share, 1.96 * (units / (units - 1.0) * squares).sqrt() / questions.max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_equal_units_is_that_of_their_mean() {
        // One question a unit: the binomial interval with n - 1.
        let counts: Vec<Count> = (0..100).map(|i| Count { questions: 1, first: u64::from(i < 80), among: 1 }).collect();
        let (share, half) = interval(&counts, |c| c.first);
        assert!((share - 0.8).abs() < 1e-9);
        assert!((half - 1.96 * (0.16f64 / 99.0).sqrt()).abs() < 1e-9, "{half}");
    }

    #[test]
    fn ten_copies_of_a_question_are_no_surer_than_one() {
        let one: Vec<Count> = (0..50).map(|i| Count { questions: 1, first: i % 2, among: 1 }).collect();
        let ten: Vec<Count> = (0..50).map(|i| Count { questions: 10, first: 10 * (i % 2), among: 10 }).collect();
        let (a, b) = (interval(&one, |c| c.first), interval(&ten, |c| c.first));
        assert!((a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9);
    }

    #[test]
    fn the_best_answer_and_any_answer_are_told_apart() {
        let right = |node| node == 7;
        assert_eq!(Hits::of(&[7, 1], right), Hits { first: true, among: true });
        assert_eq!(Hits::of(&[1, 7], right), Hits { first: false, among: true });
        assert_eq!(Hits::of(&[], right), Hits { first: false, among: false });
    }

    #[test]
    fn the_best_come_first_and_ties_in_order() {
        assert_eq!(best(&[0.1, 0.9, 0.9, 0.2], 3), [1, 2, 3]);
        assert!(best(&[], 3).is_empty());
    }
}
