//! Who works in the simulated centre, when, and how fast.
//!
//! Fixed, not drawn: whoever watches the demo for a while gets to know the quick and the slow
//! ones, and a dashboard shows the same people tomorrow. The list is in the order of the ids,
//! which is the order of the rows in Desk's answers here.

use super::shift::Shift::{self, Day, Early, Late, Night};

/// One agent, as the roster knows them.
#[derive(Debug)]
pub(super) struct Member {
    /// Desk's id of the agent, in the form of an e-mail address.
    pub(super) id: &'static str,
    /// What users see.
    pub(super) nickname: &'static str,
    /// When the agent works.
    pub(super) shift: Shift,
    /// How long an answer takes, in percent of the usual.
    pub(super) pace: i64,
    /// How many sessions the agent takes at once.
    pub(super) slots: usize,
}

const fn member(
    id: &'static str,
    nickname: &'static str,
    shift: Shift,
    pace: i64,
    slots: usize,
) -> Member {
    Member {
        id,
        nickname,
        shift,
        pace,
        slots,
    }
}

/// Everybody, in the order of their ids.
pub(super) const ROSTER: [Member; 26] = [
    member("amy.zhou@desk.example", "Amy 周敏", Early, 75, 4),
    member("bai.yun@desk.example", "白云", Late, 95, 3),
    member("ben.carter@desk.example", "Ben", Day, 110, 3),
    member("cao.lei@desk.example", "曹磊", Early, 140, 2),
    member("chen.jing@desk.example", "陈静", Day, 85, 4),
    member("cindy.wu@desk.example", "Cindy", Late, 70, 4),
    member("deng.chao@desk.example", "邓超", Night, 120, 2),
    member("eric.huang@desk.example", "Eric 黄", Early, 100, 3),
    member("fang.min@desk.example", "方敏", Day, 90, 3),
    member("gao.yuan@desk.example", "高远", Late, 160, 2),
    member("grace.lin@desk.example", "Grace", Early, 65, 4),
    member("guo.jia@desk.example", "郭佳", Late, 100, 3),
    member("han.xue@desk.example", "韩雪", Day, 105, 3),
    member("ivy.tan@desk.example", "Ivy", Late, 80, 3),
    member("jiang.tao@desk.example", "江涛", Early, 125, 2),
    member("li.na@desk.example", "李娜", Early, 90, 3),
    member("liu.yang@desk.example", "刘洋", Day, 210, 2),
    member("luo.wei@desk.example", "罗薇", Late, 115, 3),
    member("mia.santos@desk.example", "Mia", Night, 90, 3),
    member("qian.duo@desk.example", "钱多", Early, 180, 2),
    member("sun.li@desk.example", "孙丽", Day, 95, 3),
    member("tom.becker@desk.example", "Tom", Late, 130, 3),
    member("wang.fang@desk.example", "王芳", Day, 80, 4),
    member("xu.kai@desk.example", "徐凯", Late, 105, 3),
    member("zhang.wei@desk.example", "张伟", Early, 100, 3),
    member("zhao.lei@desk.example", "赵蕾", Night, 150, 2),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_order_and_nobody_is_there_twice() {
        for pair in ROSTER.windows(2) {
            assert!(pair[0].id < pair[1].id, "{} {}", pair[0].id, pair[1].id);
        }
    }

    #[test]
    fn every_shift_has_people_and_everybody_works() {
        for shift in [Early, Day, Late, Night] {
            let staff = ROSTER.iter().filter(|member| member.shift == shift).count();
            assert!(staff >= 3, "{shift:?}: {staff}");
        }
        for member in &ROSTER {
            assert!((1..=4).contains(&member.slots), "{}", member.id);
            assert!((50..=250).contains(&member.pace), "{}", member.id);
        }
    }
}
