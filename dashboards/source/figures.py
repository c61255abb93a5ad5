"""Every figure of the team and its agents, once: what it is, and its expression.

The recording rules and the panels are both made from here, so that a board shows what an alert judges, and works
without the rules. To use it:

    from figures import FIGURES, LIMITS, PANEL, Series
    figure = FIGURES["first_response_seconds:mean1h"]
    figure.text, figure.unit                        what it is and is not; "s", "ratio" (0 to 1) or "count"
    figure.expr(PANEL)                              one Desk's team, with Grafana's $job and $instance
    figure.expr(PANEL.of_agent('agent_id="$agent_id"'))         one agent's part, the same labels as the team's
    FIGURES["unanswered_sessions:ratio"].expr(PANEL.by_agent()) one series for each agent (label agent_id)
    figure.limit, figure.minimum, figure.count      its LIMITS entries, and the name of the figure that counts what it is over
    figure.judged(PANEL)                            the figure where it is worse than its limit, as the alert judges it

A name is metric:operation: "sum", "mean" and "ratio" are of the day so far, "growth1h", "mean1h" and "ratio1h" of the
last hour, and "over1h" of how many sessions one of these is. Means of the last hour are for teams, never for one agent:
Desk gives whole seconds.

Three things hold of every expression:

- Only agent_id is summed away: job, instance and any further label of the target stay, and joins leave out what they do
  not need ("ignoring") instead of naming what they know.
- Averages are weighted by what Desk divided them by, and ratios are sum over sum, of agents who have both fields. Where
  there is nothing to divide by, there is no series: never 0, never NaN.
- The counts fall back at Desk's midnight, and may be corrected downwards: never rate(), increase() or delta() of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from promql import indented, lines


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

    def of_agent(self, matcher: str) -> "Series":
        return replace(self, agent=matcher)

    def by_agent(self) -> "Series":
        return replace(self, each_agent=True)

    def as_before(self) -> "Series":
        return replace(self, before=True)

    def value(self, name: str) -> str:
        """What a recording rule has recorded."""
        return f"last_over_time({name}[{BEFORE}])" if self.before else name

    def named(self, name: str, matchers: str = "") -> str:
        """A series of the target, by its whole name."""
        chosen = ", ".join(part for part in (self.target, matchers) if part)
        return f"{name}{{{chosen}}}" if chosen else name

    def of_agents(self, field: str) -> str:
        return self.named(f"tencent_desk_agent_{field}", self.agent)

    def total(self, expr: str, without: str = "agent_id") -> str:
        """The team's, unless one series for each agent is asked for."""
        sum_of = "" if self.each_agent else f"sum without ({without}) "
        return f"{sum_of}(\n{indented(expr)}\n)" if "\n" in expr else f"{sum_of}({expr})"


# The label "endpoint" of the exporter's own series: the API's names of what Desk is asked for.
AGENTS = "describe_agent_statistics"

RULES = Series(recorded=True)
PANEL = Series(target='job="$job", instance="$instance"')

# What an hour ago was no sample may have one within this time before: the exporter was down then, or the agent missing.
WITHIN = "30m"
# For so long an outage of Desk ends no alert.
BEFORE = "6h"

# How a part of an expression gets at a field of the agents: now, an hour ago, or shortly before that.
At = Callable[[str], str]
Part = Callable[[At], str]


def now(series: Series) -> At:
    return series.of_agents


def hour_ago(series: Series) -> At:
    return lambda field: f"{series.of_agents(field)} offset 1h"


def before_that(series: Series) -> At:
    return lambda field: f"last_over_time({series.of_agents(field)}[{WITHIN}] offset 1h)"


