"""What the boards say, in Chinese, in the words of Desk's own console: a second table of the shape of texts.py."""

SHARED = {
    "uid": "tencent-desk-{}-zh",
    "no_figures": "暂无数据",
    "no_lines": "暂无数据，或不足一小时",
    "too_early": "数据不足一小时",
    "no_exporter": "没有 exporter",
    "never": "尚未连上 Desk",
    "not_asked": "未查询",
    "not_served": "Desk 未提供",
    "no_rules": "未加载规则",
    "nothing_fires": "无告警",
    "none_or_not_served": "暂无数据，或 Desk 未提供",
    "realtime": "实时",
    "of_realtime": "{}（实时）",
    "statistics": "统计",
    "group": "技能组",
    "dash": "–",
    "cluster": "集群",
    "namespace": "命名空间",
    "job": "Job",
    "instance": "Exporter",
    "datasource": "Prometheus",
    "agent_id": "客服",
    "link_overview": "总览",
    "link_now": "实时",
    "link_agent": "客服",
    "link_history": "历史",
    "link_exporter": "Exporter",
    "link_wall": "大屏",
    "firing": "团队与 exporter 的告警",
    "alert": "告警",
    "who": "对象",
    "since": "开始于",
    "team": "团队",
    "exporter": "Exporter",
    "queue_scope": "排队",
    "first_response": "首次响应时长",
    "response": "平均响应时长",
    "today_so_far": "{}（今日累计）",
    "last_hour": "{}（近一小时）",
    "hour_line": "近一小时",
    "day_line": "今日累计",
    "within_30s": "30 秒内首次响应",
    "unanswered": "未回复",
    "satisfied": "满意度",
    "satisfied_count": "满意",
    "rated": "参评",
    "transferred": "转接",
    "free": "示闲",
    "busy": "示忙",
    "rest": "小休",
    "all": "全部",
    "effective": "有效",
    "ended": "客服结束",
    "from_users": "用户消息",
    "from_agents": "客服消息",
    "per_agent": "每位在线客服",
    "logged_in": "在线",
}

# By the alert's name, less "TencentDesk": what the tables call it.
ALERTS = {
    "FirstResponseSlow": "首次响应慢",
    "ResponseSlow": "响应慢",
    "AgentFirstResponseSlow": "首次响应慢",
    "AgentResponseSlow": "响应慢",
    "FirstResponseServiceLevelLow": "30 秒内首次响应占比低",
    "UnansweredSessionsHigh": "未回复会话多",
    "SatisfactionLow": "满意度低",
    "QueueUnattended": "有人排队，无客服示闲",
    "QueueLong": "排队会话多",
    "GroupQueueLong": "技能组排队人数多",
    "CapacityUsed": "接待余量不足",
    "QueueTimeLong": "排队时间长",
    "AcceptedSessionsLow": "人工接入率低",
    "FiguresLate": "客服统计数据滞后",
    "NoAgents": "Desk 未返回任何客服",
    "ExporterDown": "抓取不到 exporter",
    "ExporterAbsent": "没有可抓取的 exporter",
    "DataStale": "Desk 数据已过时",
    "EndpointStale": "某个接口的数据已过时",
    "RateLimited": "请求 Desk 过于频繁",
    "CredentialsRejected": "Desk 拒绝了凭证",
    "UserSigExpiring": "UserSig 即将过期",
    "ConfigurationRejected": "Desk 拒绝了配置",
    "WebConfigRejected": "Web 配置不可用",
    "ApiChanged": "Desk 的应答有变化",
}

