"""What the boards say, in English: titles, descriptions and words. A second language is a second table of this "
"shape."""

SHARED = {
    # Of the board of a name, in this language.
    "uid": "tencent-desk-{}",
    "no_figures": "No figures",
    "no_lines": "No figures, or less than an hour of data",
    "too_early": "Needs an hour of data",
    "no_exporter": "No exporter",
    "never": "Desk not reached",
    "not_asked": "Not asked for",
    "not_served": "Not served here",
    "no_rules": "No rules",
    "nothing_fires": "Nothing fires",
    "none_or_not_served": "No figures, or not served here",
    "realtime": "Realtime",
    "of_realtime": "{}, realtime",
    "statistics": "Statistics",
    "group": "Group",
    "dash": "–",
    "cluster": "Cluster",
    "namespace": "Namespace",
    "job": "Job",
    "instance": "Exporter",
    "datasource": "Prometheus",
    "agent_id": "Agent",
    "link_overview": "Overview",
    "link_now": "Now",
    "link_agent": "Agent",
    "link_history": "History",
    "link_exporter": "Exporter",
    "link_wall": "Wall",
    "firing": "Alerts about the team and the exporter",
    "alert": "What",
    "who": "Who",
    "since": "Since",
    "team": "Team",
    "exporter": "Exporter",
    "queue_scope": "Queue",
    "first_response": "First response",
    "response": "Response",
    "today_so_far": "{} (today so far)",
    "last_hour": "{} (last hour)",
    "hour_line": "Last hour",
    "day_line": "Today so far",
    "within_30s": "First answer in 30 s",
    "unanswered": "Unanswered",
    "satisfied": "Satisfied",
    "satisfied_count": "Satisfied",
    "rated": "Rated",
    "transferred": "Transferred",
    "free": "Free",
    "busy": "Busy",
    "rest": "Rest",
    "all": "All",
    "effective": "Effective",
    "ended": "Ended by the agent",
    "from_users": "From users",
    "from_agents": "From agents",
    "per_agent": "Per agent logged in",
    "logged_in": "Logged in",
}

# By the alert's name, less "TencentDesk": what the tables call it.
ALERTS = {
    "FirstResponseSlow": "First answers take long",
    "ResponseSlow": "Answers take long",
    "AgentFirstResponseSlow": "First answers take long",
    "AgentResponseSlow": "Answers take long",
    "FirstResponseServiceLevelLow": "Few first answers in 30 s",
    "UnansweredSessionsHigh": "Many sessions unanswered",
    "SatisfactionLow": "Few are satisfied",
    "QueueUnattended": "A queue, and no agent is free",
    "QueueLong": "The queue is long",
    "GroupQueueLong": "A group's queue is long",
    "CapacityUsed": "Few seats are left",
    "QueueTimeLong": "The queue takes long",
    "AcceptedSessionsLow": "Few sessions are accepted",
    "FiguresLate": "Agent statistics lag behind",
    "NoAgents": "Desk lists no agents",
    "ExporterDown": "Exporter cannot be scraped",
    "ExporterAbsent": "No exporter is scraped",
    "DataStale": "No fresh figures from Desk",
    "EndpointStale": "No fresh answer of an endpoint",
    "RateLimited": "Desk is asked too often",
    "CredentialsRejected": "Desk refuses the credentials",
    "UserSigExpiring": "UserSig expires soon",
    "ConfigurationRejected": "Desk refuses the configuration",
    "WebConfigRejected": "Web configuration cannot be used",
    "ApiChanged": "Desk's answers have changed",
}