@dataclass(frozen=True)
class Guard:
    """A fact about a target; its series is there while the fact holds. Matching labels choose the target."""

    operation: str
    text: str
    write: Callable[[Series], str]

    @property
    def record(self) -> str:
        return f"desk:tencent_desk_day:{self.operation}"

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
    there within a day before is new, and its first hour is what the day has so far.
    """
    seen_before = f"last_over_time({DAY}[25h] offset 1h)"
    is_new = f"\n  and {seen_before}" if series.recorded else ""
    return (
        "(\n"
        f"  {DAY} == {seen_before}\n"
        f"  or {DAY} <= time() - 3600{is_new}\n"
        f"  unless max_over_time(tencent_desk_up[{WITHIN}] offset 1h) == 1\n"
        ")\n"
        f"unless last_over_time({DAY}[{WITHIN}] offset 1h)"
    )


UNKNOWN = Guard(
    "unknown1h",
    "There are figures of more than an hour, but none of about an hour ago: Desk, the exporter or Prometheus was down.",
    unknown_hour,
)
GUARDS = (CHANGED, CROSSED, UNKNOWN)


def growth(part: Part, series: Series, ignoring: str = "agent_id") -> str:
    """What has come to each agent's part of a figure within the last hour and the day.

    An agent who was not there an hour ago, or not on this day, had nothing; one who is not there now is in no figure.
    Nothing is clamped: what Desk takes back within the hour lowers the sum.
    """

    def unless(guard: Guard) -> str:
        return f"unless ignoring ({ignoring}) {guard.expr(series)}"

    return lines(
        part(now(series)),
        "- (",
        f"  {part(hour_ago(series))}",
        f"  {unless(CHANGED)}",
        f"  or {part(before_that(series))}",
        f"  {unless(CROSSED)}",
        ")",
        f"or {part(now(series))}",
        unless(UNKNOWN),
    )


@dataclass(frozen=True)
class Limit:
    """A number that the alerts judge by, and the boards colour by: a recording rule at the head of alerts.yml."""

    name: str
    value: float
    # A figure is worse "above" or "below" it; "minimum" is a count below which nothing is judged.
    worse: str
    text: str = ""

    @property
    def record(self) -> str:
        return f"tencent_desk:{self.name}:{'minimum' if self.worse == 'minimum' else 'threshold'}"

    def expr(self, series: Series) -> str:
        """As a scalar: recorded, or its default. Where several rule evaluators have recorded it, the stricter counts."""
        if not series.recorded:
            return f"{self.value:g}"
        return f"scalar({'max' if self.worse == 'below' else 'min'}({self.record}))"


LIMITS = {
    limit.name: limit
    for limit in (
        Limit("team_first_response_seconds", 30, "above", "How fast, in seconds: the team in the last hour, and one agent today."),
        Limit("team_response_seconds", 45, "above"),
        Limit("agent_first_response_seconds", 60, "above"),
        Limit("agent_response_seconds", 90, "above"),
        Limit(
            "first_response_under_30s_sessions_ratio",
            0.8,
            "below",
            "How well, as a ratio from 0 to 1, the team in the last hour: at least, at most, at least.",
        ),
        Limit("unanswered_sessions_ratio", 0.1, "above"),
        Limit("satisfied_sessions_ratio", 0.8, "below"),
        Limit(
            "team_sessions",
            20,
            "minimum",
            "With fewer, nothing is said: sessions of the team in the last hour, of an agent today, rated ones in the last hour.",
        ),
        Limit("agent_sessions", 10, "minimum"),
        Limit("rated_sessions", 20, "minimum"),
        Limit(
            "data_age_seconds",
            300,
            "above",
            "The data may be as old as this many seconds, or three intervals of polling where that is longer.",
        ),
        Limit("rate_limited_polls", 2, "above", "Polls refused for their rate within half an hour."),
        Limit(
            "user_sig_remaining_seconds",
            7 * 24 * 3600,
            "below",
            "A UserSig must be good for seven more days. One made by the exporter itself always has thirty.",
        ),
    )
}


@dataclass(frozen=True)
class Figure:
    metric: str
    operation: str
    unit: str
    text: str
    write: Callable[[Series], str]
    # The name of the figure that counts what it is over, and its limits: none for what is only shown.
    count: str = ""
    limit: Limit | None = None
    minimum: Limit | None = None
    # Whether the rules record it: what no alert and no other rule needs is for the boards alone.
    is_recorded: bool = True

    @property
    def name(self) -> str:
        return f"{self.metric}:{self.operation}"

    @property
    def record(self) -> str:
        return f"team:tencent_desk_{self.metric}:{self.operation}"

    def expr(self, series: Series) -> str:
        return self.write(series)

    def ref(self, series: Series) -> str:
        """To be used in another expression: as recorded, or written out."""
        return series.value(self.record) if series.recorded else f"(\n{indented(self.write(series))}\n)"

    def judged(self, series: Series) -> str:
        """The figure where it is worse than its limit, over the minimum that it takes to say so.

        A ratio has to be worse by more than chance makes it at that count: 1.64 standard deviations of a ratio that is
        just at the limit, which one look in twenty exceeds.
        """
        assert self.limit and self.minimum, self.name
        over = FIGURES[self.count].ref(series)
        limit = self.limit.expr(series)
        sign, chance = (">", "+") if self.limit.worse == "above" else ("<", "-")
        worse = [self.ref(series), f"  {sign} {limit}"]
        if self.unit == "ratio":
            worse.append(f"  {chance} {SIGMAS} * sqrt({limit} * (1 - {limit}) / {over})")
        return lines(*worse, f"and {over} >= {self.minimum.expr(series)}")


SIGMAS = 1.64


def field(name: str) -> Part:
    return lambda at: at(name)


def answered(at: At) -> str:
    """Sessions in which the agent wrote at least once."""
    return f"clamp_min({at('sessions')} - {at('unanswered_sessions')}, 0)"


def where(part: Part, there: str) -> Part:
    """`part`, of agents who have the other field too."""
    return lambda at: f"({part(at)} and {at(there)})"


def counts(metric: str, part: Part, text: str, operations: tuple[str, ...] = ("growth1h",)) -> list[Figure]:
    def of_the_day(series: Series) -> str:
        return series.total(part(now(series)))

    def of_the_hour(series: Series) -> str:
        return f"{series.total(growth(part, series))} >= 0"

    both = [
        Figure(metric, "sum", "count", f"{text}, today", of_the_day),
        Figure(metric, "growth1h", "count", f"{text}: by how much the day's count grew in the last hour", of_the_hour),
    ]
    return [figure for figure in both if figure.operation in operations]


def means(metric: str, average: str, weight: Part, count: str, text: str, limit: str = "") -> list[Figure]:
    weighted: Part = lambda at: f"{at(average)} * {weight(at)}"
    over = where(weight, average)

    def of_the_day(series: Series) -> str:
        return f"{series.total(weighted(now(series)))}\n/ ({series.total(over(now(series)))} > 0)"

    def of_the_hour(series: Series) -> str:
        return f"{series.total(growth(weighted, series))}\n/ ({series.total(growth(over, series))} > 0)\n>= 0"

    judged = (LIMITS[limit], LIMITS["team_sessions"]) if limit else (None, None)
    return [
        Figure(metric, "mean", "s", f"{text}, today", of_the_day, f"{count}:sum"),
        *counted(metric, over, limit),
        Figure(metric, "mean1h", "s", f"{text}, in the last hour", of_the_hour, f"{metric}:over1h", *judged),
    ]


def counted(metric: str, over: Part, limit: str) -> list[Figure]:
    """How many sessions a figure of the last hour is over, where it is judged: of agents who have its fields."""

    def of_the_hour(series: Series) -> str:
        return f"{series.total(growth(over, series))} >= 0"

    text = "Sessions that the last hour's figure below is over: those of agents who have its fields"
    return [Figure(metric, "over1h", "count", text, of_the_hour)] if limit else []


def ratios(metric: str, whole: str, text: str, limit: str = "", minimum: str = "team_sessions") -> list[Figure]:
    part, over = where(field(metric), whole), where(field(whole), metric)

    def of_the_day(series: Series) -> str:
        return f"{series.total(part(now(series)))}\n/ ({series.total(over(now(series)))} > 0)"

    def of_the_hour(series: Series) -> str:
        return f"{series.total(growth(part, series))}\n/ ({series.total(growth(over, series))} > 0)\n>= 0 <= 1"

    judged = (LIMITS[limit], LIMITS[minimum]) if limit else (None, None)
    return [
        Figure(metric, "ratio", "ratio", f"{text}, today", of_the_day, f"{whole}:sum"),
        *counted(metric, over, limit),
        Figure(metric, "ratio1h", "ratio", f"{text}, in the last hour", of_the_hour, f"{metric}:over1h", *judged),
    ]


def state_seconds(series: Series, without: str = "agent_id") -> str:
    grown = growth(field("state_seconds"), series, ignoring="agent_id, state")
    return series.total(grown, without)


def sessions_in_hand(series: Series) -> str:
    in_sessions = series.total(growth(field("session_seconds"), series))
    return f"{in_sessions}\n/ ({state_seconds(series, 'agent_id, state')} > 60)\n>= 0"


def online_agents(series: Series) -> str:
    since = f"clamp_max(time() - {series.named(DAY)}, 3600)"
    return f"{state_seconds(series, 'agent_id, state')}\n/ {since}"


def good_polls(series: Series) -> str:
    failures = f"sum without (class) (increase({series.named('tencent_desk_exporter_poll_failures_total')}[1h]))"
    return f"1 - {failures}\n/ (increase({series.named('tencent_desk_exporter_polls_total')}[1h]) > 0)"


def data_age(series: Series) -> str:
    return f"time() - {series.named('tencent_desk_exporter_last_success_timestamp_seconds')}"


def age_of_agents(series: Series) -> str:
    last = series.named("tencent_desk_exporter_last_success_timestamp_seconds", f'endpoint="{AGENTS}"')
    return f"time() - {last}"


BOTH = ("sum", "growth1h")

ALL = [
    *counts("sessions", field("sessions"), "Sessions", BOTH),
    *counts("answered_sessions", answered, "Sessions in which the agent wrote at least once", BOTH),
    *counts("effective_sessions", field("effective_sessions"), "Sessions in which both sides wrote", BOTH),
    *counts("rated_sessions", field("rated_sessions"), "Sessions that the user rated", BOTH),
    *counts("satisfied_sessions", field("satisfied_sessions"), "Sessions rated with four or five stars"),
    *counts("unanswered_sessions", field("unanswered_sessions"), "Sessions without a message of the agent"),
    *counts("transferred_sessions", field("transferred_sessions"), "Sessions that were transferred"),
    *counts("ended_sessions", field("ended_sessions"), "Sessions that the agent ended"),
    *counts(
        "first_response_under_30s_sessions",
        field("first_response_under_30s_sessions"),
        "Sessions first answered within 30 s",
    ),
    *counts(
        "response_under_30s_sessions",
        field("response_under_30s_sessions"),
        "Sessions answered within 30 s on average",
    ),
    *counts("served_users", field("served_users"), "Users served, added up over the agents"),
    *counts("messages", field("messages"), "Messages"),
    *counts("sent_messages", field("sent_messages"), "Messages that agents sent"),
    *counts("user_messages", field("user_messages"), "Messages that users sent"),
    *counts("session_seconds", field("session_seconds"), "Duration of sessions, added up"),
    Figure(
        "state_seconds",
        "growth1h",
        "s",
        "Time in each state (label state), added up over the agents: by how much the day's grew in the last hour",
        lambda series: f"{state_seconds(series)} >= 0",
    ),
    Figure(
        "sessions_in_hand",
        "mean1h",
        "count",
        "Sessions that an agent had in hand at a time, in the last hour: time in sessions over time logged in (free, busy, rest)",
        sessions_in_hand,
        is_recorded=False,
    ),
    Figure(
        "online_agents",
        "mean1h",
        "count",
        "Agents logged in at a time, in the last hour: the growth of their time in states, if Desk counts it as it passes",
        online_agents,
        is_recorded=False,
    ),
    Figure(
        "exporter_polls",
        "ratio1h",
        "ratio",
        "Of the polls of the last hour, those that succeeded, by endpoint",
        good_polls,
        is_recorded=False,
    ),
    Figure("data_age_seconds", "now", "s", "Since the last good poll of agent statistics", age_of_agents, is_recorded=False),
    Figure("poll_age_seconds", "now", "s", "Since the last good poll, by endpoint", data_age, is_recorded=False),
    *means(
        "first_response_seconds",
        "average_first_response_seconds",
        answered,
        "answered_sessions",
        "From the agent's accept to the agent's first message, weighted by answered sessions; the time in the queue is not in it",
        "team_first_response_seconds",
    ),
    *means(
        "response_seconds",
        "average_response_seconds",
        field("effective_sessions"),
        "effective_sessions",
        "From a user's message to the agent's answer, weighted by effective sessions",
        "team_response_seconds",
    ),
    *means(
        "session_seconds",
        "average_session_seconds",
        field("sessions"),
        "sessions",
        "Duration of a session, weighted by sessions",
    ),
    *ratios(
        "first_response_under_30s_sessions",
        "sessions",
        "Of all sessions, those first answered within 30 s: one without an answer is a miss",
        "first_response_under_30s_sessions_ratio",
    ),
    *ratios(
        "response_under_30s_sessions",
        "effective_sessions",
        "Of the effective sessions, those answered within 30 s on average",
    ),
    *ratios(
        "unanswered_sessions",
        "sessions",
        "Of all sessions, those without a message of the agent",
        "unanswered_sessions_ratio",
    ),
    *ratios(
        "satisfied_sessions",
        "rated_sessions",
        "Of the rated sessions, those with four or five stars",
        "satisfied_sessions_ratio",
        "rated_sessions",
    ),
    *ratios("rated_sessions", "sessions", "Of all sessions, those that the user rated"),
    *ratios("transferred_sessions", "sessions", "Of all sessions, those that were transferred"),
]

FIGURES = {figure.name: figure for figure in ALL}
