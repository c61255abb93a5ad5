"""The pieces that boards are made of, in the official builders' terms: how a figure is shown, and how it is coloured.

Four rules hold for every panel:

- What stands for the present is an instant query: no series, no figure, whatever was there before.
- Colour marks exceptions only. A figure that the alerts would judge is a query of its own (B), and only that one is red;
  everything else has the colour of text. So "no figures" is never green, and a limit has one place, in limits.py.
- A figure of the last hour that cannot be had yet says so (C): the exporter was not there an hour ago.
- No panel has a limit, a unit or an expression of its own where figures.py has one.
"""

from dataclasses import dataclass, field

from figure import Figure
from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import DashboardSpecialValueMapOptions, ThresholdsConfig
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from limits import Limit
from promql import either, indented, lines
from series import HOURS, PANEL, REALTIME, REALTIME_ONLY, STATISTICS, Series, Source

SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")

TEXT, GREY, RED, ORANGE, BLUE = "text", "#8e8e8e", "red", "orange", "blue"
# Told apart by the colour-blind too, and none of them means good or bad.
SHADES = ("#5794f2", "#ff9830", "#b877d9", "#8ab8ff")

# Stands for a text where a figure cannot be: no figure is negative.
TOO_EARLY = -1
NOT_SERVED = -2

UNITS = {"s": "suffix: s", "ratio": "percentunit", "count": "none"}
# Figures in other steps than whole seconds and whole counts: unit and decimals.
MINUTES = ("suffix: min", 1)
STEPS = {"session_seconds": MINUTES, "sessions_in_hand": ("none", 1)}


@dataclass(frozen=True)
class Words:
    """One language's texts of one board, and those that all boards share."""

    board: dict
    shared: dict

    def panel(self, key: str) -> tuple[str, str]:
        return self.board["panels"][key]

    def of(self, key: str) -> str:
        return self.board.get("words", {}).get(key) or self.shared[key]


@dataclass(frozen=True)
class Query:
    """What is asked of Prometheus: for now, or over the time that the board shows."""

    expr: str
    name: str = "__auto"
    ref: str = "A"
    over_time: bool = False
    as_table: bool = False

    def build(self) -> prometheus.Dataquery:
        query = prometheus.Dataquery().expr(self.expr).ref_id(self.ref).legend_format(self.name)
        query = query.datasource(SOURCE).editor_mode("code")
        query = query.range() if self.over_time else query.instant()
        return query.format("table") if self.as_table else query


def refs(queries: list[Query]) -> list[Query]:
    """The same, named A, B, C."""
    return [Query(q.expr, q.name, chr(ord("A") + place), q.over_time, q.as_table) for place, q in enumerate(queries)]


def prop(name: str, value: object) -> model.DynamicConfigValue:
    return model.DynamicConfigValue(id_val=name, value=value)


def fixed(colour: str) -> model.DynamicConfigValue:
    return prop("color", {"mode": "fixed", "fixedColor": colour})


def plain_thresholds(colour: str = TEXT, limits: tuple[Limit, ...] = ()) -> ThresholdsConfig:
    values = sorted(limit.value for limit in limits)
    steps = [model.Threshold(value=None, color=colour)] + [model.Threshold(value=value, color=RED) for value in values]
    return ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


def mapped(texts: dict[float, tuple[str, str]]) -> model.ValueMap:
    """Values that stand for a text and its colour."""
    results = {
        str(value): model.ValueMappingResult(text=text, color=colour, index=place)
        for place, (value, (text, colour)) in enumerate(texts.items())
    }
    return model.ValueMap(options=results)


def mapped_null(text: str, colour: str) -> model.SpecialValueMap:
    result = model.ValueMappingResult(text=text, color=colour, index=100)
    where = model.SpecialValueMatch.NULL_AND_NAN
    return model.SpecialValueMap(options=DashboardSpecialValueMapOptions().match(where).result(result).build())


def dressed(panel: Builder, words: Words, key: str, queries: list[Query], no_value: str) -> Builder:
    title, description = words.panel(key)
    panel = panel.title(title).description(description).datasource(SOURCE).no_value(no_value)
    for query in queries:
        panel = panel.with_target(query.build())
    return panel


# ---- one number ----


@dataclass(frozen=True)
class Size:
    """Of a number's text; Grafana's own choice where it is 0."""

    value: int = 0
    title: int = 0


OWN_SIZE = Size()