FIRST_RESPONSE = (
    "From an agent's accept to the agent's first message, weighted by answered sessions. The time in the queue is "
    "not in it."
)
RESPONSE = (
    "From a user's message to the agent's answer, weighted by effective sessions: it is the mean of the sessions' "
    "means that are not 0."
)
HOUR = (
    "Estimated from the growth of the day's figures, which Desk gives in whole seconds: good to about 1 s for 25 "
    "agents, 4 s for five."
)
RED = "Red where the alert's condition holds: beyond its limit, over at least its minimum of sessions."
WITHIN = (
    "Share of all sessions that were first answered within 30 s. One without an answer is a miss. It is not the "
    "service level of the queue."
)
UNANSWERED = (
    "Share of sessions without a message of the agent; one that has just begun may be among them. Users who left "
    "the queue are not in it."
)
SATISFIED = "Share of the rated sessions that got four or five stars. Sessions without a rating are not in it."
READINGS = (
    "Read from agent statistics; where Desk gives none, from the members' realtime figures, and the panel says *Realtime*."
)
OF_GROUP = "Of the chosen group. An agent may be in several, so figures of groups are never added up."
OF_DESK = "Of the whole Desk, whichever group is chosen."
NAMES = "Takes STATUS_NAMES to name Desk's numbers free, busy and rest."
GROWTH = "It is the growth of the day's count; when Desk counts a session is not documented."
STATES = "Busy means: assign me no new sessions. An agent who serves users sits in free, so this is no measure of load."
ALERTS_OF = "Needs the alert rules in this Prometheus. 0 is no alert; without the rules it says so."

