//! What stands below the flags in each command's help: examples, keys, exit codes.

/// Of `tickcast`.
pub const TICKCAST: &str = "\
Examples:
  tickcast demo                  # try it: prices are simulated
  tickcast watch BTC-USDT        # in another terminal
  tickcast run --exchange kucoin=BTC-USDT,ETH-USDT

`tickcast COMMAND --help` explains a command.";

/// Of `demo`.
pub const DEMO: &str = "\
Prints where to look and goes on until Ctrl-C.

Examples:
  tickcast demo
  tickcast demo --listen 0.0.0.0:8080     # for other machines, too";

/// Of `run`.
pub const RUN: &str = "\
Examples:
  tickcast run --exchange kucoin=BTC-USDT,ETH-USDT
  tickcast run --exchange okx=BTC-USDT --exchange kraken=BTC-USD
  tickcast run --config /etc/tickcast/tickcast.toml";

/// Of `feed`.
pub const FEED: &str = "\
Examples:
  tickcast feed --exchange kucoin=BTC-USDT,ETH-USDT
  tickcast feed --config tickcast.toml --group alts --partition 1/2";

/// Of `gateway`.
pub const GATEWAY: &str = "\
Examples:
  tickcast gateway
  tickcast gateway --redis-url redis://10.0.0.5:6379 --listen 0.0.0.0:8080";

/// Of `watch`.
pub const WATCH: &str = "\
A terminal becomes a screen. Elsewhere, and with --plain or --count, a line is
printed for each price: time (UTC), topic, last price, bid, ask, age, state.

Keys of the screen:
  /             filter: words of name, state or exchange; * wildcard
  s, r          sort by the next column, reverse
  space, p      stop the screen; prices go on coming
  arrows, PgUp, PgDn, Home, End
                select a topic
  Enter         all that is known of it
  Esc           close it, show all topics again
  ?             explain the keys
  q, Ctrl-C     leave

Colours follow NO_COLOR.

Examples:
  tickcast watch BTC-USDT ETH-USDT
  tickcast watch 'ticker:*:BTC-USDT' kline:kucoin:BTC-USDT:1m
  tickcast watch BTC-USDT --url wss://prices.example.com/ws
  tickcast watch BTC-USDT --json | jq 'select(.type == \"ticker\")'

Exit codes:
  0  left by the user, or --count reached
  1  no topic was accepted, or the gateway asked not to come back
  2  a mistake in flags";

/// Of `price`.
pub const PRICE: &str = "\
Prints topic, last price, bid, ask, age and state on one line.

Examples:
  tickcast price BTC-USDT
  tickcast price BTC-USDT --exchange okx --json

Exit codes:
  0  the price is live
  1  there is no such symbol, or no gateway
  2  a mistake in flags
  3  there is a price, or none yet, and it is not live";

/// Of `metrics`.
pub const METRICS: &str = "\
Prints each metric's name, kind, unit, labels and meaning.

Example:
  tickcast metrics > metrics.md";

/// Of `generate`.
pub const GENERATE: &str = "\
Example:
  tickcast generate target/assets";
