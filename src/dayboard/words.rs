//! What the page says: one table of texts, each in English and in Chinese with the terms of Desk's console.
//!
//! `{}` stands for what is put in, in the order in which it comes; `|` parts what is said of one from what is said of
//! several. Errors of Desk and of the network are told as the log has them, in English, so that they can be looked up;
//! what to do about them is said in each language.

use crate::desk::Class;

/// A language that the page speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Simplified Chinese, with the terms of Desk's console.
    Chinese,
}

impl Language {
    /// All of them; the first where a person has no preference.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// Its primary tag (RFC 5646).
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// As `lang` has it, for a browser to choose the right glyphs by.
    pub fn html_tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-Hans",
        }
    }

    /// The language of a tag such as `zh-CN`, by the part before its first hyphen.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        let is_it = |language: &Self| language.tag().eq_ignore_ascii_case(primary);
        Self::ALL.into_iter().find(is_it)
    }

    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::Chinese => &CHINESE,
        }
    }
}

/// `text` with `values` in the places of its `{}`.
pub(super) fn filled(text: &str, values: &[impl AsRef<str>]) -> String {
    let mut parts = text.split("{}");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    let mut values = values.iter();
    for part in parts {
        filled.push_str(values.next().map_or("", AsRef::as_ref));
        filled.push_str(part);
    }
    filled
}

