"""Days of a team, played through the rules: what is told, when, and when it is over.

Made into deploy/prometheus/tests/days_test.yml. A day is phases of its agents, from which every count and every average
(in whole seconds, as Desk gives them) follows; and what befalls the exporter, Desk and the labels on the way.
"""

from collections import defaultdict
from dataclasses import dataclass, field

# Minutes from one scrape to the next.
STEP = 4


@dataclass(frozen=True)
class Work:
    """How sessions come, from a minute to another, and how they are served."""

    since: int
    until: int
    an_hour: int = 30
    first: float = 10
    response: float = 20
    # Shares, of all sessions or (good) of the rated ones.
    unanswered: float = 0.0
    quick: float = 1.0
    rated: float = 0.0
    good: float = 1.0


@dataclass
class Day:
    instance: str
    text: str
    agents: dict[str, list[Work]]
    # (minute, alert, how many fire); an alert of "" is any about the team.
    told: list[tuple[int, str, int]]
    minutes: int = 600
    # Minutes at which a day begins.
    midnights: tuple[int, ...] = (0,)
    # Minutes between which the exporter is down, or Desk, or an agent is missing in Desk's answers.
    exporter_down: tuple[int, int] = (0, 0)
    desk_down: tuple[int, int] = (0, 0)
    missing: dict[str, tuple[int, int]] = field(default_factory=dict)
    # Further labels of the target.
    labels: str = ""

    @property
    def target(self) -> str:
        return ", ".join(part for part in (f'job="d", instance="{self.instance}"', self.labels) if part)


COUNTS = ("sessions", "unanswered_sessions", "effective_sessions", "first_response_under_30s_sessions", "rated_sessions", "satisfied_sessions")


class Tally:
    """An agent's row, and what the averages are made of."""

    def __init__(self) -> None:
        self.count: dict[str, float] = defaultdict(float)
        self.waited = {"first_response": 0.0, "response": 0.0}

    def add(self, work: Work) -> None:
        sessions = work.an_hour * STEP / 60
        answered = sessions * (1 - work.unanswered)
        self.count["sessions"] += sessions
        self.count["unanswered_sessions"] += sessions - answered
        self.count["effective_sessions"] += answered
        self.count["first_response_under_30s_sessions"] += answered * work.quick
        self.count["rated_sessions"] += sessions * work.rated
        self.count["satisfied_sessions"] += sessions * work.rated * work.good
        self.waited["first_response"] += answered * work.first
        self.waited["response"] += answered * work.response

    def row(self) -> dict[str, float]:
        row = {name: round(self.count[name], 6) for name in COUNTS}
        for name, waited in self.waited.items():
            if self.count["effective_sessions"]:
                row[f"average_{name}_seconds"] = round(waited / self.count["effective_sessions"])
        return row


def within(minute: int, span: tuple[int, int]) -> bool:
    return span[0] <= minute < span[1]


def series_of(day: Day) -> dict[str, list[float | None]]:
    """Every series, a value (or none) for each scrape."""
    scrapes = day.minutes // STEP + 1
    found: dict[str, list[float | None]] = defaultdict(lambda: [None] * scrapes)
    tallies = {agent: Tally() for agent in day.agents}
    start = 0
    for scrape in range(scrapes):
        minute = scrape * STEP
        if minute in day.midnights:
            start, tallies = minute, {agent: Tally() for agent in day.agents}
        for agent, works in day.agents.items():
            for work in works:
                # What has come since the last scrape.
                if work.since < minute <= work.until and minute not in day.midnights:
                    tallies[agent].add(work)
        if within(minute, day.exporter_down):
            continue
        found[f"tencent_desk_up{{{day.target}}}"][scrape] = float(not within(minute, day.desk_down))
        # Figures are dropped five minutes after the last good poll.
        if within(minute - 5, (day.desk_down[0], day.desk_down[1] - 5)):
            continue
        listed = [a for a in day.agents if tallies[a].count["sessions"] and not within(minute, day.missing.get(a, (0, 0)))]
        found[f"tencent_desk_exporter_agents{{{day.target}}}"][scrape] = len(listed)
        if listed:
            found[f"tencent_desk_day_start_timestamp_seconds{{{day.target}}}"][scrape] = start * 60
        for agent in listed:
            for name, value in tallies[agent].row().items():
                found[f'tencent_desk_agent_{name}{{{day.target}, agent_id="{agent}"}}'][scrape] = value
    return found


def notation(values: list[float | None]) -> str:
    """As promtool writes it: runs are shortened, and a series that ends is stale at once."""
    written, at = [], 0
    while at < len(values):
        if values[at] is None:
            end = next((i for i in range(at, len(values)) if values[i] is not None), len(values))
            ends = at > 0
            written += ["stale"] * ends + ([f"_x{end - at - ends}"] if end - at > ends else [])
            at = end
            continue
        step = (values[at + 1] or 0) - values[at] if at + 1 < len(values) and values[at + 1] is not None else 0
        end = at
        while end + 1 < len(values) and values[end + 1] is not None and abs(values[at] + step * (end + 1 - at) - values[end + 1]) < 1e-4:
            end += 1
        if end - at < 2:
            written.append(f"{values[at]:g}")
            at += 1
        else:
            written.append(f"{values[at]:g}{step:+g}x{end - at}")
            at = end + 1
    return " ".join(written)


