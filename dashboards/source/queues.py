"""Who waits, who can take them, and what each hour brought: figures of Desk's further endpoints.

The queue and the seats are as they are now. What is of the last hour grows as the rows of each hour grow: rows of whole
hours are exact where the day's averages, in whole seconds over all of its sessions, would be off by many.

What these cannot say: how long anyone has waited, and who gave up. Desk counts sessions, and averages the wait of those
that were connected.
"""

from figure import FIGURES, Figure, counts, field, means
from limits import LIMITS
from promql import either, indented, lines
from series import AGENTS, CHANGED, DIRECTORY, HOURS, RECEPTION, SESSIONS, Series

# Names that STATUS_NAMES has to give to Desk's numbers for what is said of agents by status.
FREE = 'status="free"'
ONLINE = 'status=~"free|busy|rest"'


def queued(series: Series) -> str:
    return series.named("tencent_desk_queued_sessions")


def without_agent(series: Series) -> str:
    """The queue, where nobody is free."""
    free = series.named("tencent_desk_online_agents", 'state="free"')
    return f"{queued(series)} > 0\nand ignoring (state) {free} == 0"


def current(series: Series) -> str:
    return series.of_agents("current_sessions")


def seats(series: Series) -> str:
    return series.of_agents("reception_limit")


def in_status(series: Series, matcher: str) -> str:
    return f"ignoring (status) {series.named('tencent_desk_agent_status', matcher)}"


def used_of_named(series: Series) -> str:
    """Of the agents online, by their status."""
    online = f"and {in_status(series, ONLINE)}"
    taken = series.total(lines(f"{current(series)} and {seats(series)}", online))
    return f"{taken}\n/ ({series.total(lines(f'{seats(series)} and {current(series)}', online))} > 0)"


def used_of_desk(series: Series) -> str:
    """Where no status is named: what Desk says of the whole, at the mean limit of the agents whom it lists."""
    of_all = 'group_id=~"$group"' if series.of_group else ""
    active, online = (series.named(f"tencent_desk_{name}", of_all) for name in ("active_sessions", "online_agents"))
    limits = (f"avg without (agent_id) ({limit})" for limit in (f"{seats(series)} and {current(series)}", seats(series)))
    return f"{active}\n/ (sum without (state) ({online}) * ({' or '.join(limits)}) > 0)"


def used_of_listed(series: Series) -> str:
    """Where Desk says nothing of the whole either: of all agents whom it lists, so at least as much."""
    taken = series.total(f"{current(series)} and {seats(series)}")
    of_whole = f"unless ignoring (state) {series.named('tencent_desk_online_agents')}"
    return f"(\n{indented(taken)}\n  / ({series.total(f'{seats(series)} and {current(series)}')} > 0)\n) {of_whole}"


def capacity(series: Series) -> str:
    others = either(used_of_desk(series), used_of_listed(series))
    return either(used_of_named(series), lines("(", indented(others), ")"))


def spare(series: Series) -> str:
    """Seats of free agents; 0 where all are busy, and nothing where no status is named."""
    free = f"clamp_min({seats(series)} - {current(series)}, 0) and {in_status(series, FREE)}"
    return series.total(f"{free}\nor {current(series)} * 0 and {in_status(series, ONLINE)}")


def hour_of(series: Series, name: str) -> str:
    return FIGURES[f"{name}:growth1h"].ref(series)


def expected_wait(series: Series) -> str:
    """By Little's law, where all of the hour is known and of one day: the mean queue over the rate of arrivals."""
    queue = queued(series)
    up = series.named("tencent_desk_exporter_endpoint_up", f'endpoint="{SESSIONS}"')
    return lines(
        f"avg_over_time({queue}[1h]) * 3600",
        f"/ ({hour_of(series, 'handed_over_sessions')} > 0)",
        f"and last_over_time({queue}[10m] offset 55m)",
        f"and ignoring (endpoint) max_over_time({up}[30m] offset 1h) == 1",
        f"unless {CHANGED.expr(series)}",
    )


