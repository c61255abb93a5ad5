"""What a figure is, and how counts, means and ratios are made of Desk's rows."""

from collections.abc import Callable
from dataclasses import dataclass

from limits import LIMITS, Limit
from promql import either, indented, lines
from series import (
    HOURS,
    REALTIME,
    REALTIME_ONLY,
    STATISTICS,
    STATISTICS_ONLY,
    At,
    Part,
    Series,
    Source,
    growth,
    now,
)

# Every figure, by its name: figures.py puts them here.
FIGURES: dict[str, "Figure"] = {}


@dataclass(frozen=True)
class Figure:
    metric: str
    operation: str
    unit: str
    text: str
    write: Callable[[Series], str]
    # The name of the figure that counts what it is over, and its limits: none for what is only shown.
    count: str = ""
    limit: Limit | None = None
    minimum: Limit | None = None
    # Whether the rules record it: what no alert and no other rule needs is for the boards alone.
    is_recorded: bool = True
    # The same of the members' realtime figures, where these have it.
    write_realtime: Callable[[Series], str] | None = None
    # "team" is agents of one exporter, "desk" a fact about the target.
    level: str = "team"
    # The further endpoint that it takes.
    endpoint: str = ""

    @property
    def name(self) -> str:
        return f"{self.metric}:{self.operation}"

    @property
    def record(self) -> str:
        return f"{self.level}:tencent_desk_{self.metric}:{self.operation}"

    def expr(self, series: Series) -> str:
        if not self.write_realtime or series.reading == STATISTICS_ONLY:
            return self.write(series)
        realtime = lines("(", indented(self.write_realtime(series)), f") {series.without_statistics()}")
        return realtime if series.reading == REALTIME_ONLY else either(self.write(series), realtime)

    def ref(self, series: Series) -> str:
        """To be used in another expression: as recorded, or written out."""
        if series.recorded and self.is_recorded:
            return series.value(self.record)
        expr = self.expr(series)
        return f"(\n{indented(expr)}\n)" if "\n" in expr else expr

    def judged(self, series: Series) -> str:
        """The figure where it is worse than its limit, over the minimum that it takes to say so.

        A ratio of sessions has to be worse by more than chance makes it at that count: 1.64 standard deviations of a ratio that is
        just at the limit, which one look in twenty exceeds.
        """
        assert self.limit, self.name
        limit = self.limit.expr(series)
        sign, chance = (">", "+") if self.limit.worse == "above" else ("<", "-")
        worse = [self.ref(series), f"  {sign} {limit}"]
        if not self.minimum:
            return lines(*worse)
        over = FIGURES[self.count].ref(series)
        if self.unit == "ratio":
            worse.append(f"  {chance} {SIGMAS} * sqrt({limit} * (1 - {limit}) / {over})")
        return lines(*worse, f"and {over} >= {self.minimum.expr(series)}")


SIGMAS = 1.64


Write = Callable[[Series], str]


def level_of(source: Source) -> str:
    return "desk" if source is HOURS else "team"


def field(name: str) -> Part:
    return lambda at: at(name)


def answered(at: At) -> str:
    """Sessions in which the agent wrote at least once."""
    return f"clamp_min({at('sessions')} - {at('unanswered_sessions')}, 0)"


def where(part: Part, there: str) -> Part:
    """`part`, of rows that have the other field too."""
    return lambda at: f"({part(at)} and {at(there)})"


def counts(
    metric: str,
    part: Part,
    text: str,
    operations: tuple[str, ...] = ("growth1h",),
    source: Source = STATISTICS,
    in_realtime: bool = False,
) -> list[Figure]:
    def of_the_day(source: Source) -> Write:
        return lambda series: series.total(part(now(series, source)), source.row)

    def of_the_hour(source: Source) -> Write:
        return lambda series: f"{series.total(growth(part, series, source), source.row)} >= 0"

    def made(operation: str, of: str, write: Callable[[Source], Write]) -> Figure:
        realtime = write(REALTIME) if in_realtime else None
        return Figure(metric, operation, "count", f"{text}{of}", write(source), write_realtime=realtime, level=level_of(source))

    both = [
        made("sum", ", today", of_the_day),
        made("growth1h", ": by how much the day's count grew in the last hour", of_the_hour),
    ]
    return [figure for figure in both if figure.operation in operations]


