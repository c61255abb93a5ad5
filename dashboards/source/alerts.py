"""Every alert, once: when it fires, and what it says.

Alerts about the team judge the last hour, those about an agent the day's figure of who had a session in the last hour. Alerts
about the queue (scope "queue") need no agent statistics, and none is silenced for these.
"""

from dataclasses import dataclass

from figures import FIGURES
from limits import LIMITS
from promql import either, indented, lines
from series import AGENTS, HOURS, RULES, SESSIONS, UNKNOWN, Guard, Series

RUNBOOK = "https://github.com/tencent-desk-exporter/tencent-desk-exporter/blob/main/deploy/RUNBOOK.md"


@dataclass(frozen=True)
class Alert:
    name: str
    expr: str
    wait: str
    severity: str
    scope: str
    summary: str
    description: str
    comment: str = ""
    # How long it stays without a reason: over a restart of the exporter, a hole in the scrapes.
    keep: str = ""
    runbook: str = RUNBOOK

    @property
    def runbook_url(self) -> str:
        return f"{self.runbook}#{self.name.lower()}"


KEEP = "25m"
DURATION = '{{ printf "%.0f" $value | humanizeDuration }}'
SHARE = "{{ $value | humanizePercentage }}"
COUNT = '{{ printf "%.0f" $value }}'
AGENT = "{{ or $labels.nickname $labels.agent_id }}"
GROUP = "{{ or $labels.group_name $labels.group_id }}"
INSTANCE = "{{ $labels.instance }}"


def limit_text(name: str, said: str, shown: str) -> str:
    """The limit as it is recorded now, where it is, in the place of `{}`."""
    limit = LIMITS[name]
    stricter = "max" if limit.worse == "below" else "min"
    value = f"{{{{ . | first | value | {shown} }}}}"
    return f'{{{{ with query "{stricter}({limit.record})" }}}}{said.format(value)}{{{{ end }}}}'


@dataclass(frozen=True)
class Outage:
    """Of what an alert is judged by: while it lasts, the alert stays as it was."""

    down: str
    unknown: Guard
    # Is there again when it is over.
    known: str
    # Labels that only `down` has.
    ignored: tuple[str, ...] = ()


OF_TEAM = Outage("tencent_desk_up == 0", UNKNOWN, "sessions:growth1h")
OF_HOURS = Outage(
    f'tencent_desk_exporter_endpoint_up{{endpoint="{SESSIONS}"}} == 0', HOURS.unknown, "handed_over_sessions:growth1h", ("endpoint",)
)


def as_it_was(alert: str, judged: str, of_agent: bool = False, outage: Outage = OF_TEAM) -> str:
    """An alert that fires, as it was last judged, while the exporter answers but has no figures of the last hour.

    A day that begins with nobody has none either, and is no outage: its polls are good.
    """
    firing = f'sum without (alertname, alertstate, severity, scope) (ALERTS{{alertname="{alert}", alertstate="firing"}})'
    join = "* ignoring (nickname) group_left ()" if of_agent else "*"
    ignored = (*(("agent_id", "nickname") if of_agent else ()), *outage.ignored)
    keep_to = f"ignoring ({', '.join(ignored)}) " if ignored else ""
    return lines(
        "# An outage of Desk is no end of it.",
        firing,
        f"{join} (\n{indented(judged)}\n)",
        f"and {keep_to}({outage.down} or {outage.unknown.record})",
        f"unless {keep_to}{FIGURES[outage.known].record}",
    )


def with_held(judged: str, held: str) -> str:
    return either(judged, f"(\n{indented(held)}\n)")


def of_team(name: str, figure: str, wait: str, summary: str, description: str, scope: str = "team", outage: Outage = OF_TEAM) -> Alert:
    held = as_it_was(name, FIGURES[figure].judged(RULES.as_before()), outage=outage)
    return Alert(name, with_held(FIGURES[figure].judged(RULES), held), wait, "warning", scope, summary, description, keep=KEEP)