def accepted_ratio(series: Series) -> str:
    """No more than 1: sessions that an agent began are accepted, and were never handed over."""
    parts = (hour_of(series, f"{name}_sessions") for name in ("accepted", "handed_over"))
    return "clamp_max({}\n/ ({} > 0), 1)".format(*parts)


# Agent statistics are polled more seldom than realtime figures: what these said that long ago, they may lack.
GRACE = "5m"
# With a longer interval of polling nothing is said of it.
LONGEST_INTERVAL = 240


def late_sessions(series: Series) -> str:
    realtime = series.named("tencent_desk_agent_realtime_sessions")
    statistics = series.named("tencent_desk_agent_sessions")
    behind = lines(
        f"(min_over_time({realtime}[{GRACE}]) and {realtime})",
        f"- ({statistics} or {realtime} * 0)",
    )
    of_agents = f'endpoint="{AGENTS}"'
    up, interval = (series.named(f"tencent_desk_exporter_{name}", of_agents) for name in ("endpoint_up", "poll_interval_seconds"))
    return lines(
        f"sum without (agent_id) (\n{indented(behind)}\n)",
        f"and ignoring (endpoint) {up} == 1",
        f"unless ignoring (endpoint) {interval} > {LONGEST_INTERVAL}",
    )


def group_queue(series: Series) -> str:
    return series.named("tencent_desk_group_queued_users")


ACCEPTED, HANDED_OVER = field("accepted_sessions"), field("handed_over_sessions")

QUEUES = [
    Figure(
        "queued_sessions",
        "now",
        "count",
        "Sessions in the queue",
        queued,
        limit=LIMITS["queued_sessions"],
        is_recorded=False,
        level="desk",
        endpoint=RECEPTION,
    ),
    Figure(
        "unattended_sessions", "now", "count", "Sessions in the queue while no agent is free", without_agent, is_recorded=False, level="desk"
    ),
    Figure(
        "group_queued_users",
        "now",
        "count",
        "Users in the queue of a group",
        group_queue,
        limit=LIMITS["group_queued_users"],
        is_recorded=False,
        level="desk",
    ),
    Figure(
        "capacity",
        "ratio",
        "ratio",
        "Of the sessions that the agents online may have at a time, those that they have. Where STATUS_NAMES does not say who is "
        "online, Desk's own count of sessions over its count of agents at their mean limit; without that count, of all agents listed",
        capacity,
        limit=LIMITS["capacity_ratio"],
        endpoint=DIRECTORY,
    ),
    Figure("spare_seats", "sum", "count", "Sessions that the free agents may take", spare, is_recorded=False),
    *counts("handed_over_sessions", HANDED_OVER, "Sessions handed over to agents", source=HOURS),
    *counts("accepted_sessions", ACCEPTED, "Sessions that an agent accepted", source=HOURS),
    *means(
        "queue_seconds",
        "average_queue_seconds",
        ACCEPTED,
        "accepted_sessions",
        "Time in the queue of the sessions that an agent accepted; those who gave up are not in it",
        "average_queue_seconds",
        source=HOURS,
        operations=("over1h", "mean1h"),
    ),
    Figure(
        "expected_wait_seconds",
        "mean1h",
        "s",
        "How long a session is in the queue by Little's law, in the last hour: the mean queue over the rate at which sessions are "
        "handed over; those who gave up are in it",
        expected_wait,
        level="desk",
        endpoint=SESSIONS,
    ),
    Figure(
        "accepted_sessions",
        "ratio1h",
        "ratio",
        "Of the sessions handed over to agents, those that one accepted, in the last hour",
        accepted_ratio,
        "handed_over_sessions:growth1h",
        LIMITS["accepted_sessions_ratio"],
        LIMITS["team_sessions"],
        level="desk",
        endpoint=SESSIONS,
    ),
    Figure(
        "late_sessions",
        "sum",
        "count",
        "Sessions that the realtime figures of the same agents have had for five minutes, and agent statistics have not",
        late_sessions,
    ),
]
