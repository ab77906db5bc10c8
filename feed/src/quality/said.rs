//! What a venue has said of a symbol on its present connection.

use super::{owners::Owners, values::Values};
use crate::exchange::{Part, Update};
use tickcast_shared::{clock::Micros, market::Ticker};

/// What the venue has said on this connection, merged.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said {
    pub(super) values: Values,
    pub(super) exchange_ts: Option<Micros>,
    pub(super) trade_ts: Option<Micros>,
    pub(super) received: Option<Micros>,
    /// When it last stated its quotes.
    pub(super) quoted: Option<Micros>,
}

impl Said {
    pub(super) fn take(&mut self, update: &Update<'_>, merged: Values, now: Micros) {
        self.values = merged;
        self.received = Some(now);
        self.trade_ts = update.trade_ts.or(self.trade_ts);
        if update.bid.is_some() {
            self.quoted = Some(now);
            self.exchange_ts = update.exchange_ts;
        }
    }

    /// A channel's fields are no longer known.
    pub(super) fn forget(&mut self, part: Part, owners: &Owners) {
        self.values = owners.without(part, self.values);
        match part {
            Part::Main => self.trade_ts = None,
            Part::Quotes => (self.quoted, self.exchange_ts) = (None, None),
            Part::Statistics | Part::Trades => {}
        }
    }

    pub(super) fn write_to(&self, ticker: &mut Ticker) {
        self.values.write_to(ticker);
        ticker.exchange_ts = self.exchange_ts;
        ticker.trade_ts = self.trade_ts;
        ticker.received_ts = self.received;
    }
}
