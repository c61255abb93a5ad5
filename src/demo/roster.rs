//! Who works in the simulated centre, when, how fast, and in which groups.
//!
//! Fixed, not drawn: the quick agents and the slow ones are the same tomorrow, so that a dashboard shows people one
//! gets to know. Two have the same nickname, and one has none.

use serde_json::{Value, json};

use super::shift::Shift::{self, Day, Early, Late};

/// A group of agents, with a queue of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    pub(super) id: i64,
    pub(super) name: &'static str,
    /// How many sessions each of its agents takes at once.
    pub(super) limit: usize,
    /// How many in a hundred contacts are for this group.
    pub(super) share: i64,
}

const fn group(id: i64, name: &'static str, limit: usize, share: i64) -> Group {
    Group {
        id,
        name,
        limit,
        share,
    }
}

/// Questions before an order, questions after it, and those of users who buy a lot.
pub(super) const GROUPS: [Group; 3] = [SALES, SERVICE, VIP];
const SALES: Group = group(6103, "售前 Sales", 4, 43);
const SERVICE: Group = group(6104, "售后 Service", 4, 51);
const VIP: Group = group(6210, "VIP", 5, 6);

/// One agent, as the roster knows them.
#[derive(Debug)]
pub(super) struct Member {
    /// Desk's id of the agent, in the form of an e-mail address.
    pub(super) id: &'static str,
    /// What users see; may be empty.
    pub(super) nickname: &'static str,
    /// Whose contacts the agent takes.
    pub(super) groups: &'static [Group],
    /// When the agent works.
    pub(super) shift: Shift,
    /// How long an answer takes, in percent of the usual.
    pub(super) pace: i64,
    /// How many sessions the agent takes at once, where that is not for the groups to say.
    own_limit: Option<usize>,
}

impl Member {
    /// How many sessions the agent takes at once: the own limit, or the largest one of the groups (the API's page of
    /// update_member).
    pub(super) fn limit(&self) -> usize {
        let limits = self.groups.iter().map(|group| group.limit);
        self.own_limit.or(limits.max()).unwrap_or_default()
    }
}

/// The rows of `get_member_list`.
pub(super) fn members() -> Vec<Value> {
    let row = |member: &Member| {
        let groups: Vec<i64> = member.groups.iter().map(|group| group.id).collect();
        json!({
            "MemberMail": member.id,
            "NickName": member.nickname,
            "Avatar": "",
            "RoleIDList": [ONLINE_AGENT],
            "MemberGroupIDList": groups,
            "MemberReceptionLimit": member.own_limit.unwrap_or(5),
            "MemberReceptionLimitEnabled": i64::from(member.own_limit.is_some()),
            "EffectiveReceptionLimit": member.limit(),
        })
    };
    ROSTER.iter().map(row).collect()
}

/// The rows of `get_member_group_list`.
pub(super) fn groups() -> Vec<Value> {
    let row = |group: &Group| {
        let members = ROSTER.iter().filter(|member| member.groups.contains(group));
        json!({
            "MemberGroupID": group.id,
            "MemberGroupName": group.name,
            "ReceptionLimit": group.limit,
            "GroupMemberCount": members.count(),
        })
    };
    GROUPS.iter().map(row).collect()
}

/// Desk's number for the role of an agent.
const ONLINE_AGENT: i64 = 5;

const fn member(
    id: &'static str,
    nickname: &'static str,
    groups: &'static [Group],
    shift: Shift,
    pace: i64,
    own_limit: Option<usize>,
) -> Member {
    Member {
        id,
        nickname,
        groups,
        shift,
        pace,
        own_limit,
    }
}

