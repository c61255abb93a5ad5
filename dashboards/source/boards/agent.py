"""One agent's day beside the team's."""

from board import Board, Edition, chosen
from figures import FIGURES
from limits import LIMITS
from panels import MINUTES, SHADES, Line, Query, bars, chart, number, red, refs
from promql import lines
from series import PANEL, REALTIME_ONLY

from boards.overview import by_state, kinds

ONE = PANEL.of_agent('agent_id="$agent_id"')
REALTIME_ONE = ONE.read(REALTIME_ONLY)
# Everyone who was listed within the time that the board shows, with a name or without.
AGENTS = (
    f"query_result(last_over_time({PANEL.named('tencent_desk_agent_info')}[$__range]) "
    f"or ignoring (nickname) last_over_time({PANEL.named('tencent_desk_agent_sessions')}[$__range]) "
    f"or ignoring (nickname) last_over_time({PANEL.named('tencent_desk_agent_realtime_sessions')}[$__range]))"
)
PARTS = '/agent_id="(?<value>[^"]+)"(?:.*nickname="(?<text>[^"]+)")?/'


def over_limit(name: str, limit: str, count: str) -> str:
    """The day's average as Desk gives it, where it is beyond the limit of one agent."""
    return lines(
        f"{ONE.of_agents(name)} > {LIMITS[limit].expr(ONE)}",
        f"and {FIGURES[count].expr(ONE.by_agent())} >= {LIMITS['agent_sessions'].expr(ONE)}",
    )


def over_limit_in_realtime(name: str, limit: str) -> str:
    return lines(
        f"({REALTIME_ONE.today(name)}) > {LIMITS[limit].expr(ONE)}",
        f"and {ONE.of_agents('realtime_sessions')} >= {LIMITS['agent_sessions'].expr(ONE)}",
    )


def agent(edition: Edition) -> Board:
    board = Board("agent", edition, marked='agent_id="$agent_id"')
    words = board.words
    of = words.of
    board.variables.append(chosen("agent_id", of("agent_id"), AGENTS, PARTS))

    def field(key: str, name: str, unit: str = "none", decimals: int = 0, times: str = ""):
        no_value = of("not_today") if "timestamp" in name else ""
        return number(words, key, [Query(ONE.of_agents(name) + times)], unit, decimals, no_value)

    def judged(key: str, name: str, limit: str, count: str):
        worse = over_limit(name, limit, count), over_limit_in_realtime(name, limit)
        asked = []
        for reading, bad, title in zip((ONE, REALTIME_ONE), worse, (" ", of("realtime")), strict=True):
            asked += [Query(f"{reading.today(name)}\nunless ({bad})", title), Query(bad, title)]
        return red(red(number(words, key, refs(asked), "suffix: s").text_mode("value_and_name"), "B"), "D")

    def in_both(key: str, name: str, unit: str = "none", decimals: int = 0, times: str = ""):
        asked = [Query(f"({reading.today(name)}){times}", title) for reading, title in ((ONE, " "), (REALTIME_ONE, of("realtime")))]
        return number(words, key, refs(asked), unit, decimals).text_mode("value_and_name")

    def both(key: str, name: str, limit: str):
        drawn = []
        for team, title in ((PANEL, "{}"), (PANEL.read(REALTIME_ONLY), of("of_realtime"))):
            reading = team.of_agent('agent_id="$agent_id"')
            drawn += [
                Line(title.format(of("this_agent")), reading.today(f"average_{name}"), SHADES[0]),
                Line(title.format(of("team_line")), FIGURES[f"{name}:mean"].expr(team), SHADES[1], is_thin=True),
            ]
        return chart(words, key, drawn, "suffix: s", limits=(LIMITS[limit],))

    info = PANEL.named("tencent_desk_agent_info", 'agent_id="$agent_id"')
    nameless = f"({ONE.of_agents('sessions')} or {ONE.of_agents('realtime_sessions')})\nunless ignoring (nickname) {info}"
    name = number(words, "name", [Query(info, "{{nickname}}", "A"), Query(nameless, "{{agent_id}}", "B")]).text_mode(
        "name"
    )
    board.line(
        4,
        (4, name),
        (3, judged("first_response", "average_first_response_seconds", "agent_first_response_seconds", "answered_sessions:sum")),
        (3, judged("response", "average_response_seconds", "agent_response_seconds", "effective_sessions:sum")),
        (
            3,
            number(
                words, "within", [Query(FIGURES["first_response_under_30s_sessions:ratio"].expr(ONE))], "percentunit"
            ),
        ),
        (3, number(words, "unanswered", [Query(FIGURES["unanswered_sessions:ratio"].expr(ONE))], "percentunit")),
        (3, number(words, "satisfied", [Query(FIGURES["satisfied_sessions:ratio"].expr(ONE))], "percentunit")),
        (2, field("ratings", "rated_sessions")),
        (3, in_both("sessions", "sessions")),
    )
    board.line(
        8,
        (12, both("first_responses", "first_response_seconds", "agent_first_response_seconds")),
        (12, both("responses", "response_seconds", "agent_response_seconds")),
    )
    grown, online = FIGURES["sessions:growth1h"], FIGURES["online_agents:mean1h"]
    per_agent = f"(\n{grown.expr(PANEL)}\n)\n/ (\n{online.expr(PANEL)}\n> 0.5)"
    in_hand = FIGURES["sessions_in_hand:mean1h"]
    board.line(
        8,
        (
            8,
            chart(
                words,
                "volume",
                [Line(of("this_agent"), grown.expr(ONE)), Line(of("team_per_agent"), per_agent, is_thin=True)],
                decimals=0,
            ),
        ),
        (8, by_state(words, ONE)),
        (
            8,
            chart(
                words,
                "in_hand",
                [Line(of("this_agent"), in_hand.expr(ONE)), Line(of("team_line"), in_hand.expr(PANEL), is_thin=True)],
                decimals=1,
            ),
        ),
    )
    messages = [(of("from_users"), "user_messages:growth1h"), (of("from_agents"), "sent_messages:growth1h")]
    board.line(
        8,
        (12, bars(words, "kinds", kinds(of, ONE))),
        (12, chart(words, "messages", [Line(title, FIGURES[name].expr(ONE)) for title, name in messages], decimals=0)),
    )
    board.line(
        4,
        (5, field("login", "first_login_timestamp_seconds", "time:HH:mm", times=" * 1000")),
        (5, field("logout", "last_logout_timestamp_seconds", "time:HH:mm", times=" * 1000")),
        (5, number(words, "logged_in", [Query(f"sum without (state) ({ONE.of_agents('state_seconds')})")], "s", 1)),
        (4, field("users", "served_users")),
        (5, in_both("duration", "average_session_seconds", *MINUTES, times=" / 60")),
    )
    return board