FIRST_RESPONSE = "从客服接入到客服发出第一条消息的时长，按已回复会话加权。不含排队时间。"
RESPONSE = "从用户发消息到客服回复的时长，按有效会话加权；即各会话平均响应时长（不为零者）的平均值。"
HOUR = "由当日数据的增量估算。Desk 的数据精确到秒，因此 25 名客服时误差约 1 秒，5 名时约 4 秒。"
RED = "满足告警条件时显示红色：超过阈值，且会话数达到最低要求。"
WITHIN = "30 秒内首次响应的会话占全部会话的比例。未回复的会话按未达标计。这不是排队的服务水平。"
UNANSWERED = "客服没有发过消息的会话占比，刚接入的会话可能也在其中。排队中离开的用户不计。"
SATISFIED = "参评会话中四星、五星的占比。未评价的会话不计。"
READINGS = "取自客服统计；Desk 不提供时改用客服实时数据，面板上会标明*实时*。"
OF_GROUP = "只看所选技能组。一名客服可能属于多个技能组，所以各组数据不能相加。"
OF_DESK = "针对整个 Desk，与所选技能组无关。"
NAMES = "需要用 STATUS_NAMES 把 Desk 的状态编号命名为 free、busy 和 rest。"
GROWTH = "这是当日计数的增量；Desk 没有说明会话何时计入。"
STATES = "示忙是指不再接新会话。正在接待用户的客服处于示闲状态，所以这不是工作负荷。"
ALERTS_OF = "需要在此 Prometheus 中加载告警规则。0 表示没有告警；未加载规则时显示“未加载规则”。"

