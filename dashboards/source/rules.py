"""The rule files of deploy/prometheus, made from the figures."""

from figures import ALL, GUARDS, RULES, answered, now
from promql import indented

RULES_HEAD = """\
# What one Desk's team did today and in the last hour, from the figures of its agents. Named level:metric:operation.
# Made by dashboards/generate from dashboards/source/figures.py: change it there.
#
# - "team:" is all agents of one exporter: only agent_id is summed away, so job, instance and any label of the target
#   stay. "agent:" is one agent, "desk:" a fact about the target.
# - "sum", "mean" and "ratio" are of Desk's day so far; "growth1h", "mean1h" and "ratio1h" of the last hour of that day.
# - Averages are weighted by what Desk divided them by, never avg() of averages: 10 s over 30 sessions and 100 s over one
#   are 12.9 s. Ratios are sum over sum, of agents who have both fields. Nothing to divide by: absent, not 0, not NaN.
# - Every value counts from the start of Desk's day, falls back at its midnight and may be corrected downwards: never
#   rate(), increase() or delta() of it.

groups:
  # One group: its rules are evaluated in this order, over the same scrape.
  - name: tencent-desk
    rules:
"""


def record(name: str, expr: str, comment: str = "") -> str:
    """One recording rule."""
    head = f"      # {comment}\n" if comment else ""
    body = f" {expr}" if "\n" not in expr else f" |\n{indented(expr, 10)}"
    return f"{head}      - record: {name}\n        expr:{body}\n"


def rules_yml() -> str:
    raw = [record(guard.record, guard.write(RULES), guard.text) for guard in GUARDS]
    raw.append(
        record("agent:tencent_desk_answered_sessions:difference", answered(now(RULES)), f"{answered.__doc__}")
    )
    raw += [record(figure.record, figure.expr(RULES), f"{figure.text}.") for figure in ALL if figure.is_recorded]
    return RULES_HEAD + "\n".join(raw)