def input_series(day: Day) -> str:
    series = series_of(day).items()
    lines = [f"      # {day.text}\n"]
    lines += [f"      - {{series: '{name}', values: '{notation(values)}'}}\n" for name, values in series]
    return "".join(lines)


def expected(day: Day) -> str:
    cases = ""
    for minute, alert, count in day.told:
        which = f'alertname="{alert}"' if alert else 'scope="team"'
        cases += (
            f"      - expr: count(ALERTS{{{day.target}, {which}, alertstate=\"firing\"}}) or vector(0)\n"
            f"        eval_time: {minute}m\n"
            f"        exp_samples: [{{labels: '{{}}', value: {count}}}]\n"
        )
    return cases


FIRST, RESPONSE, QUICK = "TencentDeskFirstResponseSlow", "TencentDeskResponseSlow", "TencentDeskFirstResponseServiceLevelLow"
UNANSWERED, GOOD = "TencentDeskUnansweredSessionsHigh", "TencentDeskSatisfactionLow"
AGENT_FIRST, AGENT_RESPONSE = "TencentDeskAgentFirstResponseSlow", "TencentDeskAgentResponseSlow"
TEAM = ("ann", "ben", "cid")


def team(*works: Work) -> dict[str, list[Work]]:
    return {agent: list(works) for agent in TEAM}


def well(since: int, until: int) -> Work:
    return Work(since, until, quick=0.95, unanswered=0.03, rated=0.3, good=0.95)


def surge(since: int, until: int) -> Work:
    """Twice as many sessions, at 90 s."""
    return Work(since, until, an_hour=60, first=90, response=90, quick=0.1, unanswered=0.3, rated=0.3, good=0.4)


def shown(alerts: tuple[str, ...], minute: int, count: int) -> list[tuple[int, str, int]]:
    return [(minute, alert, count) for alert in alerts]


ALL_OF_TEAM = (FIRST, RESPONSE, QUICK, UNANSWERED, GOOD)

