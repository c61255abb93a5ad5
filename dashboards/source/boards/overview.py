"""The team: what is wrong now, the last hour, the day so far, and each of its agents."""

from collections.abc import Callable

from agents import table_of_agents
from board import Board, Edition, groups
from figures import FIGURES
from firing import age, count, what_fires
from grafana_foundation_sdk.builders import timeseries
from hours import accepted_share, by_hour, day, mean_stars, of_day
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
from series import EITHER, PANEL, REALTIME_ONLY, Series

# The chosen group, or all.
TEAM = PANEL.of_chosen_group()

DAY_EARLIER = "last_over_time((\n{}\n)[5m:1m] offset 1d)"


def overview(edition: Edition) -> Board:
    board = Board("overview", edition, variables=[groups(edition.words("overview"))])
    words = board.words
    of = words.of

    def shown(key: str, name: str):
        return figure(words, key, FIGURES[name], TEAM)

    def line(title: str, name: str, **more) -> Line:
        return Line(title, FIGURES[name].expr(TEAM), **more)

    def both(title: str, name: str, write: Callable[[str], str] = str, **more) -> list[Line]:
        """The same of realtime figures, where these are what there is."""
        shown = FIGURES[name]
        realtime = Line(of("of_realtime").format(title), write(shown.expr(TEAM.read(REALTIME_ONLY))), **more)
        return [Line(title, write(shown.expr(TEAM)), **more), realtime]

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
    agents_listed = TEAM.read(EITHER).total(TEAM.read(EITHER).today("sessions")).replace("sum", "count", 1)
    board.line(
        4,
        (3, shown("first_response_day", "first_response_seconds:mean")),
        (3, shown("response_day", "response_seconds:mean")),
        (3, shown("within_day", "first_response_under_30s_sessions:ratio")),
        (3, shown("unanswered_day", "unanswered_sessions:ratio")),
        (3, shown("satisfied_day", "satisfied_sessions:ratio")),
        (3, shown("sessions_day", "sessions:sum")),
        (3, shown("duration_day", "session_seconds:mean")),
        (3, number(words, "agents_day", [Query(agents_listed)])),
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
                    *both(of("last_hour").format(first), "first_response_seconds:mean1h", colour=SHADES[0]),
                    *both(of("last_hour").format(answer), "response_seconds:mean1h", colour=SHADES[1]),
                    *both(of("today_so_far").format(first), "first_response_seconds:mean", colour=SHADES[0], is_thin=True),
                    *both(of("today_so_far").format(answer), "response_seconds:mean", colour=SHADES[1], is_thin=True),
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
                    *both(of("last_hour").format(of("sessions")), "sessions:growth1h", colour=SHADES[0]),
                    *both(of("yesterday"), "sessions:growth1h", DAY_EARLIER.format, colour=GREY, is_thin=True),
                ],
                decimals=0,
            ),
        ),
    )
    board.line(13, (24, table_of_agents(words, TEAM.by_agent().read(EITHER))))
    board.heading("hours")
    board.line(
        4,
        (4, figure(words, "queue_hour", FIGURES["queue_seconds:mean1h"])),
        (4, figure(words, "wait_hour", FIGURES["expected_wait_seconds:mean1h"])),
        (4, figure(words, "accepted_hour", FIGURES["accepted_sessions:ratio1h"])),
        (3, of_day(words, "desk_sessions", day("sessions"))),
        (3, of_day(words, "handed_over_day", day("handed_over_sessions"))),
        (3, of_day(words, "accepted_day", accepted_share("day"), "percentunit")),
        (3, of_day(words, "stars_day", mean_stars("day"), decimals=1)),
    )
    board.line(13, (24, by_hour(words)))
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
        (8, by_state(words, TEAM)),
        (
            8,
            chart(
                words,
                "durations",
                [
                    *both(of("hour_line"), "session_seconds:mean1h", in_minutes, colour=SHADES[0]),
                    *both(of("day_line"), "session_seconds:mean", in_minutes, colour=SHADES[0], is_thin=True),
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
        (12, bars(words, "kinds", kinds(of, TEAM))),
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
        "satisfied_count": "satisfied_sessions",
    }
    return [(of(word), series.total(series.of_agents(name))) for word, name in fields.items()]
