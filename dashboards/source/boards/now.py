"""Who waits now, and who can take them: the queue, the seats, and each agent and group. Of Desk's further endpoints."""

from board import Board, Edition, groups
from figures import FIGURES
from grafana_foundation_sdk.builders import stat, table
from limits import LIMITS
from panels import (
    COLOURED,
    GREY,
    NOT_SERVED,
    SHADES,
    Column,
    Line,
    Query,
    Words,
    as_number,
    bars,
    chart,
    figure,
    fixed,
    grid,
    mapped,
    not_served,
    number,
    prop,
    red,
    refs,
)
from promql import lines
from queues import FREE, ONLINE, current, in_status, seats
from series import MEMBERS, PANEL, RECEPTION, Series

# Of the chosen group, where it is about agents.
CHOSEN = PANEL.of_chosen_group()
OF_GROUP = 'group_id=~"$group"'


def plain(words: Words, key: str, expr: str, bad: str = "") -> stat.Panel:
    """A fact of Desk's reception, red where something is wrong with it."""
    queries = [f"{expr}\nunless ({bad})", bad] if bad else [expr]
    asked = refs([Query(it) for it in (*queries, not_served(PANEL, RECEPTION))])
    panel = number(words, key, asked, mappings=[mapped({NOT_SERVED: (words.of("not_served"), GREY)})])
    return red(panel, "B") if bad else panel


def queue(words: Words) -> stat.Panel:
    """Red where it is too long, and where no agent is free."""
    queued = FIGURES["queued_sessions:now"]
    bad = f"{queued.judged(PANEL)}\nor ({FIGURES['unattended_sessions:now'].expr(PANEL)})"
    return plain(words, "queue", queued.expr(PANEL), bad)


def needs_names(words: Words, key: str, expr: str) -> stat.Panel:
    """What takes the names of Desk's numbers of a status."""
    code = PANEL.named("tencent_desk_agent_status_code")
    unnamed = lines(
        f"max without (agent_id) ({code}) * 0 - 1",
        f"unless ignoring (agent_id, status) {PANEL.named('tencent_desk_agent_status', ONLINE)}",
    )
    texts = {-1: (words.of("needs_names"), GREY), NOT_SERVED: (words.of("not_served"), GREY)}
    return number(words, key, refs([Query(expr), Query(unnamed), Query(not_served(PANEL, MEMBERS))]), mappings=[mapped(texts)])


def agents(words: Words) -> table.Panel:
    of = words.of

    def each(expr: str, also: str = "") -> str:
        return f"max by (agent_id{also}) (\n{CHOSEN.in_group(expr)}\n)"

    taken, limit = current(PANEL), seats(PANEL)
    names = f"{PANEL.named('tencent_desk_agent_info')} and ignoring (nickname) {taken}"
    columns = [
        Column(of("agent"), each(names, ", nickname"), label="nickname"),
        Column(of("id"), label="agent_id", properties=[fixed(GREY), COLOURED]),
        Column(of("status"), each(PANEL.named("tencent_desk_agent_status"), ", status"), label="status", width=110),
        Column(of("code"), each(PANEL.of_agents("status_code")), width=80, properties=[*as_number("none"), fixed(GREY), COLOURED]),
        Column(of("current"), each(taken), width=130, properties=as_number("none")),
        Column(of("limit"), each(f"{limit} and {taken}"), width=80, properties=as_number("none")),
        Column(of("used"), each(f"{taken} / {limit}"), width=90, properties=as_number("percentunit")),
        Column(of("sessions"), each(PANEL.of_agents("realtime_sessions")), width=120, properties=as_number("none")),
    ]
    return grid(words, "agents", columns, "agent_id", [(of("used"), True), (of("current"), True)], of("none_or_not_served"))


