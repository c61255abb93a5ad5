"""Today's figures of the team and its agents: of agent statistics, or of the members' realtime figures."""

from figure import Figure, answered, counts, field, means, ratios
from series import DAY, Series, growth


def state_seconds(series: Series, without: str = "agent_id") -> str:
    grown = growth(field("state_seconds"), series, also_ignoring="state")
    return series.total(grown, without)


def sessions_in_hand(series: Series) -> str:
    in_sessions = series.total(growth(field("session_seconds"), series))
    return f"{in_sessions}\n/ ({state_seconds(series, 'agent_id, state')} > 60)\n>= 0"


def online_agents(series: Series) -> str:
    since = f"clamp_max(time() - {series.named(DAY)}, 3600)"
    return f"{state_seconds(series, 'agent_id, state')}\n/ {since}"


BOTH = ("sum", "growth1h")

TODAY = [
    *counts("sessions", field("sessions"), "Sessions", BOTH, in_realtime=True),
    *counts("answered_sessions", answered, "Sessions in which the agent wrote at least once", BOTH),
    *counts("effective_sessions", field("effective_sessions"), "Sessions in which both sides wrote", BOTH),
    *counts("rated_sessions", field("rated_sessions"), "Sessions that the user rated", BOTH),
    *counts("satisfied_sessions", field("satisfied_sessions"), "Sessions rated with four or five stars"),
    *counts("unanswered_sessions", field("unanswered_sessions"), "Sessions without a message of the agent"),
    *counts("transferred_sessions", field("transferred_sessions"), "Sessions that were transferred"),
    *counts("ended_sessions", field("ended_sessions"), "Sessions that the agent ended"),
    *counts(
        "first_response_under_30s_sessions",
        field("first_response_under_30s_sessions"),
        "Sessions first answered within 30 s",
    ),
    *counts(
        "response_under_30s_sessions",
        field("response_under_30s_sessions"),
        "Sessions answered within 30 s on average",
    ),
    *counts("served_users", field("served_users"), "Users served, added up over the agents"),
    *counts("messages", field("messages"), "Messages"),
    *counts("sent_messages", field("sent_messages"), "Messages that agents sent"),
    *counts("user_messages", field("user_messages"), "Messages that users sent"),
    *counts("session_seconds", field("session_seconds"), "Duration of sessions, added up"),
    Figure(
        "state_seconds",
        "growth1h",
        "s",
        "Time in each state (label state), added up over the agents: by how much the day's grew in the last hour",
        lambda series: f"{state_seconds(series)} >= 0",
    ),
    Figure(
        "sessions_in_hand",
        "mean1h",
        "count",
        "Sessions that an agent had in hand at a time, in the last hour: time in sessions over time logged in (free, busy, rest)",
        sessions_in_hand,
        is_recorded=False,
    ),
    Figure(
        "online_agents",
        "mean1h",
        "count",
        "Agents logged in at a time, in the last hour: the growth of their time in states, if Desk counts it as it passes",
        online_agents,
        is_recorded=False,
    ),
    *means(
        "first_response_seconds",
        "average_first_response_seconds",
        answered,
        "answered_sessions",
        "From the agent's accept to the agent's first message, weighted by answered sessions; the time in the queue is not in it",
        "team_first_response_seconds",
        in_realtime=True,
    ),
    *means(
        "response_seconds",
        "average_response_seconds",
        field("effective_sessions"),
        "effective_sessions",
        "From a user's message to the agent's answer, weighted by effective sessions",
        "team_response_seconds",
        in_realtime=True,
    ),
    *means(
        "session_seconds",
        "average_session_seconds",
        field("sessions"),
        "sessions",
        "Duration of a session, weighted by sessions",
        in_realtime=True,
    ),
    *ratios(
        "first_response_under_30s_sessions",
        "sessions",
        "Of all sessions, those first answered within 30 s: one without an answer is a miss",
        "first_response_under_30s_sessions_ratio",
    ),
    *ratios(
        "response_under_30s_sessions",
        "effective_sessions",
        "Of the effective sessions, those answered within 30 s on average",
    ),
    *ratios(
        "unanswered_sessions",
        "sessions",
        "Of all sessions, those without a message of the agent",
        "unanswered_sessions_ratio",
    ),
    *ratios(
        "satisfied_sessions",
        "rated_sessions",
        "Of the rated sessions, those with four or five stars",
        "satisfied_sessions_ratio",
        "rated_sessions",
    ),
    *ratios("rated_sessions", "sessions", "Of all sessions, those that the user rated"),
    *ratios("transferred_sessions", "sessions", "Of all sessions, those that were transferred"),
]
