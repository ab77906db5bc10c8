//! What a key or a token opens: topics by pattern, limits, until when.

use super::{config::Plans, keys::Digest};
use crate::config::Limits;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tickcast_shared::{
    clock::Micros,
    market::{ExchangeId, Pattern, Topic},
};

/// What one client may do.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Whose it is: the key's name or the token's `sub`. For operators, never a metric's label.
    pub subject: Option<Box<str>>,
    /// Limits in force: the gateway's with what the plan changes.
    pub limits: Arc<Limits>,
    /// When it ends, by the wall clock; none if never.
    pub expires: Option<Micros>,
    /// What it was given for.
    pub origin: Origin,
    /// Under which settings it was given.
    pub era: u64,
    /// Lists of patterns, of the key or token and of the plan. Each that is there must cover a topic.
    lists: [Option<Patterns>; 2],
}

/// What a grant was given for, as far as it takes to give it again under other settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The API key with this digest.
    Key(Digest),
    /// A token.
    Token {
        /// Whoever signed it, see [`Issuer::mark`](super::jwt::Issuer::mark).
        issuer: Digest,
        /// The plan that it names.
        plan: Option<Box<str>>,
    },
}

/// Patterns of topics, any of which suffices.
pub type Patterns = Arc<[Pattern]>;

/// A topic or a pattern, in full or as a client may write it.
pub(super) fn pattern(text: &str, exchange: &ExchangeId) -> Option<Pattern> {
    Pattern::parse_client(text, exchange).ok()
}

/// All of them; none if any is not well formed.
pub(super) fn patterns(texts: &[String], exchange: &ExchangeId) -> Option<Patterns> {
    texts.iter().map(|text| pattern(text, exchange)).collect()
}

/// The wall clock now, which tokens speak of.
pub fn wall_clock() -> Micros {
    Micros::on_the_wall()
}

impl Grant {
    /// Whether it opens the topic.
    #[must_use]
    pub fn allows(&self, topic: &Topic) -> bool {
        self.every_list(|pattern| pattern.matches(topic))
    }

    /// Whether it opens every topic that the pattern may ever match.
    #[must_use]
    pub fn allows_pattern(&self, wanted: &Pattern) -> bool {
        self.every_list(|pattern| pattern.covers(wanted))
    }

    /// Whether it opens any topic of the exchange.
    #[must_use]
    pub fn meets_exchange(&self, exchange: &str) -> bool {
        self.every_list(|pattern| pattern.meets_exchange(exchange))
    }

    /// The patterns of its key or token itself.
    #[must_use]
    pub fn own_patterns(&self) -> Option<Patterns> {
        self.lists[0].clone()
    }

    /// The same without a trace of when it was given, to be compared.
    #[must_use]
    pub fn of_no_era(&self) -> Self {
        Self { era: 0, ..self.clone() }
    }

    fn every_list(&self, covers: impl Fn(&Pattern) -> bool) -> bool {
        self.lists.iter().flatten().all(|list| list.iter().any(&covers))
    }

    /// How long it is still good for; none if for ever.
    #[must_use]
    pub fn left(&self) -> Option<std::time::Duration> {
        self.expires.map(|end| end.since(wall_clock()))
    }
}

/// The plans, ready to be granted.
#[derive(Debug)]
pub struct PlanBook {
    /// Which settings these are, of all that were in force in this process.
    era: u64,
    exchange: ExchangeId,
    /// Of whoever has no plan.
    limits: Arc<Limits>,
    plans: HashMap<String, (Arc<Limits>, Option<Patterns>)>,
}

impl PlanBook {
    /// From checked settings.
    #[must_use]
    pub fn new(plans: &Plans, limits: &Limits, exchange: &ExchangeId) -> Self {
        let ready = plans.iter().map(|(name, plan)| {
            let changed = Limits {
                max_topics: plan.max_topics.unwrap_or(limits.max_topics),
                commands_per_second: plan.commands_per_second.unwrap_or(limits.commands_per_second),
                command_burst: plan.command_burst.unwrap_or(limits.command_burst),
                min_interval_ms: plan.min_interval_ms.unwrap_or(limits.min_interval_ms),
                ..limits.clone()
            };
            let topics = plan.topics.as_ref().and_then(|texts| patterns(texts, exchange));
            (name.clone(), (Arc::new(changed), topics))
        });
        static ERAS: AtomicU64 = AtomicU64::new(0);
        let (plans, era) = (ready.collect(), ERAS.fetch_add(1, Ordering::Relaxed));
        Self { era, exchange: exchange.clone(), limits: Arc::new(limits.clone()), plans }
    }

    /// Under which settings its grants are given.
    #[must_use]
    pub fn era(&self) -> u64 {
        self.era
    }

    /// Patterns as the settings or a token write them; none if any is not well formed.
    #[must_use]
    pub fn patterns(&self, texts: &[String]) -> Option<Patterns> {
        patterns(texts, &self.exchange)
    }

    /// What someone with this plan (none: no plan) and these topics (none: all) may do; none if
    /// there is no such plan.
    #[must_use]
    pub fn grant(
        &self,
        plan: Option<&str>,
        topics: Option<Patterns>,
        subject: Option<&str>,
        origin: Origin,
    ) -> Option<Grant> {
        let (limits, of_plan) = match plan {
            None => (self.limits.clone(), None),
            Some(name) => self.plans.get(name)?.clone(),
        };
        let subject = subject.map(Into::into);
        let lists = [topics, of_plan];
        Some(Grant { subject, limits, expires: None, origin, era: self.era, lists })
    }
}