def of_agent(name: str, field: str, count: str, limit: str, summary: str, description: str) -> Alert:
    def over(series: Series, average: str, count: str) -> str:
        return lines(
            f"{series.value(f'tencent_desk_agent_{average}')} > {LIMITS[limit].expr(series)}",
            f"and {series.value(count)} >= {LIMITS['agent_sessions'].expr(series)}",
            f"and {series.value('agent:tencent_desk_sessions:growth1h')} > 0",
        )

    def judged(series: Series) -> str:
        realtime = over(series, f"realtime_{field}", "tencent_desk_agent_realtime_sessions")
        no_statistics = f"unless ignoring (agent_id) {series.value('tencent_desk_agent_sessions')}"
        return either(over(series, field, count), f"(\n{indented(realtime)}\n) {no_statistics}")

    named = lines(
        f"(\n{indented(judged(RULES))}\n)",
        "* ignoring (nickname) group_left (nickname)",
        "(",
        "  # One nickname, also while an agent is renamed; and 1 for an agent who has none.",
        "  topk without (nickname) (1, tencent_desk_agent_info)",
        "  or ignoring (nickname) (tencent_desk_agent_sessions or tencent_desk_agent_realtime_sessions) * 0 + 1",
        ")",
    )
    held = as_it_was(name, judged(RULES.as_before()), of_agent=True)
    return Alert(name, with_held(named, held), "15m", "info", "agent", summary, description, keep=KEEP)


TEAM = "The team of {{ $labels.instance }}"

SERVICE = [
    of_team(
        "TencentDeskFirstResponseSlow",
        "first_response_seconds:mean1h",
        "5m",
        f"First answers take long ({DURATION}, last hour)",
        f"{TEAM} took {DURATION} on average in the last hour from accepting a session to the first answer"
        + limit_text("team_first_response_seconds", "; the limit is {}", "humanizeDuration")
        + ".",
    ),
    of_team(
        "TencentDeskResponseSlow",
        "response_seconds:mean1h",
        "5m",
        f"Answers take long ({DURATION}, last hour)",
        f"{TEAM} took {DURATION} on average in the last hour to answer a customer's message"
        + limit_text("team_response_seconds", "; the limit is {}", "humanizeDuration")
        + ".",
    ),
    of_agent(
        "TencentDeskAgentFirstResponseSlow",
        "average_first_response_seconds",
        "agent:tencent_desk_answered_sessions:difference",
        "agent_first_response_seconds",
        f"First answers of {AGENT} take long ({DURATION}, today)",
        f'{{{{ or $labels.nickname "The agent" }}}} ({{{{ $labels.agent_id }}}}) took {DURATION} on average today from accepting a session to the first answer'
        + limit_text("agent_first_response_seconds", "; the limit is {}", "humanizeDuration")
        + ".",
    ),
    of_agent(
        "TencentDeskAgentResponseSlow",
        "average_response_seconds",
        "tencent_desk_agent_effective_sessions",
        "agent_response_seconds",
        f"Answers of {AGENT} take long ({DURATION}, today)",
        f'{{{{ or $labels.nickname "The agent" }}}} ({{{{ $labels.agent_id }}}}) took {DURATION} on average today to answer a customer\'s message'
        + limit_text("agent_response_seconds", "; the limit is {}", "humanizeDuration")
        + ".",
    ),
    of_team(
        "TencentDeskFirstResponseServiceLevelLow",
        "first_response_under_30s_sessions:ratio1h",
        "10m",
        f"Few first answers within 30 seconds ({SHARE}, last hour)",
        f"In {SHARE} of the last hour's sessions of {{{{ $labels.instance }}}} the first answer came within 30 seconds"
        + limit_text("first_response_under_30s_sessions_ratio", "; at least {} is wanted", "humanizePercentage")
        + ". A session without an answer counts as a miss.",
    ),
    of_team(
        "TencentDeskUnansweredSessionsHigh",
        "unanswered_sessions:ratio1h",
        "10m",
        f"Many sessions without an answer ({SHARE}, last hour)",
        f"{SHARE} of the last hour's sessions of {{{{ $labels.instance }}}} have no answer from an agent"
        + limit_text("unanswered_sessions_ratio", "; the limit is {}", "humanizePercentage")
        + ".",
    ),
    of_team(
        "TencentDeskSatisfactionLow",
        "satisfied_sessions:ratio1h",
        "15m",
        f"Few good ratings ({SHARE}, last hour)",
        f"{SHARE} of the sessions of {{{{ $labels.instance }}}} that were rated in the last hour got four or five stars"
        + limit_text("satisfied_sessions_ratio", "; at least {} is wanted", "humanizePercentage")
        + ".",
    ),
]


INTERVAL = "tencent_desk_exporter_poll_interval_seconds"


# There where agent statistics are asked for.
OF_AGENTS = f'{INTERVAL}{{endpoint="{AGENTS}"}}'


