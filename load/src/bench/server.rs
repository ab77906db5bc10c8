//! A server under test: how it is started, dialled, fed, and known to be ready.
//!
//! Tickcast's gateway and the bare loop are described by this program itself. Any other server is
//! a TOML file in `load/peers/`, named by its stem (`server = "ws"` in a scenario means
//! `load/peers/ws.toml`):
//!
//! ```toml
//! name = "ws 8 on Node 20"                     # in tables
//! version = ["node", "--version"]              # its first line of output is recorded (optional)
//! needs = ["redis"]                            # servers to be started before it (optional)
//! start = ["node", "{here}/ws.mjs", "{port}"]  # a program that cannot be found: side is skipped
//! ready = "tcp"                                # {port} accepts; or "http://..." answers 2xx
//! url = "ws://127.0.0.1:{port}/ws"             # tcp://host:port: no WebSocket, plain bytes
//! hello = ['{"subscribe":"{topic}"}']          # sent after connecting, one message each
//! subscribed = '"ok":true'                     # a message with this: the client is in (optional)
//! replies = { "2" = "3" }                      # whole messages to be answered at once (optional)
//! publish = { kind = "stdin" }                 # see [`Publish`]
//! [env]                                        # added to the environment (optional)
//! NODE_ENV = "production"
//! [files]                                      # written into {dir} before the start (optional)
//! "server.conf" = "port = {port}"
//! ```
//!
//! Placeholders are replaced in every text but `name`: `{port}` `{admin_port}` `{extra_port}` (free
//! ones), `{host}` (127.0.0.1, or another loopback address for further instances), `{dir}` (scratch
//! folder), `{here}` (folder of the TOML file), `{redis_port}`, `{clients}`, `{rate}` (updates a
//! second of each topic), `{size}` (bytes of a message), `{topics}` (all, with commas between them),
//! `{threads}` (cores it may use), `{instance}` (number of the process). In `hello`
//! and `publish` also `{topic}`, such as `T0-USDT`: a hello with it is sent once a topic. Other
//! braces stay as they are.
//!
//! Every delivery must contain the update's payload, JSON as this program made it, in which
//! `"bid_qty":"<stamp>"` is the due time. It may be wrapped, escaped as a JSON text, or stand in
//! one frame with others: a stamp is a delivery. The server's CPU time and memory are those of the
//! started process and all its descendants; all of them end with the run.

use super::{file::FileError, template::Template};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// A server under test, its placeholders still to be filled.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSpec {
    /// How tables call it.
    pub name: String,
    /// A command that prints the version.
    #[serde(default)]
    pub version: Vec<String>,
    /// What has to run before it.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Program and arguments.
    pub start: Vec<String>,
    /// Added to the environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Files to be written into `{dir}`, by name.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// `tcp`, or an address that answers with success.
    pub ready: String,
    /// What the answer of `ready` must contain.
    #[serde(default)]
    pub ready_says: String,
    /// Where clients connect: `ws://` or `tcp://`.
    pub url: String,
    /// The WebSocket subprotocol to ask for.
    #[serde(default)]
    pub subprotocol: Option<String>,
    /// Sent by each client after connecting.
    #[serde(default)]
    pub hello: Vec<String>,
    /// Text of the message after which a client has its subscription.
    #[serde(default)]
    pub subscribed: Option<String>,
    /// Messages that are answered at once, such as a protocol's own pings.
    #[serde(default)]
    pub replies: BTreeMap<String, String>,
    /// How updates reach it.
    pub publish: Publish,
    /// Folder of the description, for `{here}`.
    #[serde(skip)]
    pub here: PathBuf,
}

/// Another server that must run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// A `redis-server` without persistence on `{redis_port}`.
    Redis,
}

/// How updates reach a server. `{payload}` stands for the payload, `{payload_text}` for the same
/// escaped for the inside of a JSON text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Publish {
    /// The server makes `{rate}` updates a second of `{size}` bytes by itself.
    #[serde(rename = "self")]
    Own,
    /// Tickcast's bus on Redis; for the gateway only.
    Bus,
    /// Tickcast's feed, connected to a simulated exchange; for the gateway only.
    Feed,
    /// A request for each update on one connection that is kept open.
    Http {
        /// `http://host:port/path`.
        url: String,
        /// POST unless said otherwise.
        #[serde(default = "post")]
        method: String,
        /// Header lines by name.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The request's body.
        #[serde(default = "payload")]
        body: String,
    },
    /// `PUBLISH` on the Redis of `needs`.
    Redis {
        /// The channel.
        channel: String,
        /// The message.
        #[serde(default = "payload")]
        body: String,
    },
    /// `PUB` in the NATS text protocol.
    Nats {
        /// The subject.
        subject: String,
        /// Where, `host:port`.
        #[serde(default = "own_port")]
        address: String,
    },
    /// One line on the standard input of the started process.
    Stdin {
        /// The line, without its end.
        #[serde(default = "payload")]
        line: String,
    },
    /// One line on a TCP connection that is kept open.
    Tcp {
        /// Where, `host:port`.
        address: String,
        /// The line, without its end.
        #[serde(default = "payload")]
        line: String,
    },
}

