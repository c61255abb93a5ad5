//! Who works in the simulated centre, when, and how fast.
//!
//! Fixed, not drawn: the quick and the slow ones are the same tomorrow, so that a dashboard shows
//! people one gets to know. The list is in the order of the ids, which is the order of the rows in
//! Desk's answers here. Two have the same nickname, and one has none.

use super::shift::Shift::{self, Day, Early, Late};

/// Which queue a contact waits in, and so which agents can take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// Questions before an order.
    Sales,
    /// Questions after it.
    Service,
}

impl Group {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::Sales, Self::Service];

    /// How many in a hundred contacts are for this group.
    pub(super) fn share(self) -> i64 {
        match self {
            Self::Sales => 46,
            Self::Service => 54,
        }
    }
}

/// One agent, as the roster knows them.
#[derive(Debug)]
pub(super) struct Member {
    /// Desk's id of the agent, in the form of an e-mail address.
    pub(super) id: &'static str,
    /// What users see; may be empty.
    pub(super) nickname: &'static str,
    /// Whose contacts the agent takes.
    pub(super) group: Group,
    /// When the agent works.
    pub(super) shift: Shift,
    /// How long an answer takes, in percent of the usual.
    pub(super) pace: i64,
    /// How many sessions the agent takes at once.
    pub(super) limit: usize,
}

const fn sales(
    id: &'static str,
    nickname: &'static str,
    shift: Shift,
    pace: i64,
    limit: usize,
) -> Member {
    Member {
        id,
        nickname,
        group: Group::Sales,
        shift,
        pace,
        limit,
    }
}

const fn service(
    id: &'static str,
    nickname: &'static str,
    shift: Shift,
    pace: i64,
    limit: usize,
) -> Member {
    Member {
        group: Group::Service,
        ..sales(id, nickname, shift, pace, limit)
    }
}

/// All agents, in the order of their ids.
pub(super) const ROSTER: [Member; 26] = [
    sales("amy.zhou@desk.example", "Amy 周敏", Early, 75, 5),
    service("bai.yun@desk.example", "白云", Late, 95, 4),
    sales("ben.carter@desk.example", "Ben", Day, 110, 4),
    service("cao.lei@desk.example", "曹磊", Early, 140, 3),
    service("chen.jing@desk.example", "陈静", Day, 85, 5),
    sales("cindy.wu@desk.example", "Cindy", Late, 70, 5),
    service("deng.chao@desk.example", "邓超", Early, 120, 4),
    sales("eric.huang@desk.example", "Eric 黄", Early, 100, 4),
    service("fang.min@desk.example", "方敏", Day, 90, 4),
    sales("gao.yuan@desk.example", "", Late, 150, 3),
    service("grace.lin@desk.example", "Grace", Early, 65, 5),
    sales("guo.jia@desk.example", "郭佳", Late, 100, 4),
    sales("han.xue@desk.example", "韩雪", Day, 105, 4),
    service("ivy.tan@desk.example", "Ivy", Late, 80, 5),
    sales("jiang.tao@desk.example", "江涛", Early, 125, 4),
    service("li.na@desk.example", "李娜", Early, 90, 4),
    sales("liu.yang@desk.example", "刘洋", Day, 190, 3),
    service("luo.wei@desk.example", "罗薇", Late, 115, 4),
    service("mia.santos@desk.example", "Mia", Day, 90, 4),
    sales("qian.duo@desk.example", "钱多", Early, 165, 3),
    sales("sun.li@desk.example", "孙丽", Day, 95, 4),
    service("tom.becker@desk.example", "Tom", Late, 130, 4),
    service("wang.fang@desk.example", "王芳", Day, 80, 5),
    sales("xu.kai@desk.example", "徐凯", Late, 105, 4),
    service("zhang.wei.2@desk.example", "张伟", Late, 120, 3),
    service("zhang.wei@desk.example", "张伟", Early, 100, 4),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_order_and_each_is_there_once() {
        for pair in ROSTER.windows(2) {
            assert!(pair[0].id < pair[1].id, "{} {}", pair[0].id, pair[1].id);
        }
    }

    #[test]
    fn each_group_has_agents_in_every_shift() {
        assert_eq!(Group::ALL.map(Group::share).iter().sum::<i64>(), 100);
        for group in Group::ALL {
            for shift in [Early, Day, Late] {
                let staff = ROSTER
                    .iter()
                    .filter(|m| m.group == group && m.shift == shift);
                assert!(staff.count() >= 4, "{group:?} {shift:?}");
            }
        }
    }

    #[test]
    fn there_are_namesakes_and_an_agent_without_a_name() {
        let named = |name: &str| ROSTER.iter().filter(|m| m.nickname == name).count();
        assert_eq!(named(""), 1);
        assert_eq!(named("张伟"), 2);
    }
}
