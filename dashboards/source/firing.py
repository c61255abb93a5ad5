"""Alerts that fire, as the boards show them: how many, and what, who and since when. Only this needs the rules."""

from figures import FIGURES
from grafana_foundation_sdk.builders import stat
from limits import LIMITS
from panels import (
    COLOURED,
    GREY,
    ORANGE,
    RED,
    TEXT,
    Column,
    Query,
    Words,
    fixed,
    grid,
    mapped,
    mapped_null,
    number,
    prop,
    red,
)
from promql import lines
from series import AGENTS, PANEL, TARGET

# The one of them that has no exporter to name.
ABSENT = "TencentDeskExporterAbsent"

SEVERITIES = {"critical": RED, "warning": ORANGE, "info": GREY}


def firing(name: str = "ALERTS", *matchers: str) -> str:
    more = "".join(f", {matcher}" for matcher in matchers)
    state = ', alertstate="firing"' if name == "ALERTS" else ""
    return lines(
        f'{name}{{alertname=~"TencentDesk.+", {TARGET}{state}{more}}}',
        f'or {name}{{alertname="{ABSENT}"{state}{more}}}',
    )


def count(words: Words, key: str, severity: str, colour: str, *matchers: str) -> stat.Panel:
    """How many fire; 0 only where the rules are there to say so."""
    matching = firing("ALERTS", f'severity="{severity}"', *matchers)
    fire = f"count({matching})"
    none = f"max({LIMITS['data_age_seconds'].record}) * 0\nunless on () {fire}"
    panel = number(words, key, [Query(none, ref="A"), Query(fire, ref="B")], no_value=words.of("no_rules"))
    return panel.override_by_query("B", [fixed(colour)])


def age(words: Words, key: str = "age") -> stat.Panel:
    """Of the figures; red when they are old, and where there is nothing that has an age."""
    old = FIGURES["data_age_seconds:now"].expr(PANEL)
    interval = PANEL.named("tencent_desk_exporter_poll_interval_seconds", f'endpoint="{AGENTS}"')
    limit = f"clamp_min(3 * {interval}, {LIMITS['data_age_seconds'].value:g})"
    success = PANEL.named("tencent_desk_exporter_last_success_timestamp_seconds", f'endpoint="{AGENTS}"')
    up = PANEL.named("tencent_desk_up")
    queries = [
        Query(f"{old} <= {limit}", ref="A"),
        Query(f"{old} > {limit}", ref="B"),
        Query(f"{up} * 0 - 1\nand ignoring (endpoint) {interval}\nunless ignoring (endpoint) {success}", ref="C"),
        Query(f"{up} * 0 - 2\nunless ignoring (endpoint) {interval}", ref="D"),
    ]
    texts = [
        mapped({-1: (words.of("never"), RED), -2: (words.of("not_asked"), TEXT)}),
        mapped_null(words.of("no_exporter"), RED),
    ]
    return red(number(words, key, queries, "s", 0, words.of("no_exporter"), texts), "B")


def what_fires(words: Words, alerts: dict, key: str = "alerts", *matchers: str):
    """A row for each: critical ones first."""
    since = (
        f"(\n{firing('ALERTS_FOR_STATE', *matchers)}\n)\nand ignoring (alertstate) (\n{firing('ALERTS', *matchers)}\n)"
    )
    who = f'label_replace({since}, "who", "$1", "scope", "(.+)")'
    # A target may have a label "endpoint" of its own, which is none of Desk's.
    subjects = (*((label, ".+") for label in ("agent_id", "nickname", "group_id", "group_name")), ("endpoint", "(?:describe|get)_.+"))
    for label, value in subjects:
        who = f'label_replace({who}, "who", "$1", "{label}", "({value})")'
    for rank, severity in enumerate(SEVERITIES):
        who = f'label_replace({who}, "rank", "{rank}", "severity", "{severity}")'
    names = {f"TencentDesk{name}": (text, TEXT) for name, text in alerts.items()}
    ranks = {str(rank): ("●", colour) for rank, colour in enumerate(SEVERITIES.values())}
    scopes = {"team": (words.of("team"), TEXT), "exporter": (words.of("exporter"), TEXT), "queue": (words.of("queue_scope"), TEXT)}
    columns = [
        Column(" ", label="rank", width=32, properties=[prop("mappings", [mapped(ranks)]), COLOURED]),
        Column(words.of("alert"), label="alertname", properties=[prop("mappings", [mapped(names)])]),
        Column(words.of("who"), label="who", properties=[prop("mappings", [mapped(scopes)])]),
        Column(
            words.of("since"),
            expr=f"max by (rank, alertname, who) ({who}) * 1000",
            properties=[prop("unit", "dateTimeFromNow")],
        ),
    ]
    return grid(words, key, columns, "alertname", [(" ", False)], words.of("nothing_fires"))
