"""A figure that was measured more than once."""

import statistics
from dataclasses import dataclass


@dataclass
class Spread:
    """A figure: the median of what was seen, its quartiles, and how often it was seen."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values):
        values = sorted(values)
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        quartiles = statistics.quantiles(values, n=4, method="inclusive")
        return cls(statistics.median(values), quartiles[0], quartiles[2], len(values))