OVERVIEW = {
    "title": "腾讯云 Desk：总览",
    "description": "一个 Desk 团队（或其中一个技能组）当前的问题、近一小时和今日累计。",
    "headings": {"hour": "近一小时", "day": "今日累计", "hours": "整个 Desk 的排队与分时数据", "detail": "今日明细"},
    "panels": {
        "critical": ("严重", f"正在触发的严重告警，包括这个 Desk 及其 exporter。{ALERTS_OF}"),
        "warning": ("警告", f"正在触发的警告。{ALERTS_OF}"),
        "info": ("提示", f"正在触发的 info 级告警，包括针对单个客服的告警。{ALERTS_OF}"),
        "age": (
            "数据时效",
            "距 Desk 上一次成功返回客服统计的时间。超过五分钟（或三个轮询间隔，取较长者）显示红色，此后不久就不再输出这些数据。"
            "Desk 自身的数据也可能滞后，滞后多久，Desk 没有说明。",
        ),
        "alerts": ("当前问题", "正在触发的告警，严重的在前：是什么、涉及谁、条件从何时开始成立。"),
        "first_response_hour": ("首次响应时长", f"{FIRST_RESPONSE}{HOUR}{RED}{READINGS}{OF_GROUP}"),
        "response_hour": ("平均响应时长", f"{RESPONSE}{HOUR}{RED}{READINGS}{OF_GROUP}"),
        "within_hour": ("30 秒内首次响应", f"{WITHIN}{RED}"),
        "unanswered_hour": ("未回复", f"{UNANSWERED}{RED}"),
        "satisfied_hour": ("满意度", f"{SATISFIED}{RED}"),
        "sessions_hour": ("会话数", f"近一小时新增的会话。{GROWTH}{READINGS}{OF_GROUP}"),
        "online_hour": (
            "在线客服",
            "近一小时平均同时在线的客服数，由示闲、示忙、小休时长的增量得出。这是估算值，前提是 Desk 实时累计这些时长。",
        ),
        "in_hand_hour": (
            "人均接待",
            "近一小时内每位在线客服平均同时接待的会话数：会话时长的增量除以示闲、示忙、小休时长的增量。"
            "这是估算值，因为 Desk 没有说明会话时长何时计入。",
        ),
        "first_response_day": ("首次响应时长", f"{FIRST_RESPONSE}{READINGS}{OF_GROUP}"),
        "response_day": ("平均响应时长", f"{RESPONSE}{READINGS}{OF_GROUP}"),
        "within_day": ("30 秒内首次响应", f"{WITHIN}"),
        "unanswered_day": ("未回复", f"{UNANSWERED}"),
        "satisfied_day": ("满意度", f"{SATISFIED}"),
        "sessions_day": ("会话数", f"自 Desk 当日零点起客服接待的会话。{READINGS}{OF_GROUP}"),
        "duration_day": ("会话时长", f"平均会话时长，按会话数加权。{READINGS}{OF_GROUP}"),
        "agents_day": ("客服", "Desk 今日列出的客服，不论此刻是否在线。"),
        "response_times": ("响应时长", f"各时刻的近一小时值（粗线）与今日累计（细线）。{HOUR}虚线为告警的默认阈值。"),
        "volume": ("每小时会话数", f"各时刻之前一小时内新增的会话，以及前一天同一时段。{GROWTH}"),
        "shares": (
            "近一小时占比",
            "占全部会话的比例：30 秒内首次响应、未回复。占参评会话的比例：满意。会话少时波动很大。",
        ),
        "agents": (
            "今日客服",
            f"Desk 列出的每名客服今日的数据。{OF_GROUP}**数据来源**表示取自 Desk 的哪个接口：客服统计，或只有会话数和平均值的"
            "实时数据。点击昵称可查看该客服的一天。**超限项**列出超过单个客服阈值的指标：首次响应与平均响应"
            "（已回复或有效会话不少于 10 个）、未回复（会话不少于 10 个）、满意度（参评不少于 20 次）。**离线于**是最后下线时间，仅当该客服"
            "的示闲、示忙、小休时长已有十分钟没有变化时显示。昵称可能重复或缺失，请以 ID 区分。",
        ),
        "queue_hour": ("排队时长", f"近一小时已接入会话的平均排队时长，放弃排队的用户不计。{OF_DESK}{RED}"),
        "wait_hour": (
            "利特尔法则等待时长",
            f"近一小时的平均排队数除以转人工的速率：这一估算包含放弃排队的用户。如果远高于排队时长，说明放弃的人很多。{OF_DESK}",
        ),
        "accepted_hour": (
            "人工接入率",
            f"近一小时转人工的会话中由客服接入的比例。其余的在排队、已放弃或失败，Desk 没有区分。{OF_DESK}{RED}",
        ),
        "desk_sessions": ("今日会话", f"今日由用户或客服发起的会话，包括仅由机器人接待的。{OF_DESK}"),
        "handed_over_day": ("转人工", f"今日转人工的会话。{OF_DESK}"),
        "accepted_day": ("今日接入率", f"今日转人工的会话中由客服接入的比例。{OF_DESK}"),
        "stars_day": ("平均星级", f"今日评价的平均星级，1 到 5。{OF_DESK}"),
        "hours": (
            "分时数据",
            "按 Desk 时钟列出今日各小时，包括当前这一小时。平均值由 Desk 给出，精确到秒；排队时长只针对已接入的会话。"
            "Desk 未列出的小时不显示。",
        ),
        "states": ("状态时长", f"近一小时内团队在线时长的构成。{STATES}"),
        "online": ("在线客服", "各时刻之前一小时平均同时在线的客服数；估算方法同上。"),
        "in_hand": ("人均接待", "各时刻之前一小时每位在线客服平均同时接待的会话数；估算方法同上。"),
        "messages": ("每小时消息", "各时刻之前一小时内的消息。除这两类之外还有谁的消息，Desk 没有说明。"),
        "kinds": (
            "会话构成",
            "今日会话。有效：双方都发过消息。转接：Desk 没有说明是转入还是转出。参评：用户给了星级。各类互有重叠，不能相加。",
        ),
        "other_shares": ("转接与参评", "今日累计会话中，被转接的与用户评价过的占比。"),
        "durations": ("会话时长", "平均会话时长：各时刻之前一小时（粗线）与今日累计（细线）。"),
    },
    "words": {
        "agent": "客服",
        "id": "ID",
        "sessions": "会话数",
        "ratings": "参评数",
        "over_limit": "超限项",
        "gone": "离线于",
        "open_agent": "查看该客服的一天",
        "yesterday": "前一天",
        "reading": "数据来源",
        "hour": "小时",
        "handed_over": "转人工",
        "accepted": "人工接入",
        "accepted_share": "接入率",
        "in_the_queue": "排队时长",
        "duration": "会话时长",
        "mean_stars": "平均星级",
    },
}

