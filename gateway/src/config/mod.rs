//! The `[gateway]` section: one place for its keys and defaults.

mod limits;
mod sample;
mod tls;
mod topics;

pub use limits::Limits;
pub use tls::TlsConfig;

use crate::{
    auth::{
        config::{AuthConfig, Plans},
        validate,
    },
    http::forwarded::ForwardedHeader,
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, net::SocketAddr};
use tickcast_shared::market::{ExchangeId, Topic};

/// Everything a gateway can be told; every key has a default.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayConfig {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Where operators look; loopback unless said otherwise.
    pub admin_listen: SocketAddr,
    /// The exchange of a bare symbol.
    pub default_exchange: ExchangeId,
    /// Where proxies connect that send a PROXY v2 header before anything else; nowhere by default.
    pub proxy_listen: Option<SocketAddr>,
    /// Exact origins of web pages that may connect; `*` allows all. Unset: all, on loopback only.
    pub allowed_origins: Option<Vec<String>>,
    /// Whether clients may connect that name no origin: everything but browsers.
    pub allow_missing_origin: bool,
    /// Networks of proxies that are believed when they say on whose behalf they connect.
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which they say it: `x-forwarded-for` or `forwarded`.
    pub forwarded_header: ForwardedHeader,
    /// Whether clients that offer permessage-deflate get it: less to transfer, more to compute.
    pub deflate: bool,
    /// Whether passes go through io_uring where the kernel allows it: less CPU a delivery.
    pub io_uring: bool,
    /// Event loops that serve connections; 0 = one per core.
    pub shards: usize,
    /// The certificate of connections by TLS; unset: plain TCP.
    pub tls: Option<TlsConfig>,
    /// Tickers whose age and state are shown one by one on `/metrics`, at most 100: symbols of the
    /// default exchange, or topics in full.
    pub metrics_topics: Vec<String>,
    /// Bounds on what a client may do and how long things may take.
    pub limits: Limits,
    /// Who is let in; everyone, unless configured.
    pub auth: AuthConfig,
    /// What keys and tokens may say instead of limits, by name.
    pub plans: Plans,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            admin_listen: SocketAddr::from(([127, 0, 0, 1], 9090)),
            default_exchange: DEFAULT_EXCHANGE
                .parse()
                .unwrap_or_else(|_| unreachable!("a lower-case literal is a name")),
            proxy_listen: None,
            allowed_origins: None,
            allow_missing_origin: true,
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::default(),
            deflate: false,
            io_uring: false,
            shards: 0,
            tls: None,
            metrics_topics: Vec::new(),
            limits: Limits::default(),
            auth: AuthConfig::default(),
            plans: Plans::new(),
        }
    }
}

/// The exchange of a bare symbol, unless configured.
const DEFAULT_EXCHANGE: &str = "kucoin";

/// A value that no gateway can work with.
#[derive(Debug, thiserror::Error)]
#[error("{key} = {value}: {right}")]
pub struct BadValue {
    /// The key's full name.
    pub key: Cow<'static, str>,
    /// What was configured.
    pub value: String,
    /// What would be right.
    pub right: Cow<'static, str>,
}

/// Most shards that make sense; each is a thread.
const MAX_SHARDS: usize = 256;

impl GatewayConfig {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// [`BadValue`] names the first key that is out of range.
    pub fn validate(&self) -> Result<(), BadValue> {
        let bad = |key: &'static str, value: String, right: &'static str| {
            Err(BadValue { key: key.into(), value, right: right.into() })
        };
        if self.shards > MAX_SHARDS {
            return bad("gateway.shards", self.shards.to_string(), "at most 256; 0 = one per core");
        }
        self.limits.validate()?;
        topics::check(&self.metrics_topics, &self.default_exchange)?;
        validate::check(&self.auth, &self.plans, &self.default_exchange)?;
        if self.proxy_listen.is_some() && self.trusted_proxies.is_empty() {
            let right = "needs gateway.trusted_proxies = [\"10.0.0.0/8\"] or whatever network your \
                         proxies are in: nobody else may use it";
            let value = self.proxy_listen.map(|it| it.to_string()).unwrap_or_default();
            return bad("gateway.proxy_listen", value, right);
        }
        self.check_exposure("gateway.listen", self.listen)?;
        if let Some(address) = self.proxy_listen {
            self.check_exposure("gateway.proxy_listen", address)?;
        }
        let mut origins = self.allowed_origins.iter().flatten();
        match origins.find(|origin| !is_origin(origin)) {
            None => Ok(()),
            Some(origin) => bad(
                "gateway.allowed_origins",
                format!("{origin:?}"),
                "\"*\" or exact origins such as \"https://example.com\", without a path",
            ),
        }
    }

    /// Whoever lets other machines in has to say whom; everybody is an answer, silence is not.
    ///
    /// # Errors
    /// [`BadValue`] says how to decide.
    pub fn check_exposure(&self, key: &'static str, address: SocketAddr) -> Result<(), BadValue> {
        let is_guarded = self.allowed_origins.is_some() || self.auth.is_required();
        if address.ip().to_canonical().is_loopback() || is_guarded {
            return Ok(());
        }
        Err(BadValue {
            key: key.into(),
            value: address.to_string(),
            right: "other machines can connect, so say who may: gateway.allowed_origins = \
                    [\"https://your.site\"] for pages of your own, [\"*\"] for everybody, or configure \
                    gateway.auth; see README.md"
                .into(),
        })
    }

    /// Whether pages of any origin may connect.
    #[must_use]
    pub fn allows_all_origins(&self) -> bool {
        self.allowed_origins.as_ref().is_none_or(|list| list.iter().any(|it| it == "*"))
    }

    /// The topics of `metrics_topics`, each once.
    #[must_use]
    pub fn measured_topics(&self) -> Vec<Topic> {
        topics::parse(&self.metrics_topics, &self.default_exchange).flatten().collect()
    }

    /// How many event loops to start.
    #[must_use]
    pub fn shard_count(&self) -> usize {
        match self.shards {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            count => count,
        }
    }
}

/// `*`, or scheme and host as browsers send them (RFC 6454 section 6.2).
fn is_origin(text: &str) -> bool {
    text == "*"
        || text == "null"
        || text.split_once("://").is_some_and(|(scheme, host)| {
            !scheme.is_empty() && !host.is_empty() && !host.contains('/')
        })
}