def number(
    words: Words,
    key: str,
    queries: list[Query],
    unit: str = "none",
    decimals: int = 0,
    no_value: str = "",
    mappings: list | None = None,
    size: Size = OWN_SIZE,
) -> stat.Panel:
    panel = dressed(stat.Panel(), words, key, queries, no_value or words.of("no_figures"))
    panel = panel.unit(unit).decimals(decimals).thresholds(plain_thresholds()).mappings(mappings or [])
    panel = panel.color_mode(options.BigValueColorMode.VALUE).graph_mode(options.BigValueGraphMode.NONE)
    panel = panel.text_mode(options.BigValueTextMode.VALUE).justify_mode(options.BigValueJustifyMode.CENTER)
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
    if size.value or size.title:
        text = common.VizTextDisplayOptions()
        text = text.value_size(size.value) if size.value else text
        text = text.title_size(size.title) if size.title else text
        panel = panel.text(text)
    return panel


def red(panel: Builder, ref: str) -> Builder:
    return panel.override_by_query(ref, [fixed(RED)])


def figure(words: Words, key: str, shown: Figure, series: Series = PANEL, size: Size = OWN_SIZE) -> stat.Panel:
    """A figure as a number, red beyond its limit; named where it is read from realtime figures."""
    readings = [series, series.read(REALTIME_ONLY)] if shown.write_realtime else [series]
    queries, red_ones, mappings = [], [], []
    for reading in readings:
        name = words.of("realtime") if reading.reading == REALTIME_ONLY else " " if len(readings) > 1 else "__auto"
        expr = ordinary(shown, reading)
        queries.append(Query(in_minutes(expr) if STEPS.get(shown.metric) == MINUTES else expr, name))
        if shown.limit:
            red_ones.append(len(queries))
            queries.append(Query(shown.judged(reading), name))
    if shown.operation.endswith("1h"):
        queries.append(Query(too_early(shown, series), " " if len(readings) > 1 else "__auto"))
        mappings = [mapped({TOO_EARLY: (words.of("too_early"), TEXT)})]
    if shown.endpoint:
        queries.append(Query(not_served(series, shown.endpoint)))
        mappings.append(mapped({NOT_SERVED: (words.of("not_served"), GREY)}))
    unit, decimals = STEPS.get(shown.metric, (UNITS[shown.unit], 0))
    panel = number(words, key, refs(queries), unit, decimals, mappings=mappings, size=size)
    panel = panel.text_mode("value_and_name") if len(readings) > 1 else panel
    for place in red_ones:
        panel = red(panel, chr(ord("A") + place))
    return panel


def in_minutes(expr: str) -> str:
    return f"(\n{indented(expr)}\n) / 60"


def ordinary(shown: Figure, series: Series) -> str:
    """The figure where it is not worse than its limit, or has none."""
    if not shown.limit:
        return shown.expr(series)
    return lines(shown.ref(series), "unless (", indented(shown.judged(series)), ")")


def too_early(shown: Figure, series: Series) -> str:
    """Where the figure's rows are there, and nothing is known of them an hour ago."""
    day = f"{series.named('tencent_desk_day_start_timestamp_seconds')} * 0 - 1"

    def of(source: Source) -> str:
        rows = series.named(source.prefix + "sessions", series.agent if source.row == "agent_id" else "")
        return lines(day, f"and {source.unknown.expr(series)}", f"and ignoring ({source.row}) {rows}")

    if shown.level == "desk":
        return of(HOURS)
    return either(of(STATISTICS), f"(\n{indented(of(REALTIME))}\n) {series.without_statistics()}") if shown.write_realtime else of(STATISTICS)


def not_served(series: Series, endpoint: str) -> str:
    """Where there is an exporter, and Desk does not serve it this endpoint."""
    interval = series.named("tencent_desk_exporter_poll_interval_seconds", f'endpoint="{endpoint}"')
    return f"{series.named('tencent_desk_up')} * 0 - 2\nunless ignoring (endpoint) {interval}"


# ---- lines over time ----

# So far an axis reaches at least, lest nothing looks like much.
SOFT_MOST = {"none": 5, "suffix: s": 20, "suffix: min": 5}


@dataclass(frozen=True)
class Line:
    name: str
    expr: str
    colour: str = ""
    is_thin: bool = False


