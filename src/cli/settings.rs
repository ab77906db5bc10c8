//! Flags that stand for settings.

use super::{
    Command,
    roles::{Exchanges, Feed},
};
use serde_json::Value;
use std::path::Path;
use tickcast_shared::config::Override;

/// The file that was named on the command line.
pub fn file(command: &Command) -> Option<&Path> {
    match command {
        Command::Demo(it) | Command::Gateway(it) => it.common.config.as_deref(),
        Command::Run(it) => it.common.config.as_deref(),
        Command::Feed(it) => it.common.config.as_deref(),
        Command::Check(it) => it.config.as_deref(),
        Command::Dlq(it) => it.config(),
        Command::Watch(_)
        | Command::Price(_)
        | Command::Trace(_)
        | Command::Metrics
        | Command::Generate(_) => None,
    }
}

/// The settings that flags stand for, in the order of their keys.
pub fn overrides(command: &Command) -> Vec<Override> {
    let mut given = Vec::new();
    let mut add = |flag, key, value: &Option<String>| {
        let value = value.as_ref().map(|value| Value::String(value.clone()));
        given.extend(value.map(|value| Override { flag, key, value }));
    };
    let (common, listen, exchanges) = match command {
        Command::Demo(it) | Command::Gateway(it) => (Some(&it.common), &it.listen, None),
        Command::Run(it) => (Some(&it.common), &it.listen, Some(&it.exchanges)),
        Command::Feed(it) => (Some(&it.common), &None, Some(&it.exchanges)),
        Command::Check(it) => {
            add("--redis-url", "redis_url", &it.redis_url);
            (None, &it.listen, Some(&it.exchanges))
        }
        Command::Dlq(it) => {
            add("--redis-url", "redis_url", it.redis_url());
            (None, &None, None)
        }
        Command::Watch(_)
        | Command::Price(_)
        | Command::Trace(_)
        | Command::Metrics
        | Command::Generate(_) => (None, &None, None),
    };
    let admin_key = match command {
        Command::Feed(_) => "feed.admin_listen",
        _ => "gateway.admin_listen",
    };
    if let Some(common) = common {
        let format = common.log_format.as_ref().map(ToString::to_string);
        // Empty in the environment is as good as not there.
        let level = common.log_level.clone().filter(|level| !level.is_empty());
        add("--log-format", "log_format", &format);
        add("--log-level", "log_level", &level);
        add("--redis-url", "redis_url", &common.redis_url);
        add("--admin-listen", admin_key, &common.admin_listen);
    }
    add("--listen", "gateway.listen", listen);
    if let Command::Feed(Feed { group, partition, .. }) = command {
        add("--group", "feed.group", group);
        add("--partition", "feed.partition", partition);
    }
    if let Some(Exchanges { list }) = exchanges.filter(|exchanges| !exchanges.list.is_empty()) {
        let value = Value::Array(list.clone());
        given.push(Override { flag: "--exchange", key: "feed.exchange", value });
    }
    given
}

#[cfg(test)]
mod tests {
    use super::{super::Cli, *};
    use clap::Parser;
    use serde_json::json;

    fn keys(args: &[&str]) -> Vec<(&'static str, Value)> {
        let cli = Cli::try_parse_from([&["tickcast"], args].concat()).unwrap();
        overrides(&cli.command).into_iter().map(|given| (given.key, given.value)).collect()
    }

    #[test]
    fn flags_become_settings() {
        assert_eq!(
            keys(&["feed", "--admin-listen", "a", "--exchange", "okx=BTC-USDT,ETH-USDT"]),
            [
                ("feed.admin_listen", json!("a")),
                ("feed.exchange", json!([{"name": "okx", "symbols": ["BTC-USDT", "ETH-USDT"]}])),
            ]
        );
        assert_eq!(
            keys(&["gateway", "--listen", "b", "--redis-url", "r", "--admin-listen", "a"]),
            [
                ("redis_url", json!("r")),
                ("gateway.admin_listen", json!("a")),
                ("gateway.listen", json!("b")),
            ]
        );
        assert_eq!(
            keys(&["feed", "--group", "alts", "--partition", "1/3"]),
            [("feed.group", json!("alts")), ("feed.partition", json!("1/3"))]
        );
        assert_eq!(keys(&["demo"]), []);
    }
}