def groups_now(words: Words) -> table.Panel:
    of = words.of

    def group(name: str) -> str:
        return PANEL.named(f"tencent_desk_group_{name}", OF_GROUP)

    def of_members(expr: str) -> str:
        """Of each group's members: who is in several groups counts in each."""
        member = PANEL.named("tencent_desk_agent_group_info", OF_GROUP)
        return f"sum by (group_id) ({member} * ignoring (group_id) group_left () ({expr}))"

    online = f"and {in_status(PANEL, ONLINE)}"
    taken, limit = current(PANEL), seats(PANEL)
    free = f"max without (status) ({PANEL.named('tencent_desk_agent_status', FREE)})"
    spare = f"clamp_min({limit} - {taken}, 0) and {in_status(PANEL, FREE)}"
    used = f"{of_members(f'{taken} and {limit} {online}')}\n/ ({of_members(f'{limit} and {taken} {online}')} > 0)"
    names = lines(
        f"count by (group_id, group_name) ({group('info')})",
        f"or on (group_id) count by (group_id, group_name) ({group('queued_users')})",
    )

    def figure(title: str, expr: str, unit: str = "none") -> Column:
        return Column(of(title), expr, width=125, properties=as_number(unit))

    columns = [
        Column(of("group"), names, label="group_name"),
        Column(of("id"), label="group_id", properties=[fixed(GREY), COLOURED]),
        figure("in_queue", f"max by (group_id) ({group('queued_users')})"),
        figure("free", of_members(free)),
        figure("current", of_members(taken)),
        figure("used", used, "percentunit"),
        figure("spare", of_members(spare)),
        figure("members", f"max by (group_id) ({group('members')})"),
        figure("limit", f"max by (group_id) ({group('reception_limit')})"),
    ]
    return grid(words, "groups", columns, "group_id", [(of("in_queue"), True), (of("current"), True)], of("none_or_not_served"))


def state(name: str, series: Series = PANEL) -> str:
    return series.named("tencent_desk_online_agents", f'state="{name}"')


def now(edition: Edition) -> Board:
    board = Board("now", edition, refresh="30s", variables=[groups(edition.words("now"))])
    words = board.words
    of = words.of
    nothing = of("none_or_not_served")
    nobody = f"{state('free')} == 0\nand ignoring (state) {FIGURES['queued_sessions:now'].expr(PANEL)} > 0"
    board.line(
        4,
        (4, queue(words)),
        (3, plain(words, "free", state("free"), nobody)),
        (3, plain(words, "busy", state("busy"))),
        (3, plain(words, "rest", state("rest"))),
        (3, plain(words, "active", PANEL.named("tencent_desk_active_sessions"))),
        (4, figure(words, "capacity", FIGURES["capacity:ratio"], CHOSEN)),
        (4, needs_names(words, "spare", FIGURES["spare_seats:sum"].expr(CHOSEN))),
    )
    states = chart(words, "states", [Line("{{state}}", PANEL.named("tencent_desk_online_agents"))], is_stacked=True, decimals=0, no_value=nothing)
    for place, name in enumerate(("free", "busy", "rest")):
        states = states.override_by_name(name, [prop("displayName", of(name)), fixed(SHADES[place])])
    board.line(
        8,
        (
            8,
            chart(
                words,
                "queues",
                [Line(of("in_queue"), FIGURES["queued_sessions:now"].expr(PANEL))],
                decimals=0,
                limits=(LIMITS["queued_sessions"],),
                no_value=nothing,
            ),
        ),
        (8, states),
        (
            8,
            chart(
                words,
                "capacities",
                [Line(of("used"), FIGURES["capacity:ratio"].expr(CHOSEN))],
                "percentunit",
                limits=(LIMITS["capacity_ratio"],),
                no_value=nothing,
            ),
        ),
    )
    by_group = f"max by (group_id, group_name) ({PANEL.named('tencent_desk_group_queued_users', OF_GROUP)})"
    board.line(9, (7, bars(words, "group_queues", [("{{group_name}} ({{group_id}})", by_group)], nothing)), (17, groups_now(words)))
    board.line(13, (24, agents(words)))
    return board
