//! SIGHUP: what changes while the process runs, what waits for a restart, and what is refused.

mod exchanges;
mod keys;
mod settings;

use crate::support::{Role, eventually};

/// How often the process has served SIGHUPs.
const SERVED: &str = "tickcast_config_reloads_total";

/// Gives the process another `tickcast.toml` and sends SIGHUP; what became of it, and what waits for
/// a restart.
async fn reload(role: &Role, toml: &str) -> (String, Vec<String>) {
    let before = role.metric(SERVED).await;
    role.process.configure(toml);
    role.process.signal("HUP");
    eventually("the configuration was read", async || {
        (role.metric(SERVED).await > before).then_some(())
    })
    .await;
    let config = role.admin("/health").await.json()["config"].clone();
    let waiting = config["pending_restart"].as_array().expect("a list").clone();
    let waiting = waiting.iter().map(|key| key.as_str().expect("a key").to_owned()).collect();
    (config["last_reload"].as_str().expect("an outcome").to_owned(), waiting)
}

/// [`reload`] that puts everything in force.
async fn applied(role: &Role, toml: &str) {
    assert_eq!(reload(role, toml).await, ("applied".to_owned(), Vec::new()));
}
