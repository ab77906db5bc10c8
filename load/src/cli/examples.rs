//! What stands below the flags in each command's help: what it prints, examples, exit codes.

/// Of `tickcast-load`.
pub const TICKCAST_LOAD: &str = "\
Examples:
  tickcast-load venue --exchange kucoin --symbols BTC-USDT
  tickcast-load swarm --url ws://127.0.0.1:8080/ws --topics BTC-USDT

`tickcast-load COMMAND --help` explains a command.";

/// Of `venue`.
pub const VENUE: &str = "\
Prints its addresses, to be set as rest_url and ws_url of an exchange, goes on
until Ctrl-C, and then prints what it sent.

Examples:
  tickcast-load venue --exchange kucoin --rate 20
  tickcast-load venue --exchange okx --fault crossed,garbage
  tickcast-load venue --exchange okx --recording session.ndjson --speed 0";

/// Of `record`.
pub const RECORD: &str = "\
Prints how much was recorded; exit code 1 when there was no ticker.

Example:
  tickcast-load record --exchange kraken --symbols BTC-USD --secs 60 \\
    --out session.ndjson";

/// Of `swarm`.
pub const SWARM: &str = "\
Prints rates, delays and what went wrong; exit code 1 when a check failed.

Examples:
  tickcast-load swarm --url ws://127.0.0.1:8080/ws --clients 10000
  tickcast-load swarm --url ws://127.0.0.1:8080/ws --topics BTC-USDT --check";

/// Of `limit`.
pub const LIMIT: &str = "\
Prints its address, then what it wrote.

Example:
  tickcast-load limit --rate 100 --secs 30";

/// Of `bench`.
pub const BENCH: &str = "\
Prints each comparison and writes results.json and report.html; exit code 1 when
a run was not good.

Examples:
  tickcast-load bench --list
  tickcast-load bench --only NAME --secs 5 --pairs 1";

/// Of `hostile`.
pub const HOSTILE: &str = "\
Prints what the clients did and how the server answered; exit code 1 when it
does not guard itself.

Example:
  tickcast-load hostile --kind slowloris --url ws://127.0.0.1:8080/ws";

/// Of `faults`.
pub const FAULTS: &str = "\
Prints each fault with what was required and measured, and writes report.json;
exit code 1 when something is not as required.

Examples:
  tickcast-load faults --list
  tickcast-load faults --only 3 --pairs 1";

/// Of the part of a swarm.
pub const SWARM_PART: &str = "Prints what was measured as a line of JSON for each order.";
