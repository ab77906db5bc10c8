//! Whether what a server did to hostile clients is what a well-guarded one does.

use super::{Kind, Outcome, Sighting};
use std::time::Duration;

/// Missed heartbeats after which a client is gone, as the protocol says.
const MISSES: u32 = 3;
/// Beyond a limit: timers, and a machine that is busy with the attack itself.
const SLACK: Duration = Duration::from_secs(1);

/// Until the buffers between a server and a client that does not read are full: only then can the
/// server notice.
const FILLING: Duration = Duration::from_secs(5);

/// What a kind demands.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What a good server does, for people.
    pub expected: &'static str,
    who: Who,
    answers: Answers,
    /// How soon.
    pub within: Duration,
}

/// How many must be answered so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Every,
    /// Some: what is within the limits is served.
    Some,
    /// Those that went on for longer than the time allowed.
    Lasting,
}

/// What is an answer.
#[derive(Debug, Clone, Copy)]
enum Answers {
    /// Any end of the connection.
    Over,
    /// A refusal before or right after the upgrade.
    Refused(&'static [u16]),
    /// One of these close codes.
    Codes(&'static [u16]),
    /// An error message, or a close.
    Limited,
}

/// What a server's behaviour is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Nothing is wrong.
    pub is_guarded: bool,
    /// What is wrong.
    pub findings: Vec<String>,
}

/// Refusals for lack of room; 1013 after the upgrade.
const FULL: Answers = Answers::Refused(&[429, 503, 1013]);
/// Wrong frames are answered with the code for what is wrong; what has no end, with a limit.
const ENDLESS: Answers = Answers::Codes(&[1002, 1008, 1009, 1013, 4002]);

impl Kind {
    /// What a good server does about it.
    #[must_use]
    pub fn rule(self) -> Rule {
        let rule = |expected, who, answers, seconds: u64| Rule {
            expected,
            who,
            answers,
            within: Duration::from_secs(seconds),
        };
        match self {
            Self::Slowloris | Self::IdleDial => {
                rule("close each within 5 s", Who::Every, Answers::Over, 5)
            }
            Self::DialStorm => rule("refuse some with 429 or 503", Who::Some, FULL, 1),
            Self::ForgedForwarded => {
                rule("see one address and refuse some with 429 or 503", Who::Some, FULL, 1)
            }
            Self::Connections => rule("refuse some with 429, 503 or 1013", Who::Some, FULL, 10),
            Self::RestFlood => rule("answer some with 429 or 503", Who::Some, FULL, 1),
            Self::Flood | Self::UnknownTopics => {
                rule("limit or close each within 1 s", Who::Every, Answers::Limited, 1)
            }
            Self::Junk => {
                let codes = Answers::Codes(&[1002, 1003, 1007, 1009]);
                rule("close with 1002, 1003, 1007 or 1009", Who::Every, codes, 2)
            }
            Self::Giant => rule("close with 1009", Who::Every, Answers::Codes(&[1009]), 2),
            Self::Fragments => rule("close with 1008 or 1009", Who::Every, ENDLESS, 10),
            Self::Trickle => rule("close with 1008 within 10 s", Who::Every, ENDLESS, 10),
            Self::BadUtf8 => rule("close with 1007", Who::Every, Answers::Codes(&[1007]), 2),
            Self::ReservedBits | Self::Unmasked => {
                rule("close with 1002", Who::Every, Answers::Codes(&[1002]), 2)
            }
            Self::Stalled => {
                rule("evict within 10 s, 4000 to be read", Who::Lasting, Answers::Over, 10)
            }
            Self::Vanish => {
                rule("close with 4001 after 3 heartbeats", Who::Every, Answers::Over, 60)
            }
            Self::Origin => rule("answer 403", Who::Every, Answers::Refused(&[403]), 1),
            Self::BadToken => {
                let codes = Answers::Refused(&[401, 403, 1008, 4500]);
                rule("answer 401, or close with 4500", Who::Every, codes, 5)
            }
        }
    }
}

impl Rule {
    /// With the time that the run was given, or that follows from the heartbeat that the server
    /// has promised to those who fall silent.
    #[must_use]
    pub fn timed(self, within: Option<Duration>, heartbeat: Option<Duration>) -> Self {
        let promised = heartbeat.map(|heartbeat| heartbeat * MISSES);
        Self { within: within.or(promised).unwrap_or(self.within), ..self }
    }