def age(sign: str, matcher: str = "") -> str:
    """Endpoints by the age of their last good poll, or of the process where there was none: beyond the limit, or within."""
    last, interval = (RULES.named(name, matcher) for name in ("tencent_desk_exporter_last_success_timestamp_seconds", INTERVAL))
    return lines(
        "time() - (",
        f"  {last}",
        f"  or {interval} * 0 + ignoring (endpoint) group_left () process_start_time_seconds",
        ")",
        f"{sign} clamp_min(3 * {interval}, {LIMITS['data_age_seconds'].expr(RULES)})",
    )


def no_fresh_figures() -> str:
    """Of agent statistics; of any endpoint at all, where these are not asked for."""
    of_others = lines(age(">"), f"unless ignoring (endpoint) {OF_AGENTS}", f"unless ignoring (endpoint) (\n{indented(age('<='))}\n)")
    return lines(
        "max without (endpoint) (",
        indented(age(">", f'endpoint="{AGENTS}"')),
        "  or (",
        indented(of_others, 4),
        "  )",
        ")",
    )


def no_fresh_figures_of_one() -> str:
    """Of one further endpoint, while others are fresh, agent statistics among them where they are asked for."""
    of_agents = age(">", f'endpoint="{AGENTS}"')
    return lines(
        age(">", f'endpoint!="{AGENTS}"'),
        f"unless ignoring (endpoint) (\n{indented(of_agents)}\n)",
        f"and ignoring (endpoint) (\n{indented(age('<='))}\n)",
    )


def refused(kind: str) -> str:
    """Agent statistics were refused, and fail; or what is asked for in their place."""

    def failures(matcher: str) -> str:
        return f"increase(tencent_desk_exporter_poll_failures_total{{{matcher}}}[30m]) > 0"

    return lines(
        "max without (endpoint) (",
        f"""  {failures(f'class="{kind}", endpoint="{AGENTS}"')}""",
        f"""  or {failures(f'class="{kind}"')}""",
        "  and ignoring (class) tencent_desk_exporter_endpoint_up == 0",
        f"  unless ignoring (class, endpoint) {OF_AGENTS}",
        ")",
        "and ignoring (class, endpoint) tencent_desk_up == 0",
    )


def no_agents() -> str:
    agents = "tencent_desk_exporter_agents"
    return lines(
        f"{agents} == 0",
        "and max_over_time(tencent_desk_up[15m]) == 1",
        f"unless ignoring (endpoint) ({INTERVAL} unless ignoring (endpoint) {OF_AGENTS})",
        "and (",
        f"  {agents} offset 1w > 0",
        "  or (",
        f"    {agents} offset 1d > 0",
        f"    or max_over_time({agents}[1d]) == 0 and {agents} offset 1d",
        f"  ) unless {agents} offset 1w",
        ")",
    )


# The counts that the rules judge by: where no agent has all of them, the rules are silent.
JUDGED = ("sessions", "unanswered_sessions", "effective_sessions", "first_response_under_30s_sessions", "rated_sessions", "satisfied_sessions")


