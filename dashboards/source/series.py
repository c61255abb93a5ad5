"""Which series an expression is about: agents' and others', now and an hour ago, and what is known of them then."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from promql import indented, lines

# A figure of today is read from agent statistics, and where these are absent from the members' realtime figures.
EITHER, STATISTICS_ONLY, REALTIME_ONLY = "either", "statistics", "realtime"


@dataclass(frozen=True)
class Series:
    """Which series an expression is about, and how it is put together."""

    target: str = ""
    agent: str = ""
    each_agent: bool = False
    # For the rules: names what they have recorded, and counts all of the day where the exporter is younger than an hour.
    recorded: bool = False
    # Also for the rules: what was recorded last, while there are no figures.
    before: bool = False
    # Only agents of the chosen group: Grafana's $group, ".*" for all, whether they are in a group or in none.
    of_group: bool = False
    # Which of a figure's readings.
    reading: str = EITHER

    def of_agent(self, matcher: str) -> "Series":
        return replace(self, agent=matcher)

    def by_agent(self) -> "Series":
        return replace(self, each_agent=True)

    def as_before(self) -> "Series":
        return replace(self, before=True)

    def read(self, reading: str) -> "Series":
        return replace(self, reading=reading)

    def value(self, name: str) -> str:
        """What a recording rule has recorded."""
        return f"last_over_time({name}[{BEFORE}])" if self.before else name

    def named(self, name: str, matchers: str = "") -> str:
        """A series of the target, by its whole name."""
        chosen = ", ".join(part for part in (self.target, matchers) if part)
        return f"{name}{{{chosen}}}" if chosen else name

    def of_agents(self, field: str) -> str:
        return self.named(f"tencent_desk_agent_{field}", self.agent)

    def of_chosen_group(self) -> "Series":
        return replace(self, of_group=True)

    def in_group(self, expr: str) -> str:
        """Of agents: those of the chosen group."""
        if not self.of_group:
            return expr
        return lines("(", indented(expr), f") and ignoring (state, nickname, status, group_id) {self.members()}")

    def today(self, field: str) -> str:
        """A field that both readings have."""
        if self.reading == STATISTICS_ONLY:
            return self.of_agents(field)
        realtime = f"{self.of_agents(f'realtime_{field}')} {self.without_statistics()}"
        return realtime if self.reading == REALTIME_ONLY else f"{self.of_agents(field)}\nor {realtime}"

    def without_statistics(self) -> str:
        """A whole target is read in one way: no figure is of both."""
        return f"unless ignoring (agent_id) {self.named('tencent_desk_agent_sessions')}"

    def members(self) -> str:
        """The agents of the chosen group. A series without the label has it empty, which only the choice of all matches."""
        chosen = 'group_id=~"$group"'
        listed = (self.named(f"tencent_desk_agent_{field}", chosen) for field in ("sessions", "realtime_sessions", "group_info"))
        return "(" + " or ".join(listed) + ")"

    def total(self, expr: str, without: str = "agent_id") -> str:
        """The team's, or the chosen group's, unless one series for each agent is asked for."""
        if "agent_id" in without:
            expr = self.in_group(expr)
        sum_of = "" if self.each_agent else f"sum without ({without}) "
        return f"{sum_of}(\n{indented(expr)}\n)" if "\n" in expr else f"{sum_of}({expr})"


# The label "endpoint" of the exporter's own series: the API's names of what Desk is asked for.
AGENTS = "describe_agent_statistics"
RECEPTION = "describe_reception_realtime_statistics"
MEMBERS = "describe_member_realtime_statistics"
SESSIONS = "describe_session_statistics"
DIRECTORY = "get_member_list"
GROUPS = "get_member_group_list"

RULES = Series(recorded=True)
# Grafana's choice. All clusters and namespaces are chosen at first, which matches series without these labels too.
PLACE = 'cluster=~"$cluster", namespace=~"$namespace"'
TARGET = f'{PLACE}, job="$job", instance="$instance"'
# A panel asks for each reading by itself, and says which it shows.
PANEL = Series(target=TARGET, reading=STATISTICS_ONLY)

# What an hour ago was no sample may have one within this time before: the exporter was down then, or the agent missing.
WITHIN = "30m"
# For so long an outage of Desk ends no alert.
BEFORE = "6h"

# How a part of an expression gets at a field of the agents: now, an hour ago, or shortly before that.
At = Callable[[str], str]
Part = Callable[[At], str]


def now(series: Series, source: "Source | None" = None) -> At:
    source = source or STATISTICS
    return lambda field: series.named(source.prefix + field, series.agent if source.row == "agent_id" else "")


def hour_ago(series: Series, source: "Source") -> At:
    return lambda field: f"{now(series, source)(field)} offset 1h"


def before_that(series: Series, source: "Source") -> At:
    return lambda field: f"last_over_time({now(series, source)(field)}[{WITHIN}] offset 1h)"


@dataclass(frozen=True)
class Guard:
    """A fact about a target; its series is there while the fact holds. Matching labels choose the target."""

    operation: str
    text: str
    write: Callable[[Series], str]
    metric: str = "day"

    @property
    def record(self) -> str:
        return f"desk:tencent_desk_{self.metric}:{self.operation}"

    def expr(self, series: Series) -> str:
        return self.record if series.recorded else f"({self.write(series)})"


DAY = "tencent_desk_day_start_timestamp_seconds"

CHANGED = Guard("changed1h", "An hour ago it was another day.", lambda _: f"{DAY} != {DAY} offset 1h")
CROSSED = Guard(
    "changed90m",
    "It was another day an hour and a half ago.",
    lambda _: f"{DAY} != min_over_time({DAY}[{WITHIN}] offset 1h)",
)


def unknown_hour(series: Series) -> str:
    """No figures around an hour ago, and it was either this day or one on which there was no good poll then.

    A good poll of nobody is no hole: all that came since came within the hour. In the rules, an exporter that was not
    there within a day before is new, and its first hour is what the day has so far. Which day it is may be known from
    other answers, while agent statistics failed.
    """
    seen_before = f"last_over_time({DAY}[25h] offset 1h)"
    is_new = f"\nand {seen_before}" if series.recorded else ""
    return (
        f"{DAY} == {seen_before}\n"
        f"unless last_over_time({DAY}[{WITHIN}] offset 1h)\n"
        f"or {DAY} <= time() - 3600{is_new}\n"
        f"unless max_over_time(tencent_desk_up[{WITHIN}] offset 1h) == 1\n"
        f"unless ignoring (agent_id) last_over_time(tencent_desk_agent_sessions[{WITHIN}] offset 1h)"
    )


UNKNOWN = Guard(
    "unknown1h",
    "There are figures of more than an hour, but none of about an hour ago: Desk, the exporter or Prometheus was down.",
    unknown_hour,
)


def unknown_rows(marker: str, row: str, endpoint: str) -> Callable[[Series], str]:
    """As above, of rows that have a poll of their own: nothing of them around an hour ago, and no good poll then."""

    def write(series: Series) -> str:
        seen_before = f"last_over_time({marker}[25h] offset 1h)"
        is_new = f"\n  and ignoring ({row}) {seen_before}" if series.recorded else ""
        up = f'max_over_time(tencent_desk_exporter_endpoint_up{{endpoint="{endpoint}"}}[{WITHIN}] offset 1h)'
        return (
            "(\n"
            f"  {DAY} <= time() - 3600{is_new}\n"
            f"  unless ignoring (endpoint) {up} == 1\n"
            ")\n"
            f"unless ignoring ({row}) last_over_time({marker}[{WITHIN}] offset 1h)"
        )

    return write


@dataclass(frozen=True)
class Source:
    """Rows of one of Desk's answers that count since midnight: their series, and the label that tells them apart."""

    prefix: str
    row: str
    endpoint: str
    unknown: Guard


