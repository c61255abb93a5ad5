"""The screen in the room: readable from five metres, without a click."""

from agents import named_signs, over_limits
from board import Board, Edition
from figures import FIGURES
from firing import age, firing
from grafana_foundation_sdk.builders import stat
from limits import LIMITS
from panels import RED, TEXT, Query, Size, Words, figure, mapped, number, prop
from series import EITHER, PANEL

# Alerts about one agent are the other list.
LOUD = 'severity!="info"'
LIST = Size(value=40, title=40)


def wall(edition: Edition) -> Board:
    board = Board("wall", edition, refresh="30s", is_for_the_wall=True)
    words = board.words

    def shown(key: str, name: str):
        return figure(words, key, FIGURES[name])

    board.line(
        7,
        (6, shown("first_response", "first_response_seconds:mean1h")),
        (6, shown("response", "response_seconds:mean1h")),
        (6, shown("within", "first_response_under_30s_sessions:ratio1h")),
        (6, shown("unanswered", "unanswered_sessions:ratio1h")),
    )
    board.line(
        7,
        (6, shown("sessions", "sessions:growth1h")),
        (6, shown("online", "online_agents:mean1h")),
        (6, shown("satisfied", "satisfied_sessions:ratio1h")),
        (6, age(words)),
    )
    board.line(10, (12, alerts(edition, words)), (12, over_limit(words)))
    return board


def alerts(edition: Edition, words: Words) -> stat.Panel:
    """Each alert about the team or the exporter by its name."""
    fire = f"max by (alertname) (\n{firing('ALERTS', LOUD)}\n)"
    rules = f"max({LIMITS['data_age_seconds'].record}) * 0\nunless on () {fire}"
    texts = [mapped({1: ("●", RED), 0: (words.of("nothing_fires"), TEXT)})]
    queries = [Query(fire, "{{alertname}}", "A"), Query(rules, " ", "B")]
    panel = number(words, "alerts", queries, no_value=words.of("no_rules"), mappings=texts, size=LIST)
    panel = panel.text_mode("value_and_name").orientation("horizontal")
    for name, text in edition.texts["alerts"].items():
        panel = panel.override_by_name(f"TencentDesk{name}", [prop("displayName", text)])
    return panel


def names_over_limit() -> str:
    """Each agent with a nickname who is over a limit: one nickname of each, also while an agent is renamed."""
    names = f"count by (agent_id, nickname) ({PANEL.named('tencent_desk_agent_info')})"
    return f"topk(6, ({over_limits()}) * on (agent_id) group_left (nickname) (topk by (agent_id) (1, {names})))"


def over_limit(words: Words) -> stat.Panel:
    """Each agent over a limit: name, and which."""
    over = over_limits()
    nameless = f"topk(6, ({over}) unless on (agent_id) {PANEL.named('tencent_desk_agent_info')})"
    either = PANEL.read(EITHER)
    some = f"{either.total(either.today('sessions'))} * 0\nunless on () ({over})"
    signs = [mapped(named_signs(words) | {0: (words.of("nobody"), TEXT)})]
    queries = [Query(names_over_limit(), "{{nickname}}", "A"), Query(nameless, "{{agent_id}}", "B"), Query(some, " ", "C")]
    panel = number(words, "over_limit", queries, mappings=signs, size=LIST)
    return panel.text_mode("value_and_name").orientation("horizontal")
