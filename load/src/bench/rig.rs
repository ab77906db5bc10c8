//! Everything that a run needs besides its clients: started, known to be ready, fed.

use super::{
    builtin,
    bus_watch::BusWatch,
    fetch,
    file::FileError,
    order::{Order, free_port},
    process::{Cores, Program},
    publish::{BusSink, HttpSink, NatsSink, Plan, PublishError, Publisher, RedisSink, Sink},
    server::{Need, Publish, ServerSpec},
    template::Template,
};
use crate::swarm::server::{ServerError, anonymous_kib};
use std::{
    fs, io,
    io::{BufRead, BufReader},
    net::Ipv4Addr,
    path::Path,
    process::{ChildStdin, Command},
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, time::sleep};

/// How long a server may take until it is ready.
const READY_DEADLINE: Duration = Duration::from_secs(20);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// A run's servers cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RigError {
    /// The description of another server is no good.
    #[error(transparent)]
    Spec(#[from] FileError),
    /// There is no such program.
    #[error("{0} is not installed")]
    Missing(String),
    /// A program does not start.
    #[error("cannot start {0}: {1}")]
    Start(String, io::Error),
    /// A program ended, or is not ready in time.
    #[error("{0}")]
    NotReady(String),
    /// It cannot be fed.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// It cannot be looked at.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A file or a port is not to be had.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// One process of the server under test.
#[derive(Debug)]
pub struct Instance {
    /// Where clients connect.
    pub url: String,
    /// Where metrics are, if it is Tickcast.
    pub metrics: Option<String>,
    program: Program,
}

/// The servers of a run. Dropped, they end.
#[derive(Debug)]
pub struct Rig {
    // First: it ends before what it publishes to.
    publisher: Option<Publisher>,
    watch: Option<BusWatch>,
    /// The server under test.
    pub instances: Vec<Instance>,
    /// What it is.
    pub spec: ServerSpec,
    helpers: Vec<Program>,
}

impl Rig {
    /// Starts all servers, waits until they are ready, and connects the publisher.
    ///
    /// # Errors
    /// [`RigError`]; what was started ends.
    pub async fn start(order: Order<'_>) -> Result<Self, RigError> {
        let Order { side, folder, layout, .. } = order;
        let spec = order.spec()?;
        let mut rig =
            Self { publisher: None, watch: None, instances: Vec::new(), spec, helpers: Vec::new() };
        let redis_port = free_port(Ipv4Addr::LOCALHOST)?;
        if rig.spec.needs.contains(&Need::Redis) {
            rig.start_redis(folder, redis_port).await?;
        }
        if side.watch_bus {
            rig.watch = Some(BusWatch::start(&format!("redis://127.0.0.1:{redis_port}"))?);
        }
        let plan = builtin::plan(side, order.size);
        match rig.spec.publish {
            Publish::Bus => {
                let (url, topics) =
                    (format!("redis://127.0.0.1:{redis_port}"), plan.topics.clone());
                let open =
                    move |clock: &_| Ok(Sink::Bus(Box::new(BusSink::open(&url, &topics, clock)?)));
                rig.publisher = Some(Publisher::start(plan.clone(), open)?);
            }
            Publish::Feed => rig.start_feed(order, redis_port)?,
            _ => {}
        }
        let mut first = None;
        for instance in 0..side.gateways {
            let template = order.template(instance, redis_port)?;
            let spec = rig.spec.filled(&template);
            let cores = layout.server.as_ref();
            let mut program = start(&spec, folder, instance, cores)?;
            let stdin = program.pipes().0;
            first.get_or_insert((spec.publish.clone(), stdin));
            wait_until_ready(&spec, &mut program, &template).await?;
            let is_tickcast = matches!(spec.publish, Publish::Bus | Publish::Feed);
            let metrics =
                is_tickcast.then(|| template.fill("http://127.0.0.1:{admin_port}/metrics"));
            rig.instances.push(Instance { url: spec.url, metrics, program });
        }
        if let Some((publish, stdin)) = first
            && rig.publisher.is_none()
        {
            rig.publisher = publisher(plan, publish, stdin, redis_port)?;
        }
        Ok(rig)
    }

    /// What publishes, unless the server or a feed does it.
    #[must_use]
    pub fn publisher(&self) -> Option<&Publisher> {
        self.publisher.as_ref()
    }

    /// What reads the bus beside the gateways, if that was asked for.
    #[must_use]
    pub fn bus_watch(&self) -> Option<&BusWatch> {
        self.watch.as_ref()
    }

    /// CPU seconds used so far by the server under test.
    ///
    /// # Errors
    /// [`RigError`] when it is gone.
    pub fn cpu_seconds(&self) -> Result<f64, RigError> {
        let each = self.instances.iter().map(|instance| instance.program.cpu_seconds());
        Ok(each.sum::<Result<f64, _>>()?)
    }

    /// Resident memory of the server under test, KiB.
    ///
    /// # Errors
    /// [`RigError`] when it is gone.
    pub fn resident_kib(&self) -> Result<u64, RigError> {
        let each = self.instances.iter().map(|instance| instance.program.resident_kib());
        Ok(each.sum::<Result<u64, _>>()?)
    }

    /// The part of it that is no page of a file, such as the programs' own.
    ///
    /// # Errors
    /// When one is gone.
    pub fn anonymous_kib(&self) -> Result<u64, RigError> {
        let pids = self.instances.iter().map(|instance| instance.program.pid().to_string());
        Ok(pids.map(|pid| anonymous_kib(&pid)).sum::<Result<u64, _>>()?)
    }

    /// Whether everything still runs.
    ///
    /// # Errors
    /// [`RigError::NotReady`] says what has ended.
    pub fn check(&mut self) -> Result<(), RigError> {
        let servers = self.instances.iter_mut().map(|instance| &mut instance.program);
        match servers.chain(&mut self.helpers).find_map(Program::ended) {
            Some(reason) => Err(RigError::NotReady(reason)),
            None => Ok(()),
        }
    }

    async fn start_redis(&mut self, folder: &Path, port: u16) -> Result<(), RigError> {
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
        command.args(["--appendonly", "no", "--dir"]).arg(folder);
        let mut program = launch(command, "redis-server", folder, None, false)?;
        let deadline = Instant::now() + READY_DEADLINE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            patience("redis-server", &mut program, deadline).await?;
        }
        self.helpers.push(program);
        Ok(())
    }

    fn start_feed(&mut self, order: Order<'_>, redis_port: u16) -> Result<(), RigError> {
        let Order { workshop, side, folder, .. } = order;
        let mut command = Command::new(&workshop.own);
        command.args(builtin::venue_words(side));
        let mut venue = launch(command, "venue", folder, None, true)?;
        let mut line = String::new();
        if let Some(output) = venue.pipes().1 {
            BufReader::new(output).read_line(&mut line)?;
        }
        let address = line.split_whitespace().find(|word| word.starts_with("http://"));
        let Some(address) = address else {
            return Err(RigError::NotReady(format!("the simulated exchange said {line:?}")));
        };
        let admin_port = free_port(Ipv4Addr::LOCALHOST)?;
        let path = folder.join("feed.toml");
        fs::write(&path, builtin::feed_config(side, redis_port, admin_port, address))?;
        let mut command = Command::new(&workshop.tickcast);
        command.args(["feed", "--log-level", "warn", "--config"]).arg(path);
        let feed = launch(command, "feed", folder, None, false)?;
        self.helpers.extend([feed, venue]);
        Ok(())
    }
}

