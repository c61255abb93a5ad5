//! Which endpoints of Desk are polled, and what is asked of them.

use std::collections::BTreeMap;

use super::list::List;
use crate::base::spelling;

/// The endpoints that can be polled, by the API's names.
pub const ENDPOINTS: [&str; 6] = [
    "describe_agent_statistics",
    "describe_reception_realtime_statistics",
    "describe_member_realtime_statistics",
    "describe_session_statistics",
    "get_member_list",
    "get_member_group_list",
];

/// A conversation source of Desk, an item of `ConversationSources` in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// `ChannelType`: 2 WeChat mini program, 3 WeChat official account, 4 web, 7 WeChat customer
    /// service, 10 app.
    pub channel_type: u8,
    /// `ChannelId`; all sources of this type where there is none.
    pub channel_id: Option<String>,
}

/// The values of `ChannelType` (the API's page on `describe_agent_statistics`).
const CHANNEL_TYPES: [u8; 5] = [2, 3, 4, 7, 10];

/// The names in `text`, in the order of [`ENDPOINTS`], each once.
pub(super) fn parse_endpoints(text: &str) -> Result<Vec<&'static str>, String> {
    const LIST: List = List {
        item: "name",
        example: "describe_agent_statistics,get_member_list",
        unset: "all",
    };
    if text == "all" {
        return Ok(ENDPOINTS.to_vec());
    }
    if text.contains("://") {
        return Err("is a base URL, which belongs in TENCENT_DESK_ENDPOINT; write names of endpoints with commas between them, or unset it for all".to_owned());
    }
    let named = LIST.parse(text, |name| {
        let known = ENDPOINTS.into_iter().find(|known| *known == name);
        known.ok_or_else(|| {
            format!(
                "is no endpoint; the nearest is {}; write some of {}, or unset it for all",
                spelling::nearest(name, ENDPOINTS).unwrap_or_default(),
                ENDPOINTS.join(", ")
            )
        })
    })?;
    let is_named = |known: &&str| named.contains(known);
    Ok(ENDPOINTS.into_iter().filter(is_named).collect())
}

/// The names of `MemberStatus` in `text`, as `1=free,2=busy`, by its number.
pub(super) fn parse_status_names(text: &str) -> Result<BTreeMap<i64, String>, String> {
    const LIST: List = List {
        item: "status",
        example: "1=free,2=busy,3=rest",
        unset: "none",
    };
    let advice = |what: &str| format!("{what}; write a number, = and a name, as {}", LIST.example);
    let pairs = LIST.parse(text, |pair| {
        let (number, name) = pair
            .split_once('=')
            .ok_or_else(|| advice("has no = between a number and a name"))?;
        let number = number.trim().parse::<i64>();
        let number = number.map_err(|_| advice("has no whole number before its ="))?;
        let name = spelling::trimmed(name);
        if let Some(quotes) = spelling::in_quotes(name) {
            return Err(format!("has a name that {quotes}"));
        }
        if name.is_empty() {
            return Err(advice("has no name behind its ="));
        }
        if name.contains('=') {
            return Err(advice("has more than one ="));
        }
        if name.contains(char::is_control) {
            return Err(advice("has a control character in its name"));
        }
        Ok((number, name.to_owned()))
    })?;
    let mut names = BTreeMap::new();
    for (number, name) in pairs {
        if names.insert(number, name).is_some() {
            return Err(format!(
                "names the number {number} twice; write each number once, as {}",
                LIST.example
            ));
        }
    }
    Ok(names)
}

