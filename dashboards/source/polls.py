"""Figures of the exporter's polls, by endpoint of Desk."""

from figure import Figure
from series import AGENTS, Series


def good_polls(series: Series) -> str:
    failures = f"sum without (class) (increase({series.named('tencent_desk_exporter_poll_failures_total')}[1h]))"
    return f"1 - {failures}\n/ (increase({series.named('tencent_desk_exporter_polls_total')}[1h]) > 0)"


def data_age(series: Series) -> str:
    return f"time() - {series.named('tencent_desk_exporter_last_success_timestamp_seconds')}"


def age_of_agents(series: Series) -> str:
    last = series.named("tencent_desk_exporter_last_success_timestamp_seconds", f'endpoint="{AGENTS}"')
    return f"time() - {last}"


POLLS = [
    Figure(
        "exporter_polls",
        "ratio1h",
        "ratio",
        "Of the polls of the last hour, those that succeeded, by endpoint",
        good_polls,
        is_recorded=False,
    ),
    Figure("data_age_seconds", "now", "s", "Since the last good poll of agent statistics", age_of_agents, is_recorded=False),
    Figure("poll_age_seconds", "now", "s", "Since the last good poll, by endpoint", data_age, is_recorded=False),
]