# A queue is of now: it ends with what shows it, and nothing of it stays.
QUEUE = [
    Alert(
        "TencentDeskQueueUnattended",
        FIGURES["unattended_sessions:now"].expr(RULES),
        "2m",
        "critical",
        "queue",
        f"{COUNT} in the queue, and no agent is free",
        f"The queue of {INSTANCE} has not been empty for two minutes in which no agent was free: {COUNT} sessions wait now.",
    ),
    Alert(
        "TencentDeskQueueLong",
        FIGURES["queued_sessions:now"].judged(RULES),
        "5m",
        "warning",
        "queue",
        f"The queue is long ({COUNT})",
        f"{COUNT} sessions are in the queue of {INSTANCE}" + limit_text("queued_sessions", "; the limit is {}", 'printf "%.0f"') + ".",
    ),
    Alert(
        "TencentDeskGroupQueueLong",
        FIGURES["group_queued_users:now"].judged(RULES),
        "5m",
        "warning",
        "queue",
        f"The queue of {GROUP} is long ({COUNT})",
        f"{COUNT} users are in the queue of the group {GROUP} of {INSTANCE}"
        + limit_text("group_queued_users", "; the limit is {}", 'printf "%.0f"')
        + ". Queues of groups need not add up to that of the whole Desk.",
    ),
    Alert(
        "TencentDeskCapacityUsed",
        FIGURES["capacity:ratio"].judged(RULES),
        "10m",
        "warning",
        "queue",
        f"Agents have few seats left ({SHARE} used)",
        f"The agents of {INSTANCE} who are online have {SHARE} of the sessions that they may have at a time"
        + limit_text("capacity_ratio", "; the limit is {}", "humanizePercentage")
        + ".",
    ),
    of_team(
        "TencentDeskQueueTimeLong",
        "queue_seconds:mean1h",
        "5m",
        f"The queue takes long ({DURATION}, last hour)",
        f"Sessions of {INSTANCE} that an agent accepted in the last hour had been in the queue for {DURATION} on average"
        + limit_text("average_queue_seconds", "; the limit is {}", "humanizeDuration")
        + ". Those who gave up are not in it.",
        "queue",
        OF_HOURS,
    ),
    of_team(
        "TencentDeskAcceptedSessionsLow",
        "accepted_sessions:ratio1h",
        "10m",
        f"Few sessions are accepted ({SHARE}, last hour)",
        f"Agents of {INSTANCE} accepted {SHARE} of the sessions that were handed over to them in the last hour"
        + limit_text("accepted_sessions_ratio", "; at least {} is wanted", "humanizePercentage")
        + ". The others are in the queue, gave up or failed: Desk does not say which.",
        "queue",
        OF_HOURS,
    ),
]


def sign(name: str, expr: str) -> str:
    label = f'"sign", "{name}", "", ""'
    return f"label_replace(\n{indented(expr)},\n  {label}\n)" if "\n" in expr else f"label_replace({expr}, {label})"


def signs() -> str:
    judged = "\n+ ".join(f"tencent_desk_agent_{field}" for field in JUDGED)
    dropped = lines("tencent_desk_exporter_agents > 0", f"unless sum without (agent_id) (\n{indented(judged)}\n)")
    # The same sign of the same endpoint, so that both are one alert.
    dropped = f'label_replace(\n{indented(dropped)},\n  "endpoint", "{AGENTS}", "", ""\n)'
    absent = lines("tencent_desk_exporter_absent_fields > 0", f"or {dropped}")
    discarded = 'increase(tencent_desk_exporter_discarded_rows_total{reason!="not_asked"}[30m]) > 0'
    return "\nor ".join(
        (
            sign("unknown_fields", "tencent_desk_exporter_unknown_fields > 0"),
            sign("absent_field", absent),
            sign("ignored_values", "increase(tencent_desk_exporter_ignored_values_total[30m]) > 0"),
            sign("missing_rows", "tencent_desk_exporter_missing_rows > 0"),
            sign("discarded_rows", discarded),
        )
    )


