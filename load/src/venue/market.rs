//! What a test may do to a simulated exchange's market: listings, bars, the price level.

use super::{
    VenueError, bars::VenueBar, control::VenueControl, instrument::Instrument, source, stage::lock,
    walk::Walk,
};
use std::time::{Duration, Instant};
use tickcast_shared::market::{Interval, Symbol};

impl VenueControl {
    /// Lists a symbol (our spelling), which walks if the others do.
    ///
    /// # Errors
    /// [`VenueError`] when it is not `BASE-QUOTE`, or there is no thread for its walk.
    pub fn list(&self, symbol: &str) -> Result<(), VenueError> {
        let symbol: Symbol = symbol.parse()?;
        let stage = &self.stage;
        let instrument = Instrument::spot(stage.exchange, &symbol);
        let catalogue = stage.catalogue();
        // What was delisted walks on in silence.
        let is_known = catalogue.by_symbol(symbol.as_str()).is_some()
            || catalogue.is_delisted(symbol.as_str());
        stage.change_catalogue(|catalogue| catalogue.with(instrument.clone()));
        match stage.walking {
            Some(walking) if !is_known => {
                let walk = Walk::new(stage.exchange, &instrument, walking.seed);
                source::start_walk(stage.clone(), vec![walk], walking).map_err(VenueError::Thread)
            }
            _ => Ok(()),
        }
    }

    /// Takes a symbol (our spelling) from the list: it is unknown to REST and to new subscriptions
    /// and falls silent for those that are there.
    pub fn delist(&self, symbol: &str) {
        let name = self.stage.catalogue().by_symbol(symbol).map(|found| found.name.clone());
        self.stage.change_catalogue(|catalogue| catalogue.without(symbol));
        if let Some(name) = name {
            lock(&self.stage.latest).remove(&name);
        }
    }

    /// Moves the price level of all random walks evenly by so many percent of what it is, in this
    /// time: `shift(-30.0, ...)` is a crash.
    pub fn shift(&self, percent: f64, over: Duration) {
        lock(&self.stage.level).shift(percent, over, Instant::now());
    }

    /// Answers requests for bars of a symbol (our spelling) with these, in place of made-up ones
    /// or none.
    pub fn set_bars(&self, symbol: &str, interval: Interval, bars: Vec<VenueBar>) {
        let given = bars.into_iter().map(|bar| (bar.open_ms, bar)).collect();
        lock(&self.stage.bars).insert((symbol.into(), interval), given);
    }
}
