"""Every limit, once: what the alerts judge by, and the boards colour by."""

from dataclasses import dataclass

from series import Series


@dataclass(frozen=True)
class Limit:
    """A number that the alerts judge by, and the boards colour by: a recording rule at the head of alerts.yml."""

    name: str
    value: float
    # A figure is worse "above" or "below" it; "minimum" is a count below which nothing is judged.
    worse: str
    text: str = ""

    @property
    def record(self) -> str:
        return f"tencent_desk:{self.name}:{'minimum' if self.worse == 'minimum' else 'threshold'}"

    def expr(self, series: Series) -> str:
        """As a scalar: recorded, or its default. Where several rule evaluators have recorded it, the stricter counts."""
        if not series.recorded:
            return f"{self.value:g}"
        return f"scalar({'max' if self.worse == 'below' else 'min'}({self.record}))"


LIMITS = {
    limit.name: limit
    for limit in (
        Limit("team_first_response_seconds", 30, "above", "How fast, in seconds: the team in the last hour, and one agent today."),
        Limit("team_response_seconds", 45, "above"),
        Limit("agent_first_response_seconds", 60, "above"),
        Limit("agent_response_seconds", 90, "above"),
        Limit(
            "first_response_under_30s_sessions_ratio",
            0.8,
            "below",
            "How well, as a ratio from 0 to 1, the team in the last hour: at least, at most, at least.",
        ),
        Limit("unanswered_sessions_ratio", 0.1, "above"),
        Limit("satisfied_sessions_ratio", 0.8, "below"),
        Limit(
            "team_sessions",
            20,
            "minimum",
            "With fewer, nothing is said: sessions of the team in the last hour, of an agent today, rated ones in the last hour.",
        ),
        Limit("agent_sessions", 10, "minimum"),
        Limit("rated_sessions", 20, "minimum"),
        Limit("queued_sessions", 10, "above", "The queue now: of the whole Desk, and of one group."),
        Limit("group_queued_users", 5, "above"),
        Limit("average_queue_seconds", 60, "above", "The last hour's time in the queue, and the share of what an agent accepted."),
        Limit("accepted_sessions_ratio", 0.8, "below"),
        Limit("capacity_ratio", 0.9, "above", "Of the sessions that the agents online may have at a time, those that they have."),
        Limit(
            "data_age_seconds",
            300,
            "above",
            "The data may be as old as this many seconds, or three intervals of polling where that is longer.",
        ),
        Limit("rate_limited_polls", 2, "above", "Polls refused for their rate within half an hour."),
        Limit(
            "user_sig_remaining_seconds",
            7 * 24 * 3600,
            "below",
            "A UserSig must be good for seven more days. One made by the exporter itself always has thirty.",
        ),
    )
}