OVERVIEW = {
    "title": "Tencent Desk: Overview",
    "description": "What is wrong now, the last hour, and the day so far of one Desk's team, or of one of its groups.",
    "headings": {"hour": "The last hour", "day": "Today so far", "hours": "Queue and hours of the whole Desk", "detail": "The day in detail"},
    "panels": {
        "critical": ("Critical", f"Critical alerts that fire now, about this Desk and its exporter. {ALERTS_OF}"),
        "warning": ("Warnings", f"Warnings that fire now. {ALERTS_OF}"),
        "info": ("Info", f"Alerts of severity info that fire now, those about single agents among them. {ALERTS_OF}"),
        "age": (
            "Age of the figures",
            "Time since the last good answer of Desk's agent statistics. Red beyond five minutes, or three intervals of polling "
            "where that is longer: "
            "figures are dropped soon after. Desk's own figures may lag behind; it does not say by how much.",
        ),
        "alerts": (
            "What is wrong now",
            "Alerts that fire, critical ones first: what, who, and since when the condition holds.",
        ),
        "first_response_hour": ("First response", f"{FIRST_RESPONSE} {HOUR} {RED} {READINGS} {OF_GROUP}"),
        "response_hour": ("Response", f"{RESPONSE} {HOUR} {RED} {READINGS} {OF_GROUP}"),
        "within_hour": ("Within 30 s", f"{WITHIN} {RED}"),
        "unanswered_hour": ("Unanswered", f"{UNANSWERED} {RED}"),
        "satisfied_hour": ("Satisfied", f"{SATISFIED} {RED}"),
        "sessions_hour": ("Sessions", f"Sessions that came within the last hour. {GROWTH} {READINGS} {OF_GROUP}"),
        "online_hour": (
            "Logged in",
            "Agents logged in at a time, on average over the last hour: the growth of their seconds in free, busy "
            "and rest. "
            "An estimate, right if Desk counts that time as it passes.",
        ),
        "in_hand_hour": (
            "In hand",
            "Sessions that an agent has at a time, on average over the time logged in: the growth of session "
            "seconds over that of the "
            "seconds in free, busy and rest. An estimate, as Desk does not say when it counts a session's seconds.",
        ),
        "first_response_day": ("First response", f"{FIRST_RESPONSE} {READINGS} {OF_GROUP}"),
        "response_day": ("Response", f"{RESPONSE} {READINGS} {OF_GROUP}"),
        "within_day": ("Within 30 s", f"{WITHIN}"),
        "unanswered_day": ("Unanswered", f"{UNANSWERED}"),
        "satisfied_day": ("Satisfied", f"{SATISFIED}"),
        "sessions_day": ("Sessions", f"Sessions that agents have handled since Desk's midnight. {READINGS} {OF_GROUP}"),
        "duration_day": ("Duration", f"Average duration of a session, weighted by sessions. {READINGS} {OF_GROUP}"),
        "agents_day": ("Agents", "Agents that Desk lists today, whether or not they are logged in now."),
        "response_times": (
            "Response times",
            f"Of the last hour at each instant (bold), and of the day so far (thin). {HOUR} Dashed: the alerts' "
            f"default limits.",
        ),
        "volume": (
            "Sessions an hour",
            f"Sessions that came within the hour before, and within the same hour a day earlier. {GROWTH}",
        ),
        "shares": (
            "Shares in the last hour",
            "Of all sessions: first answered within 30 s, unanswered. Of the rated ones: satisfied. Few sessions "
            "make wide swings.",
        ),
        "agents": (
            "Agents today",
            f"Today's figures of each agent that Desk lists. {OF_GROUP} **Read from** says which answer of Desk they are from: agent "
            "statistics, or the realtime figures, which know sessions and averages only. A click on the name opens the agent's day. "
            "**Over its limit** names what is beyond the limits of one agent: first response and response (of at least 10 "
            "answered or effective sessions), unanswered (of at least 10 sessions), satisfied (of at least 20 ratings). **Gone since** is the last "
            "logout, where the agent's "
            "time in free, busy and rest has stood still for ten minutes. Names may be equal or missing: the id "
            "tells them apart.",
        ),
        "queue_hour": (
            "Time in the queue",
            f"Average of the sessions that were accepted in the last hour; those who gave up are not in it. {OF_DESK} {RED}",
        ),
        "wait_hour": (
            "Wait by Little's law",
            "The mean queue of the last hour over the rate at which sessions were handed over: an estimate that has in it those who gave "
            f"up too. Far above the time in the queue, many give up. {OF_DESK}",
        ),
        "accepted_hour": (
            "Accepted",
            "Of the sessions handed over in the last hour, those that an agent accepted. The others queue, gave up or failed: Desk does "
            f"not say which. {OF_DESK} {RED}",
        ),
        "desk_sessions": ("Sessions today", f"Sessions begun today, by users or agents, those of the bot alone among them. {OF_DESK}"),
        "handed_over_day": ("Handed over", f"Sessions of today that were handed over to agents. {OF_DESK}"),
        "accepted_day": ("Accepted today", f"Of the sessions handed over today, those that an agent accepted. {OF_DESK}"),
        "stars_day": ("Stars", f"Mean of today's ratings, 1 to 5. {OF_DESK}"),
        "hours": (
            "By hour",
            "Each hour of today by Desk's clock, the running one among them. Averages are Desk's own, in whole seconds; the time in the "
            "queue is of accepted sessions. An hour that Desk does not list is not shown.",
        ),
        "states": ("Time by state", f"How the team's time logged in within the last hour divides. {STATES}"),
        "online": (
            "Agents logged in",
            "Agents logged in at a time, on average over the hour before; an estimate, as above.",
        ),
        "in_hand": (
            "Sessions in hand",
            "Sessions that an agent has at a time, on average over the hour before; an estimate, as above.",
        ),
        "messages": (
            "Messages an hour",
            "Messages within the hour before. Whose there are beside these two is not documented.",
        ),
        "kinds": (
            "Sessions by kind",
            "Today's sessions. Effective: both sides wrote. Transferred: Desk does not say whether to or from the "
            "agent. Rated: the user gave "
            "stars. The kinds overlap, so they do not add up.",
        ),
        "other_shares": (
            "Transferred and rated",
            "Of today's sessions so far: those that were transferred, and those that users rated.",
        ),
        "durations": (
            "Session duration",
            "Average duration of a session: of the hour before (bold), and of the day so far (thin).",
        ),
    },
    "words": {
        "agent": "Agent",
        "id": "Id",
        "sessions": "Sessions",
        "ratings": "Ratings",
        "over_limit": "Over its limit",
        "gone": "Gone since",
        "open_agent": "Open this agent's day",
        "yesterday": "A day earlier",
        "reading": "Read from",
        "hour": "Hour",
        "handed_over": "Handed over",
        "accepted": "Accepted",
        "accepted_share": "Of handed over",
        "in_the_queue": "In the queue",
        "duration": "Duration",
        "mean_stars": "Stars",
    },
}

