//! The systemd units: sound, hardened, and with commands that the program understands.

use crate::support::{Certificate, Market, Supervisor, start};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};
use tempfile::TempDir;

const UNITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docker-less-deploy/systemd");
/// Every unit, templates as instances.
const NAMES: [&str; 5] = [
    "tickcast-feed@main.service",
    "tickcast-gateway@8080.service",
    "tickcast-gateway@8080.socket",
    "tickcast.slice",
    "tickcast.target",
];
/// Most exposure that `systemd-analyze security` may find, in tenths of its 0 to 10.
const MAX_EXPOSURE: &str = "--threshold=20";

/// The units in a directory of their own, with this build as their program.
fn staged() -> TempDir {
    let directory = TempDir::new().expect("a directory");
    for unit in fs::read_dir(UNITS).expect("the units").flatten() {
        let text = fs::read_to_string(unit.path()).expect("a unit");
        let text = text.replace("/usr/bin/tickcast", env!("CARGO_BIN_EXE_tickcast"));
        fs::write(directory.path().join(unit.file_name()), text).expect("a copy");
    }
    directory
}

/// Asks about units of this directory before those of the machine.
fn analyze(units: &Path, args: &[&str]) -> Output {
    let mut command = Command::new("systemd-analyze");
    command.env("SYSTEMD_UNIT_PATH", format!("{}:", units.display()));
    command.args(args).output().expect("systemd-analyze is installed")
}

/// What systemd would find fault with, a line each.
fn mistakes(units: &Path) -> String {
    // The manual pages are made when the program is installed.
    let args = ["verify", "--man=no", "--recursive-errors=no"];
    let verified = analyze(units, &[&args[..], &NAMES].concat());
    let text = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert_eq!(verified.status.success(), text.is_empty(), "{text}");
    text
}

#[test]
fn every_unit_is_sound() {
    let units = staged();
    assert_eq!(mistakes(units.path()), "");
    let files: Vec<_> = fs::read_dir(UNITS).expect("the units").flatten().collect();
    assert_eq!(files.len(), NAMES.len() + 2, "all but user and modes: {files:?}");
}

#[test]
fn services_are_hardened() {
    let units = staged();
    for service in NAMES.iter().filter(|name| name.ends_with(".service")) {
        let checked = analyze(units.path(), &["security", "--offline=true", MAX_EXPOSURE, service]);
        let text = String::from_utf8_lossy(&checked.stdout).into_owned();
        println!("{}", text.lines().last().unwrap_or_default());
        assert!(checked.status.success(), "{text}");
    }
}

/// The values of a key, for this instance; `${CONFIG}` is the file in the working directory.
fn values(unit: &str, key: &str, instance: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(UNITS).join(unit)).expect("a unit");
    let values = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    values.map(|it| it.replace("%i", instance).replace("${CONFIG}", "tickcast.toml")).collect()
}

/// The arguments of a command of ours.
fn arguments(command: &str) -> Vec<String> {
    let own = command.strip_prefix("/usr/bin/tickcast ").expect("a command of ours");
    own.split(' ').map(str::to_owned).collect()
}

#[tokio::test]
async fn commands_and_settings_of_the_units_are_understood() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let units = [
        ("tickcast-feed@.service", "main", "TICKCAST_FEED__ADMIN_LISTEN"),
        ("tickcast-gateway@.service", "8080", "TICKCAST_GATEWAY__ADMIN_LISTEN"),
    ];
    for (unit, instance, admin) in units {
        // Nothing of ours: systemd gives it no credentials.
        assert_eq!(values(unit, "ExecReload", instance), ["/bin/kill -HUP $MAINPID"]);
        let (manager, args) =
            (Supervisor::listen(), arguments(&values(unit, "ExecStart", instance)[0]));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut start = manager.adopt(start(&args)).config(&market.config());
        for pair in values(unit, "Environment", instance).iter().flat_map(|it| it.split(' ')) {
            let (name, value) = pair.split_once('=').expect("NAME=VALUE");
            start = start.env(name, value);
        }
        // As an instance's own file would: the ports of the units may be taken here.
        let start = start.env(admin, "127.0.0.1:0");
        let _role = start.env("TICKCAST_GATEWAY__LISTEN", "127.0.0.1:0").spawn();
        manager.until("READY=1").await;
    }
}

#[tokio::test]
async fn the_example_configuration_is_sound() {
    let example = Path::new(UNITS).join("../config/tickcast.toml");
    let text = fs::read_to_string(&example).expect("the example");
    let ended = start(&["check", "--quiet"]).config(&text).ended().await;
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    // What is commented out can be used as well.
    let commented = text.lines().map(|line| {
        let setting = line.strip_prefix("# ").filter(|it| is_setting(it));
        setting.unwrap_or(line)
    });
    let text = commented.collect::<Vec<_>>().join("\n");
    assert!(text.contains("\n[gateway.tls]\n") && text.contains("\ntrusted_proxies"), "{text}");
    // The files that it names, where they can be made.
    let files = TempDir::new().expect("a directory");
    let _certificate = Certificate::write(files.path());
    fs::write(files.path().join("api-keys"), "").expect("a file");
    let directory = files.path().to_str().expect("a path in UTF-8");
    let text = text.replace("/etc/tickcast/tls/", &format!("{directory}/"));
    let text = text.replace("/etc/tickcast/api-keys", &format!("{directory}/api-keys"));
    let ended = start(&["check", "--quiet"]).config(&text).ended().await;
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
}

/// `[a.section]` or `key = value`, rather than prose.
fn is_setting(line: &str) -> bool {
    let is_key = |text: &str| text.chars().all(|it| it.is_ascii_lowercase() || it == '_');
    line.starts_with('[') || line.split_once(" = ").is_some_and(|(key, _)| is_key(key))
}
