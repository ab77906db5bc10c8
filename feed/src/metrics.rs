//! The feed's metrics: the one place for their names.

use tickcast_shared::metric::WAYS;

tickcast_shared::metric_table! {
    LINK_LIVE: Gauge = "tickcast_feed_link_live" ["exchange"]
        "1 while all connections to an exchange deliver";
    CONNECTIONS: Gauge = "tickcast_feed_connections" ["exchange", "state"]
        "Connections to an exchange by state: pending, live, stale or halted";
    SILENCE: Gauge = "tickcast_feed_silence_seconds" ["exchange"]
        "Time since the last sign of life of an exchange, of its most silent connection";
    EXCHANGE_DELAY: Histogram(WAYS) = "tickcast_feed_exchange_delay_seconds" ["exchange"]
        "From an exchange's own time of a message to its arrival, where the exchange tells a time";
    BUS_DELAY: Histogram(WAYS) = "tickcast_feed_bus_delay_seconds" []
        "From the arrival of the oldest update of a write to the bus's confirmation";
    BUS_WRITE: Histogram(WAYS) = "tickcast_feed_bus_write_seconds" []
        "How long a write to the bus took";
    VENUE_DEVIATION: Gauge = "tickcast_feed_venue_deviation_ratio" ["exchange"]
        "How far an exchange is from the median of the others, for the symbol where it is farthest";
    SYMBOLS: Gauge = "tickcast_feed_symbols" ["exchange"]
        "Symbols of an exchange that are subscribed to";
    MESSAGES: Counter = "tickcast_feed_messages_total" ["exchange", "outcome"]
        "Messages of an exchange: received, and what became of them";
    REFUSED: Counter = "tickcast_feed_refused_total" ["exchange", "reason"]
        "Messages that were refused, by reason; the newest are shown by /dlq";
    QUALITY_EVENTS: Counter = "tickcast_feed_quality_events_total" ["exchange", "event"]
        "What was noticed in messages: bad fields, crossed quotes, prices held for confirmation";
    DIALS: Counter = "tickcast_feed_dials_total" ["exchange"]
        "Connections dialled";
    LINK_LOSSES: Counter = "tickcast_feed_link_losses_total" ["exchange", "cause"]
        "Connections lost or not made, by cause";
    LINK_EVENTS: Counter = "tickcast_feed_link_events_total" ["exchange", "event"]
        "Subscriptions lost and made again, closes announced by the exchange";
    ROTATIONS: Counter = "tickcast_feed_rotations_total" ["exchange", "outcome"]
        "Connections replaced before the exchange would close them";
    CHANNELS_REFUSED: Counter = "tickcast_feed_channels_refused_total" ["exchange"]
        "Channels of single symbols that the exchange refused";
    POLLS: Counter = "tickcast_feed_polls_total" ["exchange", "why", "outcome"]
        "Prices asked for by REST";
    ACTIVE: Gauge = "tickcast_feed_active" []
        "1 while this feed writes; 0 while it stands by";
    EPOCH: Gauge = "tickcast_feed_epoch" []
        "The epoch that this feed writes under; 0 while it stands by";
    TAKEOVERS: Counter = "tickcast_feed_takeovers_total" []
        "Times that this feed took its group over";
    HEARTBEATS: Counter = "tickcast_feed_heartbeats_total" []
        "Heartbeats written to the bus";
    PUBLISHED: Counter = "tickcast_feed_published_total" []
        "Values and removals written to the bus";
    BATCHES: Counter = "tickcast_feed_batches_total" []
        "Writes to the bus";
    CONFLATED: Counter = "tickcast_feed_conflated_total" []
        "Values that gave way to newer ones before they could be written";
    UNCONFIRMED: Counter = "tickcast_feed_unconfirmed_total" []
        "Values whose write failed; the newest are written again";
    BUS_ERRORS: Counter = "tickcast_feed_bus_errors_total" ["kind"]
        "Failed calls to the bus: fenced, refused, link or unusable";
    INDEX_STALE: Counter = "tickcast_feed_index_stale_total" ["reason"]
        "Times that an index lost its value, by reason";
    INDEX_OUTLIERS: Counter = "tickcast_feed_index_outliers_total" ["exchange"]
        "Times that an exchange was left out of an index for being too far from the others";
    BARS_CLOSED: Counter = "tickcast_feed_bars_closed_total" ["interval", "complete"]
        "Bars closed, and whether every price of theirs was seen";
    BARS_LOST: Counter = "tickcast_feed_bars_lost_total" []
        "Closed bars given up because nothing could be written for too long";
    BARS_INHERITED: Counter = "tickcast_feed_bars_inherited_total" []
        "Bars begun by another feed and gone on with";
    KLINE_LATE: Counter = "tickcast_feed_kline_late_total" []
        "Prices that came for a bar that was closed";
    KLINE_GAPS: Counter = "tickcast_feed_kline_gaps_total" []
        "Times that prices were passed over before a bar saw them";
    BACKFILL_REQUESTS: Counter = "tickcast_feed_backfill_requests_total" ["exchange"]
        "Requests for bars from before the start";
    BACKFILL_BARS: Counter = "tickcast_feed_backfill_bars_total" ["exchange", "interval"]
        "Bars from before the start";
    BACKFILL_FAILURES: Counter = "tickcast_feed_backfill_failures_total" ["exchange"]
        "Kline topics whose bars from before the start could not be had";
}