DAYS = [
    Day(
        "surge",
        "a surge in the seventh hour is told within half an hour, and its end within an hour and a half",
        team(well(0, 360), surge(360, 420), well(420, 600)),
        [(360, "", 0), *shown((FIRST, RESPONSE, QUICK), 390, 1), *shown(ALL_OF_TEAM, 420, 1), (510, "", 0), (600, "", 0)],
    ),
    Day(
        "home",
        "all go home in a bad hour",
        team(well(0, 240), surge(240, 300)),
        [*shown(ALL_OF_TEAM, 300, 1), (390, "", 0), (600, "", 0)],
    ),
    Day(
        "morning",
        "a bad morning is not a bad evening",
        team(surge(0, 180), well(180, 600)),
        [*shown(ALL_OF_TEAM, 180, 1), (270, "", 0), (420, "", 0), (600, "", 0)],
    ),
    Day(
        "edge",
        "a day exactly at the limits",
        team(Work(0, 600, an_hour=150, first=30, response=45, quick=8 / 9, unanswered=0.1, rated=0.5, good=0.8)),
        [(minute, "", 0) for minute in (30, 60, 120, 600)],
    ),
    Day(
        "short_day",
        "a bad hour ends at midnight, of a day of 23 hours",
        team(well(600, 1320), surge(1320, 1380), well(1380, 1500)),
        [*shown(ALL_OF_TEAM, 1375, 1), (1415, "", 0), (1440, "", 0), (1500, "", 0)],
        minutes=1500,
        midnights=(0, 1380),
    ),
    Day(
        "midnight",
        "a surge over midnight is told of the new day",
        team(well(600, 1380), surge(1380, 1530)),
        [*shown(ALL_OF_TEAM, 1435, 1), *shown(ALL_OF_TEAM, 1530, 1)],
        minutes=1530,
        midnights=(0, 1440),
    ),
    Day(
        "leaves",
        "an agent who leaves Desk's list after a bad hour, and one who comes",
        {
            "ann": [surge(0, 120), Work(120, 300, an_hour=0)],
            "ben": [well(0, 600)],
            "cid": [well(300, 600)],
        },
        [*shown(ALL_OF_TEAM, 120, 1), (250, "", 0), (400, "", 0), (600, "", 0)],
        missing={"ann": (180, 600)},
    ),
    Day(
        "missing",
        "an agent who was bad in the morning is missing for ten minutes in the evening",
        {"ann": [surge(0, 120), well(120, 600)], "ben": [well(0, 600)]},
        [(400, FIRST, 0), (430, FIRST, 0), (445, FIRST, 0), (460, "", 0), (480, "", 0)],
        missing={"ann": (370, 380)},
    ),
    Day(
        "hole",
        "the exporter is down for twenty minutes in the evening of a bad morning",
        team(surge(0, 120), well(120, 600)),
        [(minute, "", 0) for minute in (400, 440, 460, 470, 480, 500)],
        exporter_down=(380, 400),
    ),
    Day(
        "echo",
        "the exporter is down for twenty minutes while an alert fires, and an hour before a surge",
        team(well(0, 240), surge(240, 420), well(420, 600)),
        [*shown(ALL_OF_TEAM, 300, 1), *shown(ALL_OF_TEAM, 315, 1), *shown(ALL_OF_TEAM, 330, 1), *shown(ALL_OF_TEAM, 390, 1), (520, "", 0)],
        exporter_down=(300, 320),
    ),
    Day(
        "outage",
        "an outage of Desk for three hours ends no alert, and starts none",
        team(well(0, 120), surge(120, 480), well(480, 720)),
        [
            *shown(ALL_OF_TEAM, 180, 1),
            *shown(ALL_OF_TEAM, 240, 1),
            *shown(ALL_OF_TEAM, 355, 1),
            *shown(ALL_OF_TEAM, 400, 1),
            *shown(ALL_OF_TEAM, 440, 1),
            (580, "", 0),
        ],
        minutes=720,
        desk_down=(180, 360),
    ),
    Day(
        "after_outage",
        "an outage of Desk after a bad morning does not tell of it again",
        team(surge(0, 120), well(120, 720)),
        [(240, "", 0), (480, "", 0), (490, "", 0), (510, "", 0), (540, "", 0), (545, "", 0), (600, "", 0)],
        minutes=720,
        desk_down=(300, 480),
    ),
    Day(
        "night",
        "a bad hour ends at midnight, when Desk lists nobody",
        team(well(600, 1380), surge(1380, 1440)),
        [*shown(ALL_OF_TEAM, 1436, 1), (1476, "", 0), (1476, AGENT_FIRST, 0), (1600, "", 0), (1760, "", 0)],
        minutes=1760,
        midnights=(0, 1440),
    ),
    Day(
        "over_before",
        "an outage of Desk right after a bad hour was over does not go on with it",
        team(well(0, 120), surge(120, 180), well(180, 600)),
        [*shown(ALL_OF_TEAM, 180, 1), (288, "", 0), (340, "", 0), (500, "", 0)],
        desk_down=(248, 400),
    ),
    Day(
        "home_before",
        "an outage of Desk after all have gone home in a bad hour does not go on with it",
        team(well(0, 120), surge(120, 180)),
        [*shown(ALL_OF_TEAM, 180, 1), (288, "", 0), (340, "", 0), (500, "", 0)],
        desk_down=(248, 400),
    ),
    Day(
        "over_midnight",
        "an outage of Desk over midnight: what the new day had before it came back is not the last hour",
        team(well(600, 1440), surge(1440, 1480), well(1480, 1800)),
        [(minute, "", 0) for minute in (1536, 1560, 1580, 1600, 1640, 1800)],
        minutes=1800,
        midnights=(0, 1440),
        desk_down=(1340, 1520),
    ),
    Day(
        "held_over_midnight",
        "an outage of Desk over midnight ends no alert",
        team(well(600, 1380), surge(1380, 1640)),
        [*shown(ALL_OF_TEAM, 1430, 1), *shown(ALL_OF_TEAM, 1490, 1), *shown(ALL_OF_TEAM, 1540, 1), *shown(ALL_OF_TEAM, 1640, 1)],
        minutes=1640,
        midnights=(0, 1440),
        desk_down=(1430, 1530),
    ),
    Day(
        "[2001:db8::1]:10141",
        "further labels of a target, and an address of IPv6",
        team(well(0, 120), surge(120, 240)),
        shown(ALL_OF_TEAM, 180, 1),
        minutes=240,
        labels='namespace="monitoring", service="desk", endpoint="metrics"',
    ),
]


def days_test_yml() -> str:
    """All days in one test, each at an instance of its own: promtool is many times faster so."""
    head = f"""\
# promtool test rules days_test.yml: days of a team, and what is told of them.
# Made by dashboards/generate from dashboards/source/days.py: change it there.
rule_files:
  - ../rules.yml
  - ../alerts.yml

evaluation_interval: {STEP}m
# promtool takes the groups in any order otherwise.
group_eval_order: [tencent-desk, tencent-desk-thresholds, tencent-desk-service, tencent-desk-queue, tencent-desk-exporter]

tests:
  - interval: {STEP}m
    input_series:
"""
    series = "".join(input_series(day) for day in DAYS)
    return head + series + "    promql_expr_test:\n" + "".join(expected(day) for day in DAYS)