/// All agents, in the order of their ids, which is the order of the rows in Desk's answers here.
#[rustfmt::skip] // A row for each.
pub(super) const ROSTER: [Member; 26] = [
    member("amy.zhou@desk.example", "Amy 周敏", &[SALES, VIP], Early, 75, None),
    member("bai.yun@desk.example", "白云", &[SERVICE], Late, 95, None),
    member("ben.carter@desk.example", "Ben", &[SALES], Day, 110, None),
    member("cao.lei@desk.example", "曹磊", &[SERVICE], Early, 140, Some(3)),
    member("chen.jing@desk.example", "陈静", &[SERVICE, VIP], Day, 85, None),
    member("cindy.wu@desk.example", "Cindy", &[SALES, VIP], Late, 70, None),
    member("deng.chao@desk.example", "邓超", &[SERVICE], Early, 120, None),
    member("eric.huang@desk.example", "Eric 黄", &[SALES], Early, 100, None),
    member("fang.min@desk.example", "方敏", &[SERVICE], Day, 90, None),
    member("gao.yuan@desk.example", "", &[SALES], Late, 150, Some(3)),
    member("grace.lin@desk.example", "Grace", &[SERVICE, VIP], Early, 65, None),
    member("guo.jia@desk.example", "郭佳", &[SALES], Late, 100, None),
    member("han.xue@desk.example", "韩雪", &[SALES], Day, 105, None),
    member("ivy.tan@desk.example", "Ivy", &[SERVICE, VIP], Late, 80, None),
    member("jiang.tao@desk.example", "江涛", &[SALES], Early, 125, None),
    member("li.na@desk.example", "李娜", &[SERVICE], Early, 90, None),
    member("liu.yang@desk.example", "刘洋", &[SALES], Day, 190, Some(3)),
    member("luo.wei@desk.example", "罗薇", &[SERVICE], Late, 115, None),
    member("mia.santos@desk.example", "Mia", &[SERVICE], Day, 90, None),
    member("qian.duo@desk.example", "钱多", &[SALES], Early, 165, Some(3)),
    member("sun.li@desk.example", "孙丽", &[SALES], Day, 95, None),
    member("tom.becker@desk.example", "Tom", &[SERVICE], Late, 130, None),
    member("wang.fang@desk.example", "王芳", &[SERVICE, VIP], Day, 80, None),
    member("xu.kai@desk.example", "徐凯", &[SALES], Late, 105, None),
    member("zhang.wei.2@desk.example", "张伟", &[SERVICE], Late, 120, Some(3)),
    member("zhang.wei@desk.example", "张伟", &[SERVICE], Early, 100, None),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_order_and_each_is_there_once() {
        assert!(ROSTER.is_sorted_by(|one, next| one.id < next.id));
    }

    #[test]
    fn each_group_has_agents_in_every_shift_and_some_agents_are_in_two() {
        assert_eq!(GROUPS.iter().map(|group| group.share).sum::<i64>(), 100);
        for group in GROUPS {
            for shift in [Early, Day, Late] {
                let is_there = |m: &&Member| m.groups.contains(&group) && m.shift == shift;
                let staff = ROSTER.iter().filter(is_there);
                assert!(staff.count() >= 2, "{group:?} {shift:?}");
            }
        }
        assert!(ROSTER.iter().all(|m| (1..=2).contains(&m.groups.len())));
        assert!(ROSTER.iter().any(|m| m.groups.len() == 2));
    }

    #[test]
    fn the_limit_in_force_is_the_own_one_or_the_largest_of_the_groups() {
        let limit = |id: &str| {
            let mut rows = members().into_iter();
            let row = rows.find(|row| row["MemberMail"] == id).unwrap();
            let [own, enabled, effective] = [
                "MemberReceptionLimit",
                "MemberReceptionLimitEnabled",
                "EffectiveReceptionLimit",
            ]
            .map(|field| row[field].as_i64().unwrap());
            (own, enabled, effective)
        };
        assert_eq!(limit("ben.carter@desk.example"), (5, 0, 4));
        assert_eq!(limit("amy.zhou@desk.example"), (5, 0, 5));
        assert_eq!(limit("cao.lei@desk.example"), (3, 1, 3));
    }

    #[test]
    fn groups_count_the_members_that_name_them() {
        let members = members();
        for group in groups() {
            let id = &group["MemberGroupID"];
            let is_in = |row: &&Value| row["MemberGroupIDList"].as_array().unwrap().contains(id);
            let count = members.iter().filter(is_in).count();
            assert_eq!(group["GroupMemberCount"], count);
        }
    }

    #[test]
    fn there_are_namesakes_and_an_agent_without_a_name() {
        let named = |name: &str| ROSTER.iter().filter(|m| m.nickname == name).count();
        assert_eq!(named(""), 1);
        assert_eq!(named("张伟"), 2);
    }
}
