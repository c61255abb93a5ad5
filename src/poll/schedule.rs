//! When an endpoint is polled again, and for how long what it brought may be shown.

use std::time::Duration;

use crate::base::clock::{Now, Window};
use crate::catalog::Interval;
use crate::desk::{Class, Error};

/// The longest pause that a rate limit leads to, where the interval is not longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// The longest interval by which the pause of all endpoints goes: that of today's figures, by default.
const LONGEST_BASE: Duration = Duration::from_secs(60);

/// The first pause after a failure that may pass; it doubles up to half the interval.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// What is about now is shown at least so long, however short its interval is.
const SHORTEST_REALTIME: Duration = Duration::from_secs(30);

/// When an endpoint that Desk does not serve is asked again.
pub(super) const NOT_SERVED_PAUSE: Duration = Duration::from_secs(3600);

/// For how long after the end of its poll a page may be shown.
pub fn good_for(of: Interval, interval: Duration, max_staleness: Duration) -> Duration {
    let three = interval.saturating_mul(3);
    match of {
        Interval::Poll => max_staleness,
        Interval::Realtime => three.max(SHORTEST_REALTIME).min(max_staleness),
        Interval::Directory => three.max(max_staleness),
    }
}

/// When to poll again.
#[derive(Debug, Clone, Copy)]
pub struct Next {
    pub(super) started: Now,
    pub(super) wait: Duration,
    pub(super) window: Window,
}

impl Next {
    /// How long to wait from `now` on, if no clock jumps; zero where the next poll is due.
    ///
    /// It is due when its time has come by either clock, or Desk's day is another one.
    pub fn remaining(&self, now: Now) -> Duration {
        let until_day_ends = match self.window.contains(now.wall) {
            true => self.window.remaining(now.wall),
            false => Duration::ZERO,
        };
        self.wait
            .saturating_sub(now.since(self.started))
            .min(until_day_ends)
    }
}

/// How long to wait after a failed poll, counted from its start, `elapsed` before.
///
/// Sooner than the interval where the failure may pass by itself, at the interval where an
/// operator has to change something, and ever later where Desk is asked too often.
pub fn pause_after(
    error: &Error,
    failures: u32,
    interval: Duration,
    elapsed: Duration,
) -> Duration {
    let doubled = doubled(failures);
    let pause = match error.class() {
        Class::Network | Class::Server if error.is_passing() => {
            let soon = FIRST_PAUSE.saturating_mul(doubled).min(interval / 2);
            let jittered = soon.mul_f64(0.8 + 0.2 * fastrand::f64());
            (elapsed + jittered).min(interval)
        }
        // Desk has not refused this one: it is asked as soon as all are.
        Class::RateLimited if error.is_unsent() => Duration::ZERO,
        Class::RateLimited => {
            elapsed + ever_longer(interval, failures, LONGEST_PAUSE.max(interval))
        }
        _ => interval,
    };
    pause.max(
        error
            .demanded_pause()
            .map_or(Duration::ZERO, |demanded| elapsed + demanded),
    )
}

/// How long no endpoint is asked after a refusal of one for the rate.
///
/// No longer than Desk demands, where it does, or than the failures in a row say: that this one is asked every
/// hour is no reason to leave the others unasked for so long.
pub(super) fn pause_of_all(error: &Error, failures: u32, interval: Duration) -> Duration {
    let backoff = match error.class() {
        Class::RateLimited => ever_longer(interval.min(LONGEST_BASE), failures, LONGEST_PAUSE),
        _ => Duration::ZERO,
    };
    backoff.max(error.demanded_pause().unwrap_or_default())
}

fn ever_longer(interval: Duration, failures: u32, longest: Duration) -> Duration {
    let pause = interval.saturating_mul(doubled(failures)).saturating_mul(2);
    pause.min(longest).mul_f64(1.0 + 0.2 * fastrand::f64())
}

fn doubled(failures: u32) -> u32 {
    2_u32.saturating_pow(failures.saturating_sub(1).min(16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_is_seldom_asked_pauses_the_others_no_longer_than_one_that_is_often() {
        let seconds = Duration::from_secs;
        let refused = Error::refused(60007, "");
        for (interval, failures, expected) in [
            (15, 1, 30),
            (60, 1, 120),
            (300, 1, 120),
            (3600, 1, 120),
            (3600, 9, 300),
        ] {
            let pause = pause_of_all(&refused, failures, seconds(interval));
            let bounds = seconds(expected)..=seconds(expected).mul_f64(1.2);
            assert!(bounds.contains(&pause), "{interval} s: {pause:?}");
        }
        let demands = Error::refused(70050, "");
        assert_eq!(pause_of_all(&demands, 1, seconds(3600)), seconds(60));
    }

    #[test]
    fn a_request_that_was_not_sent_is_no_further_refusal() {
        let (minute, elapsed) = (Duration::from_secs(60), Duration::from_secs(2));
        let paused = Error::paused(minute);
        assert!(!paused.pauses_all());
        assert_eq!(pause_after(&paused, 3, minute, elapsed), minute + elapsed);
        let refused = Error::refused(141_009, "");
        assert!(refused.pauses_all());
        assert!(pause_after(&refused, 1, minute, elapsed) >= 2 * minute);
        assert!(Error::refused(70050, "").pauses_all() && !Error::refused(70001, "").pauses_all());
    }

    #[test]
    fn what_is_about_now_is_shown_for_three_intervals_within_bounds() {
        let seconds = Duration::from_secs;
        for (of, interval, max_staleness, expected) in [
            (Interval::Poll, 60, 300, 300),
            (Interval::Realtime, 15, 300, 45),
            (Interval::Realtime, 1, 300, 30),
            (Interval::Realtime, 200, 300, 300),
            (Interval::Realtime, 15, 20, 20),
            (Interval::Directory, 300, 300, 900),
            (Interval::Directory, 60, 300, 300),
        ] {
            let good_for = good_for(of, seconds(interval), seconds(max_staleness));
            assert_eq!(good_for, seconds(expected), "{of:?} every {interval} s");
        }
    }

    #[test]
    fn what_may_pass_is_tried_soon_after_the_poll_that_failed_has_ended() {
        let seconds = Duration::from_secs;
        let error = Error::new(Class::Network, "no answer");
        // Each: failures in a row, how long the poll took, and within which seconds from its start the next one begins.
        for (failures, elapsed, at) in [
            (1, 0, 4..=5),
            (1, 20, 24..=25),
            (2, 20, 28..=30),
            (9, 20, 44..=50),
            (9, 45, 60..=60),
        ] {
            let pause = pause_after(&error, failures, seconds(60), seconds(elapsed));
            let (earliest, latest) = (seconds(*at.start()), seconds(*at.end()));
            assert!(
                (earliest..=latest).contains(&pause),
                "{failures}: {pause:?}"
            );
        }
    }
}