EXPORTER = [
    Alert(
        "TencentDeskExporterDown",
        'up{job="tencent-desk"} == 0',
        "2m",
        "critical",
        "exporter",
        "The Desk exporter cannot be scraped",
        f"Prometheus gets no answer from {INSTANCE}: no figures, and no other alert about this Desk can be trusted.",
    ),
    Alert(
        "TencentDeskExporterAbsent",
        'absent(up{job="tencent-desk"})',
        "5m",
        "critical",
        "exporter",
        "Prometheus knows no Desk exporter",
        "Prometheus has no target in the job {{ $labels.job }}: the job is missing or named otherwise, or service discovery finds nothing.",
        "There is no series to take an instance from.",
    ),
    Alert(
        "TencentDeskDataStale",
        no_fresh_figures(),
        "1m",
        "critical",
        "exporter",
        "Desk gives no fresh figures",
        f"{INSTANCE} has had no good answer from Desk for {DURATION}. Figures are dropped MAX_STALENESS (5 minutes, unless it is set) "
        "after the last good poll, and come back with the next one.",
        "Of agent statistics, unless they are not asked for: the age of the last good poll, or of the process where there was none yet. "
        "It also sees a poll loop that hangs.",
    ),
    Alert(
        "TencentDeskEndpointStale",
        no_fresh_figures_of_one(),
        "5m",
        "warning",
        "exporter",
        "Desk gives no fresh answer of one of its endpoints",
        f"{INSTANCE} has had no good answer of {{{{ $labels.endpoint }}}} for {DURATION}, while others are answered. "
        "What is shown and judged by it is missing.",
        "An endpoint that Desk does not serve has no interval, and is none of these.",
    ),
    Alert(
        "TencentDeskNoAgents",
        no_agents(),
        "1h",
        "warning",
        "exporter",
        "Desk answers, and lists no agent",
        f"Polls of {INSTANCE} succeed, but Desk has listed no agent for an hour, at a time of day at which it did before, or for a whole day.",
        "Only where agent statistics are asked for. A week before is the better witness, the day before where a week before there was no exporter yet; all day, where there has been one for a day.",
    ),
    Alert(
        "TencentDeskFiguresLate",
        f"{FIGURES['late_sessions:sum'].record} > 0",
        "30m",
        "info",
        "exporter",
        "Agent statistics lag behind",
        f"The agents' figures of today, as {INSTANCE} gets them, lack {COUNT} sessions that the same agents' realtime figures have had for "
        f"five minutes and more, and have lagged behind for half an hour.",
        "Realtime figures are documented for the present day, agent statistics are not: by how much these lag, nothing says but this.",
    ),
    Alert(
        "TencentDeskRateLimited",
        f'sum without (endpoint) (increase(tencent_desk_exporter_poll_failures_total{{class="rate_limited"}}[30m])) >= {LIMITS["rate_limited_polls"].expr(RULES)}',
        "5m",
        "warning",
        "exporter",
        "Desk refuses polls for their rate",
        f"Desk has refused {COUNT} polls of {INSTANCE} within half an hour because this application asks too often.",
        "Half an hour is longer than the exporter waits, twice, after Desk told it to slow down.",
    ),
    Alert(
        "TencentDeskCredentialsRejected",
        refused("credentials"),
        "2m",
        "critical",
        "exporter",
        "Desk rejects the exporter's credentials",
        f"Desk accepts neither key, identifier nor UserSig of {INSTANCE} as they are now: {COUNT} polls have failed for this reason within half an hour.",
    ),
    Alert(
        "TencentDeskUserSigExpiring",
        f"tencent_desk_exporter_user_sig_expiry_timestamp_seconds - time() < {LIMITS['user_sig_remaining_seconds'].expr(RULES)}",
        "10m",
        "warning",
        "exporter",
        "The UserSig must be renewed",
        f"The UserSig of {INSTANCE} {{{{ if lt $value 0.0 }}}}has expired{{{{ else }}}}expires in {DURATION}{{{{ end }}}}. After that Desk rejects every poll.",
    ),
    Alert(
        "TencentDeskConfigurationRejected",
        refused("configuration"),
        "2m",
        "critical",
        "exporter",
        "Desk rejects the exporter's configuration",
        f"Desk refuses {INSTANCE} for something that an operator has to change (application, region, rights, allowed addresses, plan): {COUNT} polls have failed for this reason within half an hour.",
    ),
    Alert(
        "TencentDeskWebConfigRejected",
        "tencent_desk_exporter_web_config_last_reload_successful == 0",
        "10m",
        "warning",
        "exporter",
        "The exporter cannot use its web configuration",
        f"The web configuration of {INSTANCE}, or a certificate, key or authority that it names, was changed to something that cannot be used. What was there before is still in use.",
        "The files that were there before stay in use: scrapes go on, until a certificate expires.",
    ),
    Alert(
        "TencentDeskApiChanged",
        signs(),
        "45m",
        "info",
        "exporter",
        "Desk's answers are not what this version of the exporter knows",
        "Of {{ $labels.endpoint }}: "
        f'{{{{ if eq $labels.sign "unknown_fields" }}}}Desk\'s answers to {INSTANCE} have {COUNT} fields that this version does not know.'
        f'{{{{ else if eq $labels.sign "absent_field" }}}}Desk\'s answers to {INSTANCE} lack fields that this version knows: what is judged by them is silent.'
        f'{{{{ else if eq $labels.sign "ignored_values" }}}}the field {{{{ $labels.field }}}} held no number {COUNT} times within half an hour; these values are missing on {INSTANCE}.'
        f'{{{{ else if eq $labels.sign "missing_rows" }}}}Desk counts more rows than it lists to {INSTANCE}: {COUNT} missing.'
        f"{{{{ else }}}}{COUNT} rows of Desk's answers to {INSTANCE} were left out within half an hour ({{{{ $labels.reason }}}}): sums may be too small.{{{{ end }}}}",
        'Signs that Desk\'s answers are no longer what this version was made for; "sign" says which. Lasting ones: the wait is longer than the window, so that a single odd value is no news.',
    ),
]
