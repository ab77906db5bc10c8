//! The rows that are measured here: their numbers, names and faults.

use clap::ValueEnum;

/// A fault whose effects are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Row {
    /// Redis killed.
    RedisKilled,
    /// Redis frozen.
    RedisFrozen,
    /// A link to Redis that died without a word.
    HalfOpen,
    /// Redis that does not take values.
    RedisRefuses,
    /// The active feed killed.
    FeedKilled,
    /// The active feed frozen.
    FeedFrozen,
    /// A gateway killed.
    GatewayKilled,
    /// All gateways restarted.
    RollingRestart,
    /// Clients that stop reading.
    SlowClients,
    /// No descriptors left.
    Descriptors,
    /// Hardly any memory left.
    Memory,
    /// Clients that vanish.
    Vanished,
    /// Frames that nobody may send.
    Frames,
    /// Commands without a pause.
    Floods,
    /// Wall clocks that jump.
    WallClock,
    /// Panics in tasks.
    Panics,
    /// More than the caps.
    Overload,
    /// Strangers at the door.
    Strangers,
    /// No fault: what an update costs Redis.
    RedisCost,
    /// No fault: everything replaced by another version.
    Upgrade,
}

impl Row {
    /// All, in the order of their numbers.
    #[must_use]
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// Its number in the table of faults; those above 20 are not in it.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::RedisKilled => 1,
            Self::RedisFrozen => 2,
            Self::HalfOpen => 3,
            Self::RedisRefuses => 5,
            Self::FeedKilled => 6,
            Self::FeedFrozen => 7,
            Self::GatewayKilled => 8,
            Self::RollingRestart => 9,
            Self::SlowClients => 10,
            Self::Descriptors => 11,
            Self::Memory => 12,
            Self::Vanished => 13,
            Self::Frames => 14,
            Self::Floods => 15,
            Self::WallClock => 16,
            Self::Panics => 17,
            Self::Overload => 18,
            Self::Strangers => 19,
            Self::RedisCost => 21,
            Self::Upgrade => 22,
        }
    }

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> String {
        // No variant is hidden.
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether somebody means it: by name or number.
    #[must_use]
    pub fn is_called(self, text: &str) -> bool {
        text == self.name() || text.parse() == Ok(self.number())
    }

    /// What is done.
    #[must_use]
    pub fn fault(self) -> &'static str {
        match self {
            Self::RedisKilled => "Redis killed for 60 s, and back empty",
            Self::RedisFrozen => "Redis frozen for 30 s",
            Self::HalfOpen => "a gateway's link to Redis dies without a word while prices move",
            Self::RedisRefuses => "Redis out of memory, read-only, short of replicas, 5 s each",
            Self::FeedKilled => "the active feed killed again and again, with a standby beside it",
            Self::FeedFrozen => "the active feed frozen for 10 s, with a standby beside it",
            Self::GatewayKilled => "one of three gateways behind HAProxy killed, again and again",
            Self::RollingRestart => {
                "three gateways behind HAProxy restarted by rolling-restart.sh; drain window shortened to 5 s"
            }
            Self::SlowClients => "20 of 220 clients stop reading, for up to 20 s",
            Self::Descriptors => "a limit of 600 descriptors, 900 clients",
            Self::Memory => "memory limited to what it has when idle and 8 MiB, 12 000 clients",
            Self::Vanished => {
                "200 clients fall silent, 100 of them behind a half-open proxy; heartbeat shortened to 2 s"
            }
            Self::Frames => "frames that RFC 6455 or a limit forbids, 50 clients each",
            Self::Floods => {
                "30 clients send 1000 commands/s each, 10 subscribe to 10 000 unknown symbols each"
            }
            Self::WallClock => "wall clocks of feed and gateway an hour ahead, then an hour back",
            Self::Panics => "a panic in each kind of task",
            Self::Overload => "3 x the caps of connections, dials and commands",
            Self::Strangers => {
                "5000 sockets at 1 byte/s, wrong origins, forged addresses, unsigned and expiring tokens"
            }
            Self::RedisCost => "no fault: what an update costs Redis, by size of batch",
            Self::Upgrade => {
                "no fault: gateways behind HAProxy, then the feed, replaced by this version, from --old FILE"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_called_by_name_and_number() {
        let called = |text| Row::all().iter().copied().find(|row| row.is_called(text));
        assert_eq!(called("slow-clients"), Some(Row::SlowClients));
        assert_eq!(called("19"), Some(Row::Strangers));
        assert_eq!((called("4"), called("")), (None, None));
        let numbers: Vec<u8> = Row::all().iter().map(|row| row.number()).collect();
        assert!(numbers.is_sorted());
    }
}
