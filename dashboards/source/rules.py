"""The rule files of deploy/prometheus, made from the figures and the alerts."""

from collections.abc import Callable
from textwrap import wrap

from alerts import EXPORTER, QUEUE, SERVICE, Alert
from figure import answered
from figures import ALL, FIGURES
from limits import LIMITS, Limit
from promql import indented
from series import GUARDS, RULES, now

# How wide the files are.
WIDTH = 120

RULES_HEAD = """\
# What one Desk's team did today and in the last hour, and who waits for it. Named level:metric:operation.
# Made by dashboards/generate from dashboards/source/today.py and queues.py: change it there.
#
# - "team:" is all agents of one exporter: only agent_id is summed away, so job, instance and any label of the target
#   stay. "agent:" is one agent, "desk:" a fact about the target.
# - "sum", "mean" and "ratio" are of Desk's day so far; "growth1h", "mean1h" and "ratio1h" of the last hour of that day,
#   "over1h" is of how many sessions such a mean or ratio is.
#   Where the exporter is younger than an hour, that is what the day has so far; where there were figures today but none
#   about an hour ago, there is no figure.
# - Figures of today are those of agent statistics; of a Desk without them, those of the members' realtime figures, which
#   know fewer: averages are then weighted by all sessions. No figure is of both.
# - Averages are weighted by what Desk divided them by, never avg() of averages: 10 s over 30 sessions and 100 s over one
#   are 12.9 s. Ratios are sum over sum, of agents who have both fields. Nothing to divide by: absent, not 0, not NaN.
# - Every value counts from the start of Desk's day, falls back at its midnight and may be corrected downwards: never
#   rate(), increase() or delta() of it.

groups:
  # One group: its rules are evaluated in this order, over the same scrape; no more often than Desk is asked by default.
  - name: tencent-desk
    interval: 1m
    rules:
"""

ALERTS_HEAD = """\
# Alerts about the people (scope: team, agent), the queue (scope: queue) and the exporter (scope: exporter). They need
# rules.yml, and Prometheus 2.42 or newer.
# Made by dashboards/generate from dashboards/source/alerts.py. On a server of yours, change the limits here:
#
# Every limit stands once, in the first group, with its default: change a number there, and nowhere else.
# Each alert's text links to its section in RUNBOOK.md.
#
# - Our own names need no selector; only "up" is chosen by job: job="tencent-desk", as in prometheus.yml.
# - job and instance stay in every result, so that alerts can be grouped and inhibited by exporter.
# - The team is judged by the last hour, with a minimum of sessions in it; a ratio has to be worse than its limit by more
#   than chance makes it at that count (1.64 standard deviations). An agent is judged by the day, and only while sessions
#   come. Alerts about people outlive an outage of Desk, and 25 minutes without figures.
# - Windows of half an hour are made for a POLL_INTERVAL of ten minutes at most: with a longer one, lengthen every [30m]
#   alike, and the wait of TencentDeskApiChanged, which must be longer still.

groups:
"""


def comment(text: str) -> str:
    return "".join(f"      # {line}\n" for line in wrap(text, WIDTH - 8, break_on_hyphens=False)) if text else ""


def expression(expr: str) -> str:
    body = f" {expr}" if "\n" not in expr else f" |\n{indented(expr, 10)}"
    return f"        expr:{body}\n"


def record(name: str, expr: str, text: str = "") -> str:
    return f"{comment(text)}      - record: {name}\n{expression(expr)}"


def rules_yml() -> str:
    raw = [record(guard.record, guard.write(RULES), guard.text) for guard in GUARDS]
    raw.append(record("agent:tencent_desk_answered_sessions:difference", answered(now(RULES)), answered.__doc__))
    grown = FIGURES["sessions:growth1h"]
    raw.append(record(grown.record.replace("team:", "agent:"), grown.expr(RULES.by_agent()), "The same, of each agent."))
    raw += [record(figure.record, figure.expr(RULES), f"{figure.text}.") for figure in ALL if figure.is_recorded]
    return RULES_HEAD + "\n".join(raw)


def threshold(limit: Limit) -> str:
    days, seconds = divmod(limit.value, 24 * 3600)
    return record(limit.record, f"{days} * 24 * 3600" if days and not seconds else f"{limit.value:g}", limit.text)


def text(name: str, value: str) -> str:
    """An annotation: on its line where it fits, in quotes where it has a template, else folded."""
    if len(value) < WIDTH - len(name) - 14:
        shown = f"'{value.replace(chr(39), chr(39) * 2)}'" if "{{" in value else value
        return f"          {name}: {shown}\n"
    folded = wrap(value, WIDTH - 12, break_long_words=False, break_on_hyphens=False)
    return f"          {name}: >-\n" + "".join(f"            {line}\n" for line in folded)


def alert(it: Alert) -> str:
    keep = f"        keep_firing_for: {it.keep}\n" if it.keep else ""
    return (
        f"{comment(it.comment)}      - alert: {it.name}\n{expression(it.expr)}        for: {it.wait}\n{keep}"
        f"        labels:\n          severity: {it.severity}\n          scope: {it.scope}\n        annotations:\n"
        f"{text('summary', it.summary)}{text('description', it.description)}          runbook_url: {it.runbook_url}\n"
    )


def group(name: str, rules: list[str], between: str = "\n") -> str:
    return f"  - name: {name}\n    rules:\n{between.join(rules)}"


def alerts_yml(told: Callable[[Alert], Alert] = lambda it: it, head: str = ALERTS_HEAD) -> str:
    """All alerts; `told` may put them into another language, and `head` stands before them."""
    groups = (
        group("tencent-desk-thresholds", [threshold(limit) for limit in LIMITS.values()], ""),
        group("tencent-desk-service", [alert(told(it)) for it in SERVICE]),
        group("tencent-desk-queue", [alert(told(it)) for it in QUEUE]),
        group("tencent-desk-exporter", [alert(told(it)) for it in EXPORTER]),
    )
    return head + "\n".join(groups)
