//! The command explains itself.

use crate::support::start;
use clap::CommandFactory;

/// Columns of a terminal that nobody has made wider.
const COLUMNS: usize = 80;

/// A command's help and those of its own commands, by how they are asked for.
async fn helps() -> Vec<(String, String)> {
    let mut asked = vec![vec![], vec!["generate".to_owned()]];
    let mut helps = Vec::new();
    while let Some(words) = asked.pop() {
        let args: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
        let help = start(&args).ended().await;
        assert_eq!(help.code, 0, "{words:?}");
        let commands = help.stdout.lines().skip_while(|line| *line != "Commands:").skip(1);
        let commands = commands.take_while(|line| !line.is_empty());
        let names = commands.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
        for name in names.filter(|name| !matches!(*name, "" | "help")) {
            asked.push(words.iter().cloned().chain([name.to_owned()]).collect());
        }
        helps.push((format!("tickcast {}", words.join(" ")), help.stdout));
    }
    helps
}

/// The same of the load tools, written by clap itself.
fn load_helps(command: &mut clap::Command, helps: &mut Vec<(String, String)>) {
    helps.push((command.get_name().to_owned(), command.render_long_help().to_string()));
    for command in command.get_subcommands_mut().filter(|it| it.get_name() != "help") {
        load_helps(command, helps);
    }
}

#[tokio::test]
async fn every_help_fits_a_terminal_and_says_what_to_expect() {
    let mut helps = helps().await;
    assert!(helps.len() >= 15, "{} helps of tickcast", helps.len());
    let mut load = tickcast_load::cli::Cli::command();
    load.build();
    load_helps(&mut load, &mut helps);
    assert!(helps.len() >= 24, "{} helps", helps.len());
    for (command, help) in helps {
        for line in help.lines() {
            assert!(line.chars().count() <= COLUMNS, "{command}: {line}");
        }
        assert!(help.contains("Example") || help.contains("Prints"), "{command}: {help}");
    }
}

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
        ("watch", &["--url", "--json", "--count", "--plain", "Ctrl-C"]),
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