NOW = {
    "title": "腾讯云 Desk：实时",
    "description": "此刻谁在等、谁能接：排队、接待余量、客服与技能组。",
    "headings": {},
    "panels": {
        "queue": (
            "排队中",
            f"正在排队的会话。超过告警阈值，或没有客服示闲时显示红色。Desk 没有说明已等待多久。{OF_DESK}",
        ),
        "free": ("示闲", f"在线并可接新会话的客服。有会话排队而无人示闲时显示红色。{OF_DESK}"),
        "busy": ("示忙", f"在线但不再接新会话的客服，仍在接待手上的会话。{OF_DESK}"),
        "rest": ("小休", f"在线并处于小休的客服。{OF_DESK}"),
        "active": ("接待中", f"客服正在接待的会话。{OF_DESK}"),
        "capacity": (
            "接待饱和度",
            "在线客服手上的会话占其接待上限之和的比例；手动接入的会话可使其超过 100%。没有命名任何状态时，"
            f"为 Desk 的会话数除以（客服数 × 平均接待上限）。超过告警阈值显示红色。{OF_GROUP}",
        ),
        "spare": ("接待余量", f"示闲客服还能接的会话数。{NAMES}{OF_GROUP}"),
        "queues": ("排队", f"正在排队的会话。虚线为告警的默认阈值。{OF_DESK}"),
        "states": ("在线客服", f"各状态的在线客服。{OF_DESK}"),
        "capacities": ("接待饱和度", f"同上。虚线为告警的默认阈值。{OF_GROUP}"),
        "group_queues": (
            "各技能组排队",
            "各技能组正在排队的用户。各组之和不一定等于整个 Desk 的排队数：会话可能不属于任何技能组。",
        ),
        "groups": (
            "技能组",
            "各组成员：此刻手上的会话（不论来自哪个组）以及还能接多少。属于多个组的客服在每个组都计入，所以各组不能相加。"
            f"示闲、饱和度和余量：{NAMES}**接待上限**是每名客服的上限。",
        ),
        "agents": (
            "客服",
            f"Desk 此刻列出的每名客服。{OF_GROUP}**饱和度**为手上会话除以本人的接待上限。**状态**是 STATUS_NAMES 给 Desk "
            "编号起的名称，没有命名则为空。",
        ),
    },
    "words": {
        "agent": "客服",
        "id": "ID",
        "status": "状态",
        "code": "状态编号",
        "current": "当前会话",
        "limit": "接待上限",
        "used": "饱和度",
        "sessions": "今日会话",
        "in_queue": "排队中",
        "spare": "余量",
        "members": "成员数",
        "needs_names": "需设置 STATUS_NAMES",
    },
}

AGENT = {
    "title": "腾讯云 Desk：客服",
    "description": "一名客服的一天，与团队对照。",
    "headings": {},
    "panels": {
        "name": ("客服", "Desk 给出的昵称；没有昵称时为 ID。"),
        "first_response": (
            "首次响应时长",
            f"Desk 给出的今日平均值，精确到秒，针对已回复的会话。{FIRST_RESPONSE}{RED}{READINGS}",
        ),
        "response": ("平均响应时长", f"Desk 给出的今日平均值，精确到秒。{RESPONSE}{RED}{READINGS}"),
        "within": ("30 秒内首次响应", f"今日。{WITHIN}"),
        "unanswered": ("未回复", f"今日。{UNANSWERED}"),
        "satisfied": ("满意度", f"今日。{SATISFIED}参评不足 20 次时参考意义不大。"),
        "ratings": ("参评数", "今日用户评价过的会话。"),
        "sessions": ("会话数", f"自 Desk 当日零点起该客服的会话。{READINGS}"),
        "first_responses": ("首次响应时长", "该客服与团队的今日累计平均值。虚线为单个客服的默认阈值。"),
        "responses": ("平均响应时长", "该客服与团队的今日累计平均值。虚线为单个客服的默认阈值。"),
        "volume": ("每小时会话数", f"各时刻之前一小时内该客服的会话，以及团队每位在线客服的会话。{GROWTH}"),
        "states": ("状态时长", f"近一小时内该客服在线时长的构成。{STATES}"),
        "in_hand": ("同时接待", "各时刻之前一小时的在线时长内平均同时接待的会话数：该客服与团队。"),
        "kinds": (
            "会话构成",
            "该客服今日的会话。有效：双方都发过消息。转接：Desk 没有说明是转入还是转出。各类互有重叠，不能相加。",
        ),
        "messages": ("每小时消息", "各时刻之前一小时内该客服会话中的消息。"),
        "login": ("首次登录", "该客服今日首次登录的时间。"),
        "logout": ("最后下线", "该客服今日最后下线的时间。Desk 没有说明此后是否又上线。"),
        "logged_in": ("在线时长", "今日示闲、示忙、小休时长之和。"),
        "users": ("服务用户数", "Desk 统计的该客服今日服务的用户。"),
        "duration": ("会话时长", "Desk 给出的该客服今日平均会话时长。"),
    },
    "words": {
        "this_agent": "该客服",
        "team_line": "团队",
        "not_today": "今日无",
        "team_per_agent": "团队，每位在线客服",
    },
}

