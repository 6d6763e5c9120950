//! Whether a log's stamps can be true.
//!
//! Converters rewrite them (a real 20 Hz drive is found stamped at 303 Hz), and a map built on such
//! times has its places a fraction of a metre apart instead of the distance of a step.

use super::Stamps;

/// Rates no camera of a robot has lie outside, hertz.
const RATE_LIMITS_HZ: (f64, f64) = (1.0, 120.0);

/// Judges stamps (sequence number, nanoseconds) and gives the median rate where they can be used.
/// The median over neighbours, so that a pause in a recording does not count as a slow camera.
pub(super) fn judge(stamps: impl Iterator<Item = (u64, Option<i64>)>) -> (Stamps, Option<f64>) {
    let mut rates_hz: Vec<f64> = Vec::new();
    let mut last: Option<(u64, i64)> = None;
    let mut seen = 0_u64;
    let mut without = 0_u64;
    for (index, stamp_ns) in stamps {
        let Some(stamp_ns) = stamp_ns else {
            without += 1;
            continue;
        };
        seen += 1;
        if let Some((last_index, last_ns)) = last {
            let step_s = (i128::from(stamp_ns) - i128::from(last_ns)) as f64 / 1e9;
            if step_s <= 0.0 {
                let why = if step_s < 0.0 {
                    format!("the stamps go back by {:.3} s at frame {index}", -step_s)
                } else {
                    format!("frames {last_index} and {index} have the same stamp")
                };
                return (Stamps::Implausible { why }, None);
            }
            rates_hz.push(index.abs_diff(last_index) as f64 / step_s);
        }
        last = Some((index, stamp_ns));
    }
    if seen == 0 || rates_hz.is_empty() {
        return (Stamps::Missing, None);
    }
    if without > seen {
        return (Stamps::Implausible { why: format!("{without} of {} frames have no stamp", seen + without) }, None);
    }
    let middle = rates_hz.len() / 2;
    let (_, median_hz, _) = rates_hz.select_nth_unstable_by(middle, f64::total_cmp);
    let median_hz = *median_hz;
    if !(RATE_LIMITS_HZ.0..=RATE_LIMITS_HZ.1).contains(&median_hz) {
        let why = format!("the stamps say {median_hz:.0} Hz, cameras have {} to {}", RATE_LIMITS_HZ.0, RATE_LIMITS_HZ.1);
        return (Stamps::Implausible { why }, None);
    }
    (Stamps::Trusted, Some(median_hz))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(step_ns: i64, n: u64) -> Vec<(u64, Option<i64>)> {
        (0..n).map(|i| (i, Some(i as i64 * step_ns))).collect()
    }

    #[test]
    fn a_steady_rate_is_trusted_and_found() {
        let (stamps, hz) = judge(every(50_000_000, 100).into_iter());
        assert_eq!(stamps, Stamps::Trusted);
        assert!((hz.unwrap() - 20.0).abs() < 1e-9);
    }

    #[test]
    fn a_pause_does_not_slow_the_rate() {
        let mut stamps = every(50_000_000, 100);
        stamps.iter_mut().skip(50).for_each(|(_, s)| *s = s.map(|s| s + 3_600_000_000_000));
        let (stamps, hz) = judge(stamps.into_iter());
        assert_eq!(stamps, Stamps::Trusted);
        assert!((hz.unwrap() - 20.0).abs() < 1e-9);
    }

    #[test]
    fn deleted_frames_leave_the_rate_as_it_was() {
        let (_, hz) = judge(every(50_000_000, 100).into_iter().filter(|(i, _)| i % 2 == 0));
        assert!((hz.unwrap() - 20.0).abs() < 1e-9);
    }

    #[test]
    fn impossible_rates_are_said_with_the_number() {
        for (step_ns, word) in [(3_300_000, "303 Hz"), (5_000_000_000, "0 Hz")] {
            let (stamps, hz) = judge(every(step_ns, 50).into_iter());
            assert!(matches!(&stamps, Stamps::Implausible { why } if why.contains(word)), "{stamps:?}");
            assert_eq!(hz, None);
        }
    }

    #[test]
    fn stamps_that_go_back_or_stand_still_are_said_with_the_frame() {
        let mut back = every(50_000_000, 10);
        back[7].1 = Some(0);
        let (stamps, _) = judge(back.into_iter());
        assert_eq!(stamps, Stamps::Implausible { why: "the stamps go back by 0.300 s at frame 7".to_owned() });
        let (stamps, _) = judge(every(0, 3).into_iter());
        assert!(matches!(stamps, Stamps::Implausible { why } if why.contains("same stamp")));
    }

    #[test]
    fn extreme_stamps_do_not_overflow() {
        let (stamps, _) = judge([(0, Some(i64::MAX)), (1, Some(i64::MIN))].into_iter());
        assert!(matches!(stamps, Stamps::Implausible { .. }));
    }

    #[test]
    fn a_log_without_stamps_says_so() {
        assert_eq!(judge((0..5).map(|i| (i, None))), (Stamps::Missing, None));
    }
}