/// The conversation sources in `text`, as `4` or `10:@account`; none for all.
pub(super) fn parse_channels(text: &str) -> Result<Vec<Channel>, String> {
    const LIST: List = List {
        item: "channel",
        example: "4,10:@account",
        unset: "all",
    };
    if text == "all" {
        return Ok(Vec::new());
    }
    let channels = LIST.parse(text, |channel| {
        let (channel_type, channel_id) = match channel.split_once(':') {
            Some((channel_type, id)) => (channel_type, Some(id.trim())),
            None => (channel, None),
        };
        let known = channel_type.trim().parse().ok();
        let known = known.filter(|known| CHANNEL_TYPES.contains(known));
        let channel_type = known.ok_or_else(|| {
            format!(
                "has no ChannelType; write 2, 3, 4, 7 or 10, alone or with : and a ChannelId, as {}",
                LIST.example
            )
        })?;
        if channel_id == Some("") {
            return Err(format!(
                "has no ChannelId behind its colon; write one, or the ChannelType alone, as {}",
                LIST.example
            ));
        }
        if let Some(id) = channel_id {
            spelling::one_word(id).map_err(|what| format!("has a ChannelId that {what}"))?;
        }
        Ok(Channel {
            channel_type,
            channel_id: channel_id.map(str::to_owned),
        })
    })?;
    let mut once: Vec<Channel> = Vec::new();
    for channel in channels {
        if !once.contains(&channel) {
            once.push(channel);
        }
    }
    Ok(once)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_named_once_and_in_order() {
        assert_eq!(parse_endpoints("all").unwrap(), ENDPOINTS);
        let named = "get_member_list, describe_agent_statistics,get_member_list,";
        assert_eq!(
            parse_endpoints(named).unwrap(),
            ["describe_agent_statistics", "get_member_list"]
        );
    }

    #[test]
    fn an_unknown_endpoint_is_told_with_the_nearest_and_all() {
        for (text, nearest) in [
            ("describe_agent_statistic", "describe_agent_statistics"),
            ("GET_MEMBER_LIST", "get_member_list"),
            ("get_member_list,get_group_list", "get_member_group_list"),
            ("all,get_member_list", "describe"),
            ("describe_session_statistics get_member_list", "describe"),
        ] {
            let why = parse_endpoints(text).unwrap_err();
            assert!(why.contains(&format!("the nearest is {nearest}")), "{why}");
            for name in ENDPOINTS {
                assert!(why.contains(name), "{why}");
            }
        }
        for text in [",", "get_member_list;get_member_group_list", "'x'"] {
            assert!(parse_endpoints(text).is_err(), "{text}");
        }
        let swapped = parse_endpoints("https://desk.example").unwrap_err();
        assert!(swapped.contains("TENCENT_DESK_ENDPOINT;"), "{swapped}");
    }

    #[test]
    fn a_status_is_a_number_and_a_name() {
        let names = parse_status_names(" 1=free, 2 = on break ,-3=空闲,").unwrap();
        let expected = [(1, "free"), (2, "on break"), (-3, "空闲")];
        assert_eq!(
            names,
            expected
                .map(|(number, name)| (number, name.to_owned()))
                .into()
        );
        for (text, told) in [
            ("free", "no ="),
            ("1", "no ="),
            ("1=", "no name"),
            ("1= ,2=busy", "no name"),
            ("=free", "no whole number"),
            ("1.5=free", "no whole number"),
            ("free=1", "no whole number"),
            ("0x1=free", "no whole number"),
            ("99999999999999999999=free", "no whole number"),
            ("1=free,1=busy", "the number 1 twice"),
            ("1=free,01=free", "the number 1 twice"),
            ("1=free 2=busy", "more than one ="),
            ("1=free，2=busy", "else than commas"),
            ("1=free;2=busy", "else than commas"),
            ("1=fr\u{7}ee", "control character"),
            ("1='free'", "quotes"),
            ("1:free", "no ="),
            (" , ", "has no status"),
        ] {
            let why = parse_status_names(text).unwrap_err();
            assert!(
                why.contains(told) && !why.contains("free "),
                "{text}: {why}"
            );
        }
    }

    #[test]
    fn a_channel_is_a_type_with_or_without_an_id() {
        let channel = |channel_type, id: Option<&str>| Channel {
            channel_type,
            channel_id: id.map(str::to_owned),
        };
        assert_eq!(
            parse_channels("4, 10:@account ,4,3:a:b").unwrap(),
            [
                channel(4, None),
                channel(10, Some("@account")),
                channel(3, Some("a:b"))
            ]
        );
        assert_eq!(parse_channels("all").unwrap(), []);
        for (text, told) in [
            ("5", "no ChannelType"),
            ("web", "no ChannelType"),
            ("@account", "no ChannelType"),
            (":@account", "no ChannelType"),
            ("-4", "no ChannelType"),
            ("260", "no ChannelType"),
            ("4,10:", "its channel number 2 has no ChannelId"),
            ("10: ", "no ChannelId"),
            ("10:@a b", "a blank"),
            ("10:＠a", "other than ASCII"),
            ("10：@a", "no ChannelType"),
            ("4；7", "else than commas"),
            ("4 7", "no ChannelType"),
            (",", "has no channel"),
        ] {
            let why = parse_channels(text).unwrap_err();
            assert!(why.contains(told) && !why.contains("@a,"), "{text}: {why}");
        }
    }
}
