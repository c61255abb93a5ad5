//! Which agents and conversation sources Desk is asked about.

use super::list::List;
use crate::base::spelling;
use crate::desk::call::Channel;

/// The values of `ChannelType` (the API's page on `describe_agent_statistics`).
const CHANNEL_TYPES: [u8; 5] = [2, 3, 4, 7, 10];

/// The agent ids in `text`; none if it is `all`.
pub(super) fn parse_agent_ids(text: &str) -> Result<Vec<String>, String> {
    const LIST: List = List {
        item: "id",
        example: "a@shop.example,b@shop.example",
        none: "all",
    };
    LIST.parse_distinct(text, |id| {
        // An e-mail address may have an apostrophe in it.
        spelling::one_word(&id.replace('\'', "-")).map(|()| id.to_owned())
    })
}

/// The conversation sources in `text`, as `4` or `10:@account`; none if it is `all`.
pub(super) fn parse_channels(text: &str) -> Result<Vec<Channel>, String> {
    const LIST: List = List {
        item: "channel",
        example: "4,10:@account",
        none: "all",
    };
    LIST.parse_distinct(text, |channel| {
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
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
