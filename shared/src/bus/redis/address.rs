//! Addresses of a bus: one server, the sentinels of a master, the nodes of a cluster.

use crate::bus::Error;
use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion,
    RedisConnectionInfo, TlsCertificates,
};
use std::fmt;
use url::{Url, form_urlencoded};

/// Where sentinels listen unless they are told otherwise.
const SENTINEL_PORT: u16 = 26379;
/// Where Redis listens unless it is told otherwise.
const REDIS_PORT: u16 = 6379;

/// What an address names, checked; nothing is dialled.
pub(super) enum Address {
    /// One server.
    Server(ConnectionInfo),
    /// A master, by the name that its sentinels know.
    Sentinels {
        sentinels: Vec<Node>,
        /// How the sentinels are spoken to.
        witness: ConnectionInfo,
        name: String,
        /// How the master is spoken to; its host and port are the sentinels' to say.
        master: Box<ConnectionInfo>,
    },
    /// Some nodes of a cluster, and how all of them are spoken to.
    Cluster { seeds: Vec<Node>, template: ConnectionInfo },
}

/// A server by host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub host: String,
    pub port: u16,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl Node {
    /// That server, spoken to like another: its credentials, database and TLS.
    pub(super) fn like(&self, template: &ConnectionInfo) -> ConnectionInfo {
        let (host, port) = (self.host.clone(), self.port);
        let addr = match template.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            },
            _ => ConnectionAddr::Tcp(host, port),
        };
        template.clone().set_addr(addr)
    }
}

impl Address {
    /// # Errors
    /// [`Error::Unusable`] says what is wrong with it, without repeating its credentials.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let (scheme, several) = scheme.split_once('+').unwrap_or((scheme, ""));
        match (scheme, several) {
            ("redis" | "rediss" | "valkey" | "valkeys", "sentinel") => {
                Self::sentinels(scheme, &Parts::of(rest))
            }
            ("redis" | "rediss" | "valkey" | "valkeys", "cluster") => {
                Self::cluster(scheme, &Parts::of(rest))
            }
            _ => server(text).map(Self::Server),
        }
    }

    /// The same with these certificates.
    ///
    /// # Errors
    /// [`Error::Unusable`] when it is one without TLS.
    pub(super) fn secured(self, by: &TlsCertificates) -> Result<Self, Error> {
        Ok(match self {
            Self::Server(info) => Self::Server(secured(info, by)?),
            Self::Sentinels { sentinels, witness, name, master } => Self::Sentinels {
                sentinels,
                witness: secured(witness, by)?,
                name,
                master: Box::new(secured(*master, by)?),
            },
            Self::Cluster { seeds, template } => {
                Self::Cluster { seeds, template: secured(template, by)? }
            }
        })
    }

    fn sentinels(scheme: &str, parts: &Parts<'_>) -> Result<Self, Error> {
        let example = "write redis+sentinel://host:26379,host:26379/master-name";
        let (name, database) = parts.path.split_once('/').unwrap_or((parts.path, "0"));
        if name.is_empty() {
            return Err(unusable(format!("the master's name is missing; {example}")));
        }
        let sentinels = parts.nodes(SENTINEL_PORT, example)?;
        let master = parts.template(scheme, &sentinels[0], database)?;
        let witness = master.clone().set_redis_settings(sentinel_login(parts.query)?);
        let (name, master) = (name.to_owned(), Box::new(master));
        Ok(Self::Sentinels { sentinels, witness, name, master })
    }

    fn cluster(scheme: &str, parts: &Parts<'_>) -> Result<Self, Error> {
        if !parts.path.is_empty() {
            return Err(unusable("a cluster has no databases; leave out what follows the hosts"));
        }
        if !parts.query.is_empty() {
            return Err(unusable("a cluster's address takes no parameters"));
        }
        let example = "write redis+cluster://host:6379,host:6379";
        let seeds = parts.nodes(REDIS_PORT, example)?;
        let template = parts.template(scheme, &seeds[0], "")?;
        Ok(Self::Cluster { seeds, template })
    }
}

