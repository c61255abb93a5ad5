//! The page's reader tested by itself: a lenient one would let a broken page pass.

use std::panic::catch_unwind;

use crate::support::exporter::logfmt;
use crate::support::page::Page;

const GOOD: &str = r#"# HELP a_total What \\ it \n counts.
# TYPE a_total counter
a_total{x="quo\"te \\ back\nslash, }{",y=""} 1
a_total 2.5e3
# HELP h Of time.
# TYPE h histogram
h_bucket{le="+Inf"} 1
h_sum 0.5
h_count 1
"#;

#[test]
fn a_good_page_is_read() {
    let page = Page::parse(GOOD);
    assert_eq!(page.families().len(), 2);
    assert_eq!(page.families()[0].help, "What \\ it \n counts.");
    let labels = [("x", "quo\"te \\ back\nslash, }{"), ("y", "")];
    assert_eq!(page.value("a_total", &labels), Some(1.0));
    assert_eq!(page.value("a_total", &[]), Some(2500.0));
    assert_eq!(page.value("h_bucket", &[("le", "+Inf")]), Some(1.0));
    assert_eq!(page.value("a_total", &[("y", "")]), None);
}

#[test]
fn a_broken_page_is_refused() {
    let changes = [
        ("a_total 2.5e3", "a_total 2.5e3 1700000000000"),
        ("a_total 2.5e3", "b_total 2.5e3"),
        ("a_total 2.5e3", "a_total two"),
        ("a_total 2.5e3", "a_total{x=\"1\",x=\"2\"} 2"),
        ("a_total 2.5e3", "a_total{x-y=\"1\"} 2"),
        ("a_total 2.5e3", "a_total{x=\"\\t\"} 2"),
        ("a_total 2.5e3", "a_total 1\na_total 2"),
        ("a_total 2.5e3", ""),
        ("# TYPE a_total counter\n", ""),
        ("# HELP h Of time.\n", ""),
        ("# HELP h Of time.", "# HELP a_total Of time."),
        ("histogram", "heap"),
        ("h_count 1\n", "h_count 1"),
        ("h_count 1", "h_total 1"),
        ("h_bucket{le=\"+Inf\"} 1\nh_sum 0.5\nh_count 1\n", ""),
    ];
    for (old, new) in changes {
        assert!(GOOD.contains(old), "{old}");
        let broken = GOOD.replace(old, new);
        assert!(catch_unwind(|| Page::parse(&broken)).is_err(), "{broken}");
    }
}

#[test]
fn log_lines_are_read_with_quotes_or_without() {
    let line = r#"ts=2025-01-13T00:00:00Z level=info message="now \"here\"" address=[::]:1 n=2"#;
    let pairs = logfmt(line);
    assert_eq!(pairs["level"], "info");
    assert_eq!(pairs["message"], "now \"here\"");
    assert_eq!(pairs["address"], "[::]:1");
    assert_eq!(pairs["n"], "2");
}
