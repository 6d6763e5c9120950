"""The learning rate over a training: by default over wall time, for nobody knows how many samples a machine buys in it.

With a budget of pairs the same curve goes over pairs, for runs that are to be compared: a nominal second is then 1000 pairs.
"""

import math
from dataclasses import dataclass

# The first steps of a fresh net are small; a run of minutes does not spend more than this share of itself on them.
WARM_UP_S = 45.0
WARM_UP_SHARE = 0.05
FLAT_SHARE = 0.4
# About what one core learns in a second. It only says how long a warm-up of 45 s and a STOP in minutes are for a budget of pairs.
PAIRS_PER_NOMINAL_S = 1000.0


@dataclass
class Schedule:
    """Factor on the peak learning rate. Times are seconds of training since its very start, pauses not counted, or nominal ones.

    `start_s` and `length_s` bound the present segment; `flat_share` of it is constant, the rest a cosine to zero. `peak` is the
    factor the segment starts from.
    """

    start_s: float
    length_s: float
    flat_share: float = FLAT_SHARE
    peak: float = 1.0

    def factor(self, elapsed_s):
        """Learning-rate factor at `elapsed_s`, 0..1."""
        warm_up_s = min(WARM_UP_S, WARM_UP_SHARE * (self.start_s + self.length_s)) + 1e-9
        warm = min(1.0, (elapsed_s + 1.0) / warm_up_s)
        if self.length_s <= 0.0:
            return 0.0
        share = min(1.0, max(0.0, (elapsed_s - self.start_s) / self.length_s))
        if share <= self.flat_share:
            return warm * self.peak
        falling = (share - self.flat_share) / (1.0 - self.flat_share)
        return warm * self.peak * 0.5 * (1.0 + math.cos(math.pi * falling))

    def over(self, elapsed_s):
        """Whether the segment has ended."""
        return elapsed_s >= self.start_s + self.length_s

    def ending_in(self, elapsed_s, minutes):
        """The segment that decays from the present factor to zero within `minutes`."""
        return Schedule(elapsed_s, minutes * 60.0, 0.0, self.factor(elapsed_s))
