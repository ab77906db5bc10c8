//! Every mistake in the configuration is one line that names the key, and exit code 2.

use crate::support::{Start, start};

/// The line that a mistake is told in.
async fn mistake(start: Start) -> String {
    let ended = start.ended().await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert_eq!(ended.stdout, "");
    let line = ended.stderr.strip_prefix("tickcast: ");
    line.unwrap_or_else(|| panic!("no prefix: {}", ended.stderr)).to_owned()
}

#[tokio::test]
async fn a_wrong_file_names_key_line_and_what_would_be_right() {
    for (text, wanted) in [
        (
            "[gateway]\nlistn = \"x\"\n",
            "tickcast.toml:2: unknown key gateway.listn; the nearest known one is gateway.listen",
        ),
        (
            "[gateway.limits]\nmax_topics = \"many\"\n",
            "tickcast.toml:2: gateway.limits.max_topics = \"many\" does not fit: \
             expected a whole number, 0 or more, for example 1024",
        ),
        (
            "[gateway]\nlisten = \"8080\"\n",
            "tickcast.toml:2: gateway.listen = \"8080\" does not fit: \
             invalid socket address syntax, for example \"127.0.0.1:8080\"",
        ),
        (
            "[[feed.exchange]]\nname = \"kucoin\"\nsymbols = [\"BTC-USDT\"]\nwsurl = \"x\"\n",
            "tickcast.toml:4: unknown key feed.exchange[0].wsurl; \
             the nearest known one is feed.exchange[0].ws_url",
        ),
    ] {
        for command in ["check", "gateway", "feed", "run", "demo"] {
            assert_eq!(mistake(start(&[command]).config(text)).await, wanted, "{command}");
        }
    }
}

#[tokio::test]
async fn broken_toml_names_file_and_line() {
    let line = mistake(start(&["check"]).config("redis_url = \"x\"\n[gateway\n")).await;
    assert!(line.starts_with("tickcast.toml:2: not TOML: "), "{line}");
}

#[tokio::test]
async fn a_file_that_was_named_must_exist() {
    let line = mistake(start(&["check", "--config", "other.toml"])).await;
    assert!(line.starts_with("other.toml: cannot be read: "), "{line}");
}

#[tokio::test]
async fn an_unknown_variable_names_the_one_that_was_meant() {
    let line = mistake(start(&["check"]).env("TICKCAST_GATEWAY__LISTN", "x")).await;
    assert_eq!(
        line,
        "TICKCAST_GATEWAY__LISTN: unknown key gateway.listn; \
         the nearest known one is gateway.listen (TICKCAST_GATEWAY__LISTEN)"
    );
}

#[tokio::test]
async fn a_wrong_flag_names_itself() {
    let line = mistake(start(&["gateway", "--listen", "here"])).await;
    assert!(line.starts_with("--listen: gateway.listen = \"here\" does not fit: "), "{line}");
    let line = mistake(start(&["gateway", "--lisen", "127.0.0.1:0"])).await;
    assert!(line.contains("'--lisen'") && line.contains("'--listen'"), "{line}");
    let line = mistake(start(&["feed", "--exchange", "kucoin"])).await;
    assert!(line.contains("kucoin=BTC-USDT,ETH-USDT"), "{line}");
}

#[tokio::test]
async fn a_wrong_log_level_or_format_says_which_there_are() {
    let line = mistake(start(&["gateway", "--log-level", "loud"])).await;
    assert!(line.contains("\"loud\"") && line.contains("error, warn, info"), "{line}");
    let line = mistake(start(&["gateway"]).env("TICKCAST_LOG", "loud")).await;
    assert!(line.contains("error, warn, info"), "{line}");
    let line = mistake(start(&["gateway", "--log-format", "xml"])).await;
    assert!(line.contains("expected text or json"), "{line}");
}

#[tokio::test]
async fn values_out_of_range_are_mistakes() {
    let text = "[gateway.limits]\nmax_topics = 0\n";
    let line = mistake(start(&["check"]).config(text)).await;
    assert!(line.contains("gateway.limits.max_topics = 0"), "{line}");
    let line = mistake(start(&["check", "--exchange", "kucion=BTC-USDT"])).await;
    assert!(line.contains("kucion") && line.contains("kucoin"), "{line}");
    let line = mistake(start(&["check", "--exchange", "kucoin=BTCUSDT"])).await;
    assert!(line.contains("BTCUSDT") && line.contains("BTC-USDT"), "{line}");
    let flags = ["feed", "--exchange", "kucoin=BTC-USDT", "--partition", "4/3"];
    let line = mistake(start(&flags)).await;
    assert!(line.starts_with("feed.partition = \"4/3\" is not a part"), "{line}");
    let line = mistake(start(&["feed", "--group", "Main"])).await;
    assert!(line.starts_with("feed.group = \"Main\" is not a group name"), "{line}");
}