EXPORTER = {
    "title": "腾讯云 Desk：Exporter",
    "description": "数据是否可信：轮询、请求、异常应答，以及 exporter 自身。",
    "headings": {},
    "panels": {
        "scraped": ("Exporter", "Prometheus 能否抓取 exporter。"),
        "last_poll": ("上次轮询", "上一次轮询 Desk 是否成功。失败期间仍显示此前的数据。"),
        "age": OVERVIEW["panels"]["age"],
        "endpoints": (
            "Desk 接口",
            "查询的每个接口：上次轮询结果、距上次成功的时间、轮询间隔、近一小时的成功率、上次耗时。"
            "Desk 未提供的接口每小时再试一次，不算失败。",
        ),
        "agents": ("客服", "当前有数据输出的客服数。"),
        "critical": OVERVIEW["panels"]["critical"],
        "warning": OVERVIEW["panels"]["warning"],
        "usersig": (
            "UserSig 有效期",
            "UserSig 还有多少天过期，过期后 Desk 不再接受。exporter 自己生成的会自动续期，在别处生成的需手动更换。不足七天显示红色。",
        ),
        "alerts": ("当前问题", "正在触发的 exporter 告警，严重的在前。"),
        "ages": ("数据时效", "各接口距上次成功轮询的时间；轮询失败期间持续上升。虚线为五分钟，即告警的默认阈值。"),
        "failures": (
            "轮询失败（按类别）",
            "十分钟内失败的轮询。network：无应答、超时、不是 HTTP 200。server：Desk 内部错误。rate_limited：请求过于频繁。"
            "credentials、configuration：需要管理员处理。protocol：应答无法解析。",
        ),
        "requests": ("每分钟请求", "发往 Desk 的请求及其中失败的，五分钟平均。一次轮询每一百名客服用一个请求。"),
        "latency": ("请求耗时", "十分钟内的请求，有半数、99% 在此时间内得到应答，按直方图的桶估算。"),
        "durations": ("轮询与抓取耗时", "一次轮询包括一个接口应答的所有分页，以及重试和暂停。抓取从不等待 Desk。"),
        "odd": (
            "异常应答",
            "Desk（所有接口）的应答与本版本预期不符的迹象。十分钟内：不是数字的值、被舍弃的行。当前：新出现的字段、所有行都缺少的字段、"
            "Desk 计入总数却没有列出的行。",
        ),
        "memory": ("内存", "exporter 的常驻内存。"),
        "cpu": ("CPU", "占一个核的比例，五分钟平均。"),
        "version": ("版本", "正在运行的 exporter 版本。"),
        "running": ("已运行", "exporter 启动至今的时间。"),
        "day": ("数据日期", "客服数据所属的日期，按 Desk 的日历。"),
        "files": ("打开的文件", "已打开的文件描述符占系统允许数量的比例。"),
        "web": ("Web 配置", "Web 配置文件当前的内容是否已生效。"),
    },
    "words": {
        "up": "正常",
        "down": "不可达",
        "good": "成功",
        "failed": "失败",
        "in_use": "已生效",
        "refused": "未生效",
        "none": "无",
        "endpoint": "接口",
        "last": "上次轮询",
        "age": "时效",
        "every": "间隔",
        "good_polls": "成功率",
        "took": "耗时",
        "half": "半数",
        "most": "99%",
        "scrape": "抓取",
        "ignored": "忽略的值",
        "discarded": "舍弃的行",
        "unknown": "新字段",
        "absent": "缺失字段",
        "missing": "缺失的行",
        "resident": "常驻内存",
        "cpu": "CPU",
        "days": "suffix: 天",
    },
}

