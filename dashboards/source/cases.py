"""Unit tests of the panels' figures, for promtool: what each says in the situations that once showed something untrue.

Made into deploy/prometheus/tests/figures_test.yml, with the very expressions that the panels ask. A case is a name, the
input (series by metric, less "tencent_desk_", and further labels), and what a figure says at a time; None is no series.
"""

from dataclasses import dataclass, field

from alerts import no_agents
from boards.agent import over_limit
from boards.wall import names_over_limit
from figures import FIGURES
from promql import indented
from series import AGENTS, PANEL, REALTIME_ONLY

TARGET = 'job="d", instance="i"'


@dataclass
class Case:
    name: str
    # (metric, further labels, values)
    series: list[tuple[str, str, str]]
    # (figure or expression, time, value)
    says: list[tuple[str, str, float | None]]
    # Of what is said, where they are other than the target's.
    labels: str | None = None
    # Further labels of the target.
    target: str = ""
    interval: str = "1m"
    # What chooses the figure's series: all of the panel's team, unless said otherwise.
    scope: object = field(default=PANEL)
    # The chosen group: all, as Grafana says it.
    group: str = ".*"


# ann is in both groups, ben in one, cid in none.
FLOOR = [
    *(("agent_sessions", f'agent_id="{agent}"', f"{sessions}x9") for agent, sessions in (("ann", 10), ("ben", 20), ("cid", 40))),
    *(("agent_current_sessions", f'agent_id="{agent}"', f"{taken}x9") for agent, taken in (("ann", 3), ("ben", 1), ("cid", 0))),
    *(("agent_reception_limit", f'agent_id="{agent}"', "4x9") for agent in ("ann", "ben", "cid")),
    *(("agent_status", f'agent_id="{agent}", status="{status}"', "1x9") for agent, status in (("ann", "free"), ("ben", "busy"), ("cid", "free"))),
    ("agent_group_info", 'agent_id="ann", group_id="1"', "1x9"),
    ("agent_group_info", 'agent_id="ann", group_id="2"', "1x9"),
    ("agent_group_info", 'agent_id="ben", group_id="2"', "1x9"),
]
CHOSEN = PANEL.of_chosen_group()