#[tokio::test]
async fn a_wrong_redis_address_does_not_tell_its_password() {
    for url in ["http://me:hush@localhost", "redis://me:hush@"] {
        let line = mistake(start(&["gateway", "--redis-url", url])).await;
        assert!(line.contains("redis_url") && !line.contains("hush"), "{line}");
    }
}

#[tokio::test]
async fn check_prints_what_is_in_force_without_secrets() {
    let text = "redis_url = \"redis://me:hush@10.0.0.1\"\n[gateway.limits]\nmax_topics = 5\n";
    let checked = start(&["check", "--exchange", "okx=BTC-USDT"])
        .config(text)
        .env("TICKCAST_GATEWAY__LISTEN", "127.0.0.1:1234")
        .ended()
        .await;
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""));
    let shown: toml::Table = checked.stdout.parse().unwrap();
    assert_eq!(shown["redis_url"].as_str(), Some("redis://me:***@10.0.0.1"));
    let gateway = &shown["gateway"];
    assert_eq!(gateway["listen"].as_str(), Some("127.0.0.1:1234"));
    assert_eq!(gateway["limits"]["max_topics"].as_integer(), Some(5));
    assert_eq!(shown["feed"]["exchange"][0]["name"].as_str(), Some("okx"));
}

#[tokio::test]
async fn what_check_prints_is_a_file_that_can_be_used() {
    let printed = start(&["check", "--exchange", "okx=BTC-USDT"]).ended().await.stdout;
    let again = start(&["check"]).config(&printed).ended().await;
    assert_eq!((again.code, again.stdout), (0, printed));
}

#[tokio::test]
async fn a_certificate_that_is_missing_is_a_mistake() {
    let text = "[gateway.tls]\ncertificate = \"none.pem\"\nprivate_key = \"none.key\"\n";
    let flags = ["gateway", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let line = mistake(start(&flags).args(&["--log-level", "off"]).config(text)).await;
    let wanted = "gateway.tls.certificate = \"none.pem\": cannot be read: ";
    assert!(line.starts_with(wanted), "{line}");
    let line = mistake(start(&flags).config("[gateway.tls]\ncertificate = \"a\"\n")).await;
    assert!(line.contains("gateway.tls.private_key is missing"), "{line}");
}

#[tokio::test]
async fn check_opens_the_files_that_its_role_would_open() {
    for (text, wanted) in [
        (
            "[gateway.tls]\ncertificate = \"none.pem\"\nprivate_key = \"none.key\"\n",
            "gateway.tls.certificate = \"none.pem\": cannot be read: ",
        ),
        (
            "[gateway.auth]\napi_keys_file = \"none\"\n",
            "gateway.auth.api_keys_file = \"none\" does not fit: ",
        ),
        (
            "[[gateway.auth.jwt]]\nalgorithm = \"RS256\"\npublic_key_file = \"none\"\n\
             issuer = \"a\"\naudience = \"b\"\n",
            "gateway.auth.jwt[0].public_key_file = \"none\" does not fit: ",
        ),
    ] {
        let line = mistake(start(&["check"]).config(text)).await;
        assert!(line.starts_with(wanted), "{line}");
        let line = mistake(start(&["check", "--role", "gateway"]).config(text)).await;
        assert!(line.starts_with(wanted), "{line}");
        let feed = start(&["check", "--role", "feed", "--exchange", "okx=BTC-USDT"]).config(text);
        assert_eq!(feed.ended().await.code, 0, "another machine's files: {text}");
    }
    let line = mistake(start(&["check", "--role", "feed"])).await;
    assert!(line.starts_with("no exchange is configured"), "{line}");
}

#[tokio::test]
async fn the_log_can_be_configured_by_file_environment_and_flags() {
    let text = "log_level = \"debug\"\nlog_format = \"json\"\n";
    let shown = async |start: crate::support::Start| {
        let shown: toml::Table = start.config(text).ended().await.stdout.parse().unwrap();
        ["log_level", "log_format"].map(|key| shown[key].as_str().unwrap().to_owned())
    };
    assert_eq!(shown(start(&["check"])).await, ["debug", "json"]);
    let by_environment = start(&["check"]).env("TICKCAST_LOG_LEVEL", "error");
    let by_environment = by_environment.env("TICKCAST_LOG_FORMAT", "text");
    assert_eq!(shown(by_environment).await, ["error", "text"]);
    let line = mistake(start(&["check"]).config("log_format = \"xml\"\n")).await;
    assert!(line.contains("log_format = \"xml\" does not fit: expected"), "{line}");
    let line = mistake(start(&["check"]).config("log_level = \"loud\"\n")).await;
    assert!(line.starts_with("log_level = \"loud\" does not fit"), "{line}");
}

#[tokio::test]
async fn a_taken_port_names_the_flag() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (flag, other) in [("--listen", "--admin-listen"), ("--admin-listen", "--listen")] {
        let ended = start(&["gateway", flag, &address, other, "127.0.0.1:0", "--log-level", "off"])
            .ended()
            .await;
        assert_eq!(ended.code, 1);
        assert_eq!(
            ended.stderr,
            format!(
                "tickcast: {address} is in use: \
                 stop the other process or choose another with {flag}"
            )
        );
    }
}

