"""Whether the figures can be trusted: polls, requests, odd answers, and the exporter itself."""

from board import Board, Edition
from figures import FIGURES
from firing import age, count, what_fires
from limits import LIMITS
from panels import (
    COLOURED,
    GREY,
    ORANGE,
    RED,
    TEXT,
    Column,
    Line,
    Query,
    Words,
    as_number,
    chart,
    grid,
    mapped,
    mapped_null,
    number,
    prop,
    red,
)
from promql import lines
from series import PANEL

EXPORTER = 'scope="exporter"'


def own(name: str, matchers: str = "") -> str:
    return PANEL.named(f"tencent_desk_exporter_{name}", matchers)


def of_all(expr: str, further: str = "") -> str:
    """Of all endpoints together."""
    return f"sum without (endpoint{further}) ({expr})"


def endpoints(words: Words):
    """A row for each endpoint that is asked, served or not."""

    def each(expr: str) -> str:
        return f"max by (endpoint) (\n{expr}\n)"

    def figure(title: str, expr: str, unit: str, decimals: int = 0) -> Column:
        return Column(words.of(title), each(expr), width=85, properties=as_number(unit, decimals))

    went = lines(each(own("endpoint_up")), f"or {each(own('polls_total'))} * 0 - 1")
    states = {1: (words.of("good"), TEXT), 0: (words.of("failed"), RED), -1: (words.of("not_served"), GREY)}
    columns = [
        Column(words.of("endpoint"), label="endpoint", width=300),
        Column(words.of("last"), went, width=130, properties=[prop("mappings", [mapped(states)]), COLOURED]),
        figure("age", f"{FIGURES['poll_age_seconds:now'].expr(PANEL)}\nand {own('poll_interval_seconds')}", "s"),
        figure("every", own("poll_interval_seconds"), "s"),
        figure("good_polls", f"{FIGURES['exporter_polls:ratio1h'].expr(PANEL)}\nand {own('poll_interval_seconds')}", "percentunit", 1),
        figure("took", own("poll_duration_seconds"), "s", 2),
    ]
    return grid(words, "endpoints", columns, "endpoint", [(words.of("endpoint"), False)], words.of("no_exporter"))


def exporter(edition: Edition) -> Board:
    board = Board("exporter", edition, marked=EXPORTER)
    words = board.words
    of = words.of

    def yes_or_no(key: str, expr: str, yes: str, no: str, none: tuple[str, str] | None = None):
        texts = [mapped({1: (of(yes), TEXT), 0: (of(no), RED)})]
        text, colour = none or (of("no_exporter"), RED)
        return number(words, key, [Query(expr)], no_value=text, mappings=texts + [mapped_null(text, colour)])

    days = f"({own('user_sig_expiry_timestamp_seconds')} - time()) / 86400"
    least = LIMITS["user_sig_remaining_seconds"].value / 86400
    board.line(
        4,
        (3, yes_or_no("scraped", PANEL.named("up"), "up", "down")),
        (3, yes_or_no("last_poll", PANEL.named("tencent_desk_up"), "good", "failed")),
        (3, age(words)),
        (3, number(words, "agents", [Query(own("agents"))])),
        (
            3,
            red(
                number(
                    words,
                    "usersig",
                    [Query(f"floor({days} >= {least:g})", ref="A"), Query(f"floor({days} < {least:g})", ref="B")],
                    of("days"),
                ),
                "B",
            ),
        ),
        (3, yes_or_no("web", own("web_config_last_reload_successful"), "in_use", "refused", (of("none"), TEXT))),
        (3, count(words, "critical", "critical", RED, EXPORTER)),
        (3, count(words, "warning", "warning", ORANGE, EXPORTER)),
    )
    board.line(8, (14, endpoints(words)), (10, what_fires(words, edition.texts["alerts"], "alerts", EXPORTER)))
    board.line(
        8,
        (
            12,
            chart(
                words,
                "ages",
                [Line("{{endpoint}}", FIGURES["poll_age_seconds:now"].expr(PANEL))],
                "s",
                limits=(LIMITS["data_age_seconds"],),
            ),
        ),
        (12, chart(words, "failures", [Line("{{class}}", of_all(f"increase({own('poll_failures_total')}[10m])"))], decimals=0)),
    )
    requests = f"rate({own('requests_total')}[5m])"
    failed = of_all(f"rate({own('request_failures_total')}[5m])", ", class")
    buckets = of_all(f"rate({own('request_duration_seconds_bucket')}[10m])")
    board.line(
        8,
        (
            8,
            chart(
                words,
                "requests",
                [
                    Line(of("all"), f"{of_all(requests)} * 60"),
                    Line(of("failed"), f"{failed} * 60", RED),
                ],
                decimals=1,
            ),
        ),
        (
            8,
            chart(
                words,
                "latency",
                [
                    Line(of("half"), f"histogram_quantile(0.5, {buckets})"),
                    Line(of("most"), f"histogram_quantile(0.99, {buckets})"),
                ],
                "s",
            ),
        ),
        (
            8,
            chart(
                words,
                "durations",
                [
                    Line("{{endpoint}}", own("poll_duration_seconds")),
                    Line(of("scrape"), PANEL.named("scrape_duration_seconds")),
                ],
                "s",
            ),
        ),
    )
    board.line(
        8,
        (
            8,
            chart(
                words,
                "odd",
                [
                    Line(of("ignored"), of_all(f"increase({own('ignored_values_total')}[10m])", ", field")),
                    Line(of("discarded"), of_all(f"increase({own('discarded_rows_total')}[10m])", ", reason")),
                    Line(of("unknown"), of_all(own("unknown_fields"))),
                    Line(of("absent"), of_all(own("absent_fields"))),
                    Line(of("missing"), of_all(own("missing_rows")), RED),
                ],
                decimals=0,
            ),
        ),
        (8, chart(words, "memory", [Line(of("resident"), PANEL.named("process_resident_memory_bytes"))], "bytes")),
        (
            8,
            chart(
                words, "cpu", [Line(of("cpu"), f"rate({PANEL.named('process_cpu_seconds_total')}[5m])")], "percentunit"
            ),
        ),
    )
    open_files = f"{PANEL.named('process_open_fds')} / {PANEL.named('process_max_fds')}"
    day = f"{PANEL.named('tencent_desk_day_start_timestamp_seconds')} * 1000"
    board.line(
        4,
        (6, number(words, "version", [Query(own("build_info"), "{{version}}")]).text_mode("name")),
        (6, number(words, "running", [Query(f"time() - {PANEL.named('process_start_time_seconds')}")], "s", 1)),
        (6, number(words, "day", [Query(day)], "time:YYYY-MM-DD")),
        (6, number(words, "files", [Query(open_files)], "percentunit", 1)),
    )
    return board
