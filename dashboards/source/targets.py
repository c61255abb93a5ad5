"""Targets that share job and instance, for promtool: two clusters under one ruler, two namespaces in one cluster.

Each alert is told of each of them, while figures are there and while Desk is away. Made into targets_test.yml.
"""

from alerts import EXPORTER, QUEUE, SERVICE
from series import AGENTS, DIRECTORY, MEMBERS, SESSIONS

TARGETS = (
    'cluster="east", namespace="desk"',
    'cluster="west", namespace="desk"',
    'cluster="west", namespace="shop"',
)
# Of no target; and what takes a day to say, which cases.py has.
NOT_HERE = ("TencentDeskExporterAbsent", "TencentDeskNoAgents")
# When Desk goes away, in minutes, and how long all of it takes.
AWAY, LENGTH = 70, 90

GROWS = f"30+1x{AWAY} stale"


def steady(value: float, until: int = AWAY) -> str:
    return f"{value:g}x{until}" + (" stale" if until < LENGTH else "")


# What Desk says of a bad day, until it goes away; and what stays of the exporter.
BUSY = [
    *(
        (f"tencent_desk_agent_{name}", 'agent_id="ann"', values)
        for name, values in (
            ("sessions", GROWS),
            ("effective_sessions", GROWS),
            ("rated_sessions", GROWS),
            ("unanswered_sessions", f"15+0.5x{AWAY} stale"),
            ("satisfied_sessions", steady(0)),
            ("first_response_under_30s_sessions", steady(0)),
            ("average_first_response_seconds", steady(300)),
            ("average_response_seconds", steady(300)),
            ("realtime_sessions", f"60+1x{AWAY} stale"),
            ("current_sessions", steady(9)),
            ("reception_limit", steady(9)),
        )
    ),
    ("tencent_desk_agent_status", 'agent_id="ann", status="busy"', steady(1)),
    ("tencent_desk_agent_info", 'agent_id="ann", nickname="Ann"', steady(1)),
    ("tencent_desk_agent_info", 'agent_id="ann", nickname="Anne"', steady(1)),
    ("tencent_desk_day_start_timestamp_seconds", "", steady(0)),
    ("tencent_desk_queued_sessions", "", steady(20)),
    ("tencent_desk_online_agents", 'state="free"', steady(0)),
    ("tencent_desk_group_queued_users", 'group_id="1", group_name="Orders"', steady(9)),
    ("tencent_desk_hour_sessions", 'hour="9"', GROWS),
    ("tencent_desk_hour_handed_over_sessions", 'hour="9"', GROWS),
    ("tencent_desk_hour_accepted_sessions", 'hour="9"', f"21+0.5x{AWAY} stale"),
    ("tencent_desk_hour_average_queue_seconds", 'hour="9"', steady(300)),
    ("tencent_desk_up", "", f"1x{AWAY} 0x{LENGTH - AWAY}"),
    *(
        series
        for endpoint in (AGENTS, DIRECTORY, MEMBERS, SESSIONS)
        for series in (
            ("tencent_desk_exporter_endpoint_up", f'endpoint="{endpoint}"', f"1x{AWAY} 0x{LENGTH - AWAY}"),
            ("tencent_desk_exporter_poll_interval_seconds", f'endpoint="{endpoint}"', steady(60, LENGTH)),
        )
    ),
    ("tencent_desk_exporter_last_success_timestamp_seconds", f'endpoint="{AGENTS}"', f"0+60x{AWAY} {60 * AWAY}x{LENGTH - AWAY}"),
    ("tencent_desk_exporter_last_success_timestamp_seconds", f'endpoint="{DIRECTORY}"', steady(0, LENGTH)),
]
# An exporter whom Desk refuses, and one that is down.
ILL = [
    ("up", "", steady(0, LENGTH)),
    ("process_start_time_seconds", "", steady(0, LENGTH)),
    ("tencent_desk_up", "", steady(0, LENGTH)),
    ("tencent_desk_exporter_endpoint_up", f'endpoint="{AGENTS}"', steady(0, LENGTH)),
    ("tencent_desk_exporter_poll_interval_seconds", f'endpoint="{AGENTS}"', steady(60, LENGTH)),
    *(
        ("tencent_desk_exporter_poll_failures_total", f'endpoint="{AGENTS}", class="{kind}"', f"0+1x{LENGTH}")
        for kind in ("credentials", "configuration", "rate_limited")
    ),
    ("tencent_desk_exporter_user_sig_expiry_timestamp_seconds", "", steady(0, LENGTH)),
    ("tencent_desk_exporter_web_config_last_reload_successful", "", steady(0, LENGTH)),
    ("tencent_desk_exporter_unknown_fields", f'endpoint="{AGENTS}"', steady(1, LENGTH)),
    ("tencent_desk_exporter_absent_fields", f'endpoint="{AGENTS}"', steady(1, LENGTH)),
]


def input_series() -> str:
    written = []
    for instance, rows in (("busy", BUSY), ("ill", ILL)):
        for target in TARGETS:
            for name, labels, values in rows:
                own = f", {labels}" if labels else ""
                series = f'{name}{{job="tencent-desk", instance="{instance}", {target}{own}}}'
                written.append(f"      - {{series: '{series}', values: '{values}'}}\n")
    return "".join(written)


def told(alerts: list[str], minute: int) -> str:
    """Each of these alerts fires at every target, and no other does."""
    expr = 'count by (alertname) (group by (alertname, cluster, namespace) (ALERTS{alertstate="firing"}))'
    samples = "".join(f"          - {{labels: '{{alertname=\"{name}\"}}', value: {len(TARGETS)}}}\n" for name in sorted(alerts))
    return f"      - expr: {expr}\n        eval_time: {minute}m\n        exp_samples:\n{samples}"


def targets_test_yml() -> str:
    of_exporter = [alert.name for alert in EXPORTER if alert.name not in NOT_HERE]
    whole = [alert.name for alert in (*SERVICE, *QUEUE)] + of_exporter
    ended = ("TencentDeskEndpointStale", "TencentDeskFiguresLate")
    away = [alert.name for alert in (*SERVICE, *QUEUE) if alert.keep] + [name for name in of_exporter if name not in ended]
    return f"""\
# promtool test rules targets_test.yml: targets that share job and instance, each of which every alert is told of.
# Made by dashboards/generate from dashboards/source/targets.py: change it there.
rule_files:
  - ../rules.yml
  - ../alerts.yml

evaluation_interval: 1m
# promtool takes the groups in any order otherwise.
group_eval_order: [tencent-desk, tencent-desk-thresholds, tencent-desk-service, tencent-desk-queue, tencent-desk-exporter]

tests:
  - interval: 1m
    input_series:
{input_series()}    promql_expr_test:
{told(whole, AWAY - 5)}{told(away, LENGTH - 2)}"""