#[tokio::test]
async fn a_mistake_is_told_before_a_taken_port() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let exchange = "[[feed.exchange]]\nname = \"kucoin\"\nsymbols = [\"BTC-USDT\"]\n";
    let text = format!("{exchange}[gateway.auth]\napi_keys_file = \"none\"\n");
    for role in ["gateway", "run", "demo"] {
        let start = start(&[role, "--listen", &address, "--admin-listen", &address]);
        let line = mistake(start.args(&["--log-level", "off"]).config(&text)).await;
        assert!(line.starts_with("gateway.auth.api_keys_file = \"none\""), "{role}: {line}");
    }
}

#[tokio::test]
async fn who_lets_other_machines_in_has_to_say_whom() {
    for command in ["check", "gateway", "run", "demo"] {
        let admin = if command == "check" { &[][..] } else { &["--admin-listen", "127.0.0.1:0"] };
        let start = start(&[command, "--listen", "0.0.0.0:0"])
            .args(admin)
            .config("[[feed.exchange]]\nname = \"kucoin\"\nsymbols = [\"BTC-USDT\"]\n");
        let line = mistake(start).await;
        assert!(
            line.starts_with("gateway.listen = 0.0.0.0:0: other machines can connect"),
            "{line}"
        );
        assert!(line.contains("gateway.allowed_origins = [\"https://your.site\"]"), "{line}");
    }
    let proxied = "[gateway]\nproxy_listen = \"0.0.0.0:0\"\ntrusted_proxies = [\"10.0.0.0/8\"]\n";
    let line = mistake(start(&["check"]).config(proxied)).await;
    assert!(line.starts_with("gateway.proxy_listen = 0.0.0.0:0: other machines"), "{line}");
    for answer in ["[\"*\"]", "[\"https://prices.example\"]"] {
        let file = format!("[gateway]\nlisten = \"0.0.0.0:0\"\nallowed_origins = {answer}\n");
        assert_eq!(start(&["check"]).config(&file).ended().await.code, 0, "{answer}");
    }
    let line =
        mistake(start(&["check"]).config("[gateway]\nproxy_listen = \"127.0.0.1:0\"\n")).await;
    assert!(line.contains("gateway.trusted_proxies"), "{line}");
}

#[tokio::test]
async fn a_secret_may_come_from_the_service_manager() {
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("tickcast_redis_url");
    std::fs::write(&file, "redis://feed:hush@10.0.0.1:6379\n").unwrap();
    let path = directory.path().to_str().unwrap();
    let check = |text: &str| start(&["check"]).config(text).env("CREDENTIALS_DIRECTORY", path);
    let ended = check("redis_url = \"credential:tickcast_redis_url\"\n").ended().await;
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(ended.stdout.contains("\nredis_url = \"redis://feed:***@10.0.0.1:6379\""));

    let misspelt = "redis_url = \"credential:redis_url\"\n";
    let line = mistake(check(misspelt)).await;
    let wanted =
        "tickcast.toml:1: redis_url = \"credential:redis_url\" does not fit: there is no file";
    assert!(line.starts_with(wanted) && line.contains("credential:tickcast_redis_url"), "{line}");
    std::fs::write(&file, "hush").unwrap();
    let line = mistake(check("redis_url = \"credential:tickcast_redis_url\"\n")).await;
    assert!(line.contains("holds no address") && !line.contains("hush"), "{line}");
    let line = mistake(start(&["check"]).config(misspelt)).await;
    assert!(line.contains("CREDENTIALS_DIRECTORY is not set"), "{line}");
}

#[tokio::test]
async fn check_can_be_quiet() {
    let ended = start(&["check", "--quiet"]).ended().await;
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "", ""));
    let line = mistake(start(&["check", "--quiet"]).config("[gateway]\nlistn = \"x\"\n")).await;
    assert!(line.contains("gateway.listn"), "{line}");
}
