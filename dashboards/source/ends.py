"""Figures of whole days, each at its place, whatever the step and the zone of a query are.

Figures of a day count from midnight, and the day's own are the last of them. A live series has samples until shortly before
midnight, and goes on with the next day's; a past day that was filled in later has one sample, in its last second. So a day's end is
found in the series: every midnight of every zone is a whole quarter of an hour, and at the end of such a quarter a figure is its
day's own

- where the quarter has samples,
- where none of the same day comes later: the series of the day's start says which day samples are of,
- and where the day is old enough. One whose last hours nobody saw has no figure here, rather than one of its morning.

A series without the day's start beside it has no sample but those at ends. All of this is looked for in windows of half a day or a
whole number of days, from a quarter of a day behind an instant: days of 23 and 25 hours stay where they are.
"""

from dataclasses import dataclass

from promql import indented, lines
from series import DAY, STATISTICS_ONLY, TARGET, Series

# The seconds of a quarter, less the one that belongs to the next day; samples at its beginning are of the quarter before it.
QUARTER = "[14m59s] offset 1s"

# A day of which nothing was seen after so many seconds is not known as a whole.
SEEN_FOR = 20 * 3600

# More than is left of the longest day then.
REST_OF_DAY = "5h15m"

# Between two points of a chart: a day falls into one such window whole.
STEP = "12h"
# A window less the instant at which it begins, which some versions of Prometheus take for its own.
WINDOW = "11h59m59s"
# From a point to the end of its window, and the same of what was a week earlier.
AHEAD = "offset -18h"
WEEK_AHEAD = "offset 150h"

# Behind the present, or the end of the time that is shown, which may be the last instant before midnight.
BEHIND = "offset -6h"


@dataclass(frozen=True)
class Quarters(Series):
    """What was last seen in the quarter of an hour before an instant."""

    def named(self, name: str, matchers: str = "") -> str:
        return f"last_over_time({super().named(name, matchers)}{QUARTER})"


QUARTERS = Quarters(target=TARGET, reading=STATISTICS_ONLY)


def at_ends(expr: str, row: str = "") -> str:
    """`expr`, of series of QUARTERS, where a day ends. `row` is a label that its series have beside the target's."""
    ignoring = f"ignoring ({row}) " if row else ""
    day = QUARTERS.named(DAY)
    later = f"min_over_time({Series(target=TARGET).named(DAY)}[{REST_OF_DAY}] offset -{REST_OF_DAY}) == {day}"
    return lines(
        "(",
        indented(expr),
        ")",
        f"unless {ignoring}({later})",
        f"unless {ignoring}(time() - {day} < {SEEN_FOR})",
    )


def each_day(expr: str, offset: str = AHEAD) -> str:
    """One point a day, for a chart whose step is STEP."""
    return lines("last_over_time((", indented(at_ends(expr)), f")[{WINDOW}:15m] {offset})")


def summed(expr: str, window: str, row: str = "", offset: str = BEHIND) -> str:
    """The sum over the days that end in `window`."""
    return lines("sum_over_time((", indented(at_ends(expr, row)), f")[{window}:15m] {offset})")