CASES = [
    Case(
        "all agents, each counted once, in however many groups",
        FLOOR,
        [("sessions:sum", "9m", 70), ("capacity:ratio", "9m", 4 / 12), ("spare_seats:sum", "9m", 5)],
        scope=CHOSEN,
    ),
    Case(
        "a group's agents, whichever other groups they are in",
        FLOOR,
        [("sessions:sum", "9m", 30), ("capacity:ratio", "9m", 0.5), ("spare_seats:sum", "9m", 1)],
        scope=CHOSEN,
        group="2",
    ),
    Case("a group without agents", FLOOR, [("sessions:sum", "9m", None), ("capacity:ratio", "9m", None)], scope=CHOSEN, group="3"),
    Case(
        "all agents, where Desk serves no groups",
        [("agent_sessions", 'agent_id="ann"', "10x9")],
        [("sessions:sum", "9m", 10), ("capacity:ratio", "9m", None), ("spare_seats:sum", "9m", None)],
        scope=CHOSEN,
    ),
    Case(
        "no seat is spare where no agent is free",
        [
            ("agent_current_sessions", 'agent_id="ann"', "1x9"),
            ("agent_reception_limit", 'agent_id="ann"', "4x9"),
            ("agent_status", 'agent_id="ann", status="rest"', "1x9"),
        ],
        [("spare_seats:sum", "9m", 0)],
    ),
    Case(
        "a queue while nobody is free, and the realtime reading of a Desk without agent statistics",
        [
            ("queued_sessions", "", "3x9"),
            ("online_agents", 'state="free"', "0x9"),
            ("agent_realtime_sessions", 'agent_id="ann"', "7x9"),
        ],
        [(f"({FIGURES['unattended_sessions:now'].expr(PANEL)}) + 0", "9m", 3), ("sessions:sum", "9m", 7)],
        scope=PANEL.read(REALTIME_ONLY),
    ),
    Case(
        "no realtime reading beside agent statistics",
        [("agent_sessions", 'agent_id="ann"', "5x9"), ("agent_realtime_sessions", 'agent_id="ann"', "7x9")],
        [("sessions:sum", "9m", None)],
        scope=PANEL.read(REALTIME_ONLY),
    ),
    Case(
        "an agent who drops out of Desk's list takes nothing from the others",
        [
            ("agent_sessions", 'agent_id="ann"', "30x89 stale"),
            ("agent_unanswered_sessions", 'agent_id="ann"', "0x89 stale"),
            ("agent_average_first_response_seconds", 'agent_id="ann"', "100x89 stale"),
            ("agent_sessions", 'agent_id="ben"', "1+1x120"),
            ("agent_unanswered_sessions", 'agent_id="ben"', "0x120"),
            ("agent_average_first_response_seconds", 'agent_id="ben"', "20x120"),
        ],
        [("first_response_seconds:mean1h", "100m", 20), ("sessions:growth1h", "100m", 60)],
    ),
    Case(
        "the last hour does not reach over midnight",
        [
            ("day_start_timestamp_seconds", "", "0x59 3600x120"),
            ("agent_sessions", 'agent_id="ben"', "4x59 0+1x120"),
            ("agent_unanswered_sessions", 'agent_id="ben"', "0x180"),
            ("agent_average_first_response_seconds", 'agent_id="ben"', "200x59 50x120"),
        ],
        [
            ("first_response_seconds:mean1h", "90m", 50),
            ("sessions:growth1h", "90m", 30),
            ("sessions:growth1h", "120m", 60),
            ("sessions:growth1h", "130m", 60),
        ],
    ),
    Case(
        "a shift's first hour",
        [
            ("up", "", "1x200"),
            ("day_start_timestamp_seconds", "", "_x59 0x60"),
            ("agent_session_seconds", 'agent_id="ben"', "_x59 0+60x60"),
            ("agent_state_seconds", 'agent_id="ben", state="free"', "_x59 0+60x60"),
        ],
        [("sessions_in_hand:mean1h", "100m", 1)],
    ),
    Case(
        "who worked until midnight and comes back is new on the new day",
        [
            ("up", "", "1x240"),
            ("day_start_timestamp_seconds", "", "0x59 3600x180"),
            ("agent_sessions", 'agent_id="ann"', "3x59 stale _x43 0+1x100"),
            ("agent_sessions", 'agent_id="ben"', "9x59 0+1x180"),
        ],
        # ann came at 104m with what 65m, an hour before 125m, did not have, and 59m had.
        [("sessions:growth1h", "125m", 60 + 21)],
    ),
    Case(
        "an agent who is missing for ten minutes comes back with what was there before",
        [
            ("up", "", "1x240"),
            ("day_start_timestamp_seconds", "", "0x240"),
            ("agent_sessions", 'agent_id="ann"', "100+1x90 stale _x9 201+1x140"),
        ],
        # At 155m an hour ago is within the ten minutes, and the last that was known is that of 90m.
        [("sessions:growth1h", "155m", 65), ("sessions:growth1h", "170m", 60)],
    ),
    Case(
        "an exporter that is younger than an hour, of a day that is older",
        [
            ("up", "", "_x60 1x180"),
            ("day_start_timestamp_seconds", "", "_x60 0x180"),
            ("agent_sessions", 'agent_id="ann"', "_x60 60+1x180"),
        ],
        [("sessions:growth1h", "100m", None), ("sessions:sum", "100m", 100), ("sessions:growth1h", "125m", 60)],
    ),
    Case(
        "an hour after Desk was down for an hour",
        [
            ("up", "", "1x59 0x59 1x120"),
            ("day_start_timestamp_seconds", "", "0x64 stale _x54 0x120"),
            ("agent_sessions", 'agent_id="ann"', "0+1x64 stale _x54 120+1x120"),
        ],
        [("sessions:growth1h", "90m", None), ("sessions:growth1h", "175m", None), ("sessions:growth1h", "185m", 60)],
    ),
    Case(
        "an outage of Desk over midnight: what the new day has by then is not its last hour",
        [
            ("up", "", "1x100 0x99 1x160"),
            ("day_start_timestamp_seconds", "", "0x100 stale _x98 7200x160"),
            ("agent_sessions", 'agent_id="ann"', "0+1x100 stale _x98 80+1x160"),
        ],
        [("sessions:growth1h", "205m", None), ("sessions:growth1h", "250m", None), ("sessions:growth1h", "265m", 60)],
    ),
    Case(
        "Desk lists nobody for forty minutes of a day, and then all again",
        [
            ("up", "", "1x260"),
            ("day_start_timestamp_seconds", "", "0x100 stale _x38 0x120"),
            ("agent_sessions", 'agent_id="ann"', "0+1x100 stale _x38 140+1x120"),
        ],
        # At 195m an hour ago is within the hole, and what was half an hour before that is not.
        [("sessions:growth1h", "150m", 60), ("sessions:growth1h", "195m", None), ("sessions:growth1h", "205m", 60)],
    ),
    Case(
        "what Desk takes back lowers the sum, and is no day of its own",
        [
            ("day_start_timestamp_seconds", "", "0x120"),
            ("agent_sessions", 'agent_id="ann"', "10x99 8x20"),
            ("agent_sessions", 'agent_id="ben"', "0+1x120"),
        ],
        [("sessions:growth1h", "110m", 58)],
    ),
    Case(
        "good polls of a target with further labels",
        [
            ("exporter_polls_total", "", "0+1x60"),
            ("exporter_poll_failures_total", 'class="network"', "0x60"),
        ],
        [("exporter_polls:ratio1h", "60m", 1)],
        target='namespace="monitoring"',
    ),
    Case(
        "an agent over a limit, while there are two nicknames",
        [
            ("agent_sessions", 'agent_id="ann"', "30x9"),
            ("agent_unanswered_sessions", 'agent_id="ann"', "0x9"),
            ("agent_average_first_response_seconds", 'agent_id="ann"', "100x9"),
            ("agent_info", 'agent_id="ann", nickname="Ann"', "1x9"),
            ("agent_info", 'agent_id="ann", nickname="Anne"', "_x8 1"),
        ],
        [(f"count by (agent_id) ({names_over_limit()})", "9m", 1)],
        labels='agent_id="ann"',
    ),
    Case(
        "an agent over a limit, at two targets that have the instance",
        [
            (f"agent_{name}", f'agent_id="ann", namespace="{namespace}"{more}', f"{value}x9")
            for namespace in ("east", "west")
            for name, more, value in (
                ("sessions", "", 30),
                ("unanswered_sessions", "", 0),
                ("average_first_response_seconds", "", 100),
                ("info", f', nickname="Ann {namespace}"', 1),
            )
        ],
        [(f"max by (agent_id) ({names_over_limit()})", "9m", 17)],
        labels='agent_id="ann"',
    ),
    Case(
        "nobody for a day, at two targets that have the instance",
        [
            (name, f'namespace="{namespace}"{more}', values)
            for namespace in ("east", "west")
            for name, more, values in (
                ("exporter_agents", "", "0x300"),
                ("up", "", "1x300"),
                ("exporter_poll_interval_seconds", f', endpoint="{AGENTS}"', "60x300"),
            )
        ],
        [(f"count({no_agents()})", "25h", 2)],
        labels="",
        interval="5m",
    ),
    Case(
        "an agent who answered too few of the sessions to be judged",
        [
            ("agent_sessions", 'agent_id="ann"', "12x9"),
            ("agent_unanswered_sessions", 'agent_id="ann"', "4x9"),
            ("agent_average_first_response_seconds", 'agent_id="ann"', "100x9"),
        ],
        [(over_limit("average_first_response_seconds", "agent_first_response_seconds", "answered_sessions:sum"), "9m", None)],
    ),
]


