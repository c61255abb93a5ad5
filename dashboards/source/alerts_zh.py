"""What the alerts say, in Chinese: of each its summary and its description. What they judge stands in alerts.py alone."""

from dataclasses import replace

from alerts import AGENT, COUNT, DURATION, GROUP, INSTANCE, SHARE, Alert, limit_text

RUNBOOK = "https://github.com/tencent-desk-exporter/tencent-desk-exporter/blob/main/deploy/RUNBOOK.zh-CN.md"

HEAD = """\
# 关于人（scope: team、agent）、排队（scope: queue）和 exporter（scope: exporter）的告警。需要 rules.yml，以及 Prometheus 2.42 或更新版本。
# 由 dashboards/generate 从 dashboards/source/alerts.py 和 alerts_zh.py 生成，与 alerts.yml 只有文字不同：两者只加载一个。
#
# 每个阈值只在第一组中出现一次，给出的是默认值：要改就改那里。每条告警都链接到 RUNBOOK.zh-CN.md 中对应的一节。
#
# - 我们自己的指标名无需选择器；只有 up 按 job 选择：job="tencent-desk"，与 prometheus.yml 一致。
# - 每个结果都保留目标的全部标签，便于按 exporter 分组和抑制。
# - 半小时的窗口适用于不超过十分钟的 POLL_INTERVAL：更长时，把所有 [30m] 一起加长，TencentDeskApiChanged 的等待时间还要更长。

groups:
"""

ENDPOINT = "{{ $labels.endpoint }}"
NUMBER = 'printf "%.0f"'
THIS_AGENT = '{{ or $labels.nickname "客服" }}（{{ $labels.agent_id }}）'


def limit(name: str, shown: str) -> str:
    return limit_text(name, "，阈值为 {}", shown)


def at_least(name: str) -> str:
    return limit_text(name, "，目标不低于 {}", "humanizePercentage")


