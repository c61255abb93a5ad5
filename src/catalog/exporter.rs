//! What the exporter says of itself: names, types and help, in the order of the page.

/// The type of a metric, as `# TYPE` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// May go up and down.
    Gauge,
    /// Only grows while the process lives.
    Counter,
    /// Counts by size.
    Histogram,
}

/// One metric about the exporter.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// The whole name.
    pub name: &'static str,
    /// Its type.
    pub metric_type: Type,
    /// The text behind `# HELP`.
    pub help: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
}

/// Declares each metric as a constant, and the table of all of them.
macro_rules! metrics {
    ($($constant:ident: $type:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: Metric = Metric {
                name: $name, metric_type: Type::$type, help: $help, labels: &[$($label),*],
            };
        )*

        /// All of them.
        pub const ALL: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    UP: Gauge "tencent_desk_up" []
        "Whether the last poll of agent statistics (where those are not asked for, of the first of ENDPOINTS) succeeded (1) or not (0); 0 too once it ended more than TENCENT_DESK_MAX_STALENESS ago, as while the next one hangs. At Desk's midnight the agents go, and it stays.";
    DAY_START: Gauge "tencent_desk_day_start_timestamp_seconds" []
        "Start of Desk's day that the series of today are about, in Unix time; absent without any.";
    ENDPOINT_UP: Gauge "tencent_desk_exporter_endpoint_up" ["endpoint"]
        "Whether the last poll of this endpoint of Desk succeeded (1) or not (0); absent where Desk does not serve it.";
    LAST_SUCCESS: Gauge "tencent_desk_exporter_last_success_timestamp_seconds" ["endpoint"]
        "End of the last good poll, in Unix time; absent before the first.";
    POLL_INTERVAL: Gauge "tencent_desk_exporter_poll_interval_seconds" ["endpoint"]
        "Time from the start of one poll to the start of the next, as configured; absent where Desk does not serve the endpoint.";
    POLL_DURATION: Gauge "tencent_desk_exporter_poll_duration_seconds" ["endpoint"]
        "How long the last poll took; absent before the first.";
    POLLS: Counter "tencent_desk_exporter_polls_total" ["endpoint"]
        "Polls that have ended, well or badly.";
    POLL_FAILURES: Counter "tencent_desk_exporter_poll_failures_total" ["endpoint", "class"]
        "Polls that have failed, by the class of the failure.";
    REQUESTS: Counter "tencent_desk_exporter_requests_total" ["endpoint"]
        "Requests to Desk that have ended, well or badly, retries included.";
    REQUEST_FAILURES: Counter "tencent_desk_exporter_request_failures_total" ["endpoint", "class"]
        "Requests to Desk that have failed, by the class of the failure.";
    REQUEST_DURATION: Histogram "tencent_desk_exporter_request_duration_seconds" ["endpoint"]
        "How long requests to Desk took.";
    AGENTS: Gauge "tencent_desk_exporter_agents" []
        "Agents of today's figures that are now exposed.";
    MISSING_ROWS: Gauge "tencent_desk_exporter_missing_rows" ["endpoint"]
        "Rows that the last good answer counted (TotalCount) and, asked twice, did not hold; absent before the first.";
    DISCARDED_ROWS: Counter "tencent_desk_exporter_discarded_rows_total" ["endpoint", "reason"]
        "Rows of good answers that are not exposed: without their id, coming again later, of an agent that AGENT_IDS does not name, or of another time than was asked for.";
    IGNORED_VALUES: Counter "tencent_desk_exporter_ignored_values_total" ["endpoint", "field"]
        "Values of good answers that are not exposed, because a known field held something else than it should.";
    ABSENT_FIELDS: Gauge "tencent_desk_exporter_absent_fields" ["endpoint"]
        "Known fields that no row of the last good answer had, 0 where it had no row; absent before the first.";
    UNKNOWN_FIELDS: Gauge "tencent_desk_exporter_unknown_fields" ["endpoint"]
        "Fields of the last good answer that this version does not know; absent before the first.";
    USER_SIG_EXPIRY: Gauge "tencent_desk_exporter_user_sig_expiry_timestamp_seconds" []
        "When the UserSig that is sent expires, in Unix time; absent where it cannot be read.";
    WEB_CONFIG_GOOD: Gauge "tencent_desk_exporter_web_config_last_reload_successful" []
        "Whether the files of the web configuration, as they are now, are in use (1) or could not be taken up (0); absent without WEB_CONFIG_FILE.";
    BUILD_INFO: Gauge "tencent_desk_exporter_build_info" ["version", "revision", "rustc_version"]
        "Which build this is, always 1.";
    PROCESS_CPU: Counter "process_cpu_seconds_total" []
        "Total user and system CPU time spent in seconds.";
    PROCESS_RESIDENT: Gauge "process_resident_memory_bytes" []
        "Resident memory size in bytes.";
    PROCESS_VIRTUAL: Gauge "process_virtual_memory_bytes" []
        "Virtual memory size in bytes.";
    PROCESS_OPEN_FDS: Gauge "process_open_fds" []
        "Number of open file descriptors.";
    PROCESS_MAX_FDS: Gauge "process_max_fds" []
        "Maximum number of open file descriptors.";
    PROCESS_START: Gauge "process_start_time_seconds" []
        "Start time of the process since unix epoch in seconds.";
}
