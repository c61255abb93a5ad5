//! The page for people, parsed as a browser does: in every situation it is whole, says what is wrong, and shows no figure
//! that it may not.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::support::desk::{Desk, Reply};
use crate::support::endpoints::Endpoint;
use crate::support::exporter::{Exporter, Setup};
use crate::support::gate::Gate;
use crate::support::html::{Document, Element};
use crate::support::http::{self, Response};
use crate::support::repository::{file, read};
use crate::support::rows;
use crate::support::wall::Wall;

/// Polls every endpoint, once.
fn once(desk: &Desk) -> Setup {
    Setup::of(desk)
        .unset("ENDPOINTS")
        .set("REQUESTS_PER_SECOND", "100")
        .set("STATUS_NAMES", "1=free,2=busy,3=rest")
}

fn started(setup: Setup) -> Exporter {
    let exporter = setup.start();
    exporter.after_first_poll();
    exporter
}

/// The page at an address, held to all that holds of every page.
#[track_caller]
fn page(exporter: &Exporter, address: &str) -> Document {
    checked(&exporter.get(address))
}

#[track_caller]
fn checked(response: &Response) -> Document {
    assert_eq!(response.status, 200);
    let document = Document::parse(response.text());
    assert_heads(response, &document);
    assert_alone(&document);
    assert_headings_in_order(&document);
    assert_ids_hold(&document);
    document
}

