"""What each hour of today brought, by Desk's own count of sessions."""

from grafana_foundation_sdk.builders import stat, table
from panels import GREY, NOT_SERVED, Column, Query, Words, as_number, grid, mapped, not_served, number, refs
from series import PANEL, SESSIONS

STARS = ("1", "2", "3", "4", "5")


def mean_stars(span: str) -> str:
    """Of the sessions that were rated."""
    rated = PANEL.named(f"tencent_desk_{span}_star_ratings")
    each = (PANEL.named(f"tencent_desk_{span}_star_ratings", f'stars="{stars}"') for stars in STARS)
    weighted = " + ignoring (stars) ".join(f"{stars} * {series}" for stars, series in zip(STARS, each, strict=True))
    return f"({weighted})\n/ ignoring (stars) (sum without (stars) ({rated}) > 0)"


def of_day(words: Words, key: str, expr: str, unit: str = "none", decimals: int = 0) -> stat.Panel:
    texts = [mapped({NOT_SERVED: (words.of("not_served"), GREY)})]
    return number(words, key, refs([Query(expr), Query(not_served(PANEL, SESSIONS))]), unit, decimals, mappings=texts)


def day(name: str) -> str:
    return PANEL.named(f"tencent_desk_day_{name}")


def accepted_share(span: str) -> str:
    parts = (PANEL.named(f"tencent_desk_{span}_{name}_sessions") for name in ("accepted", "handed_over"))
    return "clamp_max({} / ({} > 0), 1)".format(*parts)


def by_hour(words: Words) -> table.Panel:
    of = words.of

    def each(title: str, expr: str, unit: str = "none", decimals: int = 0, width: int = 95) -> Column:
        return Column(of(title), f"max by (hour) (\n{expr}\n)", width=width, properties=as_number(unit, decimals))

    def hour(name: str) -> str:
        return PANEL.named(f"tencent_desk_hour_{name}")

    def of_stars(stars: str) -> Column:
        rated = PANEL.named("tencent_desk_hour_star_ratings", f'stars="{stars}"')
        return Column(f"{stars} ★", f"max by (hour) ({rated})", width=55, properties=as_number("none"))

    columns = [
        Column(of("hour"), label="hour", width=70),
        each("sessions", hour("sessions")),
        each("handed_over", hour("handed_over_sessions"), width=115),
        each("accepted", hour("accepted_sessions")),
        each("accepted_share", accepted_share("hour"), "percentunit", width=120),
        each("effective", hour("effective_sessions")),
        each("in_the_queue", hour("average_queue_seconds"), "suffix: s", width=120),
        each("first_response", hour("average_first_response_seconds"), "suffix: s", width=120),
        each("response", hour("average_response_seconds"), "suffix: s"),
        each("duration", f"{hour('average_session_seconds')} / 60", "suffix: min", 1),
        each("rated", hour("rated_sessions"), width=80),
        *(of_stars(stars) for stars in STARS),
        each("mean_stars", mean_stars("hour"), "none", 1, 0),
    ]
    return grid(words, "hours", columns, "hour", [(of("hour"), True)], of("none_or_not_served"))

