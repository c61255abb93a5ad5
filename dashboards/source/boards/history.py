"""The days behind: each as a bar or a point, one week beside the one before, and what the agents did in a month."""

from collections.abc import Callable

from board import Board, Edition
from ends import BEHIND, QUARTERS, STEP, WEEK_AHEAD, each_day, summed
from figure import answered, field
from figures import FIGURES
from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models import common as options
from panels import COLOURED, GREY, MINUTES, SHADES, Column, Line, Query, Words, as_number, chart, fixed, grid, in_minutes, number, prop
from promql import indented, lines
from series import PANEL, Part

WEEK = "7d"
BEFORE_THAT = "offset 162h"

# The longest gap between two days' ends, and a little; in ms.
A_DAY = 26 * 3600 * 1000

# What is added up over several days, and what that is divided by.
Sums = tuple[Part, Part | None]


def weighted(average: str, weight: Part) -> Sums:
    return lambda at: f"{at(average)} * {weight(at)}", lambda at: f"({weight(at)} and {at(average)})"


def share(part: str, whole: str) -> Sums:
    return lambda at: f"({at(part)} and {at(whole)})", lambda at: f"({at(whole)} and {at(part)})"


# By the names of figures.py.
SUMS: dict[str, Sums] = {
    "sessions:sum": (field("sessions"), None),
    "first_response_seconds:mean": weighted("average_first_response_seconds", answered),
    "response_seconds:mean": weighted("average_response_seconds", field("effective_sessions")),
    "session_seconds:mean": weighted("average_session_seconds", field("sessions")),
    "first_response_under_30s_sessions:ratio": share("first_response_under_30s_sessions", "sessions"),
    "unanswered_sessions:ratio": share("unanswered_sessions", "sessions"),
    "satisfied_sessions:ratio": share("satisfied_sessions", "rated_sessions"),
}


def over(name: str, window: str, offset: str = BEHIND, by_agent: bool = False) -> str:
    """A figure of all days that end in `window`: sum over sum, as of one day."""
    series = QUARTERS.by_agent() if by_agent else QUARTERS
    row = "agent_id" if by_agent else ""

    def total(part: Part) -> str:
        return summed(series.total(part(series.of_agents)), window, row, offset)

    upper, lower = SUMS[name]
    if not lower:
        return total(upper)
    return lines(total(upper), "/ (", indented(total(lower)), "  > 0", ")")


def week(words: Words, key: str, name: str, unit: str = "none", decimals: int = 0, write: Callable[[str], str] = str) -> stat.Panel:
    """The last seven days, and smaller the seven before."""
    asked = [
        Query(write(over(name, WEEK)), words.of("these_days"), "A"),
        Query(write(over(name, WEEK, BEFORE_THAT)), words.of("days_before"), "B"),
    ]
    panel = number(words, key, asked, unit, decimals).text_mode("value_and_name")
    return panel.override_by_query("B", [fixed(GREY)])


def by_day(panel: timeseries.Panel) -> timeseries.Panel:
    """Points a day apart, with a line between those of neighbouring days."""
    panel = panel.interval(STEP).max_data_points(10000).span_nulls(A_DAY)
    panel = panel.line_interpolation(options.LineInterpolation.LINEAR)
    return panel.show_points(options.VisibilityMode.ALWAYS).point_size(6)


def bars_of_days(panel: timeseries.Panel, ref: str) -> timeseries.Panel:
    bars = [("drawStyle", "bars"), ("fillOpacity", 70), ("lineWidth", 0), ("barWidthFactor", 1), ("showPoints", "never")]
    return panel.override_by_query(ref, [prop(f"custom.{name}", value) for name, value in bars])


def days(name: str) -> str:
    return each_day(FIGURES[name].expr(QUARTERS))


