//! Which frames of a log a data set takes: one each period, the nearest to its time, and a cut where the log has a hole.

/// An item that was taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken<T> {
    pub(super) item: T,
    /// What came before does not belong to the same drive.
    pub(super) after_hole: bool,
}

/// Takes items at a steady rate. In contrast to "whenever a period has passed since the last", a log of 15 Hz gives 4 and
/// not 3.75 pictures a second.
pub(super) struct Sampler<T> {
    period_s: f64,
    due_s: f64,
    last_seen_s: Option<f64>,
    held: Option<(f64, T)>,
}

impl<T> Sampler<T> {
    pub(super) fn new(period_s: f64) -> Self {
        Self { period_s, due_s: 0.0, last_seen_s: None, held: None }
    }

    /// The next item of the log, in the order of time; what is taken now, if anything.
    pub(super) fn push(&mut self, t_s: f64, item: T) -> Option<Taken<T>> {
        let hole = self.last_seen_s.is_none_or(|last_s| t_s - last_s > 2.0 * self.period_s);
        self.last_seen_s = Some(t_s);
        if hole {
            self.held = None;
            self.due_s = t_s + self.period_s;
            return Some(Taken { item, after_hole: true });
        }
        // Rounding must not make a frame late that is due now.
        if t_s < self.due_s - 1e-6 {
            self.held = Some((t_s, item));
            return None;
        }
        match self.held.take() {
            Some((held_s, held)) if self.due_s - held_s < t_s - self.due_s => {
                self.held = Some((t_s, item));
                self.due_s += self.period_s;
                Some(Taken { item: held, after_hole: false })
            }
            _ => {
                // Behind a frame that comes far too late, the beat starts anew.
                let late = t_s - self.due_s > 0.5 * self.period_s;
                self.due_s = if late { t_s } else { self.due_s } + self.period_s;
                Some(Taken { item, after_hole: late })
            }
        }
    }

    /// The end of the log: what is taken last, if anything.
    pub(super) fn end(self) -> Option<Taken<T>> {
        let due_s = self.due_s;
        // A frame too early would be labelled as if it were on time.
        let near = |held_s: f64| (due_s - held_s).abs() <= 0.1 * self.period_s;
        self.held.filter(|(held_s, _)| near(*held_s)).map(|(_, item)| Taken { item, after_hole: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Indices of the frames taken out of a log with frames at `times`, a hole written as `None` before the frame.
    fn taken(times: &[f64]) -> Vec<Option<usize>> {
        let mut sampler = Sampler::new(0.25);
        let mut out = Vec::new();
        let mut add = |taken: Option<Taken<usize>>| {
            if let Some(taken) = taken {
                out.extend(taken.after_hole.then_some(None));
                out.push(Some(taken.item));
            }
        };
        for (index, &t_s) in times.iter().enumerate() {
            add(sampler.push(t_s, index));
        }
        add(sampler.end());
        out
    }

    fn frames(hz: f64, count: usize) -> Vec<f64> {
        (0..count).map(|i| i as f64 / hz).collect()
    }

    #[test]
    fn a_log_of_20_hz_gives_every_fifth_frame() {
        assert_eq!(taken(&frames(20.0, 17)), [None, Some(0), Some(5), Some(10), Some(15)]);
    }

    #[test]
    fn a_log_of_15_hz_gives_four_pictures_a_second_in_the_long_run() {
        let out = taken(&frames(15.0, 15 * 60));
        assert_eq!(out.iter().flatten().count(), 240);
        assert_eq!(out.iter().filter(|item| item.is_none()).count(), 1);
    }

    #[test]
    fn a_log_of_4_hz_with_jitter_loses_no_frame_and_repeats_none() {
        let times: Vec<f64> = (0..40).map(|i| 0.25 * f64::from(i) + [0.0, 0.03, -0.03][i as usize % 3]).collect();
        let out: Vec<usize> = taken(&times).into_iter().flatten().collect();
        assert!(out.is_sorted_by(|a, b| a < b) && out.len() >= 39, "{out:?}");
    }

    #[test]
    fn a_hole_in_the_log_cuts() {
        let mut times = frames(20.0, 11);
        times.extend(frames(20.0, 11).iter().map(|t| t + 3.0));
        assert_eq!(taken(&times), [None, Some(0), Some(5), Some(10), None, Some(11), Some(16), Some(21)]);
    }
}
