"""Whether the figures can be trusted: polls, requests, odd answers, and the exporter itself."""

from board import Board, Edition
from figures import FIGURES, LIMITS, PANEL
from firing import age, count, what_fires
from panels import ORANGE, RED, TEXT, Line, Query, chart, mapped, mapped_null, number, red

EXPORTER = 'scope="exporter"'


def own(name: str, matchers: str = "") -> str:
    return PANEL.named(f"tencent_desk_exporter_{name}", matchers)


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
        (3, number(words, "good_polls", [Query(FIGURES["exporter_polls:ratio1h"].expr(PANEL))], "percentunit", 1)),
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
        (3, number(words, "interval", [Query(own("poll_interval_seconds"))], "s")),
    )
    board.line(
        5,
        (3, count(words, "critical", "critical", RED, EXPORTER)),
        (3, count(words, "warning", "warning", ORANGE, EXPORTER)),
        (18, what_fires(words, edition.texts["alerts"], "alerts", EXPORTER)),
    )
    board.line(
        8,
        (
            12,
            chart(
                words,
                "ages",
                [Line(of("age"), FIGURES["data_age_seconds:now"].expr(PANEL))],
                "s",
                limits=(LIMITS["data_age_seconds"],),
            ),
        ),
        (12, chart(words, "failures", [Line("{{class}}", f"increase({own('poll_failures_total')}[10m])")], decimals=0)),
    )
    failed = f"sum without (class) (rate({own('request_failures_total')}[5m]))"
    buckets = f"sum without (instance) (rate({own('request_duration_seconds_bucket')}[10m]))"
    board.line(
        8,
        (
            8,
            chart(
                words,
                "requests",
                [
                    Line(of("all"), f"rate({own('requests_total')}[5m]) * 60"),
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
                    Line(of("poll"), own("poll_duration_seconds")),
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
                    Line(of("ignored"), f"sum without (field) (increase({own('ignored_values_total')}[10m]))"),
                    Line(of("discarded"), f"sum without (reason) (increase({own('discarded_rows_total')}[10m]))"),
                    Line(of("unknown"), own("unknown_fields")),
                    Line(of("absent"), own("absent_fields")),
                    Line(of("missing"), own("missing_rows"), RED),
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
