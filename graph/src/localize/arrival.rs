//! Whether the robot is where it was sent.

use super::filter::Localizer;
use super::state::Arrival;
use crate::NodeId;

impl Localizer {
    /// The probability that the robot is from `before_steps` before a place to `past_steps` past it, along the graph.
    /// 0 for an unknown place; a distance that is not finite or negative counts as 0, one above 1000 as 1000.
    #[must_use]
    pub fn probability_near(&self, node: NodeId, before_steps: f32, past_steps: f32) -> f64 {
        // `max` also turns NaN into 0.
        let limit = |steps: f32| if steps.is_finite() { steps.clamp(0.0, 1000.0) } else { 0.0 };
        let (before, past) = (limit(before_steps), limit(past_steps));
        let Some(place) = self.chart.place(node) else { return 0.0 };
        let sights = self.chart.sights(place, before, past);
        let near = sights.iter().map(|sight| self.belief.at(sight.cell));
        near.sum::<f64>().min(1.0)
    }

    /// Whether the robot has arrived at `goal`; `last_distance_steps` is the policy's latest distance to it (not finite
    /// or `None`: no answer). Ask once a tick, after [`update`](Self::update); asking again in the same tick counts once.
    ///
    /// Arrived: two ticks in a row either most of the mass is within 2.5 steps before the goal or past it, or the goal
    /// looks closer than 2 steps and the estimate is at most 4 steps before it. Never while lost or diffuse.
    #[must_use]
    pub fn arrived(&mut self, goal: NodeId, last_distance_steps: Option<f32>) -> bool {
        let now = self.looks_arrived(goal, last_distance_steps);
        let tick = self.counters.tick;
        let before = match self.counters.arrival {
            Some(arrival) if arrival.goal == goal && arrival.tick == tick => {
                return now && arrival.streak >= self.config.arrive_ticks;
            }
            Some(arrival) if arrival.goal == goal && arrival.tick.wrapping_add(1) == tick => arrival.streak,
            _ => 0,
        };
        let streak = if now { before.saturating_add(1) } else { 0 };
        self.counters.arrival = Some(Arrival { goal, tick, streak });
        streak >= self.config.arrive_ticks
    }

    fn looks_arrived(&self, goal: NodeId, last_distance_steps: Option<f32>) -> bool {
        let config = &self.config;
        if !self.estimate().is_localized() {
            return false;
        }
        let mass = self.probability_near(goal, config.arrive_before_steps, config.arrive_past_steps);
        if mass > f64::from(config.arrive_probability) {
            return true;
        }
        // A comparison with NaN is false.
        let looks_near =
            last_distance_steps.is_some_and(|steps| steps < config.arrive_distance_steps && steps.is_finite());
        looks_near && self.estimate_near(goal)
    }

    fn estimate_near(&self, goal: NodeId) -> bool {
        let config = &self.config;
        let Some(place) = self.chart.place(goal) else { return false };
        let Some(way) = self.chart.segment_of(self.told.segment_cell) else { return false };
        let offset = self.estimate().offset_steps;
        let rest = way.length_steps() - offset;
        let mut near = way.from == place && offset <= config.arrive_past_steps;
        if let Some(to) = way.to.filter(|_| rest < config.arrive_near_steps) {
            self.chart.visit_after(to, config.arrive_near_steps, |segment, before| {
                near |= segment.from == place && rest + before < config.arrive_near_steps;
            });
        }
        if !near && offset <= config.arrive_past_steps {
            self.chart.visit_before(way.from, config.arrive_past_steps, |segment, beyond| {
                near |= segment.from == place && beyond + segment.length_steps() + offset <= config.arrive_past_steps;
            });
        }
        near
    }
}
