"""A board around its panels: where they lie, what is chosen at its top, and where its links lead."""

from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model
from panels import SOURCE, Words
from series import PANEL, PLACE, TARGET

COLUMNS = 24
# What Grafana 10.4 writes, the oldest that is supported.
SCHEMA = 39
NAMES = ("overview", "now", "agent", "history", "exporter", "wall")
TODAY = ("now/d", "now")


@dataclass(frozen=True)
class Edition:
    """What a board is made for: a language, and the zone in which Desk counts its days."""

    texts: dict
    time_zone: str = "Asia/Shanghai"

    def words(self, board: str) -> Words:
        return Words(self.texts[board], self.texts["shared"])

    def uid(self, board: str) -> str:
        return self.texts["shared"]["uid"].format(board)


def chosen(name: str, label: str, query: str, regex: str = "") -> dashboard.QueryVariable:
    variable = dashboard.QueryVariable(name).label(label).datasource(SOURCE)
    variable = variable.query({"query": query, "refId": name}).refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
    return (
        variable.regex(regex).sort(model.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC).multi(False).include_all(False)
    )


def groups(words: Words) -> dashboard.QueryVariable:
    """One group, by its name, or all agents, in a group or not."""
    query = f"query_result({PANEL.named('tencent_desk_group_info')})"
    parts = '/group_id="(?<value>[^"]+)"(?:.*group_name="(?<text>[^"]+)")?/'
    return all_or_one(chosen("group", words.of("group"), query, parts))


def all_or_one(variable: dashboard.QueryVariable) -> dashboard.QueryVariable:
    every = model.VariableOption(text="All", value="$__all")
    return variable.include_all(True).all_value(".*").current(every)


def targets(words: Words, found_by: tuple[str, ...] = ()) -> list[dashboard.QueryVariable]:
    """One exporter: its place, where the labels are there, its job and its instance, each of what the ones before leave.

    It is one that is up, or one that had a series `found_by` its name within the time that the board shows.
    """

    def among(name: str, matchers: str = "") -> dashboard.QueryVariable:
        up, *others = [f"{metric}{{{matchers}}}" if matchers else metric for metric in found_by or ("tencent_desk_up",)]
        if not others:
            return chosen(name, words.of(name), f"label_values({up}, {name})")
        seen = " or ".join(f"last_over_time({metric}[$__range])" for metric in (up, *others))
        return chosen(name, words.of(name), f"query_result({seen})", f'/{name}="(?<value>[^"]+)"/')

    places = among("cluster"), among("namespace", 'cluster=~"$cluster"')
    job, instance = among("job", PLACE), among("instance", f'{PLACE}, job="$job"')
    return [*(all_or_one(place) for place in places), job, instance]


@dataclass
class Board:
    name: str
    edition: Edition
    refresh: str = "1m"
    panels: list = field(default_factory=list)
    variables: list = field(default_factory=list)
    is_for_the_wall: bool = False
    # Which alerts are marked in its charts.
    marked: str = 'scope!="agent"'
    time: tuple[str, str] = TODAY
    # By which series a target is known that may be gone; by its being up where there is none.
    found_by: tuple[str, ...] = ()
    _y: int = 0

    @property
    def words(self) -> Words:
        return self.edition.words(self.name)

    def heading(self, key: str) -> None:
        row = dashboard.Row(self.words.board["headings"][key]).collapsed(False)
        row = row.grid_pos(model.GridPos(x=0, y=self._y, w=COLUMNS, h=1))
        self.panels.append(row)
        self._y += 1

    def line(self, height: int, *panels: tuple[int, Builder]) -> None:
        """Panels side by side, with their widths."""
        x = 0
        for width, panel in panels:
            self.panels.append(panel.grid_pos(model.GridPos(x=x, y=self._y, w=width, h=height)))
            x += width
        assert x == COLUMNS, f"{self.name}: a line of {x} columns"
        self._y += height

    def json(self) -> str:
        words = self.words
        board = dashboard.Dashboard(words.board["title"]).uid(self.edition.uid(self.name)).description(words.board["description"])
        board = board.tags(["tencent-desk"]).timezone(self.edition.time_zone).time(*self.time).refresh(self.refresh)
        board = board.tooltip(model.DashboardCursorSync.CROSSHAIR).editable()
        hidden = model.VariableHide.HIDE_VARIABLE if self.is_for_the_wall else model.VariableHide.DONT_HIDE
        source = dashboard.DatasourceVariable("datasource").label(words.of("datasource")).type("prometheus")
        for variable in (source, *targets(words, self.found_by), *self.variables):
            board = board.with_variable(variable.hide(hidden))
        for other in NAMES:
            if other != self.name:
                link = dashboard.DashboardLink(words.of(f"link_{other}")).type(model.DashboardLinkType.LINK)
                # A board of today is none of a month, and the other way round.
                is_of_the_same_time = "history" not in (self.name, other)
                board = board.link(link.url(f"/d/{self.edition.uid(other)}").include_vars(True).keep_time(is_of_the_same_time))
        board = board.annotation(self.alerts_marked())
        for place, panel in enumerate(self.panels, 1):
            panel = panel.id(place)
            board = board.with_row(panel) if isinstance(panel, dashboard.Row) else board.with_panel(panel)
        made = board.build()
        made.schema_version = SCHEMA
        return JSONEncoder(indent=2, ensure_ascii=False).encode(made) + "\n"

    def alerts_marked(self) -> dashboard.AnnotationQuery:
        expr = f'ALERTS{{alertname=~"TencentDesk.+", alertstate="firing", {TARGET}, {self.marked}}}'
        mark = dashboard.AnnotationQuery().name(self.words.of("firing")).datasource(SOURCE).enable(True).hide(False)
        return mark.icon_color("red").expr(expr)