STATISTICS = Source("tencent_desk_agent_", "agent_id", AGENTS, UNKNOWN)
REALTIME = Source(
    "tencent_desk_agent_realtime_",
    "agent_id",
    MEMBERS,
    Guard(
        "unknown1h",
        "The same of the members' realtime figures.",
        unknown_rows("tencent_desk_agent_realtime_sessions", "agent_id", MEMBERS),
        "realtime",
    ),
)
HOURS = Source(
    "tencent_desk_hour_",
    "hour",
    SESSIONS,
    Guard("unknown1h", "The same of the sessions by hour.", unknown_rows("tencent_desk_hour_sessions", "hour", SESSIONS), "hour"),
)
GUARDS = (CHANGED, CROSSED, UNKNOWN, REALTIME.unknown, HOURS.unknown)


def growth(part: Part, series: Series, source: Source = STATISTICS, also_ignoring: str = "") -> str:
    """What has come to each row's part of a figure within the last hour and the day.

    A row that was not there an hour ago, or not on this day, had nothing; one that is not there now is in no figure.
    Nothing is clamped: what Desk takes back within the hour lowers the sum.
    """
    ignoring = ", ".join(label for label in (source.row, also_ignoring) if label)

    def unless(guard: Guard) -> str:
        return f"unless ignoring ({ignoring}) {guard.expr(series)}"

    grown = lines(
        part(now(series, source)),
        "- (",
        f"  {part(hour_ago(series, source))}",
        f"  {unless(CHANGED)}",
        f"  or {part(before_that(series, source))}",
        f"  {unless(CROSSED)}",
        ")",
        f"or {part(now(series, source))}",
        unless(source.unknown),
    )
    # Which day it is says a series that agent statistics always have beside them.
    return grown if source is STATISTICS else lines("(", indented(grown), f") and ignoring ({ignoring}) {DAY}")
