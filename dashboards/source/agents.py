"""The agents one by one: the table of the overview, and those who are over a limit of one agent."""

from dataclasses import dataclass, replace

from figure import Figure
from figures import FIGURES
from grafana_foundation_sdk.builders import table
from limits import LIMITS
from panels import COLOURED, GREY, RED, RIGHT, TEXT, Column, Words, as_number, fixed, grid, mapped, prop
from promql import indented, lines
from series import EITHER, PANEL, Series

EACH = PANEL.by_agent().read(EITHER)

# Desk's seconds in free, busy and rest stand still for this long: the agent is logged out.
STANDSTILL = "10m"


@dataclass(frozen=True)
class Sign:
    """One way to be over a limit of one agent: a figure of the day, judged as the alerts judge."""

    word: str
    name: str
    limit: str
    minimum: str

    @property
    def figure(self) -> Figure:
        return replace(FIGURES[self.name], limit=LIMITS[self.limit], minimum=LIMITS[self.minimum])


SIGNS = (
    Sign("first_response", "first_response_seconds:mean", "agent_first_response_seconds", "agent_sessions"),
    Sign("response", "response_seconds:mean", "agent_response_seconds", "agent_sessions"),
    Sign("unanswered", "unanswered_sessions:ratio", "unanswered_sessions_ratio", "agent_sessions"),
    Sign("satisfied", "satisfied_sessions:ratio", "satisfied_sessions_ratio", "rated_sessions"),
)

# More signs come first in the table, whichever they are: a sign's own bit, and this much for each.
STEP = 2 ** len(SIGNS)


def over_limits(each: Series = EACH) -> str:
    """A number for each agent who is over a limit, which stands for the signs."""
    signs = [
        f'label_replace((\n{indented(sign.figure.judged(each))}\n) * 0 + {STEP + 2**bit}, "sign", "{sign.word}", "", "")'
        for bit, sign in enumerate(SIGNS)
    ]
    # Each sign counts once, also where several targets have the instance.
    once = f"max by (agent_id, sign) (\n{lines(signs[0], *(f'or {sign}' for sign in signs[1:]))}\n)"
    return f"sum by (agent_id) ({once})"


def named_signs(words: Words) -> dict[float, tuple[str, str]]:
    """What those numbers mean."""
    names = {}
    for mask in range(1, STEP):
        signs = [sign for bit, sign in enumerate(SIGNS) if mask & 2**bit]
        names[STEP * len(signs) + mask] = (", ".join(words.of(sign.word).lower() for sign in signs), RED)
    return names


def gone_since(each: Series) -> str:
    """The last logout of an agent whose time stands still."""
    time = f"sum by (agent_id) ({each.of_agents('state_seconds')})"
    before = f"sum by (agent_id) ({each.of_agents('state_seconds')} offset {STANDSTILL})"
    logout = f"max by (agent_id) ({each.in_group(each.of_agents('last_logout_timestamp_seconds'))})"
    return f"{logout} * 1000\nunless ({time} > {before})"


def table_of_agents(words: Words, each: Series) -> table.Panel:
    of = words.of

    def by_agent(expr: str) -> str:
        return f"max by (agent_id) (\n{each.in_group(expr)}\n)"

    def count(title: str, field: str, width: int) -> Column:
        return Column(title, by_agent(each.of_agents(field)), width=width, properties=as_number("none"))

    def figure(title: str, name: str, unit: str, width: int) -> Column:
        return Column(title, f"max by (agent_id) (\n{FIGURES[name].expr(each)}\n)", width=width, properties=as_number(unit))

    link = (
        f"/d/{of('uid').format('agent')}"
        "?${datasource:queryparam}&${cluster:queryparam}&${namespace:queryparam}&${job:queryparam}&${instance:queryparam}"
        f'&var-agent_id=${{__data.fields["{of("id")}"]:percentencode}}&${{__url_time_range}}'
    )
    opens = prop("links", [{"title": of("open_agent"), "url": link, "targetBlank": False}])
    names = f"count by (agent_id, nickname) (\n{each.in_group(each.named('tencent_desk_agent_info'))}\n)"
    over = lines(over_limits(each), f"or {by_agent(each.today('sessions'))} * 0")
    realtime = f"{each.of_agents('realtime_sessions')} {each.without_statistics()}"
    read = by_agent(f"{each.of_agents('sessions')} * 0 + 1\nor ({realtime}) * 0 + 2")
    readings = {1: (of("statistics"), GREY), 2: (of("realtime"), TEXT)}
    signs = named_signs(words) | {0: (" ", TEXT)}
    columns = [
        Column(of("agent"), names, label="nickname", properties=[opens]),
        Column(of("id"), label="agent_id", properties=[fixed(GREY), COLOURED]),
        Column(of("sessions"), by_agent(each.today("sessions")), width=85, properties=as_number("none")),
        figure(of("first_response"), "first_response_seconds:mean", "suffix: s", 115),
        figure(of("response"), "response_seconds:mean", "suffix: s", 90),
        figure(of("within_30s"), "first_response_under_30s_sessions:ratio", "percentunit", 150),
        figure(of("unanswered"), "unanswered_sessions:ratio", "percentunit", 100),
        figure(of("satisfied"), "satisfied_sessions:ratio", "percentunit", 85),
        count(of("ratings"), "rated_sessions", 75),
        Column(of("gone"), gone_since(each), width=95, properties=[prop("unit", "time:HH:mm"), RIGHT]),
        Column(of("reading"), read, width=130, properties=[prop("mappings", [mapped(readings)]), COLOURED]),
        Column(of("over_limit"), over, properties=[prop("mappings", [mapped(signs)]), COLOURED]),
    ]
    panel = grid(
        words, "agents", columns, "agent_id", [(of("over_limit"), True), (of("sessions"), True)], of("no_figures")
    )
    return panel
