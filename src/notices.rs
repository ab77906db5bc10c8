//! What a service manager is told (sd_notify(3)): that the process is ready, what it is doing, that it
//! stops, and that it is alive for as long as its essential loops turn.
//!
//! Before readiness, turning loops buy time to start: a Redis that is down when the machine boots is
//! waited for and not answered with a restart. Nothing is told without `NOTIFY_SOCKET`.

use sd_notify::NotifyState;
use std::{
    ffi::OsStr,
    time::{Duration, Instant},
};
use tickcast_shared::{
    admin::{Readiness, Service},
    progress::Progress,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How often the process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Longest time between two lines of status that differ: `systemctl status` is not a graph.
const LINE_EVERY: Duration = Duration::from_secs(2);
/// Looks at the loops in the time that the watchdog grants: one that is late for a while has not used
/// it up.
const ROUNDS: u32 = 4;
/// The same where no watchdog is asked for.
const ROUND: Duration = Duration::from_secs(5);
/// For how long a start goes on after loops have turned.
const START_GOES_ON_FOR: Duration = Duration::from_secs(30);

/// What is watched of the process, and how it does in one line.
pub struct Watched {
    /// What `/readyz` answers.
    pub readiness: Readiness,
    /// The essential loops.
    pub progress: Progress,
    /// How it does.
    pub line: Box<dyn Fn() -> String + Send + Sync>,
    /// Longest time that stopping takes when all is well, by the settings in force.
    pub stops_within: Box<dyn Fn() -> Duration + Send + Sync>,
}

/// Tells the service manager, from `stopping` on that the process stops, until it has `ended`.
pub async fn run(watched: Watched, stopping: CancellationToken, ended: CancellationToken) {
    if std::env::var_os("NOTIFY_SOCKET").as_deref().is_none_or(OsStr::is_empty) {
        return;
    }
    let watchdog = sd_notify::watchdog_enabled().filter(|time| !time.is_zero());
    let mut notices = Notices::new(watchdog);
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let mut said_why = false;
    loop {
        tokio::select! {
            () = ended.cancelled() => return,
            () = stopping.cancelled(), if !notices.is_stopping => {}
            _ = looks.tick() => {}
        }
        let service = watched.readiness.service();
        let said = notices.next(Instant::now(), service, stopping.is_cancelled(), &watched);
        if let Err(error) = said.iter().try_for_each(Notice::send)
            && !std::mem::replace(&mut said_why, true)
        {
            warn!(%error, "cannot tell the service manager how this process does");
        }
    }
}

/// One message.
#[derive(Debug, PartialEq, Eq)]
enum Notice {
    Ready,
    Stopping,
    Alive,
    Line(String),
    /// Time until the next of them is due, or the end.
    GrantFor(Duration),
}

impl Notice {
    fn send(&self) -> std::io::Result<()> {
        let state = match self {
            Self::Ready => NotifyState::Ready,
            Self::Stopping => NotifyState::Stopping,
            Self::Alive => NotifyState::Watchdog,
            Self::Line(line) => NotifyState::Status(line),
            Self::GrantFor(time) => {
                NotifyState::ExtendTimeoutUsec(u32::try_from(time.as_micros()).unwrap_or(u32::MAX))
            }
        };
        sd_notify::notify(&[state])
    }
}

/// What has been told.
#[derive(Debug)]
struct Notices {
    is_watched: bool,
    /// Time between two looks at the loops.
    round: Duration,
    next_round: Option<Instant>,
    next_line: Option<Instant>,
    line: String,
    /// The loops that stood still at the last look.
    still: Vec<String>,
    is_ready: bool,
    is_stopping: bool,
}

impl Notices {
    fn new(watchdog: Option<Duration>) -> Self {
        Self {
            is_watched: watchdog.is_some(),
            round: watchdog.map_or(ROUND, |watchdog| watchdog / ROUNDS),
            next_round: None,
            next_line: None,
            line: String::new(),
            still: Vec::new(),
            is_ready: false,
            is_stopping: false,
        }
    }

    /// What is to be told now.
    fn next(
        &mut self,
        now: Instant,
        service: Service,
        stopping: bool,
        watched: &Watched,
    ) -> Vec<Notice> {
        let mut told = Vec::new();
        if stopping && !self.is_stopping {
            self.is_stopping = true;
            told.extend([Notice::Stopping, Notice::GrantFor((watched.stops_within)())]);
        }
        // A feed that stands by does what it is there for.
        if service != Service::None && !self.is_ready && !stopping {
            self.is_ready = true;
            told.push(Notice::Ready);
        }
        if is_due(&mut self.next_round, self.round, now) {
            self.still = watched.progress.standing_still();
            if self.still.is_empty() {
                told.extend(self.is_watched.then_some(Notice::Alive));
                let is_starting = !self.is_ready && !stopping;
                told.extend(is_starting.then_some(Notice::GrantFor(START_GOES_ON_FOR)));
            }
        }
        if is_due(&mut self.next_line, LINE_EVERY, now) || !told.is_empty() {
            told.extend(self.news((watched.line)()));
        }
        told
    }

    /// The line, if it is another than before.
    fn news(&mut self, line: String) -> Option<Notice> {
        let line = match (self.still.is_empty(), self.is_stopping) {
            (false, _) => format!("standing still: {}", self.still.join(", ")),
            (true, true) => format!("stopping: {line}"),
            (true, false) => line,
        };
        (line != self.line).then(|| {
            self.line.clone_from(&line);
            Notice::Line(line)
        })
    }
}

/// Whether what happens this often is due, and if so when the next time is.
fn is_due(next: &mut Option<Instant>, every: Duration, now: Instant) -> bool {
    let is_due = next.is_none_or(|next| next <= now);
    if is_due {
        *next = Some(now + every);
    }
    is_due
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATCHDOG: Duration = Duration::from_secs(40);
    const STOPS_WITHIN: Duration = Duration::from_secs(50);

    fn watched() -> Watched {
        Watched {
            readiness: Readiness::default(),
            progress: Progress::default(),
            line: Box::new(|| "well".to_owned()),
            stops_within: Box::new(|| STOPS_WITHIN),
        }
    }

    fn line(text: &str) -> Notice {
        Notice::Line(text.to_owned())
    }

    #[test]
    fn a_start_goes_on_while_loops_turn_and_ends_with_readiness_or_standing_by() {
        for service in [Service::Active, Service::Standby] {
            let (watched, start) = (watched(), Instant::now());
            let mut notices = Notices::new(Some(WATCHDOG));
            let mut next = |after, service| {
                notices.next(start + Duration::from_secs(after), service, false, &watched)
            };
            let on = Notice::GrantFor(START_GOES_ON_FOR);
            assert_eq!(next(0, Service::None), [Notice::Alive, on, line("well")]);
            assert_eq!(next(9, Service::None), [], "a quarter of the watchdog's time is not over");
            assert_eq!(next(9, service), [Notice::Ready]);
            assert_eq!(next(10, service), [Notice::Alive]);
            assert_eq!(next(11, Service::None), [], "ready once is ready for good");
        }
    }

    #[test]
    fn a_loop_that_stands_still_ends_the_signs_of_life_until_it_turns() {
        let (watched, start) = (watched(), Instant::now());
        let mark = watched.progress.watch("passes of shard 1");
        let mut notices = Notices::new(Some(WATCHDOG));
        let mut next = |after| {
            notices.next(start + Duration::from_secs(after), Service::Active, false, &watched)
        };
        assert_eq!(next(0), [Notice::Ready, Notice::Alive, line("well")]);
        assert_eq!(next(10), [line("standing still: passes of shard 1")]);
        assert_eq!(next(20), []);
        mark.turn();
        assert_eq!(next(30), [Notice::Alive, line("well")]);
    }

    #[test]
    fn a_stop_is_told_once_with_the_time_it_takes() {
        let (watched, now) = (watched(), Instant::now());
        let mut notices = Notices::new(None);
        notices.next(now, Service::Active, false, &watched);
        let told = notices.next(now, Service::None, true, &watched);
        let grant = Notice::GrantFor(STOPS_WITHIN);
        assert_eq!(told, [Notice::Stopping, grant, line("stopping: well")]);
        assert_eq!(notices.next(now, Service::None, true, &watched), []);
    }

    #[test]
    fn who_is_not_watched_gives_no_sign_of_life() {
        let (watched, now) = (watched(), Instant::now());
        let mut notices = Notices::new(None);
        let told = notices.next(now, Service::Active, false, &watched);
        assert_eq!(told, [Notice::Ready, line("well")]);
    }
}