/// Its own style sheet, by its hash, and nothing else.
#[track_caller]
fn assert_heads(response: &Response, document: &Document) {
    let header = |name| response.header(name).unwrap_or_else(|| panic!("no {name}"));
    let [style] = document.all("style")[..] else {
        panic!("one style sheet");
    };
    let text = response.text();
    let (_, sheet) = text.split_once("<style>").unwrap();
    let (sheet, _) = sheet.split_once("</style>").unwrap();
    assert!(!style.text().is_empty());
    let hash = BASE64_STANDARD.encode(Sha256::digest(sheet));
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(
        policy.contains(&format!("style-src 'sha256-{hash}'")),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert!(header("vary").contains("Accept-Language"));
    assert_eq!(
        document.first("html").attribute("lang"),
        Some(header("content-language"))
    );
}

/// It refers to no other host, needs no script, and every link is relative.
#[track_caller]
fn assert_alone(document: &Document) {
    for element in document.elements() {
        let name = element.name.as_str();
        assert!(
            !["script", "link", "iframe", "object", "img", "base"].contains(&name),
            "{name}"
        );
        for (attribute, value) in element.attributes() {
            assert!(
                !attribute.starts_with("on") && attribute != "style",
                "{element:?}"
            );
            if ["href", "src", "action"].contains(&attribute) {
                let is_relative = value.starts_with("./") || value.starts_with('?');
                assert!(is_relative, "{attribute}={value}");
            }
        }
    }
    let sheet = document.first("style").text();
    assert!(!sheet.contains("url(") && !sheet.contains("@import"));
}

/// One of the first level, and none that skips a level.
#[track_caller]
fn assert_headings_in_order(document: &Document) {
    let levels: Vec<usize> = document
        .elements()
        .iter()
        .filter_map(|element| {
            ["h1", "h2", "h3", "h4"]
                .iter()
                .position(|it| *it == element.name)
        })
        .collect();
    assert_eq!(levels.first(), Some(&0));
    assert_eq!(levels.iter().filter(|level| **level == 0).count(), 1);
    for pair in levels.windows(2) {
        assert!(pair[1] <= pair[0] + 1, "{levels:?}");
    }
}

/// Each id once, and what is referred to is there.
#[track_caller]
fn assert_ids_hold(document: &Document) {
    let mut ids = BTreeMap::new();
    for element in document.elements() {
        if let Some(id) = element.attribute("id") {
            assert!(ids.insert(id.to_owned(), ()).is_none(), "{id} twice");
        }
    }
    for element in document.elements() {
        let labels = element.attribute("aria-labelledby").unwrap_or_default();
        for id in labels.split_ascii_whitespace() {
            assert!(ids.contains_key(id), "{id}");
        }
        let link = element.attribute("href").unwrap_or_default();
        if let Some((_, id)) = link.split_once('#') {
            assert!(ids.contains_key(id), "{link}");
        }
    }
}

fn state(document: &Document) -> String {
    document.first("section").text()
}

/// The names in the table of agents, in their order, or those of its column with this title.
fn column(document: &Document, title: &str) -> Vec<String> {
    let Some(section) = document.with_id("agents") else {
        return Vec::new();
    };
    let titles = section.all("th");
    let titles = titles
        .iter()
        .filter(|th| th.attribute("scope") == Some("col"));
    let place = titles.map(|th| th.text()).position(|it| it == title);
    let place = place.unwrap_or_else(|| panic!("no column {title}"));
    let rows = section.all("tr").into_iter().skip(1);
    let cell = |row: &Element| {
        row.within
            .iter()
            .filter(|it| ["th", "td"].contains(&it.name.as_str()))
            .nth(place)
            .unwrap()
            .text()
    };
    rows.map(cell).collect()
}

fn agents(document: &Document) -> Vec<String> {
    let section = document.with_id("agents").expect("a table of agents");
    let rows = section.all("tr").into_iter().skip(1);
    rows.map(|row| row.all("bdi")[0].text()).collect()
}

/// The number of a fact, by its title.
#[track_caller]
fn fact(document: &Document, section: &str, title: &str) -> String {
    let section = document.with_id(section).unwrap();
    let facts = section.all("div");
    let fact = facts
        .iter()
        .find(|fact| fact.has_class("fact") && fact.all("h3")[0].text() == title);
    let fact = fact.unwrap_or_else(|| panic!("no {title} in {}", section.text()));
    fact.all("p")[0].text()
}

#[test]
fn an_ordinary_day_is_all_there() {
    let desk = Desk::with(vec![rows::example()]);
    let exporter = started(once(&desk));
    let page = page(&exporter, "/");
    assert!(
        state(&page).starts_with("Desk answers. The last poll brought today's figures, whole.")
    );
    for endpoint in [
        "Agents today",
        "Queue",
        "Agents now",
        "Hours",
        "Members",
        "Groups",
    ] {
        assert!(state(&page).contains(&format!("{endpoint} ")), "{endpoint}");
    }
    assert_eq!(fact(&page, "now", "In the queue"), "2");
    assert_eq!(fact(&page, "now", "Agents online"), "15");
    // The documents' agent has two sessions and a limit of ten.
    assert_eq!(fact(&page, "now", "Seats used"), "20 %");
    assert_eq!(fact(&page, "team", "Sessions"), "12");
    assert_eq!(fact(&page, "team", "First response"), "10 s");
    assert_eq!(fact(&page, "team", "Answered in 30 s"), "75 %");
    assert_eq!(fact(&page, "team", "Unanswered"), "17 %");
    assert_eq!(fact(&page, "team", "Satisfied"), "75 %");
    assert_eq!(fact(&page, "team", "Duration of a session"), "5 min");
    assert_eq!(agents(&page), ["Meimei"]);
    assert_eq!(column(&page, "Now / limit"), ["2 / 10"]);
    assert_eq!(column(&page, "Status"), ["free"]);
    // Each chart says what it shows to those who do not see it.
    let charts = page
        .all("svg")
        .into_iter()
        .filter(|svg| svg.attribute("role") == Some("img"));
    let told: Vec<_> = charts.map(|chart| chart.all("desc")[0].text()).collect();
    assert_eq!(told, ["09:00: 12", "09:00: 90 %", "09:00: 6 s"]);
    // An exception is one over enough sessions only: 17 % of 12 are unanswered by chance.
    let section = page.with_id("agents").unwrap();
    assert!(!section.within.iter().any(|it| it.has_class("beyond")));
}

#[test]
fn it_speaks_the_language_that_is_asked_for() {
    let desk = Desk::with(vec![rows::example()]);
    let exporter = started(once(&desk));
    let language = |address: &str, accepted: &str| {
        let response = exporter.request("GET", address, &[("Accept-Language", accepted)]);
        let document = checked(&response);
        document.first("html").attribute("lang").unwrap().to_owned()
    };
    for (accepted, chosen) in [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("en-US,en;q=0.9,zh;q=0.8", "en"),
        ("fr, zh-TW;q=0.3, en;q=0.2", "zh-Hans"),
        ("zh;q=0, *", "en"),
        ("en;q=0, *", "zh-Hans"),
        ("*;q=0.1, zh;q=0.9", "zh-Hans"),
        ("en;q=0.1,ZH;q=0.2", "zh-Hans"),
        ("de", "en"),
        ("*", "en"),
        ("", "en"),
        (";;q=,,", "en"),
    ] {
        assert_eq!(language("/", accepted), chosen, "{accepted}");
    }
    assert_eq!(language("/?lang=zh", "en"), "zh-Hans");
    assert_eq!(language("/?lang=en", "zh"), "en");
    assert_eq!(language("/?lang=xx", "zh"), "zh-Hans");

    let chinese = page(&exporter, "/?lang=zh&sort=sessions");
    let text = chinese.first("main").text();
    for term in [
        "示闲",
        "示忙",
        "小休",
        "首次响应时长",
        "平均响应时长",
        "满意度",
        "排队",
    ] {
        assert!(text.contains(term), "{term}");
    }
    // Order, filter and language keep each other.
    let form = chinese.first("form");
    let kept: Vec<_> = form
        .all("input")
        .iter()
        .filter_map(|it| it.attribute("value").map(str::to_owned))
        .collect();
    assert_eq!(kept, ["zh", "sessions", ""]);
    for link in chinese.with_id("agents").unwrap().all("a") {
        assert!(
            link.attribute("href").unwrap().starts_with("?lang=zh"),
            "{link:?}"
        );
    }
}

#[test]
fn five_thousand_agents_with_any_names_are_paged_sorted_and_found() {
    const ODD: [&str; 6] = [
        "<script>alert(1)</script>",
        "\"'><img src=x onerror=alert(1)> &amp; </td></table>",
        "🎧 客服 𠮷野",
        "\u{202e}txt.exe\u{2066}",
        "  ",
        "{{ words.title }} {% endif %}",
    ];
    let mut all = rows::agents(5000);
    for (row, name) in all.iter_mut().zip(ODD) {
        *row = rows::with(row.clone(), json!({ "AgentNickName": name }));
    }
    all[7] = rows::without(all[7].clone(), "AvgFirstRespTime");
    all[8] = rows::with(all[8].clone(), json!({ "AvgFirstRespTime": 500 }));
    let desk = Desk::with(all);
    desk.further(|further| {
        further.members.clear();
        further.member_list = (1..=5000)
            .map(|n| {
                let groups: &[i64] = if n <= 150 { &[6103, 1234] } else { &[1234] };
                json!({ "MemberMail": rows::nth_id(n).to_uppercase(), "MemberGroupIDList": groups, "EffectiveReceptionLimit": 3 })
            })
            .collect();
        further.group_list[1]["MemberGroupName"] = json!("VIP <b>&\u{202e}");
    });
    let exporter = started(once(&desk));

    let first = page(&exporter, "/?sort=name");
    assert_eq!(agents(&first).len(), 100);
    assert!(first.first("main").text().contains("1 to 100 of 5000"));
    let found = page(&exporter, "/?q=AGENT-000&sort=sessions&order=reversed");
    let names = agents(&found);
    assert_eq!(
        names[..6],
        [ODD[0], ODD[1], ODD[2], ODD[3], &rows::nth_id(5), ODD[5]]
    );
    assert_eq!(found.all("script").len() + found.all("img").len(), 0);

    let slowest = page(&exporter, "/?sort=first_response");
    assert_eq!(
        column(&slowest, "First response")[..2],
        ["8 min 20 s", "10 s"]
    );
    let unknown = page(&exporter, "/?sort=first_response&q=agent-0008");
    assert_eq!(column(&unknown, "First response"), ["–"]);
    for order in ["", "&order=reversed"] {
        let last = page(&exporter, &format!("/?sort=first_response{order}&page=50"));
        assert_eq!(
            column(&last, "First response").last().unwrap(),
            "–",
            "{order}"
        );
    }

    // Groups are told by who is in them; 150 of all are in this one.
    let group = page(&exporter, "/?group=6103&sort=name&page=2");
    assert!(group.first("main").text().contains("101 to 150 of 150"));
    let both = page(&exporter, "/?group=6103&q=agent-0149");
    assert_eq!(agents(&both), [rows::nth_id(149)]);
    let outside = page(&exporter, "/?group=6103&q=agent-0151");
    assert!(
        outside
            .first("main")
            .text()
            .contains("No agent is in this group and has this name.")
    );
    // What is not known is the default, and no error.
    for address in [
        "/?sort=x&order=&group=nothing&page=-1&lang=q",
        "/?%ff=%fe&&&q",
        "/?page=99999999999999999999",
    ] {
        assert_eq!(agents(&page(&exporter, address)).len(), 100, "{address}");
    }
    let last = page(&exporter, "/?page=5000");
    assert!(last.first("main").text().contains("4901 to 5000 of 5000"));
    // A long address is answered like any other.
    let long = format!("/?q={}", "%F0%9F%8E%A7".repeat(500));
    page(&exporter, &long);
}

#[test]
fn an_empty_day_is_no_row_of_zeros() {
    let desk = Desk::with(vec![]);
    desk.further(|further| {
        further.members.clear();
        further.day.clear();
        further.hours.clear();
    });
    let exporter = started(once(&desk));
    let page = page(&exporter, "/");
    let text = page.first("main").text();
    assert!(text.contains("No agent has worked today yet."), "{text}");
    assert!(text.contains("Desk has no hour of today yet."), "{text}");
    assert!(page.with_id("agents").is_none(), "{text}");
    let said = state(&page);
    assert!(
        said.contains("brought no agent") && !said.contains("whole"),
        "{said}"
    );
}

#[test]
fn ids_that_desk_has_no_row_for_are_named() {
    let desk = Desk::with(vec![rows::example()]);
    let id = rows::example()["AgentId"].as_str().unwrap().to_owned();
    let exporter = started(once(&desk).set("AGENT_IDS", format!("{id},slip@desk.example")));
    let english = state(&page(&exporter, "/"));
    assert!(
        english.contains("no row for 1 of the ids in TENCENT_DESK_AGENT_IDS: slip@desk.example."),
        "{english}"
    );
    let chinese = state(&page(&exporter, "/?lang=zh"));
    assert!(
        chinese.contains("slip@desk.example") && !chinese.contains(&id),
        "{chinese}"
    );
}

#[test]
fn what_desk_does_not_serve_is_left_out() {
    let desk = Desk::with(vec![rows::example()]);
    for endpoint in Endpoint::FURTHER {
        desk.reply_at(endpoint, Reply::Error(60009));
    }
    let exporter = started(once(&desk));
    let page = page(&exporter, "/");
    assert!(page.with_id("now").is_none() && page.with_id("hours").is_none());
    assert_eq!(agents(&page), ["Meimei"]);
    let titles: Vec<_> = page
        .with_id("agents")
        .unwrap()
        .all("th")
        .iter()
        .map(|th| th.text())
        .collect();
    assert!(!titles.contains(&"Status".to_owned()), "{titles:?}");
    assert!(state(&page).contains("Queue not served here"));
}

#[test]
fn realtime_figures_stand_in_and_the_page_says_so() {
    let desk = Desk::with(vec![]);
    let exporter = started(once(&desk).set(
        "ENDPOINTS",
        "describe_agent_statistics,describe_member_realtime_statistics",
    ));
    let page = page(&exporter, "/");
    assert_eq!(fact(&page, "team", "Sessions"), "5");
    assert!(
        page.with_id("team")
            .unwrap()
            .text()
            .contains("By Desk's realtime figures")
    );
    assert!(!page.with_id("team").unwrap().text().contains("Satisfied"));
    assert_eq!(column(&page, "First response"), ["10 s"]);
}

#[test]
fn before_the_first_poll_has_ended_it_says_so() {
    let desk = Desk::with(vec![rows::example()]);
    let gate = Gate::default();
    desk.always(Reply::Hang(gate.clone()));
    let exporter = once(&desk).start();
    let page = page(&exporter, "/");
    assert!(state(&page).starts_with("The first poll of Desk is under way."));
    assert_eq!(page.all("section").len(), 1);
    gate.open();
}

#[test]
fn what_is_wrong_comes_first_with_what_to_do() {
    let desk = Desk::with(vec![rows::example()]);
    for (reply, told, advice, rat) in [
        (
            Reply::Error(70003),
            "credentials",
            "TENCENT_DESK_SECRET_KEY",
            "密钥",
        ),
        (
            Reply::Error(141_000),
            "configuration",
            "TENCENT_DESK_SDK_APP_ID",
            "数据中心",
        ),
        (
            Reply::Error(141_009),
            "rate_limited",
            "ask less often",
            "查询频率",
        ),
        (Reply::Reset, "network", "port 443", "端口"),
        (Reply::body("<html>"), "protocol", "newer version", "新版本"),
        (
            Reply::Status(503, vec![], "<b>no</b>".into()),
            "network",
            "asked again by itself",
            "自动重试",
        ),
    ] {
        desk.always(reply);
        let exporter = started(once(&desk).set("REQUEST_TIMEOUT", "1s"));
        let english = page(&exporter, "/?lang=en");
        let state = state(&english);
        assert!(
            state.starts_with("Polls of Desk fail. No figures have come yet."),
            "{state}"
        );
        assert!(
            state.contains(&format!("({told})")) && state.contains(advice),
            "{state}"
        );
        assert!(english.with_id("agents").is_none());
        let chinese = page(&exporter, "/?lang=zh");
        assert!(
            self::state(&chinese).contains(rat),
            "{}",
            self::state(&chinese)
        );
        // It is told once, whomever it befalls.
        assert_eq!(
            english
                .all("p")
                .iter()
                .filter(|p| p.has_class("failure"))
                .count(),
            1,
            "{state}"
        );
    }
}

#[test]
fn what_desk_says_of_a_failure_turns_no_other_text_round() {
    let desk = Desk::with(vec![rows::example()]);
    let words = "\u{202e}</p><script>";
    desk.always(Reply::body(rows::refusal(70003, words)));
    let exporter = started(once(&desk));
    let document = page(&exporter, "/?lang=en");
    let isolated: Vec<_> = document.all("bdi").iter().map(|it| it.text()).collect();
    assert!(
        isolated.iter().any(|text| text.contains(words)),
        "{isolated:?}"
    );
}

#[test]
fn figures_go_when_they_are_too_old_and_when_their_day_is_over() {
    let wall = Wall::at("2026-05-05T23:58:00", "Asia/Shanghai");
    let desk = Desk::with(vec![rows::example()]);
    wall.rule(&desk);
    let exporter = started(
        wall.over(
            once(&desk)
                .set("MAX_STALENESS", "2h")
                .set("DIRECTORY_INTERVAL", "1h")
                .set("REALTIME_INTERVAL", "1h"),
        ),
    );
    let before = page(&exporter, "/");
    assert!(before.first("header").text().contains("Tuesday 5 May 2026"));
    assert_eq!(agents(&before), ["Meimei"]);
    desk.always(Reply::Hang(Gate::default()));
    wall.jump(180);
    let after = page(&exporter, "/");
    assert!(
        state(&after).starts_with("Desk's day has ended."),
        "{}",
        state(&after)
    );
    assert!(after.with_id("agents").is_none());
    assert!(!after.first("main").text().contains("Meimei"));
    // What has no day is still shown, and its age is that of this moment.
    assert_eq!(fact(&after, "now", "In the queue"), "2");
    assert!(state(&after).contains("Queue 3 min "), "{}", state(&after));
    wall.jump(3 * 3600);
    let old = page(&exporter, "/");
    assert!(
        state(&old).starts_with("A poll of Desk finds no end."),
        "{}",
        state(&old)
    );
    assert!(!old.first("main").text().contains("In the queue"));
}

#[test]
fn while_polls_fail_the_figures_from_before_are_shown_as_long_as_they_may_be() {
    let wall = Wall::at("2026-05-05T10:00:00", "Asia/Shanghai");
    let desk = Desk::with(vec![rows::example()]);
    wall.rule(&desk);
    let polling = once(&desk)
        .set("POLL_INTERVAL", "1s")
        .set("MAX_STALENESS", "1h");
    let exporter = started(wall.over(polling));
    desk.always(Reply::Status(502, vec![], String::new()));
    let is_down =
        |page: &crate::support::page::Page| page.value("tencent_desk_up", &[]) == Some(0.0);
    exporter.wait_for("a poll that fails", is_down);
    let before = page(&exporter, "/");
    let told = state(&before);
    assert!(
        told.starts_with("Polls of Desk fail. The figures from before are shown meanwhile."),
        "{told}"
    );
    assert!(told.contains("ago polls fail"), "{told}");
    assert_eq!(agents(&before), ["Meimei"]);
    wall.jump(7200);
    let old = page(&exporter, "/");
    let told = state(&old);
    assert!(
        told.starts_with("Polls of Desk fail. The figures from before are too old to be shown."),
        "{told}"
    );
    assert!(!old.first("main").text().contains("Meimei"));
}

#[test]
fn people_are_hidden_as_on_metrics() {
    let desk = Desk::with(vec![rows::example()]);
    for mode in ["id", "pseudonym"] {
        let mut setup = once(&desk).set("AGENT_LABELS", mode);
        if mode == "pseudonym" {
            setup = setup.set("PSEUDONYM_KEY", "0123456789abcdef");
        }
        let exporter = started(setup);
        let answer = exporter.get("/?q=qq.com&lang=zh");
        checked(&answer);
        assert!(!answer.text().contains("Meimei"), "{mode}");
        let all = page(&exporter, "/");
        assert_eq!(agents(&all).len(), 1);
        assert_eq!(agents(&all) == ["1289316652@qq.com"], mode == "id");
        let of_metrics = exporter.page();
        assert_eq!(
            of_metrics.agents().into_iter().collect::<Vec<_>>(),
            agents(&all)
        );
    }
}

#[test]
fn it_renews_itself_at_the_place_where_one_is() {
    let desk = Desk::with(vec![rows::example()]);
    let exporter = started(once(&desk).set("REALTIME_INTERVAL", "20s"));
    let refresh = |address: &str| exporter.get(address).header("refresh").map(str::to_owned);
    assert_eq!(refresh("/").as_deref(), Some("20; url=./"));
    let address = "/?lang=zh&sort=name&q=%E5%91%A8+a&page=1";
    // Without a fragment, which would make it a link to a place on the page.
    assert_eq!(
        refresh(address).as_deref(),
        Some("20; url=?lang=zh&sort=name&q=%E5%91%A8+a")
    );
    assert_eq!(refresh("/?refresh=off"), None);
    let still = page(&exporter, "/?refresh=off&sort=name");
    let resume = still.first("nav").all("a")[0].clone();
    assert_eq!(
        (resume.text().as_str(), resume.attribute("href")),
        ("Renew by itself", Some("?sort=name"))
    );
}

#[test]
fn it_comes_compressed_where_that_is_read_and_says_the_same() {
    let desk = Desk::with(rows::agents(300));
    let exporter = started(once(&desk).set("ENDPOINTS", "describe_agent_statistics"));
    let plain = exporter.get("/?refresh=off");
    let gzip = exporter.request(
        "GET",
        "/?refresh=off",
        &[("Accept-Encoding", "gzip, deflate, br, zstd")],
    );
    assert_eq!(gzip.header("content-encoding"), Some("gzip"));
    assert!(gzip.body.len() * 4 < plain.body.len());
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(&*gzip.body);
    std::io::Read::read_to_string(&mut decoder, &mut text).unwrap();
    let rest = |text: &str| text.split_once("</ul>").unwrap().1.to_owned();
    assert_eq!(rest(&text), rest(plain.text()));
}

#[test]
fn a_flood_of_questions_holds_up_no_scrape() {
    let desk = Desk::with(rows::agents(2000));
    let exporter = started(once(&desk).set("ENDPOINTS", "describe_agent_statistics"));
    exporter.page();
    let address = exporter.address();
    let asked: Vec<_> = (0..40)
        .map(|n| {
            std::thread::spawn(move || {
                let address_of = format!("/?q=agent&page={n}");
                http::fetch(address, "GET", &address_of, &[])
                    .unwrap()
                    .status
            })
        })
        .collect();
    let mut scrapes = 0;
    while asked.iter().any(|asked| !asked.is_finished()) {
        assert_eq!(exporter.get("/metrics").status, 200);
        scrapes += 1;
    }
    for asked in asked {
        assert_eq!(asked.join().unwrap(), 200);
    }
    assert!(scrapes > 1, "a scrape waits for all of them");
}

/// The colours of one scheme, by name.
fn colours(block: &str) -> BTreeMap<String, [f64; 3]> {
    let declarations = block.split([';', '{', '}']);
    let pairs = declarations.filter_map(|it| it.trim().strip_prefix("--")?.split_once(':'));
    pairs
        .map(|(name, value)| {
            let digits = value.trim().strip_prefix('#').expect("a colour");
            let channel = |place| {
                f64::from(u8::from_str_radix(&digits[place..place + 2], 16).unwrap()) / 255.0
            };
            (name.to_owned(), [channel(0), channel(2), channel(4)])
        })
        .collect()
}

/// By WCAG 2.2.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let linear = |c: f64| {
        if c <= 0.04045 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    };
    let luminance =
        |[r, g, b]: [f64; 3]| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    one.max(other) / one.min(other)
}