NOW = {
    "title": "Tencent Desk: Now",
    "description": "Who waits, and who can take them: queue, seats, agents and groups as they are now.",
    "headings": {},
    "panels": {
        "queue": (
            "In the queue",
            f"Sessions in the queue. Red beyond the alert's limit, and where no agent is free. Desk does not say how long they wait. {OF_DESK}",
        ),
        "free": ("Free", f"Agents online who take new sessions. Red where none is, and sessions queue. {OF_DESK}"),
        "busy": ("Busy", f"Agents online who take no new sessions, and serve those they have. {OF_DESK}"),
        "rest": ("Rest", f"Agents online who rest. {OF_DESK}"),
        "active": ("Served now", f"Sessions that agents serve now. {OF_DESK}"),
        "capacity": (
            "Capacity used",
            "Of the sessions that the agents online may have at a time, those that they have; more than 100 % where sessions were picked "
            "up by hand. Where no status is named, Desk's count of sessions over its count of agents at their mean limit. "
            f"Red beyond the alert's limit. {OF_GROUP}",
        ),
        "spare": ("Spare seats", f"Sessions that the free agents may take. {NAMES} {OF_GROUP}"),
        "queues": ("Queue", f"Sessions in the queue. Dashed: the alert's default limit. {OF_DESK}"),
        "states": ("Agents online", f"Agents online by state. {OF_DESK}"),
        "capacities": ("Capacity used", f"As above. Dashed: the alert's default limit. {OF_GROUP}"),
        "group_queues": (
            "Queue by group",
            "Users in the queue of each group. They need not add up to the queue of the whole Desk: sessions may queue without a group.",
        ),
        "groups": (
            "Groups",
            "Of each group's members: sessions they have now, of whichever group, and what they may take. Who is in several groups counts "
            f"in each, so groups are never added up. Free, used and spare: {NAMES[0].lower()}{NAMES[1:]} **Limit** is each agent's.",
        ),
        "agents": (
            "Agents",
            f"Each agent whom Desk lists now. {OF_GROUP} **Used** is sessions now over the agent's own limit. **Status** is the name that "
            "STATUS_NAMES gives to Desk's number, and empty where it gives none.",
        ),
    },
    "words": {
        "agent": "Agent",
        "id": "Id",
        "status": "Status",
        "code": "Number",
        "current": "Sessions now",
        "limit": "Limit",
        "used": "Used",
        "sessions": "Sessions today",
        "in_queue": "In the queue",
        "spare": "Spare",
        "members": "Members",
        "needs_names": "Needs STATUS_NAMES",
    },
}

AGENT = {
    "title": "Tencent Desk: Agent",
    "description": "One agent's day beside the team's.",
    "headings": {},
    "panels": {
        "name": ("Agent", "The nickname as Desk gives it, or the id where there is none."),
        "first_response": (
            "First response",
            f"Today's average as Desk gives it, in whole seconds, of answered sessions. {FIRST_RESPONSE} {RED} {READINGS}",
        ),
        "response": ("Response", f"Today's average as Desk gives it, in whole seconds. {RESPONSE} {RED} {READINGS}"),
        "within": ("Within 30 s", f"Of today. {WITHIN}"),
        "unanswered": ("Unanswered", f"Of today. {UNANSWERED}"),
        "satisfied": ("Satisfied", f"Of today. {SATISFIED} It says little below 20 ratings."),
        "ratings": ("Ratings", "Sessions of today that users rated."),
        "sessions": ("Sessions", f"Sessions of this agent since Desk's midnight. {READINGS}"),
        "first_responses": (
            "First response",
            "This agent's average of the day so far, and the team's. Dashed: the default limit for one agent.",
        ),
        "responses": (
            "Response",
            "This agent's average of the day so far, and the team's. Dashed: the default limit for one agent.",
        ),
        "volume": (
            "Sessions an hour",
            f"Sessions of this agent within the hour before, and of the team per agent logged in. {GROWTH}",
        ),
        "states": ("Time by state", f"How this agent's time logged in within the last hour divides. {STATES}"),
        "in_hand": (
            "Sessions in hand",
            "Sessions at a time, on average over the time logged in within the hour before: this agent, and the team.",
        ),
        "kinds": (
            "Sessions by kind",
            "Today's sessions of this agent. Effective: both sides wrote. Transferred: Desk does not say whether "
            "to or from the agent. The kinds "
            "overlap, so they do not add up.",
        ),
        "messages": ("Messages an hour", "Messages in this agent's sessions within the hour before."),
        "login": ("First login", "When the agent first logged in today."),
        "logout": (
            "Last logout",
            "When the agent last went offline today. Desk does not say whether the agent has come back since.",
        ),
        "logged_in": ("Time logged in", "Time in free, busy and rest today."),
        "users": ("Users served", "Users that this agent served today, as Desk counts them."),
        "duration": ("Session duration", "Average duration of this agent's sessions today, as Desk gives it."),
    },
    "words": {
        "this_agent": "This agent",
        "team_line": "Team",
        "not_today": "Not today",
        "team_per_agent": "Team, per agent logged in",
    },
}

