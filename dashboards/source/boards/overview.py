"""The team: what is wrong now, the last hour, the day so far, and each of its agents."""

from collections.abc import Callable

from agents import table_of_agents
from board import Board, Edition
from figures import FIGURES
from firing import age, count, what_fires
from grafana_foundation_sdk.builders import timeseries
from limits import LIMITS
from panels import (
    GREY,
    MINUTES,
    ORANGE,
    RED,
    SHADES,
    TEXT,
    Line,
    Query,
    Words,
    bars,
    chart,
    figure,
    fixed,
    in_minutes,
    number,
    prop,
)
from series import PANEL, Series

DAY_EARLIER = "last_over_time((\n{}\n)[5m:1m] offset 1d)"


def overview(edition: Edition) -> Board:
    board = Board("overview", edition)
    words = board.words
    of = words.of

    def shown(key: str, name: str):
        return figure(words, key, FIGURES[name])

    def line(title: str, name: str, **more) -> Line:
        return Line(title, FIGURES[name].expr(PANEL), **more)

    def lasts(title: str, name: str, **more) -> Line:
        return Line(title, in_minutes(FIGURES[name].expr(PANEL)), **more)

    board.line(
        5,
        (3, count(words, "critical", "critical", RED)),
        (3, count(words, "warning", "warning", ORANGE)),
        (3, count(words, "info", "info", TEXT)),
        (4, age(words)),
        (11, what_fires(words, edition.texts["alerts"])),
    )
    board.heading("hour")
    board.line(
        4,
        (3, shown("first_response_hour", "first_response_seconds:mean1h")),
        (3, shown("response_hour", "response_seconds:mean1h")),
        (3, shown("within_hour", "first_response_under_30s_sessions:ratio1h")),
        (3, shown("unanswered_hour", "unanswered_sessions:ratio1h")),
        (3, shown("satisfied_hour", "satisfied_sessions:ratio1h")),
        (3, shown("sessions_hour", "sessions:growth1h")),
        (3, shown("online_hour", "online_agents:mean1h")),
        (3, shown("in_hand_hour", "sessions_in_hand:mean1h")),
    )
    board.heading("day")
    board.line(
        4,
        (3, shown("first_response_day", "first_response_seconds:mean")),
        (3, shown("response_day", "response_seconds:mean")),
        (3, shown("within_day", "first_response_under_30s_sessions:ratio")),
        (3, shown("unanswered_day", "unanswered_sessions:ratio")),
        (3, shown("satisfied_day", "satisfied_sessions:ratio")),
        (3, shown("sessions_day", "sessions:sum")),
        (3, shown("duration_day", "session_seconds:mean")),
        (3, number(words, "agents_day", [Query(PANEL.total(PANEL.of_agents("sessions")).replace("sum", "count", 1))])),
    )
    first, answer = of("first_response"), of("response")
    board.line(
        8,
        (
            12,
            chart(
                words,
                "response_times",
                [
                    line(of("last_hour").format(first), "first_response_seconds:mean1h", colour=SHADES[0]),
                    line(of("last_hour").format(answer), "response_seconds:mean1h", colour=SHADES[1]),
                    line(
                        of("today_so_far").format(first), "first_response_seconds:mean", colour=SHADES[0], is_thin=True
                    ),
                    line(of("today_so_far").format(answer), "response_seconds:mean", colour=SHADES[1], is_thin=True),
                ],
                "suffix: s",
                limits=(LIMITS["team_first_response_seconds"], LIMITS["team_response_seconds"]),
            ),
        ),
        (
            12,
            chart(
                words,
                "volume",
                [
                    line(of("last_hour").format(of("sessions")), "sessions:growth1h"),
                    Line(
                        of("yesterday"),
                        DAY_EARLIER.format(FIGURES["sessions:growth1h"].expr(PANEL)),
                        GREY,
                        is_thin=True,
                    ),
                ],
                decimals=0,
            ),
        ),
    )
    board.line(13, (24, table_of_agents(words)))
    board.heading("detail")
    board.line(
        8,
        (
            8,
            chart(
                words,
                "shares",
                [
                    line(of("within_30s"), "first_response_under_30s_sessions:ratio1h"),
                    line(of("satisfied"), "satisfied_sessions:ratio1h"),
                    line(of("unanswered"), "unanswered_sessions:ratio1h"),
                ],
                "percentunit",
                most=1,
            ),
        ),
        (8, chart(words, "online", [line(of("logged_in"), "online_agents:mean1h")], decimals=1)),
        (8, chart(words, "in_hand", [line(of("per_agent"), "sessions_in_hand:mean1h")], decimals=1)),
    )
    board.line(
        8,
        (8, by_state(words)),
        (
            8,
            chart(
                words,
                "durations",
                [
                    lasts(of("hour_line"), "session_seconds:mean1h"),
                    lasts(of("day_line"), "session_seconds:mean", colour=SHADES[0], is_thin=True),
                ],
                MINUTES[0],
            ),
        ),
        (
            8,
            chart(
                words,
                "messages",
                [line(of("from_users"), "user_messages:growth1h"), line(of("from_agents"), "sent_messages:growth1h")],
                decimals=0,
            ),
        ),
    )
    board.line(
        8,
        (12, bars(words, "kinds", kinds(of))),
        (
            12,
            chart(
                words,
                "other_shares",
                [line(of("transferred"), "transferred_sessions:ratio"), line(of("rated"), "rated_sessions:ratio")],
                "percentunit",
            ),
        ),
    )
    return board


def by_state(words: Words, series: Series = PANEL) -> timeseries.Panel:
    """How the time logged in within the hour before divides."""
    grown = FIGURES["state_seconds:growth1h"].expr(series)
    share = f"(\n{grown}\n)\n/ ignoring (state) group_left () (sum without (state) (\n{grown}\n) > 0)"
    panel = chart(words, "states", [Line("{{state}}", share)], "percentunit", is_stacked=True, most=1)
    for place, state in enumerate(("free", "busy", "rest")):
        panel = panel.override_by_name(state, [prop("displayName", words.of(state)), fixed(SHADES[place])])
    return panel


def kinds(of: Callable[[str], str], series: Series = PANEL) -> list[tuple[str, str]]:
    fields = {
        "all": "sessions",
        "effective": "effective_sessions",
        "ended": "ended_sessions",
        "transferred": "transferred_sessions",
        "unanswered": "unanswered_sessions",
        "rated": "rated_sessions",
        "satisfied": "satisfied_sessions",
    }
    return [(of(word), series.total(series.of_agents(name))) for word, name in fields.items()]
