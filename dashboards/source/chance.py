#!/usr/bin/env python3
"""How often chance alone is told: days of a team whose true share is a step on the good side of its limit.

    python3 dashboards/source/chance.py [DAYS]

A day is ten hours, in which sessions come at random at a steady rate, and each is good or bad by itself. The alert is the
rule's, of the last hour, looked at once a minute: the limit, the minimum, the bound of 1.64 standard deviations and the
wait are read from their sources. Beside it stand the rule without the bound, and the day so far without it, from ten
sessions on, as it was judged at first. Real days are less steady than these: sessions of one hour are not independent.
"""

import random
import sys
from math import exp, sqrt

from alerts import SERVICE
from figure import SIGMAS
from figures import FIGURES

HOURS = 10
# For each figure, an hour's sessions (or ratings), and the true shares.
TEAMS = {
    "first_response_under_30s_sessions:ratio1h": ((60, 150), (0.80, 0.82, 0.85, 0.88)),
    "unanswered_sessions:ratio1h": ((60, 150), (0.10, 0.08, 0.07, 0.05)),
    "satisfied_sessions:ratio1h": ((30, 60), (0.80, 0.85, 0.90)),
}


def day(an_hour: float, share: float, dice: random.Random) -> list[tuple[int, int]]:
    """Sessions, and those that count, at the end of each minute since the day's start."""
    none = exp(-an_hour / 60)
    sessions = counted = 0
    minutes = [(0, 0)]
    for _ in range(HOURS * 60):
        left = dice.random()
        while left > none:
            sessions += 1
            counted += dice.random() < share
            left *= dice.random()
        minutes.append((sessions, counted))
    return minutes


def is_told(minutes: list[tuple[int, int]], figure, wait: int, sigmas: float, window: int, minimum: float) -> bool:
    limit, is_above = figure.limit.value, figure.limit.worse == "above"
    lasting = 0
    for minute, (sessions, counted) in enumerate(minutes):
        sessions_before, counted_before = minutes[max(0, minute - window)]
        over = sessions - sessions_before
        lasting += 1
        if over < minimum or not over:
            lasting = 0
            continue
        worse = (counted - counted_before) / over - limit
        if (worse if is_above else -worse) <= sigmas * sqrt(limit * (1 - limit) / over):
            lasting = 0
        if lasting > wait:
            return True
    return False


def main() -> None:
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print("| alert | an hour | true share | limit | told, of days | without the bound | the day so far |")
    print("|---|---|---|---|---|---|---|")
    for name, (rates, shares) in TEAMS.items():
        figure = FIGURES[name]
        alert = next(it for it in SERVICE if figure.record in it.expr)
        wait = int(alert.wait.removesuffix("m"))
        for an_hour in rates:
            for share in shares:
                dice = random.Random(f"{name} {an_hour} {share}")
                played = [day(an_hour, share, dice) for _ in range(days)]

                def told(sigmas: float, window: int = 60, minimum: float = figure.minimum.value) -> str:
                    found = sum(is_told(it, figure, wait, sigmas, window, minimum) for it in played)
                    return f"{100 * found / days:.1f} %"

                cells = (told(SIGMAS), told(0), told(0, HOURS * 60, 10))
                limit = f"{100 * figure.limit.value:g} %"
                print(f"| {alert.name} | {an_hour} | {100 * share:g} % | {limit} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