/// The address without credentials, for logs.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed =
            |nodes: &[Node]| nodes.iter().map(Node::to_string).collect::<Vec<_>>().join(",");
        match self {
            Self::Server(info) => write!(f, "{}", info.addr()),
            Self::Sentinels { sentinels, name, .. } => write!(f, "{}/{name}", listed(sentinels)),
            Self::Cluster { seeds, .. } => f.write_str(&listed(seeds)),
        }
    }
}

/// An address that names several hosts, which the URL standard has no word for.
struct Parts<'a> {
    /// `user:password`, escaped as in any URL.
    login: &'a str,
    hosts: &'a str,
    path: &'a str,
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn of(rest: &'a str) -> Self {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (login, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        Self { login, hosts, path, query }
    }

    /// The hosts with their ports; at least one.
    fn nodes(&self, default_port: u16, example: &str) -> Result<Vec<Node>, Error> {
        self.hosts.split(',').map(|host| node(host, default_port, example)).collect()
    }

    /// How a server is spoken to with this login.
    fn template(&self, scheme: &str, node: &Node, path: &str) -> Result<ConnectionInfo, Error> {
        let at = if self.login.is_empty() { "" } else { "@" };
        server(&format!("{scheme}://{}{at}{node}/{path}", self.login))
    }
}

fn node(host: &str, default_port: u16, example: &str) -> Result<Node, Error> {
    let wrong = || unusable(format!("{host:?} is no host with a port; {example}"));
    let url = Url::parse(&format!("redis://{host}")).map_err(|_| wrong())?;
    let name = url.host_str().filter(|name| !name.is_empty()).ok_or_else(wrong)?;
    let is_bare = url.username().is_empty() && url.path().is_empty() && url.fragment().is_none();
    if !is_bare || host.contains('@') {
        return Err(wrong());
    }
    let host = name.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(Node { host, port: url.port().unwrap_or(default_port) })
}

/// The sentinels' own credentials.
fn sentinel_login(query: &str) -> Result<RedisConnectionInfo, Error> {
    let login = RedisConnectionInfo::default().set_skip_set_lib_name();
    let mut login = login.set_protocol(ProtocolVersion::RESP3);
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        login = match &*key {
            "sentinel_user" => login.set_username(value),
            "sentinel_password" => login.set_password(value),
            _ => {
                return Err(unusable(format!(
                    "unknown parameter {key:?}; there are sentinel_user and sentinel_password"
                )));
            }
        };
    }
    Ok(login)
}

/// How one server is dialled.
fn server(text: &str) -> Result<ConnectionInfo, Error> {
    let url = Url::parse(text)
        .map_err(|error| unusable(format!("not a URL ({error}); write redis://127.0.0.1:6379")))?;
    check_scheme(url.scheme())?;
    let info = url.into_connection_info().map_err(|error| unusable(error.to_string()))?;
    // Who connects is seen by its user; naming the library would be another right to grant.
    let settings = info.redis_settings().clone().set_skip_set_lib_name();
    let settings = settings.set_protocol(ProtocolVersion::RESP3);
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    Ok(info.set_redis_settings(settings).set_tcp_settings(tcp))
}

fn secured(info: ConnectionInfo, by: &TlsCertificates) -> Result<ConnectionInfo, Error> {
    if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
        return Err(unusable(
            "[redis_tls] is for rediss://, rediss+sentinel:// and rediss+cluster://",
        ));
    }
    let client = Client::build_with_tls(info, by.clone());
    client.map(|client| client.get_connection_info().clone()).map_err(|it| unusable(it.to_string()))
}

fn check_scheme(scheme: &str) -> Result<(), Error> {
    match scheme {
        "redis" | "valkey" | "unix" | "redis+unix" | "valkey+unix" => Ok(()),
        "rediss" | "valkeys" => {
            // Somebody else may have chosen the process's TLS provider already, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
            Ok(())
        }
        _ => Err(unusable(format!(
            "{scheme}:// is not an address of Redis; write redis://, rediss://, unix://, \
             redis+sentinel:// or redis+cluster://"
        ))),
    }
}

fn unusable(text: impl Into<String>) -> Error {
    Error::Unusable(text.into())
}

#[cfg(test)]
mod tests;