def agents(words: Words) -> table.Panel:
    of = words.of

    def column(title: str, name: str, unit: str, width: int = 120, write: Callable[[str], str] = str, decimals: int = 0) -> Column:
        each = f"max by (agent_id) (\n{indented(over(name, '$__range', by_agent=True))}\n)"
        return Column(of(title), write(each), width=width, properties=as_number(unit, decimals))

    def counted(expr: str) -> str:
        return f"max by (agent_id) (\n{indented(summed(expr, '$__range', 'agent_id'))}\n)"

    # One nickname, also of an agent who was renamed.
    info = f"last_over_time({PANEL.named('tencent_desk_agent_info')}[$__range])"
    names = f"topk by (agent_id) (1, max by (agent_id, nickname) ({info}))"
    columns = [
        Column(of("agent"), names, label="nickname"),
        Column(of("id"), label="agent_id", properties=[fixed(GREY), COLOURED]),
        Column(of("days"), counted(f"{QUARTERS.of_agents('sessions')} * 0 + 1"), width=80, properties=as_number("none")),
        column("sessions", "sessions:sum", "none", 100),
        column("first_response", "first_response_seconds:mean", "suffix: s"),
        column("response", "response_seconds:mean", "suffix: s"),
        column("within_30s", "first_response_under_30s_sessions:ratio", "percentunit", 160),
        column("unanswered", "unanswered_sessions:ratio", "percentunit"),
        column("satisfied", "satisfied_sessions:ratio", "percentunit"),
        Column(of("ratings"), counted(QUARTERS.of_agents("rated_sessions")), width=90, properties=as_number("none")),
        column("duration", "session_seconds:mean", MINUTES[0], 110, in_minutes, MINUTES[1]),
    ]
    return grid(words, "agents", columns, "agent_id", [(of("sessions"), True)], of("no_days"))


def history(edition: Edition) -> Board:
    board = Board("history", edition, refresh="15m", time=("now-30d/d", "now-1d/d"), found_by=("tencent_desk_agent_sessions", "tencent_desk_day_sessions"))
    words = board.words
    of = words.of
    nothing = of("no_days")

    def drawn(key: str, lines: list[Line], unit: str = "none", **more) -> timeseries.Panel:
        return by_day(chart(words, key, lines, unit, no_value=nothing, **more))

    def with_week_before(title: str, name: str, write: Callable[[str], str] = str) -> list[Line]:
        before = each_day(FIGURES[name].expr(QUARTERS), offset=WEEK_AHEAD)
        return [
            Line(title, write(days(name)), SHADES[0]),
            Line(of("week_before"), write(before), GREY, is_thin=True),
        ]

    def of_desk(name: str) -> str:
        return each_day(QUARTERS.named(f"tencent_desk_day_{name}"))

    board.heading("week")
    board.line(
        5,
        (4, week(words, "week_sessions", "sessions:sum")),
        (4, week(words, "week_first_response", "first_response_seconds:mean", "suffix: s")),
        (4, week(words, "week_within", "first_response_under_30s_sessions:ratio", "percentunit")),
        (4, week(words, "week_unanswered", "unanswered_sessions:ratio", "percentunit")),
        (4, week(words, "week_satisfied", "satisfied_sessions:ratio", "percentunit")),
        (4, week(words, "week_duration", "session_seconds:mean", *MINUTES, in_minutes)),
    )
    board.heading("days")
    sessions = drawn("sessions", with_week_before(of("sessions"), "sessions:sum"), decimals=0)
    board.line(8, (24, bars_of_days(sessions, "A")))
    board.line(
        8,
        (12, drawn("first_response", with_week_before(of("first_response"), "first_response_seconds:mean"), "suffix: s")),
        (12, drawn("within", with_week_before(of("within_30s"), "first_response_under_30s_sessions:ratio"), "percentunit", most=1)),
    )
    shares = [
        Line(of("satisfied"), days("satisfied_sessions:ratio"), SHADES[0]),
        Line(of("unanswered"), days("unanswered_sessions:ratio"), SHADES[1]),
    ]
    board.line(
        8,
        (12, drawn("shares", shares, "percentunit", most=1)),
        (12, drawn("duration", with_week_before(of("duration"), "session_seconds:mean", in_minutes), MINUTES[0])),
    )
    board.heading("desk")
    counts = [
        Line(of("all"), of_desk("sessions"), SHADES[0]),
        Line(of("handed_over"), of_desk("handed_over_sessions"), SHADES[1]),
        Line(of("accepted"), of_desk("accepted_sessions"), SHADES[2]),
    ]
    times = [
        Line(of("in_the_queue"), of_desk("average_queue_seconds"), SHADES[0]),
        Line(of("first_response"), of_desk("average_first_response_seconds"), SHADES[1]),
        Line(of("response"), of_desk("average_response_seconds"), SHADES[2]),
    ]
    board.line(8, (12, drawn("desk_counts", counts, decimals=0)), (12, drawn("desk_times", times, "suffix: s")))
    board.heading("agents")
    board.line(13, (24, agents(words)))
    return board