def means(
    metric: str,
    average: str,
    weight: Part,
    count: str,
    text: str,
    limit: str = "",
    source: Source = STATISTICS,
    operations: tuple[str, ...] = ("mean", "over1h", "mean1h"),
    in_realtime: bool = False,
) -> list[Figure]:
    """An average, weighted by what it is of; in the realtime figures by all sessions, as they count nothing else."""

    def weight_in(source: Source) -> Part:
        return field("sessions") if source is REALTIME else weight

    def weighted(source: Source) -> Part:
        return lambda at: f"{at(average)} * {weight_in(source)(at)}"

    def over(source: Source) -> Part:
        return where(weight_in(source), average)

    def of_the_day(source: Source) -> Write:
        def write(series: Series) -> str:
            at = now(series, source)
            return f"{series.total(weighted(source)(at), source.row)}\n/ ({series.total(over(source)(at), source.row)} > 0)"

        return write

    def of_the_hour(source: Source) -> Write:
        def write(series: Series) -> str:
            sums = (series.total(growth(part(source), series, source), source.row) for part in (weighted, over))
            return "{}\n/ ({} > 0)\n>= 0".format(*sums)

        return write

    def made(operation: str, of: str, write: Callable[[Source], Write], count: str, *judged: Limit | None) -> Figure:
        realtime = write(REALTIME) if in_realtime else None
        more = {"write_realtime": realtime, "level": level_of(source), "endpoint": source.endpoint if source is HOURS else ""}
        return Figure(metric, operation, "s", f"{text}{of}", write(source), count, *judged, **more)

    judged = (LIMITS[limit], LIMITS["team_sessions"]) if limit else (None, None)
    all_three = [
        made("mean", ", today", of_the_day, f"{count}:sum"),
        *counted(metric, over, limit, source, in_realtime),
        made("mean1h", ", in the last hour", of_the_hour, f"{metric}:over1h", *judged),
    ]
    return [figure for figure in all_three if figure.operation in operations]


def counted(
    metric: str, over: Callable[[Source], Part], limit: str, source: Source = STATISTICS, in_realtime: bool = False
) -> list[Figure]:
    """How many sessions a figure of the last hour is over, where it is judged: of rows that have its fields."""

    def of_the_hour(source: Source) -> Write:
        return lambda series: f"{series.total(growth(over(source), series, source), source.row)} >= 0"

    text = "Sessions that the last hour's figure below is over: those of rows that have its fields"
    realtime = of_the_hour(REALTIME) if in_realtime else None
    level = level_of(source)
    made = Figure(metric, "over1h", "count", text, of_the_hour(source), write_realtime=realtime, level=level)
    return [made] if limit else []


def ratios(
    metric: str,
    whole: str,
    text: str,
    limit: str = "",
    minimum: str = "team_sessions",
    source: Source = STATISTICS,
    operations: tuple[str, ...] = ("ratio", "over1h", "ratio1h"),
) -> list[Figure]:
    part, over = where(field(metric), whole), where(field(whole), metric)

    def of_the_day(series: Series) -> str:
        at = now(series, source)
        return f"{series.total(part(at), source.row)}\n/ ({series.total(over(at), source.row)} > 0)"

    def of_the_hour(series: Series) -> str:
        parts = (series.total(growth(it, series, source), source.row) for it in (part, over))
        return "{}\n/ ({} > 0)\n>= 0 <= 1".format(*parts)

    judged = (LIMITS[limit], LIMITS[minimum]) if limit else (None, None)
    level = level_of(source)
    all_three = [
        Figure(metric, "ratio", "ratio", f"{text}, today", of_the_day, f"{whole}:sum", level=level),
        *counted(metric, lambda _: over, limit, source),
        Figure(metric, "ratio1h", "ratio", f"{text}, in the last hour", of_the_hour, f"{metric}:over1h", *judged, level=level),
    ]
    return [figure for figure in all_three if figure.operation in operations]
