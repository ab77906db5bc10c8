//! The clients of a run: processes of this program that are told what to do, their results added
//! up.

use super::{
    builtin,
    process::{Cores, Program},
    server::{Publish, ServerSpec},
    side::Side,
};
use crate::swarm::{
    Group, Part, SwarmConfig,
    group::{Ask, Dialect, Reading},
    remote::{self, Said},
};
use std::{
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{ChildStdin, ChildStdout, Command},
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    time::timeout_at,
};

/// How long all clients may take to get in.
const SETTLE_DEADLINE: Duration = Duration::from_secs(180);
/// How long a process may take to answer anything else.
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);
/// Lines of all processes on their way ("crowd-said"); their readers wait when it is full.
const SAID_QUEUE: usize = 64;

/// The clients cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CrowdError {
    /// A process does not start, or has gone.
    #[error("a process of clients: {0}")]
    Process(#[from] io::Error),
    /// A process has ended, or says nothing.
    #[error("the clients {0}")]
    Silent(String),
}

/// All clients.
#[derive(Debug)]
pub struct Crowd {
    programs: Vec<(Program, ChildStdin)>,
    said: Receiver<Heard>,
}

/// The number of a process and what it said; nothing when it ended before it said all.
type Heard = (usize, Option<Said>);

impl Crowd {
    /// Starts the processes, which start to dial at once.
    ///
    /// # Errors
    /// [`CrowdError`] when one does not start.
    pub fn start(
        own: &Path,
        configs: Vec<SwarmConfig>,
        folder: &Path,
        cores: &Cores,
    ) -> Result<Self, CrowdError> {
        let (say, said) = mpsc::channel(SAID_QUEUE);
        let mut programs = Vec::new();
        let mut lines = Vec::new();
        for (number, config) in configs.into_iter().enumerate() {
            let mut command = Command::new(own);
            command.arg("swarm-part");
            let name = format!("clients-{number}");
            let mut program = Program::start(command, &name, folder, Some(cores), true)?;
            let (Some(stdin), Some(stdout)) = program.pipes() else {
                return Err(CrowdError::Silent("have no pipes".to_owned()));
            };
            listen(number, stdout, say.clone())?;
            programs.push((program, stdin));
            lines.push(serde_json::to_string(&config).map_err(io::Error::other)?);
        }
        // All are there before the first one dials.
        for ((_, stdin), line) in programs.iter_mut().zip(lines) {
            writeln!(stdin, "{line}")?;
        }
        Ok(Self { programs, said })
    }

    /// Waits until all clients are in or never will be; `look` is told how many are.
    ///
    /// # Errors
    /// [`CrowdError`] when a process ends or the deadline passes.
    pub async fn settle(&mut self, mut look: impl FnMut(usize)) -> Result<(), CrowdError> {
        let deadline = Instant::now() + SETTLE_DEADLINE;
        let mut settled = vec![0; self.programs.len()];
        let mut open = self.programs.len();
        while open > 0 {
            match self.next(deadline).await? {
                (number, Said::Settling(count)) => settled[number] = count,
                (_, Said::Settled) => open -= 1,
                (_, Said::Closed | Said::Part(_)) => {}
            }
            look(settled.iter().sum());
        }
        Ok(())
    }

    /// From now on is measured.
    ///
    /// # Errors
    /// [`CrowdError`] when a process is gone.
    pub fn open(&mut self) -> Result<(), CrowdError> {
        self.tell(remote::OPEN)
    }

    /// The end of the measured time.
    ///
    /// # Errors
    /// [`CrowdError`] when a process is gone.
    pub async fn close(&mut self) -> Result<(), CrowdError> {
        self.tell(remote::CLOSE)?;
        let deadline = Instant::now() + ANSWER_DEADLINE;
        let mut open = self.programs.len();
        while open > 0 {
            if let (_, Said::Closed) = self.next(deadline).await? {
                open -= 1;
            }
        }
        Ok(())
    }

    /// Ends all clients and adds up what they have seen.
    ///
    /// # Errors
    /// [`CrowdError`] when a process ends without saying it.
    pub async fn finish(mut self) -> Result<Part, CrowdError> {
        self.tell(remote::FINISH)?;
        let deadline = Instant::now() + ANSWER_DEADLINE;
        let mut all = Part::default();
        let mut missing = self.programs.len();
        while missing > 0 {
            if let (_, Said::Part(part)) = self.next(deadline).await? {
                all.merge(*part);
                missing -= 1;
            }
        }
        Ok(all)
    }

    fn tell(&mut self, order: &str) -> Result<(), CrowdError> {
        for (_, stdin) in &mut self.programs {
            writeln!(stdin, "{order}")?;
        }
        Ok(())
    }

    async fn next(&mut self, deadline: Instant) -> Result<(usize, Said), CrowdError> {
        match timeout_at(deadline.into(), self.said.recv()).await {
            Ok(Some((number, Some(said)))) => Ok((number, said)),
            Ok(_) => {
                let ended = self.programs.iter_mut().find_map(|(program, _)| program.ended());
                Err(CrowdError::Silent(ended.unwrap_or_else(|| "have ended".to_owned())))
            }
            Err(_) => Err(CrowdError::Silent("do not answer in time".to_owned())),
        }
    }
}

