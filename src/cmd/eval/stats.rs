//! The few statistics that a comparison of methods needs: shares and means with 95 % intervals, paired differences.

use pilotage_sim::Rng;

/// A figure with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figure {
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The two-sided 95 % quantile of the normal distribution.
const Z: f64 = 1.959_964;
/// Resamples of the bootstrap, and the seed of their draws: the same data give the same interval.
const RESAMPLES: usize = 2000;
const SEED: u64 = 0x5eed_0e7a;

/// A share with Wilson's score interval, which holds at 0 and 100 % too.
pub(super) fn share(successes: usize, of: usize) -> Figure {
    if of == 0 {
        return Figure { value: 0.0, low: 0.0, high: 1.0 };
    }
    let (n, p) = (of as f64, successes as f64 / of as f64);
    let denominator = 1.0 + Z * Z / n;
    let centre = (p + Z * Z / (2.0 * n)) / denominator;
    let half = Z / denominator * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    Figure { value: p, low: (centre - half).max(0.0), high: (centre + half).min(1.0) }
}

/// A mean with the interval of the percentile bootstrap.
pub(super) fn mean(values: &[f64]) -> Figure {
    let pairs: Vec<(f64, f64)> = values.iter().map(|&value| (value, 1.0)).collect();
    ratio(&pairs)
}

/// The sum of the first numbers over that of the second (contacts over metres, say), resampled pair by pair.
pub(super) fn ratio(pairs: &[(f64, f64)]) -> Figure {
    let of = |sums: (f64, f64)| if sums.1 > 0.0 { sums.0 / sums.1 } else { 0.0 };
    let add = |sums: (f64, f64), pair: (f64, f64)| (sums.0 + pair.0, sums.1 + pair.1);
    let value = of(pairs.iter().copied().fold((0.0, 0.0), add));
    let mut rng = Rng::new(SEED);
    let mut drawn: Vec<f64> = (0..RESAMPLES)
        .map(|_| of((0..pairs.len()).map(|_| rng.pick(pairs, (0.0, 0.0))).fold((0.0, 0.0), add)))
        .collect();
    drawn.sort_by(f64::total_cmp);
    let quantile = |q: f64| drawn.get((q * (RESAMPLES - 1) as f64).round() as usize).copied().unwrap_or(value);
    Figure { value, low: quantile(0.025), high: quantile(0.975) }
}

/// How one method differs from another on the same episodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Paired {
    /// Difference of the shares, with its interval.
    pub(super) difference: Figure,
    /// Episodes that only the first brought to success.
    pub(super) won: usize,
    /// Episodes that only the second did.
    pub(super) lost: usize,
}

/// `first` less `second`, episode by episode.
pub(super) fn paired(first: &[bool], second: &[bool]) -> Paired {
    let number = |yes: bool| f64::from(u8::from(yes));
    let differences: Vec<f64> = first.iter().zip(second).map(|(&a, &b)| number(a) - number(b)).collect();
    Paired {
        difference: mean(&differences),
        won: first.iter().zip(second).filter(|&(&a, &b)| a && !b).count(),
        lost: first.iter().zip(second).filter(|&(&a, &b)| !a && b).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_gives_the_values_of_the_textbook() {
        // Newcombe 1998: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611.
        let figure = share(81, 263);
        assert!((figure.low - 0.2553).abs() < 1e-4 && (figure.high - 0.3662).abs() < 1e-4, "{figure:?}");
        let none = share(0, 20);
        assert!(none.low.abs() < 1e-12 && (none.high - 0.1611).abs() < 1e-4, "{none:?}");
        assert!((share(0, 0).high - 1.0).abs() < 1e-12, "of nothing nothing is known");
    }

    #[test]
    fn the_bootstrap_of_a_mean_has_the_width_of_its_standard_error() {
        let values: Vec<f64> = (0..400).map(|i| f64::from(i % 2)).collect();
        let figure = mean(&values);
        assert!((figure.value - 0.5).abs() < 1e-12);
        // 1.96 * sqrt(0.25 / 400)
        assert!((figure.high - figure.low - 2.0 * 0.049).abs() < 0.01, "{figure:?}");
        assert_eq!(mean(&values), figure, "the same data give the same interval");
    }

    #[test]
    fn a_ratio_is_of_the_sums_and_not_a_mean_of_ratios() {
        let figure = ratio(&[(1.0, 10.0), (0.0, 90.0)]);
        assert!((figure.value - 0.01).abs() < 1e-12);
        assert!(figure.low >= 0.0 && figure.high <= 0.1 + 1e-12);
    }

    #[test]
    fn paired_methods_differ_by_the_episodes_that_only_one_of_them_won() {
        let first = [true, true, true, false, true];
        let second = [true, false, false, true, true];
        let paired = paired(&first, &second);
        assert_eq!((paired.won, paired.lost), (2, 1));
        assert!((paired.difference.value - 0.2).abs() < 1e-12);
        let same = super::paired(&first, &first);
        assert!(same.difference.low.abs() < 1e-12 && same.difference.high.abs() < 1e-12);
    }
}