EXPORTER = {
    "title": "Tencent Desk: Exporter",
    "description": "Whether the figures can be trusted: polls, requests, odd answers, and the exporter itself.",
    "headings": {},
    "panels": {
        "scraped": ("Exporter", "Whether Prometheus can scrape the exporter."),
        "last_poll": (
            "Last poll",
            "Whether the last poll of Desk succeeded. After a failed one the figures before it are shown meanwhile.",
        ),
        "age": OVERVIEW["panels"]["age"],
        "endpoints": (
            "Endpoints of Desk",
            "Each endpoint that is asked: how its last poll went, the time since the last good one, how often it is asked, how many "
            "polls of the last hour succeeded, and how long the last one took. What Desk does not serve here is asked again every "
            "hour, and is no failure.",
        ),
        "agents": ("Agents", "Agents whose figures are exposed now."),
        "critical": OVERVIEW["panels"]["critical"],
        "warning": OVERVIEW["panels"]["warning"],
        "usersig": (
            "UserSig lasts",
            "Days until Desk stops accepting the UserSig. The exporter renews those that it makes itself; one made "
            "elsewhere is replaced by hand. "
            "Red below seven days.",
        ),
        "alerts": ("What is wrong now", "Alerts about the exporter that fire, critical ones first."),
        "ages": (
            "Age of the figures",
            "Time since the last good poll of each endpoint; it climbs while polls fail. Dashed: five minutes, the alerts' "
            "default limit.",
        ),
        "failures": (
            "Failed polls by class",
            "Polls that failed within ten minutes. network: no answer, a time-out, not HTTP 200. server: Desk says "
            "internal error. rate_limited: asked "
            "too often. credentials, configuration: an operator has to act. protocol: an answer that cannot be read.",
        ),
        "requests": (
            "Requests a minute",
            "Requests to Desk, and those of them that failed, averaged over five minutes. A poll takes one for a "
            "hundred agents.",
        ),
        "latency": (
            "How long requests take",
            "Half, and 99 %, of the requests of ten minutes were answered within this time, by the histogram's "
            "buckets.",
        ),
        "durations": (
            "How long polls and scrapes take",
            "A poll is all pages of one endpoint's answer, with retries and pauses. A scrape never waits for Desk.",
        ),
        "odd": (
            "Odd answers",
            "Signs that Desk's answers, of all endpoints, are not what this version was made for. Within ten minutes: values that "
            "were no number, rows that were left out. "
            "Now: fields that are new, fields that no row has, rows that Desk counts and does not list.",
        ),
        "memory": ("Memory", "Resident memory of the exporter."),
        "cpu": ("CPU", "Share of one core, averaged over five minutes."),
        "version": ("Version", "Version of the exporter that runs."),
        "running": ("Running for", "Time since the exporter was started."),
        "day": ("Day of the figures", "The day, by Desk's calendar, that the agents' figures are about."),
        "files": ("Open files", "Open file descriptors, of those that the system allows."),
        "web": ("Web configuration", "Whether the web configuration's files are in use as they are now."),
    },
    "words": {
        "up": "Scraped",
        "down": "Down",
        "good": "Good",
        "failed": "Failed",
        "in_use": "In use",
        "refused": "Refused",
        "none": "None",
        "endpoint": "Endpoint",
        "last": "Last poll",
        "age": "Age",
        "every": "Every",
        "good_polls": "Good polls",
        "took": "Took",
        "half": "Half",
        "most": "99 %",
        "scrape": "Scrape",
        "ignored": "Ignored values",
        "discarded": "Discarded rows",
        "unknown": "New fields",
        "absent": "Absent fields",
        "missing": "Missing rows",
        "resident": "Resident",
        "cpu": "CPU",
        "days": "suffix: days",
    },
}

