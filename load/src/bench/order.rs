//! What a rig is made from: programs, folders, ports, and the description of its server.

use super::{
    builtin,
    process::{Cores, Layout},
    rig::RigError,
    server::ServerSpec,
    side::Side,
    template::Template,
};
use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
};

/// Programs and folders that do not change from run to run.
#[derive(Debug, Clone)]
pub struct Workshop {
    /// The `tickcast` binary.
    pub tickcast: PathBuf,
    /// This program.
    pub own: PathBuf,
    /// Cores that may be used.
    pub cores: Cores,
    /// Folder of other servers' descriptions.
    pub peers: PathBuf,
}

/// What a rig is made from.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// Programs and folders.
    pub workshop: &'a Workshop,
    /// What is asked for.
    pub side: &'a Side,
    /// Who runs where.
    pub layout: &'a Layout,
    /// Bytes of a payload.
    pub size: usize,
    /// Scratch folder.
    pub folder: &'a Path,
}

impl Order<'_> {
    /// The description of its server, placeholders unfilled.
    pub(super) fn spec(&self) -> Result<ServerSpec, RigError> {
        let Self { workshop, side, .. } = self;
        let threads = self.threads();
        match side.server.as_str() {
            builtin::TICKCAST => Ok(builtin::tickcast(&workshop.tickcast, side, threads)),
            builtin::LIMIT => Ok(builtin::limit(&workshop.own, side)),
            name => Ok(ServerSpec::read(&workshop.peers.join(format!("{name}.toml")))?),
        }
    }

    /// Cores of each process of the server.
    fn threads(&self) -> usize {
        let cores = self.layout.server.as_ref().unwrap_or(&self.layout.load);
        (cores.0.len() / self.side.gateways).max(1)
    }

    /// What the placeholders of a process stand for.
    pub(super) fn template(&self, instance: usize, redis_port: u16) -> Result<Template, RigError> {
        // Processes of one server listen on addresses of their own; there are 254 of them.
        let number = u8::try_from(instance % 254).unwrap_or(0) + 1;
        let host = Ipv4Addr::new(127, 0, 0, number);
        let here = match self.side.server.as_str() {
            builtin::TICKCAST | builtin::LIMIT => PathBuf::from("."),
            _ => self.workshop.peers.canonicalize()?,
        };
        let mut values = vec![
            ("instance", instance.to_string()),
            ("host", host.to_string()),
            ("dir", self.folder.display().to_string()),
            ("here", here.display().to_string()),
            ("redis_port", redis_port.to_string()),
            ("topics", builtin::topics(self.side).join(",")),
            ("clients", self.side.clients.to_string()),
            ("rate", self.side.topics.rate.to_string()),
            ("size", self.size.to_string()),
            ("threads", self.threads().to_string()),
        ];
        values.push(("port", free_port(host)?.to_string()));
        for name in ["admin_port", "extra_port"] {
            values.push((name, free_port(Ipv4Addr::LOCALHOST)?.to_string()));
        }
        Ok(Template::new(values))
    }
}

/// A port that nobody listens on now.
pub(crate) fn free_port(host: Ipv4Addr) -> io::Result<u16> {
    Ok(TcpListener::bind((host, 0))?.local_addr()?.port())
}