#[test]
fn every_colour_can_be_told_from_what_it_stands_on() {
    let sheet = read("templates/page.css");
    let schemes: Vec<_> = sheet
        .match_indices(":root {")
        .map(|(at, _)| {
            colours(
                sheet[at..]
                    .split('}')
                    .next()
                    .unwrap()
                    .split_once('{')
                    .unwrap()
                    .1,
            )
        })
        .collect();
    assert_eq!(schemes.len(), 3, "light, dark and printed");
    let (texts, drawn) = (
        ["ink", "quiet", "link", "good", "wait", "bad"],
        ["bar", "dark", "soft", "faint", "mark"],
    );
    for scheme in &schemes {
        for ground in ["ground", "sheet"] {
            for text in texts {
                let contrast = contrast(scheme[text], scheme[ground]);
                assert!(contrast >= 4.5, "{text} on {ground}: {contrast:.2}");
            }
        }
        for colour in drawn {
            let contrast = contrast(scheme[colour], scheme["ground"]);
            assert!(contrast >= 3.0, "{colour}: {contrast:.2}");
        }
    }
    // Only these colours are used, and texts only in those that are tested for it.
    let rules = sheet.split(['{', ';', '}']).map(str::trim);
    for rule in rules.filter(|rule| !rule.starts_with("--")) {
        let Some((property, value)) = rule.split_once(':') else {
            continue;
        };
        assert!(!value.contains('#') || property.contains("--"), "{rule}");
        if property == "color" || property == "border-color" {
            let name = value
                .trim()
                .trim_start_matches("var(--")
                .trim_end_matches(')');
            assert!(texts.contains(&name) || name == "inherit", "{rule}");
        }
    }
}

