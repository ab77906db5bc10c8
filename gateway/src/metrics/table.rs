//! The gateway's metrics: the one place for their names.

use tickcast_shared::metric::{FAST, WAYS};

tickcast_shared::metric_table! {
    BUS_UP: Gauge = "tickcast_gateway_bus_up" []
        "1 while the bus is reachable";
    EXCHANGE_LIVE: Gauge = "tickcast_gateway_exchange_live" ["exchange"]
        "1 while an exchange's prices may be shown as live, as far as feed and bus tell";
    PRICES: Gauge = "tickcast_gateway_prices" ["exchange", "state"]
        "Prices by the state that clients are told: pending, live, stale or halted";
    PRICE_AGE: Gauge = "tickcast_gateway_price_age_seconds" ["exchange"]
        "Time since the last proof of the oldest price that is shown as live; NaN while none is";
    NEWEST_PRICE_AGE: Gauge = "tickcast_gateway_newest_price_age_seconds" ["exchange"]
        "Time since the last proof of an exchange's newest price, live or not; NaN while it has none";
    TOPIC_AGE: Gauge = "tickcast_gateway_topic_age_seconds" ["topic"]
        "The same of a topic of gateway.metrics_topics; NaN while it has no price";
    TOPIC_LIVE: Gauge = "tickcast_gateway_topic_live" ["topic"]
        "1 while a topic of gateway.metrics_topics is shown as live";
    TOPICS: Gauge = "tickcast_gateway_topics" []
        "Topics announced by feeds";
    BUS_DELAY: Histogram(WAYS) = "tickcast_gateway_bus_delay_seconds" []
        "From the bus to this gateway, beyond the fastest message of the last minutes";
    HUB_DELAY: Histogram(FAST) = "tickcast_gateway_hub_delay_seconds" []
        "From taking the oldest update of a pass to the end of the pass's writes to sockets";
    UPDATES: Counter = "tickcast_gateway_updates_total" []
        "Values and states from the bus";
    PASSES: Counter = "tickcast_gateway_passes_total" []
        "Passes over the cohorts";
    WRITES: Counter = "tickcast_gateway_writes_total" []
        "Write calls of passes";
    DELIVERIES: Counter = "tickcast_gateway_deliveries_total" []
        "Messages written by passes";
    SENT_BYTES: Counter = "tickcast_gateway_sent_bytes_total" []
        "Bytes written by passes";
    CONFLATED_OVERLOAD: Counter = "tickcast_gateway_conflated_overload_total" []
        "Updates that gave way to newer ones because a shard was busy";
    CONFLATED_PASS: Counter = "tickcast_gateway_conflated_pass_total" []
        "Messages left out for newer ones because a pass had grown too large";
    CONNECTIONS: Gauge = "tickcast_gateway_connections" []
        "Open connections";
    UPGRADES: Counter = "tickcast_gateway_upgrades_total" []
        "Connections that were let in";
    COHORTS: Gauge = "tickcast_gateway_cohorts" []
        "Sets of connections that want exactly the same bytes";
    LAGGING_NOW: Gauge = "tickcast_gateway_lagging_clients" []
        "Clients that are skipping updates now because they read too slowly";
    BLOCKED_NOW: Gauge = "tickcast_gateway_blocked_clients" []
        "Clients whose socket is full now, lagging or not";
    LAGGING: Counter = "tickcast_gateway_lagging_total" []
        "Times that a client became slow";
    SKIPPED: Counter = "tickcast_gateway_skipped_total" []
        "Updates that slow clients skipped for newer ones";
    CLOSED: Counter = "tickcast_gateway_closed_total" ["reason"]
        "Closes by the server, by reason; slow_consumer and overloaded are evictions";
    REFUSED: Counter = "tickcast_gateway_refused_total" ["reason"]
        "Upgrades, requests and TLS handshakes refused, by reason";
    LIMITED: Counter = "tickcast_gateway_limited_total" ["limit"]
        "Connections, requests and messages that a limit did not let pass, by limit";
    REJECTED: Counter = "tickcast_gateway_rejected_total" ["code"]
        "Commands, and topics in them, that were answered with an error, by its code";
    COMMANDS: Counter = "tickcast_gateway_commands_total" []
        "Commands received from clients";
    REJOINS: Counter = "tickcast_gateway_rejoins_total" ["cause"]
        "Bus shards read again: a message was missing (hole), or the bus lost data (went_back, too_old)";
    BARS: Gauge = "tickcast_gateway_bars" []
        "Closed bars kept of topics that were asked for";
    BARS_SENT: Counter = "tickcast_gateway_bars_sent_total" []
        "Closed bars handed to clients";
    BAR_READS: Counter = "tickcast_gateway_bar_reads_total" ["result"]
        "Reads of bars from the bus: ok or failed";
    MEMORY_USED: Gauge = "tickcast_gateway_memory_used_ratio" []
        "Memory in use, as a part of what may be used";
    TLS_EXPIRES: Gauge = "tickcast_gateway_tls_certificate_expires_seconds" []
        "When the certificate in force ceases to be good, since the Unix epoch";
    TLS_BROKEN: Gauge = "tickcast_gateway_tls_certificate_broken" []
        "1 while the files hold a certificate that cannot be used";
    TLS_RELOADS: Counter = "tickcast_gateway_tls_reloads_total" []
        "Certificates taken over from changed files";
    KEY_SET_READS: Counter = "tickcast_gateway_key_set_reads_total" ["result"]
        "Readings of key sets (JWKS): ok or failed";
}
