//! Other settings in a running gateway: what is in force, and how it is replaced as a whole.

use crate::{
    GatewayError,
    auth::Auth,
    config::GatewayConfig,
    descriptors,
    http::{self, App, tls::certificate::Pem},
};
use axum::Router;
use std::{net::SocketAddr, sync::Arc};
use tokio::sync::watch;

/// What is in force: the settings and what was made of them.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The settings.
    pub config: Arc<GatewayConfig>,
    /// Who is let in; none if everyone is.
    pub auth: Option<Arc<Auth>>,
    /// What is answered.
    pub routes: Router,
}

/// The [`Setup`] that is in force now, and its successors.
pub type InForce = watch::Receiver<Arc<Setup>>;

/// Replaces the settings of a running gateway. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reload {
    app: App,
    setups: watch::Sender<Arc<Setup>>,
    /// Where it listens in truth, whatever the settings say by now.
    public: SocketAddr,
    proxied: Option<SocketAddr>,
}

/// Settings that can be put in force.
#[derive(Debug)]
pub struct Prepared {
    setup: Setup,
    capacity: usize,
    has_new_keys: bool,
}

/// Checks everything that a gateway with these settings would read at its start: key files, sets of
/// keys, the certificate.
///
/// # Errors
/// [`GatewayError`], as [`crate::run`] would return it.
pub fn check(config: &GatewayConfig) -> Result<(), GatewayError> {
    config.validate()?;
    Auth::open(config)?;
    if let Some(files) = &config.tls {
        Pem::read(files)?.load(files)?;
    }
    Ok(())
}

impl Setup {
    fn of(app: &App) -> Self {
        let (config, auth) = (app.config.clone(), app.auth.clone());
        Self { config, auth, routes: http::routes::build(app.clone()) }
    }
}

impl Reload {
    /// For a gateway that has just been started.
    #[must_use]
    pub fn new(app: App, public: SocketAddr, proxied: Option<SocketAddr>) -> Self {
        let setups = watch::Sender::new(Arc::new(Setup::of(&app)));
        Self { app, setups, public, proxied }
    }

    /// What is in force.
    #[must_use]
    pub fn in_force(&self) -> InForce {
        self.setups.subscribe()
    }

    /// The settings in force.
    #[must_use]
    pub fn config(&self) -> Arc<GatewayConfig> {
        self.setups.borrow().config.clone()
    }

    /// Makes other settings ready as far as they can be put in force: what needs a restart stays as
    /// it is. Nothing has changed when this fails. It reads files.
    ///
    /// # Errors
    /// As [`check`], and [`GatewayError::Config`] when those who may connect where the gateway
    /// listens now would not be named any more.
    pub fn prepare(&self, wanted: &GatewayConfig) -> Result<Prepared, GatewayError> {
        check(wanted)?;
        let before = self.setups.borrow().clone();
        let config = before.config.followed_by(wanted);
        config.check_exposure("gateway.listen", self.public)?;
        if let Some(address) = self.proxied {
            config.check_exposure("gateway.proxy_listen", address)?;
        }
        let auth = Auth::open_after(&config, before.auth.as_deref())?;
        let has_new_keys = match (&before.auth, &auth) {
            (Some(before), Some(auth)) => !auth.has_keys_of(before),
            (before, auth) => before.is_some() != auth.is_some(),
        };
        let capacity = descriptors::capacity(&config.limits);
        let app = App { config: Arc::new(config), auth, ..self.app.clone() };
        Ok(Prepared { setup: Setup::of(&app), capacity, has_new_keys })
    }

    /// Puts settings in force; returns when every connection follows them.
    pub async fn apply(&self, Prepared { setup, capacity, .. }: Prepared) {
        let (config, auth) = (setup.config.clone(), setup.auth.clone());
        self.app.door.set_bounds(&config, capacity);
        self.setups.send_replace(Arc::new(setup));
        self.app.hub.configure(&config, auth.as_ref()).await;
    }
}

impl Prepared {
    /// The settings that would be in force.
    #[must_use]
    pub fn config(&self) -> &GatewayConfig {
        &self.setup.config
    }

    /// Whether keys or secrets differ from those in force, which no serialised setting shows.
    #[must_use]
    pub fn has_new_keys(&self) -> bool {
        self.has_new_keys
    }
}

impl GatewayConfig {
    /// What is in force in a gateway with these settings once it has been given others: a key that is
    /// not named here takes effect after a restart.
    #[must_use]
    pub fn followed_by(&self, wanted: &Self) -> Self {
        let wanted = wanted.clone();
        Self {
            default_exchange: wanted.default_exchange,
            allowed_origins: wanted.allowed_origins,
            allow_missing_origin: wanted.allow_missing_origin,
            trusted_proxies: wanted.trusted_proxies,
            forwarded_header: wanted.forwarded_header,
            deflate: wanted.deflate,
            limits: wanted.limits,
            auth: wanted.auth,
            plans: wanted.plans,
            metrics_topics: wanted.metrics_topics,
            ..self.clone()
        }
    }
}
