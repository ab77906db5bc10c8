//! The command explains itself.

use crate::support::start;

#[tokio::test]
async fn help_lists_every_command_with_a_line() {
    let help = start(&["--help"]).ended().await;
    assert_eq!(help.code, 0);
    let commands =
        ["demo", "run", "feed", "gateway", "watch", "price", "trace", "dlq", "check", "metrics"];
    for command in commands {
        let line = help.stdout.lines().find(|line| line.trim_start().starts_with(command));
        let line = line.unwrap_or_else(|| panic!("{command} in {}", help.stdout));
        assert!(line.trim().len() > command.len() + 10, "{line}");
    }
}

#[tokio::test]
async fn every_role_explains_the_flags_it_has() {
    for (role, flags) in [
        ("demo", &["--config", "--admin-listen", "--log-format", "--log-level", "--listen"][..]),
        ("run", &["--config", "--redis-url", "--listen", "--exchange"]),
        ("feed", &["--config", "--redis-url", "--exchange"]),
        ("gateway", &["--config", "--redis-url", "--listen"]),
        ("watch", &["--url", "--json", "--count"]),
        ("price", &["--url", "--exchange"]),
        ("trace", &["--count", "--json", "--admin", "to sockets"]),
        ("dlq", &["list", "show", "retry", "Exit codes"]),
        ("check", &["--config"]),
        ("metrics", &["Markdown"]),
    ] {
        let help = start(&[role, "--help"]).ended().await;
        assert_eq!(help.code, 0, "{role}");
        for flag in flags {
            assert!(help.stdout.contains(flag), "{flag} in {}", help.stdout);
        }
    }
}

#[tokio::test]
async fn without_a_command_it_shows_the_help() {
    let shown = start(&[]).ended().await;
    assert_eq!(shown.code, 2);
    assert!(shown.stderr.contains("Commands:"), "{}", shown.stderr);
}

#[tokio::test]
async fn run_and_feed_without_an_exchange_print_the_command_to_try() {
    for role in ["run", "feed"] {
        let ended = start(&[role]).ended().await;
        assert_eq!(ended.code, 2);
        assert_eq!(
            ended.stderr,
            format!(
                "tickcast: no exchange is configured; \
                 try: tickcast {role} --exchange kucoin=BTC-USDT,ETH-USDT"
            )
        );
    }
}

#[tokio::test]
async fn the_version_is_the_packages() {
    let version = start(&["--version"]).ended().await;
    assert_eq!(version.stdout, format!("tickcast {}", env!("CARGO_PKG_VERSION")));
}