def asked(figure: str, scope, group: str) -> str:
    """As Grafana fills it in."""
    expr = FIGURES[figure].expr(scope) if figure in FIGURES else figure
    for variable, value in (("$cluster", ".*"), ("$namespace", ".*"), ("$job", "d"), ("$instance", "i"), ("$agent_id", "ann"), ("$group", group)):
        expr = expr.replace(variable, value)
    return expr


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def written(case: Case) -> str:
    lines = [f"  - name: {quoted(case.name)}", f"    interval: {case.interval}", "    input_series:"]
    for metric, labels, values in case.series:
        all_labels = ", ".join(part for part in (TARGET, case.target, labels) if part)
        lines.append(f"      - {{series: 'tencent_desk_{metric}{{{all_labels}}}', values: '{values}'}}")
    lines.append("    promql_expr_test:")
    for figure, time, value in case.says:
        lines += ["      - expr: |", indented(asked(figure, case.scope, case.group), 10), f"        eval_time: {time}"]
        labels = ", ".join(part for part in (TARGET, case.target) if part) if case.labels is None else case.labels
        samples = "[]" if value is None else f"[{{labels: '{{{labels}}}', value: {value}}}]"
        lines.append(f"        exp_samples: {samples}")
    return "\n".join(lines) + "\n"


def figures_test_yml() -> str:
    head = (
        "# promtool test rules figures_test.yml: the panels' own expressions.\n"
        "# Made by dashboards/generate from dashboards/source/cases.py: change it there.\n"
        "evaluation_interval: 1m\n\ntests:\n"
    )
    return head + "\n".join(written(case) for case in CASES)