fn launch(
    command: Command,
    name: &str,
    folder: &Path,
    cores: Option<&Cores>,
    piped: bool,
) -> Result<Program, RigError> {
    let program = command.get_program().to_string_lossy().into_owned();
    Program::start(command, name, folder, cores, piped).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => RigError::Missing(program),
        _ => RigError::Start(program, error),
    })
}

fn start(
    spec: &ServerSpec,
    folder: &Path,
    instance: usize,
    cores: Option<&Cores>,
) -> Result<Program, RigError> {
    for (name, text) in &spec.files {
        fs::write(folder.join(name), text)?;
    }
    let Some((program, words)) = spec.start.split_first() else {
        return Err(RigError::Missing("a server without a program".to_owned()));
    };
    let mut command = Command::new(program);
    command.args(words).envs(&spec.env).current_dir(folder);
    launch(command, &format!("server-{instance}"), folder, cores, false)
}

async fn wait_until_ready(
    spec: &ServerSpec,
    program: &mut Program,
    template: &Template,
) -> Result<(), RigError> {
    let deadline = Instant::now() + READY_DEADLINE;
    let address = template.fill("{host}:{port}");
    loop {
        let is_ready = match spec.ready.as_str() {
            "tcp" => TcpStream::connect(&address).await.is_ok(),
            url => fetch::get(url).await.is_ok_and(|(status, body)| {
                (200..300).contains(&status) && body.contains(&spec.ready_says)
            }),
        };
        if is_ready {
            return Ok(());
        }
        patience(&spec.name, program, deadline).await?;
    }
}

async fn patience(name: &str, program: &mut Program, deadline: Instant) -> Result<(), RigError> {
    if let Some(reason) = program.ended() {
        return Err(RigError::NotReady(reason));
    }
    if Instant::now() > deadline {
        let seconds = READY_DEADLINE.as_secs();
        return Err(RigError::NotReady(format!("{name} is not ready after {seconds} s")));
    }
    sleep(LOOK).await;
    Ok(())
}

fn publisher(
    plan: Plan,
    publish: Publish,
    stdin: Option<ChildStdin>,
    redis_port: u16,
) -> Result<Option<Publisher>, RigError> {
    if matches!(publish, Publish::Own | Publish::Bus | Publish::Feed) {
        return Ok(None);
    }
    let gone = || PublishError("the server has no standard input".to_owned());
    let open = move |_: &_| match publish {
        Publish::Own | Publish::Bus | Publish::Feed => Err(gone()),
        Publish::Http { url, method, headers, body } => {
            HttpSink::open(&url, &method, &headers, &body).map(Sink::Http)
        }
        Publish::Redis { channel, body } => {
            RedisSink::open(redis_port, &channel, &body).map(Sink::Redis)
        }
        Publish::Nats { subject, address } => NatsSink::open(&address, &subject).map(Sink::Nats),
        Publish::Stdin { line } => Ok(Sink::Pipe(stdin.ok_or_else(gone)?, line)),
        Publish::Tcp { address, line } => {
            let stream = std::net::TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            Ok(Sink::Tcp(stream, line))
        }
    };
    Ok(Some(Publisher::start(plan, open)?))
}