def chart(
    words: Words,
    key: str,
    drawn: list[Line],
    unit: str = "none",
    decimals: int | None = None,
    limits: tuple[Limit, ...] = (),
    is_stacked: bool = False,
    most: float | None = None,
    no_value: str = "",
) -> timeseries.Panel:
    """Lines over time, in steps: figures stand still between polls. Limits are drawn where the axis reaches them."""
    queries = refs([Query(line.expr, line.name, over_time=True) for line in drawn])
    panel = dressed(timeseries.Panel(), words, key, queries, no_value or words.of("no_lines"))
    panel = panel.unit(unit).min(0).axis_soft_max(SOFT_MOST.get(unit, 0)).thresholds(plain_thresholds(limits=limits))
    if limits:
        panel = panel.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(options.GraphThresholdsStyleMode.DASHED)
        )
    panel = (
        panel.line_interpolation(options.LineInterpolation.STEP_AFTER)
        .line_width(2)
        .show_points(options.VisibilityMode.NEVER)
    )
    panel = panel.span_nulls(False).fill_opacity(30 if is_stacked else 0)
    if decimals is not None:
        panel = panel.decimals(decimals)
    if most is not None:
        panel = panel.max(most)
    if is_stacked:
        panel = panel.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL).group("A"))
    legend = (
        common.VizLegendOptions().display_mode(options.LegendDisplayMode.LIST).placement(options.LegendPlacement.BOTTOM)
    )
    panel = panel.legend(legend.show_legend(True).calcs([]))
    panel = panel.tooltip(
        common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.NONE)
    )
    # A line of several series is named and coloured by the one who draws it.
    for place, line in enumerate(drawn):
        if "{{" in line.name:
            continue
        panel = panel.override_by_query(chr(ord("A") + place), look(line, place))
    return panel


def look(line: Line, place: int) -> list[model.DynamicConfigValue]:
    colour = fixed(line.colour or SHADES[place % len(SHADES)])
    return [colour, prop("custom.lineWidth", 1)] if line.is_thin else [colour]


# ---- bars and tables ----


def bars(words: Words, key: str, shown: list[tuple[str, str]], no_value: str = "") -> bargauge.Panel:
    """Counts side by side: their names and expressions."""
    queries = refs([Query(expr, name) for name, expr in shown])
    panel = dressed(bargauge.Panel(), words, key, queries, no_value or words.of("no_figures"))
    panel = panel.unit("none").decimals(0).min(0).thresholds(plain_thresholds(SHADES[0]))
    panel = panel.orientation(options.VizOrientation.HORIZONTAL).display_mode(options.BarGaugeDisplayMode.BASIC)
    panel = panel.value_mode(options.BarGaugeValueMode.TEXT).show_unfilled(False)
    return panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))


@dataclass(frozen=True)
class Column:
    """Of a table whose rows are joined by a label: a label's own column, or that of a query's values."""

    title: str
    expr: str = ""
    label: str = ""
    width: int = 0
    properties: list = field(default_factory=list)

    def name(self, ref: str) -> str:
        """The field's, as Grafana calls it; without a query's name where there is only one."""
        return self.label or (f"Value #{ref}" if ref else "Value")


def grid(
    words: Words, key: str, columns: list[Column], by: str, sort: list[tuple[str, bool]], no_value: str
) -> table.Panel:
    asked = [column for column in columns if column.expr]
    queries = refs([Query(column.expr, as_table=True) for column in asked])
    panel = dressed(table.Panel(), words, key, queries, no_value)
    ref_of = {column.title: query.ref if len(asked) > 1 else "" for column, query in zip(asked, queries, strict=True)}
    names = {column.name(ref_of.get(column.title, "")): column for column in columns}
    times = ["Time"] + [f"Time {place + 1}" for place in range(len(asked))]
    unnamed = [f"Value #{ref_of[column.title]}" for column in asked if column.label]
    organize = {
        "excludeByName": {name: True for name in times + unnamed},
        "indexByName": {name: place for place, name in enumerate(names)},
        "renameByName": {name: column.title for name, column in names.items()},
    }
    if len(asked) > 1:
        panel = panel.with_transformation(transformation("joinByField", {"byField": by, "mode": "outer"}))
    panel = panel.with_transformation(transformation("organize", organize))
    panel = panel.thresholds(plain_thresholds()).align(options.FieldTextAlignment.LEFT).filterable(False)
    for column in columns:
        width = [prop("custom.width", column.width)] if column.width else []
        nothing = [prop("noValue", words.of("dash"))]
        panel = panel.override_by_name(column.title, nothing + width + column.properties)
    panel = panel.show_header(True).cell_height(options.TableCellHeight.SM)
    return panel.sort_by([common.TableSortByFieldState().display_name(name).desc(desc) for name, desc in sort])


def transformation(name: str, settings: dict) -> model.DataTransformerConfig:
    return model.DataTransformerConfig(id_val=name, options=settings)


RIGHT = prop("custom.align", "right")
COLOURED = prop("custom.cellOptions", {"type": "color-text"})


def as_number(unit: str, decimals: int = 0) -> list[model.DynamicConfigValue]:
    return [prop("unit", unit), prop("decimals", decimals), RIGHT]