WALL = {
    "title": "Tencent Desk: Wall",
    "description": "For the screen in the room: the last hour, what is wrong, and which agents are over a limit. "
    "It needs no click.",
    "headings": {},
    "panels": {
        "first_response": ("First response, last hour", f"{FIRST_RESPONSE} {HOUR} {RED} {READINGS}"),
        "response": ("Response, last hour", f"{RESPONSE} {HOUR} {RED} {READINGS}"),
        "within": ("First answer in 30 s, last hour", f"{WITHIN} {RED}"),
        "unanswered": ("Unanswered, last hour", f"{UNANSWERED} {RED}"),
        "sessions": ("Sessions, last hour", f"Sessions that came within the last hour. {GROWTH} {READINGS}"),
        "online": OVERVIEW["panels"]["online_hour"],
        "satisfied": ("Satisfied, last hour", f"{SATISFIED} {RED}"),
        "age": OVERVIEW["panels"]["age"],
        "alerts": ("What is wrong now", "Alerts about the team and the exporter that fire."),
        "over_limit": (
            "Agents over a limit today",
            "Agents with a figure of today beyond the limits of one agent, over the minimum that it takes.",
        ),
    },
    "words": {"nobody": "No agent"},
}

WHOLE_DAYS = (
    "Days of Desk's zone, each as it was last seen; the present one, and one of which the last hours were not seen, are left out."
)
WEEKS = "The seven days up to the end of the time that is shown, in grey the seven before. " + WHOLE_DAYS
OF_WEEK_BEFORE = "In grey the same weekday a week earlier."

HISTORY = {
    "title": "Tencent Desk: History",
    "description": "The days behind, recorded as they passed or filled in later (backfill): choose the time at the top, the last month for "
    "example.",
    "headings": {
        "week": "Seven days, and the seven before",
        "days": "Day by day",
        "desk": "Desk's own count of all sessions, with or without an agent",
        "agents": "The agents, over all days that are shown",
    },
    "panels": {
        "week_sessions": ("Sessions", f"Sessions of all agents. {WEEKS}"),
        "week_first_response": ("First response", f"{FIRST_RESPONSE} {WEEKS}"),
        "week_within": ("First answer in 30 s", f"{WITHIN} {WEEKS}"),
        "week_unanswered": ("Unanswered", f"{UNANSWERED} {WEEKS}"),
        "week_satisfied": ("Satisfied", f"{SATISFIED} {WEEKS}"),
        "week_duration": ("Duration of a session", f"The mean, weighted by sessions. {WEEKS}"),
        "sessions": ("Sessions", f"Sessions of all agents, day by day. {OF_WEEK_BEFORE} {WHOLE_DAYS}"),
        "first_response": ("First response", f"{FIRST_RESPONSE} {OF_WEEK_BEFORE} {WHOLE_DAYS}"),
        "within": ("First answer in 30 s", f"{WITHIN} {OF_WEEK_BEFORE} {WHOLE_DAYS}"),
        "shares": ("Satisfied and unanswered", f"{SATISFIED} {UNANSWERED} {WHOLE_DAYS}"),
        "duration": ("Duration of a session", f"The mean, weighted by sessions. {OF_WEEK_BEFORE} {WHOLE_DAYS}"),
        "desk_counts": ("Sessions of the whole Desk", f"All, those handed to agents, and those that agents accepted. {OF_DESK} {WHOLE_DAYS}"),
        "desk_times": (
            "Times of the whole Desk",
            f"Desk's own averages; that in the queue is of accepted sessions only. {OF_DESK} {WHOLE_DAYS}",
        ),
        "agents": (
            "Agents",
            "Who was listed on any of the days, with counts added up, and averages and shares over all sessions of these days. "
            f"{SATISFIED} {WHOLE_DAYS}",
        ),
    },
    "words": {
        "sessions": "Sessions",
        "these_days": "7 days",
        "days_before": "7 days before",
        "week_before": "A week earlier",
        "duration": "Duration",
        "handed_over": "Handed over",
        "accepted": "Accepted",
        "in_the_queue": "In the queue",
        "agent": "Agent",
        "id": "Id",
        "days": "Days",
        "ratings": "Ratings",
        "no_days": "No whole day in this time",
    },
}

ENGLISH = {"shared": SHARED, "alerts": ALERTS, "overview": OVERVIEW, "now": NOW, "agent": AGENT, "history": HISTORY, "exporter": EXPORTER, "wall": WALL}