TEXTS = {
    "TencentDeskFirstResponseSlow": (
        f"首次响应慢（{DURATION}，近一小时）",
        f"{INSTANCE} 的团队近一小时从接入会话到首次回复平均用了 {DURATION}{limit('team_first_response_seconds', 'humanizeDuration')}。",
    ),
    "TencentDeskResponseSlow": (
        f"响应慢（{DURATION}，近一小时）",
        f"{INSTANCE} 的团队近一小时回复用户消息平均用了 {DURATION}{limit('team_response_seconds', 'humanizeDuration')}。",
    ),
    "TencentDeskAgentFirstResponseSlow": (
        f"{AGENT} 首次响应慢（{DURATION}，今日）",
        f"{THIS_AGENT}今日从接入会话到首次回复平均用了 {DURATION}{limit('agent_first_response_seconds', 'humanizeDuration')}。",
    ),
    "TencentDeskAgentResponseSlow": (
        f"{AGENT} 响应慢（{DURATION}，今日）",
        f"{THIS_AGENT}今日回复用户消息平均用了 {DURATION}{limit('agent_response_seconds', 'humanizeDuration')}。",
    ),
    "TencentDeskFirstResponseServiceLevelLow": (
        f"30 秒内首次响应占比低（{SHARE}，近一小时）",
        f"{INSTANCE} 近一小时的会话中有 {SHARE} 在 30 秒内得到首次回复"
        f"{at_least('first_response_under_30s_sessions_ratio')}。未回复的会话按未达标计。",
    ),
    "TencentDeskUnansweredSessionsHigh": (
        f"未回复会话多（{SHARE}，近一小时）",
        f"{INSTANCE} 近一小时的会话中有 {SHARE} 没有得到客服回复{limit('unanswered_sessions_ratio', 'humanizePercentage')}。",
    ),
    "TencentDeskSatisfactionLow": (
        f"满意度低（{SHARE}，近一小时）",
        f"{INSTANCE} 近一小时参评的会话中有 {SHARE} 得到四星或五星{at_least('satisfied_sessions_ratio')}。",
    ),
    "TencentDeskQueueUnattended": (
        f"{COUNT} 个会话在排队，没有客服示闲",
        f"{INSTANCE} 已连续两分钟有会话排队而没有客服示闲，当前排队 {COUNT} 个会话。",
    ),
    "TencentDeskQueueLong": (
        f"排队会话多（{COUNT}）",
        f"{INSTANCE} 有 {COUNT} 个会话在排队{limit('queued_sessions', NUMBER)}。",
    ),
    "TencentDeskGroupQueueLong": (
        f"{GROUP} 排队人数多（{COUNT}）",
        f"{INSTANCE} 的技能组 {GROUP} 有 {COUNT} 名用户在排队{limit('group_queued_users', NUMBER)}。"
        "各技能组排队数之和不一定等于整个 Desk 的排队数。",
    ),
    "TencentDeskCapacityUsed": (
        f"接待余量不足（已用 {SHARE}）",
        f"{INSTANCE} 的在线客服手上的会话已达接待上限的 {SHARE}{limit('capacity_ratio', 'humanizePercentage')}。",
    ),
    "TencentDeskQueueTimeLong": (
        f"排队时间长（{DURATION}，近一小时）",
        f"{INSTANCE} 近一小时由客服接入的会话平均排队 {DURATION}{limit('average_queue_seconds', 'humanizeDuration')}。放弃排队的用户不计。",
    ),
    "TencentDeskAcceptedSessionsLow": (
        f"人工接入率低（{SHARE}，近一小时）",
        f"{INSTANCE} 近一小时转人工的会话中有 {SHARE} 由客服接入{at_least('accepted_sessions_ratio')}。"
        "其余的在排队、已放弃或失败，Desk 没有区分。",
    ),
    "TencentDeskExporterDown": (
        "抓取不到 Desk exporter",
        f"Prometheus 得不到 {INSTANCE} 的应答：没有数据，这个 Desk 的其他告警都不可信。",
    ),
    "TencentDeskExporterAbsent": (
        "Prometheus 中没有 Desk exporter",
        "Prometheus 的 job {{ $labels.job }} 中没有任何目标：job 不存在或名称不同，或者服务发现没有找到目标。",
    ),
    "TencentDeskDataStale": (
        "Desk 没有新数据",
        f"{INSTANCE} 已有 {DURATION} 没有得到 Desk 的成功应答。上次成功轮询满 MAX_STALENESS（未设置时为 5 分钟）之后"
        "不再输出数据，下次成功后恢复。",
    ),
    "TencentDeskEndpointStale": (
        "Desk 的一个接口没有新数据",
        f"{INSTANCE} 已有 {DURATION} 没有得到 {ENDPOINT} 的成功应答，其他接口正常。依赖它的图表和告警没有数据。",
    ),
    "TencentDeskNoAgents": (
        "Desk 有应答，但没有列出任何客服",
        f"{INSTANCE} 的轮询成功，但 Desk 已有一小时没有列出任何客服，而以往此时有；或者已有一整天没有列出。",
    ),
    "TencentDeskFiguresLate": (
        "客服统计数据滞后",
        f"{INSTANCE} 得到的今日客服统计比同一批客服的实时数据少 {COUNT} 个会话（这些会话在实时数据中已存在五分钟以上），滞后已持续半小时。",
    ),
    "TencentDeskRateLimited": (
        "Desk 因请求过于频繁而拒绝轮询",
        f"该应用请求过于频繁，Desk 半小时内拒绝了 {INSTANCE} 的 {COUNT} 次轮询。",
    ),
    "TencentDeskCredentialsRejected": (
        "Desk 拒绝了 exporter 的凭证",
        f"Desk 不接受 {INSTANCE} 当前的密钥、identifier 或 UserSig：半小时内有 {COUNT} 次轮询因此失败。",
    ),
    "TencentDeskUserSigExpiring": (
        "UserSig 需要更换",
        f"{INSTANCE} 的 UserSig {{{{ if lt $value 0.0 }}}}已过期{{{{ else }}}}将在 {DURATION} 后过期{{{{ end }}}}。"
        "过期后 Desk 会拒绝每次轮询。",
    ),
    "TencentDeskConfigurationRejected": (
        "Desk 拒绝了 exporter 的配置",
        f"Desk 拒绝 {INSTANCE}，原因需要管理员处理（应用、地域、权限、IP 白名单、套餐）：半小时内有 {COUNT} 次轮询因此失败。",
    ),
    "TencentDeskWebConfigRejected": (
        "exporter 无法使用其 Web 配置",
        f"{INSTANCE} 的 Web 配置，或其中指定的证书、私钥、CA 已被改成无法使用的内容。目前仍按此前的内容运行。",
    ),
    "TencentDeskApiChanged": (
        "Desk 的应答与本版本 exporter 所知不符",
        f"{ENDPOINT}："
        f'{{{{ if eq $labels.sign "unknown_fields" }}}}Desk 给 {INSTANCE} 的应答中有 {COUNT} 个本版本不认识的字段。'
        f'{{{{ else if eq $labels.sign "absent_field" }}}}Desk 给 {INSTANCE} 的应答缺少本版本已知的字段，依赖它们的告警不会触发。'
        f'{{{{ else if eq $labels.sign "ignored_values" }}}}字段 {{{{ $labels.field }}}} 半小时内有 {COUNT} 次不是数字，{INSTANCE} 缺少这些值。'
        f'{{{{ else if eq $labels.sign "missing_rows" }}}}Desk 计入总数却没有列给 {INSTANCE} 的行：{COUNT} 行。'
        f"{{{{ else }}}}Desk 给 {INSTANCE} 的应答半小时内有 {COUNT} 行被舍弃（{{{{ $labels.reason }}}}）：合计值可能偏小。{{{{ end }}}}",
    ),
}


def in_chinese(alert: Alert) -> Alert:
    """The same alert, as it is told in Chinese; an alert without a text here is an error."""
    summary, description = TEXTS[alert.name]
    return replace(alert, summary=summary, description=description, runbook=RUNBOOK)
