"""Tests of figures of whole days: midnights, days of 23 and 25 hours, outages over midnight, days without agents, past days
that were filled in, and charts by UTC or by the zone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby

from boards.history import BEFORE_THAT, WEEK, over
from ends import QUARTERS, WEEK_AHEAD, each_day, summed
from figures import FIGURES
from promql import indented
from series import TARGET

HOUR = 3600
MINUTE = 60
HALF_HOUR = 1800
# The first midnight: 22:00 in UTC, as in a zone two hours ahead.
FIRST = 22 * HOUR

AGENTS = ("ann", "ben")
CHOSEN = 'job="desk"'
SERIES = "tencent_desk_{}{{job=\"desk\"{}}}"

# Hours of the days: summer time ends and begins among them.
HOURS = (24, 24, 24, 25, 24, 24, 24, 24, 24, 23, 24, 24)


@dataclass(frozen=True)
class Day:
    number: int
    start: int
    end: int

    def sessions(self, agent: str) -> int:
        """On the whole day."""
        return 100 * (self.number + 1) + 10 * AGENTS.index(agent)

    @property
    def first_response(self) -> int:
        return 20 + self.number


def all_days() -> list[Day]:
    made, start = [], FIRST
    for number, hours in enumerate(HOURS):
        made.append(Day(number, start, start + hours * HOUR))
        start += hours * HOUR
    return made


DAYS = all_days()


@dataclass(frozen=True)
class History:
    """What Prometheus holds: which days were filled in, and from when to when live samples came, a step apart."""

    text: str
    filled: tuple[int, ...] = ()
    live: tuple[tuple[int, int], ...] = ()
    # Days with an exporter and without agents.
    empty: tuple[int, ...] = ()
    # Days whose figures are not known whole.
    unknown: tuple[int, ...] = ()
    # Whether past days say when they began.
    has_starts: bool = True
    step: int = MINUTE
    # The time from one sample to the next that the test can tell apart.
    grain: int = MINUTE

    def is_live(self, at: int) -> bool:
        return any(start <= at < end for start, end in self.live)

    def samples(self) -> Iterator[tuple[int, Day, float, bool]]:
        """When, of which day, how much of it, and whether the start of the day is said."""
        for day in DAYS:
            if day.number in self.filled:
                yield day.end - self.grain, day, 1, self.has_starts
            for at in range(day.start + self.step // 2 // MINUTE * MINUTE, day.end, self.step):
                if self.is_live(at):
                    yield at, day, self.part(day, day.end - at), True

    def part(self, day: Day, before_end: int) -> float:
        """It grows every half-hour; nothing of it is known in the first."""
        halves = (day.end - day.start) // HALF_HOUR
        return (halves - 1 - (before_end - 1) // HALF_HOUR) / (halves - 1)

    @cache
    def seen(self, day: Day) -> float | None:
        """How much of the day its figure is of; None where there is none."""
        if day.number in self.filled:
            return 1
        if day.number in (*self.empty, *self.unknown) or not any(it is day for _, it, _, _ in self.samples()):
            return None
        return max(part for _, it, part, _ in self.samples() if it is day)

    def sessions(self, day: Day) -> float | None:
        part = self.seen(day)
        return None if part is None else sum(round(day.sessions(agent) * part) for agent in AGENTS)

    def input(self) -> dict[str, list[tuple[int, float]]]:
        """By series, in which grain there is which value."""
        names = {"day": SERIES.format("day_start_timestamp_seconds", "")}
        for agent in AGENTS:
            of_agent = f', agent_id="{agent}"'
            for metric in ("sessions", "unanswered_sessions", "average_first_response_seconds"):
                names[agent, metric] = SERIES.format(f"agent_{metric}", of_agent)
        series = {name: {} for name in names.values()}
        for at, day, part, has_start in self.samples():
            place = at // self.grain
            if has_start:
                series[names["day"]][place] = day.start
            if day.number in self.empty:
                continue
            for agent in AGENTS:
                series[names[agent, "sessions"]][place] = round(day.sessions(agent) * part)
                series[names[agent, "unanswered_sessions"]][place] = 0
                series[names[agent, "average_first_response_seconds"]][place] = day.first_response
        return {name: sorted(values.items()) for name, values in series.items() if values}


def notation(values: list[tuple[int, float]], is_live: bool) -> str:
    """As promtool writes it: runs are shortened, and a live series that ends is stale at once."""
    written, there = [], 0
    for (_, value), run in groupby(enumerate(values), lambda it: (it[1][0] - it[0], it[1][1])):
        places = [place for _, (place, _) in run]
        gap = places[0] - there
        if gap and is_live and there:
            written.append("stale")
            gap -= 1
        written += [f"_x{gap}"] if gap else []
        written.append(f"{value}x{len(places) - 1}" if len(places) > 1 else f"{value}")
        there = places[-1] + 1
    return " ".join([*written, "stale"] if is_live else written)


def whole(first: int, last: int) -> tuple[int, int]:
    return DAYS[first].start, DAYS[last].end


def cut(first: int, last: int, *outages: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """From the start of one day to the end of another, less outages."""
    spans, start = [], DAYS[first].start
    for begin, end in outages:
        spans.append((start, begin))
        start = end
    return *spans, (start, DAYS[last].end)


def at(day: int, hour: float) -> int:
    return DAYS[day].start + int(hour * HOUR)


HISTORIES = (
    History("days that were filled in, in their last second, and nothing else", filled=tuple(range(len(DAYS))), grain=1),
    History("the same without the days' starts", filled=tuple(range(len(DAYS))), has_starts=False),
    History("a day between them that Desk did not give", filled=(0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11)),
    History(
        "live, with outages by day, in the evening, over midnight and until the next day, and a day without agents",
        live=cut(0, 11, (at(1, 10), at(1, 15)), (at(2, 23.5), at(3, 0.5)), (at(6, 10), at(7, 3)), (at(8, 21), at(8, 22))),
        empty=(5,),
        unknown=(6,),
    ),
    History("filled in, then live from a noon on, and the day between by both", filled=(0, 1, 2, 3, 4), live=cut(4, 11, (at(4, 0), at(4, 12)))),
    History("live every five minutes, of days of 23 and 25 hours", live=(whole(0, 11),), step=5 * MINUTE, grain=5 * MINUTE),
)


@dataclass
class Cases:
    """Cases of a file, in which each expression stands once."""

    text: str = ""
    names: dict[str, str] = field(default_factory=dict)

    def add(self, expr: str, second: int, samples: list[tuple[str, float]]) -> None:
        expected = ", ".join(f"{{labels: '{{{labels}}}', value: {value!r}}}" for labels, value in samples)
        expr = expr.replace(TARGET, CHOSEN)
        if expr in self.names:
            written = f"*{self.names[expr]}"
        else:
            self.names[expr] = f"expr{len(self.names)}"
            written = f"&{self.names[expr]} |\n{indented(expr, 10)}"
        self.text += f"      - expr: {written}\n        eval_time: {second}s\n        exp_samples: [{expected}]\n"


def of_team(value: float | None) -> list[tuple[str, float]]:
    return [] if value is None else [('job="desk"', value)]


def charts(cases: Cases, history: History) -> None:
    """Each day has one point, on its own day, by UTC or by the zone."""
    sessions = each_day(FIGURES["sessions:sum"].expr(QUARTERS))
    earlier = each_day(FIGURES["sessions:sum"].expr(QUARTERS), offset=WEEK_AHEAD)
    for phase in (0, 10 * HOUR):
        for at in range(FIRST - FIRST % (12 * HOUR) + phase, DAYS[-1].end - 12 * HOUR, 12 * HOUR):
            ending = [day for day in DAYS if at + 6 * HOUR < day.end <= at + 18 * HOUR]
            assert all(day.start <= at < day.end for day in ending)
            value = history.sessions(ending[0]) if ending else None
            cases.add(sessions, at, of_team(value))
            # By the zone's own noon and midnight a week earlier is the same weekday, also over a change of the clocks.
            if ending and phase and ending[0].number >= 7:
                cases.add(earlier, at, of_team(history.sessions(DAYS[ending[0].number - 7])))


def sums(cases: Cases, history: History) -> None:
    """Of seven days and the seven before, and of each agent, as of a day's last second and of the noon after it."""
    for name, by_hand in (("sessions:sum", total), ("first_response_seconds:mean", mean)):
        for second in (DAYS[10].end - 1, DAYS[10].end + 12 * HOUR):
            cases.add(over(name, WEEK), second, of_team(by_hand(history, DAYS[4:11])))
        cases.add(over(name, WEEK, BEFORE_THAT), DAYS[11].end - 1, of_team(by_hand(history, DAYS[:5])))
    each = over("sessions:sum", "9d", by_agent=True)
    shown = [(f'job="desk", agent_id="{agent}"', total(history, DAYS[2:11], (agent,))) for agent in AGENTS]
    cases.add(each, DAYS[10].end - 1, shown)
    days = summed(f"{QUARTERS.of_agents('sessions')} * 0 + 1", "9d", "agent_id")
    known = sum(history.seen(day) is not None for day in DAYS[2:11])
    cases.add(days, DAYS[10].end - 1, [(labels, known) for labels, _ in shown])


def total(history: History, days: list[Day], agents: tuple[str, ...] = AGENTS) -> float | None:
    seen = [(day, history.seen(day)) for day in days]
    parts = [round(day.sessions(agent) * part) for day, part in seen if part is not None for agent in agents]
    return sum(parts) if parts else None


def mean(history: History, days: list[Day]) -> float | None:
    weights = [(day.first_response, history.sessions(day)) for day in days if history.seen(day) is not None]
    over = sum(weight for _, weight in weights)
    return sum(value * weight for value, weight in weights) / over if over else None


def history_test_yml() -> str:
    cases = Cases("# Made by dashboards/generate: figures of whole days, in histories that were filled in, recorded, or both.\n\ntests:\n")
    for history in HISTORIES:
        cases.text += f"  - name: {history.text}\n    interval: {history.grain}s\n    input_series:\n"
        for name, values in history.input().items():
            cases.text += f"      - {{series: '{name}', values: '{notation(values, is_live=bool(history.live))}'}}\n"
        cases.text += "    promql_expr_test:\n"
        charts(cases, history)
        sums(cases, history)
    return cases.text