macro_rules! words {
    ($($(#[doc = $about:literal])* $name:ident: $english:expr, $chinese:expr;)*) => {
        /// Every text of the page, in one language.
        #[derive(Debug)]
        pub(super) struct Words {
            $($(#[doc = $about])* pub(super) $name: &'static str,)*
        }

        static ENGLISH: Words = Words { $($name: $english,)* };
        static CHINESE: Words = Words { $($name: $chinese,)* };

        /// Each text by its name, in both languages.
        #[cfg(test)]
        const ALL: &[(&str, &str, &str)] = &[$((stringify!($name), $english, $chinese),)*];
    };
}

words! {
    /// The language's own name, for those who read it.
    language: "English", "中文";
    /// The head of the page, and its title in the browser.
    title: "Today at Desk", "Desk 今日看板";
    /// Of `jiff`'s `strftime`, with `{}` for the weekday.
    date: "{} %-d %B %Y", "%Y年%-m月%-d日 {}";
    /// The days of the week from Monday on, with commas between.
    weekdays:
        "Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday",
        "星期一,星期二,星期三,星期四,星期五,星期六,星期日";
    pause: "Stop renewing", "停止自动刷新";
    resume: "Renew by itself", "恢复自动刷新";

    starting: "The first poll of Desk is under way.", "正在首次查询 Desk。";
    starting_more:
        "This page shows more as soon as it has ended.",
        "查询完成后，本页会显示更多内容。";
    hangs: "A poll of Desk finds no end.", "对 Desk 的查询迟迟没有结束。";
    hangs_more:
        "The one before it succeeded, but is too old to be shown.",
        "上一次查询虽已成功，但数据已过时，不再显示。";
    new_day: "Desk's day has ended.", "Desk 已进入新的一天。";
    new_day_more: "The first poll of the new one is under way.", "正在进行新一天的首次查询。";
    up: "Desk answers.", "Desk 应答正常。";
    up_more: "The last poll brought today's figures, whole.", "最近一次查询取得了今日的全部数据。";
    up_less_rows:
        "The last poll brought today's figures, less {} rows that Desk counted and did not give.",
        "最近一次查询取得了今日的数据，但 Desk 计入总数的数据中有 {} 行没有返回。";
    up_without_agents:
        "The last poll brought no agent. Where some have worked today, see that TENCENT_DESK_SDK_APP_ID is the right \
         application, and what TENCENT_DESK_AGENT_IDS and TENCENT_DESK_CHANNELS name, if set.",
        "最近一次查询没有取得任何客服的数据。如果今天已有客服上班，请确认 TENCENT_DESK_SDK_APP_ID 是正确的应用；\
         若设置了 TENCENT_DESK_AGENT_IDS 或 TENCENT_DESK_CHANNELS，请检查其中的内容。";
    /// How many of the ids that are asked for have no row, and which.
    ids_without_row:
        "Desk has no row for {} of the ids in TENCENT_DESK_AGENT_IDS: {}. One who has not worked today may have none; \
         otherwise see how they are spelt.",
        "TENCENT_DESK_AGENT_IDS 中有 {} 个 ID 在 Desk 没有数据：{}。今天没有上班的客服可能没有数据；否则请检查拼写。";
    not_served: "Desk does not serve this here.", "Desk 未提供该接口。";
    not_served_more: "It is asked again each hour.", "每小时会再试一次。";
    fails: "Polls of Desk fail.", "查询 Desk 失败。";
    /// The error, and its class.
    fails_with: "Why: {} ({}).", "原因：{}（{}）。";
    /// What to do about it.
    what_to_do: "What to do: {}.", "处理办法：{}。";
    never_reached: "No figures have come yet.", "尚未取得任何数据。";
    shown_meanwhile: "The figures from before are shown meanwhile.", "目前仍显示此前的数据。";
    too_old: "The figures from before are too old to be shown.", "此前的数据已过时，不再显示。";

    /// What to do, by the class of a failure.
    do_network:
        Class::Network.advice(),
        "请确认本机能访问 API 域名的 443 端口（DNS、防火墙、代理变量），并确认 TENCENT_DESK_REGION \
         是应用所在的数据中心；程序会自动重试";
    do_server:
        Class::Server.advice(),
        "暂时无需处理：Desk 内部出错，程序会自动重试；如果持续出现，请向腾讯云提交工单";
    do_rate_limited:
        Class::RateLimited.advice(),
        "请降低查询频率：调大 TENCENT_DESK_POLL_INTERVAL 或调小 TENCENT_DESK_REQUESTS_PER_SECOND，\
         并检查还有哪些程序在用该应用调用此 API；查询会暂停几分钟";
    do_credentials:
        Class::Credentials.advice(),
        "请确认 TENCENT_DESK_SECRET_KEY 中的密钥（或 TENCENT_DESK_USER_SIG 中的 UserSig）属于 \
         TENCENT_DESK_SDK_APP_ID 和 TENCENT_DESK_IDENTIFIER，并确认本机时钟准确";
    do_configuration:
        Class::Configuration.advice(),
        "请确认 TENCENT_DESK_SDK_APP_ID 是 TENCENT_DESK_REGION 所指数据中心的 Desk 应用，已启用且未欠费，\
         TENCENT_DESK_IDENTIFIER 是 App 管理员，并且本机 IP 没有被白名单拦截";
    do_protocol:
        Class::Protocol.advice(),
        "请检查 exporter 是否有新版本，以及是否有代理改写了应答；如果都不是，请附上这一行反馈问题";

    endpoints: "Age of the figures", "数据时效";
    agent_statistics: "Agents today", "今日客服";
    reception: "Queue", "排队";
    realtime: "Agents now", "当前客服";
    by_hour: "Hours", "分时";
    members: "Members", "成员";
    groups: "Groups", "技能组";
    /// How old figures are: a span.
    ago: "{} ago", "{}前";
    feed_starting: "first poll under way", "正在首次查询";
    feed_not_served: "not served here", "Desk 未提供";
    feed_fails: "polls fail", "查询失败";
    feed_hangs: "poll hangs", "查询未结束";
    feed_new_day: "new day", "新的一天";

    now: "Now", "当前";
    queue: "In the queue", "排队";
    queue_unit: "session waits for an agent|sessions wait for an agent", "个会话在等待客服";
    unattended: "and no agent is free", "没有客服示闲";
    agents_online: "Agents online", "在线客服";
    free: "free", "示闲";
    busy: "busy", "示忙";
    rest: "resting", "小休";
    offline: "offline", "离线";
    active: "Being served", "接待中";
    active_unit: "session has an agent|sessions have an agent", "个会话正在由客服接待";
    seats: "Seats used", "接待饱和度";
    /// So many of so many.
    seats_of: "{} of {} possible sessions", "{} / {}（接待上限之和）";
    seats_of_desk:
        "{} of about {}: Desk's own count of agents, at their mean limit",
        "{} / 约 {}：按 Desk 的在线客服数乘以平均接待上限估算";
    seats_of_listed:
        "{} of {}, of all agents that Desk lists, online or not",
        "{} / {}：Desk 列出的全部客服，不论是否在线";
    queue_by_group: "Queue by group", "各技能组排队";
    /// How many groups more there are, whose queues are empty.
    other_groups_empty:
        "and one more group, in which nobody waits|and {} more groups, in which nobody waits",
        "另有 {} 个技能组无人排队";
    /// How many people wait in groups that are not listed.
    other_groups: "and in further groups: {}", "其余技能组共 {} 人排队";
    nobody_waits:
        "Nobody waits in the only group.|Nobody waits in any of {} groups.",
        "{} 个技能组均无人排队。";

    today_by_hour: "Today by hour", "今日分时";
    sessions: "Sessions", "会话数";
    accepted: "Accepted by an agent", "人工接入率";
    queue_time: "Time in the queue", "排队时长";
    hour: "Hour", "时段";
    handed_over: "Handed over", "转人工";
    running_hour: "The hour that has not ended is drawn lighter.", "尚未结束的时段以浅色显示。";
    as_table: "Show the numbers", "显示数值";
    as_bars: "Hide the numbers", "隐藏数值";
    /// A bar: its hour and its value.
    bar: "{}: {}", "{}：{}";
    no_hours: "Desk has no hour of today yet.", "Desk 今日尚无分时数据。";
    of_handed_over: "of {} handed over", "转人工 {} 个会话";
    of_accepted: "mean of {} accepted", "{} 个已接入会话的平均值";
    begun: "begun today", "今日发起";

    team: "The team today", "今日团队";
    of_statistics: "By Desk's agent statistics.", "取自 Desk 的客服统计。";
    of_realtime:
        "By Desk's realtime figures: agent statistics are absent, and with them the figures that only these have.",
        "取自 Desk 的客服实时数据：目前没有客服统计，因此缺少只有客服统计才有的指标。";
    first_response: "First response", "首次响应时长";
    response: "Response", "平均响应时长";
    within_30s: "Answered in 30 s", "30 秒内首次响应";
    unanswered: "Unanswered", "未回复";
    satisfied: "Satisfied", "满意度";
    session_duration: "Duration of a session", "平均会话时长";
    agents_today: "{} agent|{} agents", "{} 名客服";
    /// How many sessions a figure is over.
    over_sessions: "of {} session|of {} sessions", "共 {} 个会话";
    over_ratings: "of {} rating|of {} ratings", "共 {} 次评价";
    nobody_yet: "No agent has worked today yet.", "今日尚无客服上线。";
    no_figures: "There are no figures at the moment: see above.", "目前没有数据，原因见上。";

    agents: "Agents", "客服";
    agent: "Agent", "客服";
    status: "Status", "状态";
    now_of_limit: "Now / limit", "当前 / 上限";
    search: "Name or id", "昵称或 ID";
    group: "Group", "技能组";
    all_groups: "All groups", "全部技能组";
    show: "Show", "筛选";
    reset: "Show all", "显示全部";
    worst_first: "Beyond a limit first", "超限优先";
    /// Which rows of how many.
    rows: "{} to {} of {}", "第 {} 至 {} 名，共 {} 名";
    no_match: "No agent is in this group and has this name.", "没有符合条件的客服。";
    earlier: "Before", "上一页";
    later: "Next", "下一页";
    limit_legend:
        "Red is beyond the alert's limit, over at least its minimum of sessions. A dash is unknown.",
        "红色表示超出告警阈值，且会话数达到最低要求；短横线表示未知。";
    print_more: "Only the first agents are printed.", "此处只打印了排在前面的客服。";

    metrics: "Metrics", "指标";
    health: "Health", "健康状态";
    readiness: "Readiness", "就绪状态";

    seconds: "{} s", "{} 秒";
    minutes: "{} min {} s", "{} 分 {} 秒";
    whole_minutes: "{} min", "{} 分";
    whole_hours: "{} h", "{} 小时";
    hours: "{} h {} min", "{} 小时 {} 分";
    percent: "{} %", "{}%";
    /// Between a sentence and the next.
    gap: " ", "";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_all_of_it_and_in_its_own_words() {
        let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        for &(name, en, zh) in ALL {
            if name != "gap" {
                assert!(!en.trim().is_empty() && !zh.trim().is_empty(), "{name}");
            }
            let places = |text: &str| {
                text.split('|')
                    .next_back()
                    .map(|text| text.matches("{}").count())
            };
            assert_eq!(places(en), places(zh), "{name}");
            assert!(!en.chars().any(is_chinese), "{name}: {en}");
            let is_same_in_all = ["bar", "gap", "percent"].contains(&name);
            assert!(is_same_in_all || zh.chars().any(is_chinese), "{name}: {zh}");
        }
    }

    #[test]
    fn weeks_have_seven_days() {
        for language in Language::ALL {
            assert_eq!(language.words().weekdays.split(',').count(), 7);
        }
    }

    #[test]
    fn a_tag_is_known_by_its_first_part() {
        for tag in ["zh", "ZH-cn", "zh-Hans-CN", "zh-TW"] {
            assert_eq!(Language::of_tag(tag), Some(Language::Chinese), "{tag}");
        }
        assert_eq!(Language::of_tag("en-GB"), Some(Language::English));
        for tag in ["", "-", "fr", "zhx", "z"] {
            assert_eq!(Language::of_tag(tag), None, "{tag}");
        }
    }

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        assert_eq!(filled("{} of {}.", &["{}", "7"]), "{} of 7.");
        assert_eq!(filled("none", &["7"]), "none");
        assert_eq!(filled("{}{}", &["1"]), "1");
    }
}
