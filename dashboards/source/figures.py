"""Every figure of the team and its agents, once: what it is, and its expression.

The recording rules and the panels are both made from here, so that a board shows what an alert judges, and works
without the rules. To use it:

    from figures import FIGURES
    from series import PANEL
    figure = FIGURES["first_response_seconds:mean1h"]
    figure.text, figure.unit                        what it is and is not; "s", "ratio" (0 to 1) or "count"
    figure.expr(PANEL)                              one Desk's team, with Grafana's choice of a target
    figure.expr(PANEL.of_agent('agent_id="$agent_id"'))         one agent's part, the same labels as the team's
    FIGURES["unanswered_sessions:ratio"].expr(PANEL.by_agent()) one series for each agent (label agent_id)
    figure.limit, figure.minimum, figure.count      its LIMITS entries, and the name of the figure that counts what it is over
    figure.judged(PANEL)                            the figure where it is worse than its limit, as the alert judges it
    figure.expr(PANEL.read(REALTIME_ONLY))          the same of the members' realtime figures, there where no agent statistics are

A name is metric:operation: "sum", "mean" and "ratio" are of the day so far, "growth1h", "mean1h" and "ratio1h" of the
last hour, and "over1h" of how many sessions one of these is. Means of the last hour are for teams, never for one agent:
Desk gives whole seconds.

Three things hold of every expression:

- Only agent_id (or hour, or group_id) is summed away: job, instance and any further label of the target stay, and joins leave out what they do
  not need ("ignoring") instead of naming what they know.
- Averages are weighted by what Desk divided them by, and ratios are sum over sum, of agents who have both fields. Where
  there is nothing to divide by, there is no series: never 0, never NaN.
- The counts fall back at Desk's midnight, and may be corrected downwards: never rate(), increase() or delta() of them.
"""

from figure import FIGURES
from polls import POLLS
from queues import QUEUES
from today import TODAY

ALL = [*TODAY, *QUEUES, *POLLS]
FIGURES.update({figure.name: figure for figure in ALL})
