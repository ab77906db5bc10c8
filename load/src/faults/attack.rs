//! Hostile clients in a process of their own.

use super::{FaultsError, scene::Scene};
use crate::{
    bench::process::{Cores, Program},
    hostile::{HostileConfig, HostileReport},
};
use std::{
    io::Read,
    path::Path,
    process::{ChildStdout, Command},
};
use tokio::task::spawn_blocking;

/// A running attack. Dropped, it ends.
pub(super) struct Attack {
    program: Program,
    output: ChildStdout,
}

impl Attack {
    pub(super) fn start(scene: &Scene, config: &HostileConfig) -> Result<Self, FaultsError> {
        Self::launch(&scene.workshop.own, config, scene.folder(), &scene.layout.load)
    }

    fn launch(
        own: &Path,
        config: &HostileConfig,
        folder: &Path,
        cores: &Cores,
    ) -> Result<Self, FaultsError> {
        let mut command = Command::new(own);
        command.args(words(config));
        let name = format!("hostile-{}", config.kind);
        let mut program = Program::start(command, &name, folder, Some(cores), true)?;
        let none = || FaultsError::Attack("has no output".to_owned());
        let output = program.pipes().1.ok_or_else(none)?;
        Ok(Self { program, output })
    }

    /// Waits for its end.
    pub(super) async fn report(self) -> Result<HostileReport, FaultsError> {
        let Self { mut program, mut output } = self;
        let read = spawn_blocking(move || {
            let mut text = String::new();
            output.read_to_string(&mut text).map(|_| text)
        });
        let text = read.await.map_err(|error| FaultsError::Attack(error.to_string()))??;
        serde_json::from_str(&text).map_err(|error| {
            let ended = program.ended().unwrap_or_else(|| error.to_string());
            FaultsError::Attack(ended)
        })
    }
}

/// The command line of an attack.
fn words(config: &HostileConfig) -> Vec<String> {
    let mut words = vec!["hostile".to_owned(), "--json".to_owned()];
    let mut add = |name: &str, value: String| words.extend([format!("--{name}"), value]);
    add("kind", config.kind.to_string());
    add("url", config.url.clone());
    add("clients", config.clients.to_string());
    add("secs", config.duration.as_secs().max(1).to_string());
    add("rate", config.rate.to_string());
    add("topics", config.topics.join(","));
    if let Some(source) = config.source {
        add("from", source.to_string());
    }
    if let Some(within) = config.within {
        add("within", within.as_secs().max(1).to_string());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::{Cli, Command},
        hostile::Kind,
    };
    use clap::Parser;
    use std::{net::Ipv4Addr, time::Duration};

    #[test]
    fn the_command_line_says_what_the_configuration_says() {
        let mut config = HostileConfig::new("ws://127.0.0.1:1/ws", Kind::Stalled);
        (config.clients, config.rate) = (7, 9);
        config.topics = vec!["a:*".to_owned(), "B-C".to_owned()];
        config.source = Some(Ipv4Addr::new(127, 0, 0, 2));
        config.within = Some(Duration::from_secs(3));
        let line = ["tickcast-load".to_owned()].into_iter().chain(words(&config));
        let Command::Hostile(args) = Cli::try_parse_from(line).unwrap().command else {
            panic!("another command")
        };
        let read = HostileConfig::from(args);
        assert_eq!(
            format!("{read:?}").replace("progress: true", "progress: false"),
            format!("{config:?}")
        );
    }
}