WALL = {
    "title": "腾讯云 Desk：大屏",
    "description": "现场大屏：近一小时、当前问题、哪些客服超限。无需点击。",
    "headings": {},
    "panels": {
        "first_response": ("首次响应时长（近一小时）", f"{FIRST_RESPONSE}{HOUR}{RED}{READINGS}"),
        "response": ("平均响应时长（近一小时）", f"{RESPONSE}{HOUR}{RED}{READINGS}"),
        "within": ("30 秒内首次响应（近一小时）", f"{WITHIN}{RED}"),
        "unanswered": ("未回复（近一小时）", f"{UNANSWERED}{RED}"),
        "sessions": ("会话数（近一小时）", f"近一小时新增的会话。{GROWTH}{READINGS}"),
        "online": OVERVIEW["panels"]["online_hour"],
        "satisfied": ("满意度（近一小时）", f"{SATISFIED}{RED}"),
        "age": OVERVIEW["panels"]["age"],
        "alerts": ("当前问题", "正在触发的团队与 exporter 告警。"),
        "over_limit": ("今日超限客服", "今日有指标超过单个客服阈值、且会话数达到最低要求的客服。"),
    },
    "words": {"nobody": "无"},
}

WHOLE_DAYS = "按 Desk 所在时区的自然日，取当日最后一次的数据；今天，以及最后几小时没有数据的日子不计。"
WEEKS = f"截至所选时间末尾的七天，灰色为此前的七天。{WHOLE_DAYS}"
OF_WEEK_BEFORE = "灰色为前一周的同日。"

HISTORY = {
    "title": "腾讯云 Desk：历史",
    "description": "过去的日子，不论是当时采集的还是事后补录（backfill）的：请在顶部选择时间，例如上个月。",
    "headings": {
        "week": "七天与此前七天",
        "days": "逐日",
        "desk": "Desk 自身统计的全部会话，不论是否由客服接待",
        "agents": "所选时间内的客服",
    },
    "panels": {
        "week_sessions": ("会话数", f"所有客服的会话。{WEEKS}"),
        "week_first_response": ("首次响应时长", f"{FIRST_RESPONSE}{WEEKS}"),
        "week_within": ("30 秒内首次响应", f"{WITHIN}{WEEKS}"),
        "week_unanswered": ("未回复", f"{UNANSWERED}{WEEKS}"),
        "week_satisfied": ("满意度", f"{SATISFIED}{WEEKS}"),
        "week_duration": ("会话时长", f"按会话加权的平均值。{WEEKS}"),
        "sessions": ("会话数", f"所有客服的会话，逐日。{OF_WEEK_BEFORE}{WHOLE_DAYS}"),
        "first_response": ("首次响应时长", f"{FIRST_RESPONSE}{OF_WEEK_BEFORE}{WHOLE_DAYS}"),
        "within": ("30 秒内首次响应", f"{WITHIN}{OF_WEEK_BEFORE}{WHOLE_DAYS}"),
        "shares": ("满意度与未回复", f"{SATISFIED}{UNANSWERED}{WHOLE_DAYS}"),
        "duration": ("会话时长", f"按会话加权的平均值。{OF_WEEK_BEFORE}{WHOLE_DAYS}"),
        "desk_counts": ("整个 Desk 的会话", f"全部会话、转人工的会话和客服接入的会话。{OF_DESK}{WHOLE_DAYS}"),
        "desk_times": ("整个 Desk 的时长", f"Desk 自身的平均值；排队时长只计已接入的会话。{OF_DESK}{WHOLE_DAYS}"),
        "agents": (
            "客服",
            f"所选时间内任一天出现过的客服：计数为各天之和，平均值和占比按这些天的全部会话计算。{SATISFIED}{WHOLE_DAYS}",
        ),
    },
    "words": {
        "sessions": "会话数",
        "these_days": "七天",
        "days_before": "此前七天",
        "week_before": "前一周同日",
        "duration": "会话时长",
        "handed_over": "转人工",
        "accepted": "人工接入",
        "in_the_queue": "排队时长",
        "agent": "客服",
        "id": "ID",
        "days": "天数",
        "ratings": "参评数",
        "no_days": "所选时间内没有完整的一天",
    },
}

CHINESE = {"shared": SHARED, "alerts": ALERTS, "overview": OVERVIEW, "now": NOW, "agent": AGENT, "history": HISTORY, "exporter": EXPORTER, "wall": WALL}