#[test]
fn readme_begins_with_this_page() {
    for (readme, picture) in [
        ("README.md", "today.png"),
        ("README.zh-CN.md", "today-zh.png"),
    ] {
        let text = read(readme);
        let (_, first) = text.split_once("![").unwrap();
        let (_, address) = first.split_once("](").unwrap();
        assert!(
            address.starts_with(&format!("dashboards/pictures/{picture})")),
            "{readme}"
        );
    }
    for picture in ["today.png", "today-zh.png"] {
        let length = file(&format!("dashboards/pictures/{picture}"))
            .metadata()
            .unwrap()
            .len();
        assert!(length < 300 * 1024, "{picture}: {length} bytes");
    }
}

#[test]
fn every_template_says_its_words_through_the_table() {
    for template in ["templates/top.html", "templates/rest.html"] {
        let text = read(template);
        let mut outside = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find(['<', '{']) {
            outside.push_str(&rest[..at]);
            let end = match &rest[at..] {
                tag if tag.starts_with('<') => ">",
                tag if tag.starts_with("{%") => "%}",
                _ => "}}",
            };
            rest = rest[at..].split_once(end).unwrap().1;
        }
        let words: Vec<_> = outside
            .split(|c: char| !c.is_alphabetic())
            .filter(|word| word.len() > 1)
            .collect();
        let allowed = ["tencent", "desk", "exporter"];
        assert!(
            words.iter().all(|word| allowed.contains(word)),
            "{template}: {words:?}"
        );
    }
}