/// Reads a process's lines in a thread of its own.
fn listen(number: usize, output: ChildStdout, say: Sender<Heard>) -> io::Result<()> {
    let read = move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let Ok(said) = serde_json::from_str(&line) else { continue };
            let is_last = matches!(said, Said::Part(_));
            if say.blocking_send((number, Some(said))).is_err() || is_last {
                return;
            }
        }
        // The run is over for the others too.
        let _ = say.blocking_send((number, None));
    };
    let name = format!("bench-clients-{number}");
    std::thread::Builder::new().name(name).spawn(read).map(drop)
}

/// The configuration of each process for a side whose servers listen there.
#[must_use]
pub fn configs(side: &Side, spec: &ServerSpec, urls: &[String]) -> Vec<SwarmConfig> {
    let all = groups(side, spec);
    let mut first = 0;
    let part = |process: usize| {
        let of_process = |group: &Group| Group {
            clients: share(group.clients, process, side.processes),
            ..group.clone()
        };
        let groups: Vec<Group> = all.iter().map(of_process).collect();
        let config = SwarmConfig {
            urls: urls.to_vec(),
            groups,
            first,
            duration: Duration::from_secs(side.secs),
            connect_rate: side.connect_rate,
            tolerate_disconnects: side.expect.disconnects,
            threads: side.threads,
            ..SwarmConfig::new(String::new())
        };
        first += config.clients();
        config
    };
    (0..side.processes).map(part).collect()
}

/// The part of `count` that falls to one of `parts`.
fn share(count: usize, part: usize, parts: usize) -> usize {
    count * (part + 1) / parts - count * part / parts
}

fn groups(side: &Side, spec: &ServerSpec) -> Vec<Group> {
    let is_tickcast = matches!(spec.publish, Publish::Bus | Publish::Feed);
    let names = if side.topics.per_client == Some(0) { Vec::new() } else { builtin::topics(side) };
    let dialect = Dialect {
        hello: spec.hello.clone(),
        subscribed: spec.subscribed.clone(),
        replies: spec.replies.clone(),
        subprotocol: spec.subprotocol.clone(),
    };
    let base = Group {
        topics: names,
        per_client: side.topics.per_client,
        ask: if is_tickcast { Ask::Tickcast(Default::default()) } else { Ask::Other(dialect) },
        ..Group::new("all", side.clients)
    };
    if side.group.is_empty() {
        return vec![base];
    }
    let mut left = side.clients;
    let last = side.group.len() - 1;
    let group = |(number, spec): (usize, &super::side::GroupSpec)| {
        // A share of a count of clients, rounded: small and positive.
        let wanted = (side.clients as f64 * spec.share).round() as usize;
        let clients = if number == last { left } else { wanted.min(left) };
        left -= clients;
        let mut group = Group { name: spec.name.clone(), clients, ..base.clone() };
        group.reading = match (spec.stalled, spec.bytes_per_second) {
            (true, _) => Reading::Nothing,
            (false, Some(bytes)) => Reading::BytesPerSecond(bytes),
            (false, None) => Reading::All,
        };
        if is_tickcast {
            (group.format, group.deflate) = (spec.format, spec.deflate);
            group.ask = Ask::Tickcast(spec.settings());
        }
        group
    };
    side.group.iter().enumerate().map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        for (count, parts) in [(10, 3), (100_000, 6), (1, 4), (7, 7)] {
            let sum: usize = (0..parts).map(|part| share(count, part, parts)).sum();
            assert_eq!(sum, count);
        }
    }

    #[test]
    fn processes_have_their_part_of_every_group_and_clients_of_their_own() {
        let side: Side = toml::from_str(
            r#"
            clients = 100
            processes = 3
            [topics]
            count = 500
            rate = 1
            per_client = 20
            [[group]]
            name = "healthy"
            share = 0.99
            interval_ms = 100
            [[group]]
            name = "stalled"
            share = 0.01
            stalled = true
            "#,
        )
        .unwrap();
        let spec = builtin::tickcast(Path::new("tickcast"), &side, 1);
        let configs = configs(&side, &spec, &["ws://a/".to_owned()]);
        let firsts: Vec<usize> = configs.iter().map(|config| config.first).collect();
        let counts: Vec<usize> = configs.iter().map(SwarmConfig::clients).collect();
        assert_eq!((firsts, counts), (vec![0, 33, 66], vec![33, 33, 34]));
        let stalled = &configs[2].groups[1];
        assert_eq!((stalled.clients, stalled.reading), (1, Reading::Nothing));
        assert_eq!(stalled.wanted(), 20);
        let healthy = serde_json::to_string(&configs[0].groups[0].ask).unwrap();
        assert_eq!(healthy, r#"{"tickcast":{"interval_ms":100}}"#);
        let line = serde_json::to_string(&configs[0]).unwrap();
        let read: SwarmConfig = serde_json::from_str(&line).unwrap();
        assert_eq!(read.groups[0].ask, configs[0].groups[0].ask);
    }
}
