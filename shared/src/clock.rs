//! Time stamps that follow monotonic time, so that a jump of the wall clock cannot age a price.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    sync::LazyLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Microseconds since the Unix epoch.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// From the milliseconds that most venues send; `None` when out of range.
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        millis.checked_mul(1000).map(Self)
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This much later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The wall clock this moment, steps of it included: for what other machines have dated, such as
    /// tokens. For spans of time there is [`Clock`].
    #[must_use]
    pub fn on_the_wall() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::default().plus(since_epoch)
    }

    /// This much earlier.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// The wall clock as it was when the process started, moved on by monotonic time.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    wall: Micros,
    anchor: Instant,
}

impl Clock {
    /// The wall clock as the process first read it. All clocks of a process agree: a thread that has
    /// to wait between the two readings would set one of its own apart by that time.
    #[must_use]
    pub fn start() -> Self {
        static FIRST: LazyLock<Clock> =
            LazyLock::new(|| Clock { wall: Micros::on_the_wall(), anchor: Instant::now() });
        *FIRST
    }

    /// A clock that says this time now.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn starting_at(wall: Micros) -> Self {
        Self { wall, anchor: Instant::now() }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Micros {
        self.at(Instant::now())
    }

    /// The time at a moment of the monotonic clock.
    #[must_use]
    pub fn at(&self, moment: Instant) -> Micros {
        self.wall.plus(moment.saturating_duration_since(self.anchor))
    }
}