fn post() -> String {
    "POST".to_owned()
}

fn payload() -> String {
    "{payload}".to_owned()
}

fn own_port() -> String {
    "127.0.0.1:{port}".to_owned()
}

impl ServerSpec {
    /// Reads a description.
    ///
    /// # Errors
    /// [`FileError`] names the file and the key.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = fs::read_to_string(path)
            .map_err(|source| FileError::Read { path: path.to_owned(), source })?;
        let wrong = |message| FileError::Wrong { path: path.to_owned(), message };
        let mut spec: Self = toml::from_str(&text)
            .map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        if spec.start.is_empty() {
            return Err(wrong("start: name a program".to_owned()));
        }
        if !spec.url.starts_with("ws://") && !spec.url.starts_with("tcp://") {
            return Err(wrong("url: write ws:// or tcp://".to_owned()));
        }
        if spec.ready != "tcp" && !spec.ready.starts_with("http://") {
            return Err(wrong("ready: write \"tcp\" or an http:// address".to_owned()));
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        spec.here = folder
            .canonicalize()
            .map_err(|source| FileError::Read { path: folder.to_owned(), source })?;
        Ok(spec)
    }

    /// The same with its placeholders replaced; those that change with an update or a topic stay.
    #[must_use]
    pub fn filled(&self, template: &Template) -> Self {
        let fill = |text: &String| template.fill(text);
        let all = |texts: &[String]| texts.iter().map(fill).collect();
        let values = |map: &BTreeMap<String, String>| {
            map.iter().map(|(key, text)| (key.clone(), fill(text))).collect()
        };
        Self {
            name: self.name.clone(),
            version: all(&self.version),
            needs: self.needs.clone(),
            start: all(&self.start),
            env: values(&self.env),
            files: self.files.iter().map(|(name, text)| (fill(name), fill(text))).collect(),
            ready: fill(&self.ready),
            ready_says: fill(&self.ready_says),
            url: fill(&self.url),
            subprotocol: self.subprotocol.as_ref().map(fill),
            hello: all(&self.hello),
            subscribed: self.subscribed.as_ref().map(fill),
            replies: self.replies.clone(),
            publish: self.publish.filled(template),
            here: self.here.clone(),
        }
    }
}

impl Publish {
    fn filled(&self, template: &Template) -> Self {
        let fill = |text: &String| template.fill(text);
        match self {
            Self::Own | Self::Bus | Self::Feed => self.clone(),
            Self::Http { url, method, headers, body } => Self::Http {
                url: fill(url),
                method: method.clone(),
                headers: headers.iter().map(|(key, text)| (key.clone(), fill(text))).collect(),
                body: fill(body),
            },
            Self::Redis { channel, body } => {
                Self::Redis { channel: fill(channel), body: fill(body) }
            }
            Self::Nats { subject, address } => {
                Self::Nats { subject: fill(subject), address: fill(address) }
            }
            Self::Stdin { line } => Self::Stdin { line: fill(line) },
            Self::Tcp { address, line } => Self::Tcp { address: fill(address), line: fill(line) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = r#"
        name = "ws"
        needs = ["redis"]
        start = ["node", "{here}/ws.mjs", "{port}"]
        ready = "tcp"
        url = "ws://127.0.0.1:{port}/ws"
        hello = ['{"subscribe":"{topic}"}']
        replies = { "2" = "3" }
        publish = { kind = "http", url = "http://127.0.0.1:{port}/{topic}" }
        [files]
        "a.conf" = "server { listen {port}; }"
    "#;

    fn read(text: &str) -> Result<ServerSpec, FileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("peer.toml");
        fs::write(&path, text).unwrap();
        ServerSpec::read(&path)
    }

    #[test]
    fn a_description_is_read_and_filled() {
        let template = Template::new([("port", "81".to_owned()), ("here", "/x".to_owned())]);
        let spec = read(PEER).unwrap().filled(&template);
        assert_eq!(spec.start, ["node", "/x/ws.mjs", "81"]);
        assert_eq!(spec.files["a.conf"], "server { listen 81; }");
        assert_eq!(spec.hello, [r#"{"subscribe":"{topic}"}"#]);
        let Publish::Http { url, method, body, .. } = spec.publish else { panic!("not HTTP") };
        assert_eq!(
            (url.as_str(), method.as_str(), body.as_str()),
            ("http://127.0.0.1:81/{topic}", "POST", "{payload}")
        );
    }

    #[test]
    fn mistakes_name_the_file_and_the_key() {
        let cases = [
            (PEER.replace("url = \"ws:", "url = \"wss:"), "url"),
            (PEER.replace("ready = \"tcp\"", "ready = \"soon\""), "ready"),
            (PEER.replace("needs", "wants"), "wants"),
            (PEER.replace("kind = \"http\"", "kind = \"mail\""), "mail"),
        ];
        for (text, named) in cases {
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains("peer.toml") && error.contains(named), "{error}");
        }
    }
}
