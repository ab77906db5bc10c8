//! How the configuration was last read, for `/health`.

use crate::metric::table;
use serde::Serialize;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

/// Since when the settings in force are in force, and what has become of the last attempt to change
/// them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Configured(Arc<Mutex<LastReload>>);

/// What `/health` says of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LastReload {
    /// When the settings in force were read, in seconds since 1970.
    pub loaded: u64,
    /// `applied`, `unchanged` or `refused`; none before the first attempt.
    pub last_reload: Option<&'static str>,
    /// Why it was refused, without secrets.
    pub error: Option<String>,
    /// Keys whose new values take effect after a restart.
    pub pending_restart: Vec<String>,
}

impl Default for Configured {
    fn default() -> Self {
        let loaded = seconds_since_1970();
        Self(Arc::new(Mutex::new(LastReload { loaded, ..LastReload::default() })))
    }
}

impl Configured {
    /// The settings were read again, and are in force but for those keys.
    pub fn loaded(&self, outcome: &'static str, pending_restart: Vec<String>) {
        let loaded = seconds_since_1970();
        let last_reload = Some(outcome);
        self.set(LastReload { loaded, last_reload, error: None, pending_restart });
    }

    /// They could not be used, and those before stay in force.
    pub fn refused(&self, error: String) {
        let before = self.report();
        self.set(LastReload { last_reload: Some("refused"), error: Some(error), ..before });
    }

    /// Lets `/metrics` tell of it, from before the first attempt on.
    pub fn show(&self, outcomes: [&'static str; 3]) {
        outcomes.iter().for_each(|it| table::CONFIG_RELOADS.of([it]).increment(0));
        self.measure();
    }

    /// Counts an attempt.
    pub fn count(&self, outcome: &'static str) {
        table::CONFIG_RELOADS.of([outcome]).increment(1);
        self.measure();
    }

    fn measure(&self) {
        let report = self.report();
        table::CONFIG_LOADED.of([]).set(report.loaded as f64);
        table::CONFIG_PENDING.of([]).set(report.pending_restart.len() as f64);
    }

    /// As `/health` says it.
    #[must_use]
    pub fn report(&self) -> LastReload {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, report: LastReload) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = report;
    }
}

fn seconds_since_1970() -> u64 {
    // A clock before 1970 is one that was never set.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_leaves_what_was_loaded() {
        let configured = Configured::default();
        assert_eq!(configured.report().last_reload, None);
        configured.loaded("applied", vec!["redis_url".into()]);
        let before = configured.report();
        configured.refused("line 3".into());
        let after = configured.report();
        assert_eq!(
            (after.loaded, &after.pending_restart),
            (before.loaded, &before.pending_restart)
        );
        assert_eq!((after.last_reload, after.error.as_deref()), (Some("refused"), Some("line 3")));
        configured.loaded("unchanged", Vec::new());
        assert_eq!(configured.report().error, None);
    }
}