    fn accepts(&self, outcome: &Outcome) -> bool {
        let has = |codes: &[u16], code: &u16| codes.contains(code);
        match (self.answers, outcome) {
            (Answers::Over, outcome) => outcome.is_over(),
            (Answers::Refused(codes), Outcome::Status(code) | Outcome::Closed(code, _))
            | (Answers::Codes(codes), Outcome::Closed(code, _)) => has(codes, code),
            // What is no token is an error message first, and a close for those who stay.
            (Answers::Refused(codes), Outcome::Told(_)) => has(codes, &401),
            (Answers::Limited, Outcome::Told(_)) => true,
            (Answers::Limited, outcome) => outcome.is_over(),
            _ => false,
        }
    }

    /// Judges what all clients saw.
    #[must_use]
    pub fn judge(&self, sightings: &[Sighting]) -> Verdict {
        let within = self.within + SLACK;
        let count = |is: &dyn Fn(&Sighting) -> bool| sightings.iter().filter(|it| is(it)).count();
        let total = sightings.len();
        let accepted = count(&|it| self.accepts(&it.outcome));
        let late = count(&|it| self.accepts(&it.outcome) && it.after > within);
        let silent = count(&|it| it.outcome == Outcome::NoAnswer);
        let unreachable = count(&|it| matches!(it.outcome, Outcome::Unreachable(_)));
        let garbled = count(&|it| matches!(it.outcome, Outcome::Garbled(_)));
        let lasting = within + FILLING;
        let served = count(&|it| it.outcome == Outcome::Served && it.after > lasting);
        let readable = count(&|it| matches!(it.outcome, Outcome::Closed(4000, _)));
        let mut findings = Vec::new();
        let mut find = |is_wrong: bool, finding: String| {
            if is_wrong {
                findings.push(finding);
            }
        };
        find(unreachable > 0, format!("{unreachable} of {total} could not connect at all"));
        find(garbled > 0, format!("{garbled} of {total} were answered with no WebSocket"));
        find(silent > 0, format!("{silent} of {total} dials got no answer"));
        match self.who {
            Who::Every => {
                let others = total - accepted - silent - unreachable - garbled;
                find(others > 0, format!("{others} of {total} were answered otherwise, or served"));
            }
            Who::Some => find(accepted == 0, format!("none of {total} was refused")),
            Who::Lasting => {
                let seconds = self.within.as_secs_f64();
                find(served > 0, format!("{served} were kept for longer than {seconds} s"));
                find(accepted == 0, "none was evicted".to_owned());
                find(accepted > 0 && readable == 0, "none could read why (4000)".to_owned());
            }
        }
        let is_timed = self.who != Who::Lasting;
        find(is_timed && late > 0, format!("{late} were answered after {:?}", self.within));
        find(total == 0, "nothing was tried".to_owned());
        Verdict { is_guarded: findings.is_empty(), findings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(outcomes: &[(Outcome, u64)]) -> Vec<Sighting> {
        let sighting = |(outcome, ms): &(Outcome, u64)| Sighting {
            outcome: outcome.clone(),
            after: Duration::from_millis(*ms),
        };
        outcomes.iter().map(sighting).collect()
    }

    fn is_guarded(kind: Kind, outcomes: &[(Outcome, u64)]) -> bool {
        kind.rule().judge(&seen(outcomes)).is_guarded
    }

    fn close(code: u16) -> Outcome {
        Outcome::Closed(code, String::new())
    }

    #[test]
    fn a_server_that_serves_on_is_guarded_against_nothing() {
        for kind in Kind::all() {
            let verdict = kind.rule().judge(&seen(&[(Outcome::Served, 90_000)]));
            assert!(!verdict.is_guarded && !verdict.findings.is_empty(), "{kind}");
            assert!(!is_guarded(*kind, &[]), "{kind}: nothing was tried");
            let absent = Outcome::Unreachable("connection refused".to_owned());
            assert!(!is_guarded(*kind, &[(absent, 1)]), "{kind}: nobody was there");
            assert!(!is_guarded(*kind, &[(Outcome::NoAnswer, 9000)]), "{kind}: no answer");
            let other = Outcome::Garbled("an answer that is not HTTP".to_owned());
            assert!(!is_guarded(*kind, &[(other, 1)]), "{kind}: something else was there");
        }
    }

    #[test]
    fn the_code_must_be_the_right_one() {
        assert!(is_guarded(Kind::Giant, &[(close(1009), 5), (close(1009), 7)]));
        assert!(!is_guarded(Kind::Giant, &[(close(1009), 5), (close(1011), 7)]));
        assert!(!is_guarded(Kind::Giant, &[(Outcome::Reset, 5)]), "it must be told");
        assert!(is_guarded(Kind::BadUtf8, &[(close(1007), 5)]));
        assert!(!is_guarded(Kind::Unmasked, &[(close(1007), 5)]));
        assert!(is_guarded(Kind::Origin, &[(Outcome::Status(403), 5)]));
        assert!(!is_guarded(Kind::Origin, &[(Outcome::Status(403), 5), (Outcome::Served, 5)]));
        assert!(!is_guarded(Kind::BadToken, &[(Outcome::Status(500), 5)]));
    }

    #[test]
    fn time_counts_and_can_be_given() {
        assert!(is_guarded(Kind::Slowloris, &[(Outcome::Ended, 5400), (Outcome::Status(408), 90)]));
        assert!(!is_guarded(Kind::Slowloris, &[(Outcome::Ended, 6400)]));
        let patient = Kind::Slowloris.rule().timed(Some(Duration::from_secs(20)), None);
        assert!(patient.judge(&seen(&[(Outcome::Ended, 6400)])).is_guarded);
        let silent = Kind::Vanish.rule().timed(None, Some(Duration::from_secs(1)));
        assert!(silent.judge(&seen(&[(close(4001), 3900)])).is_guarded);
        assert!(!silent.judge(&seen(&[(close(4001), 4100)])).is_guarded);
    }

    #[test]
    fn floods_are_held_back_but_not_everybody_is_refused() {
        let served = (Outcome::Served, 1);
        assert!(is_guarded(Kind::DialStorm, &[served.clone(), (Outcome::Status(503), 3)]));
        assert!(is_guarded(Kind::Connections, &[served.clone(), (close(1013), 30)]));
        assert!(!is_guarded(Kind::DialStorm, &[served.clone(), (Outcome::Status(404), 3)]));
        assert!(is_guarded(Kind::Flood, &[(Outcome::Told("rate_limited".into()), 40)]));
        assert!(!is_guarded(Kind::Flood, &[(Outcome::Told("rate_limited".into()), 4000)]));
        assert!(!is_guarded(Kind::Flood, &[served, (close(4002), 40)]));
    }

    #[test]
    fn those_who_do_not_read_for_long_are_evicted_and_some_can_read_why() {
        let early = (Outcome::Served, 4000);
        assert!(is_guarded(
            Kind::Stalled,
            &[early.clone(), (close(4000), 11_000), (Outcome::Reset, 12_500)]
        ));
        assert!(!is_guarded(Kind::Stalled, &[early.clone(), (Outcome::Reset, 12_500)]));
        assert!(!is_guarded(
            Kind::Stalled,
            &[early, (close(4000), 11_000), (Outcome::Served, 17_000)]
        ));
    }
}
