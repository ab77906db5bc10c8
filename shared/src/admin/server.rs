//! Answers the operators' paths.

use super::{QueueRow, Queues, Readiness, Service, measure::measure, reserve::WithReserve};
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use std::{
    future::IntoFuture,
    io,
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, task::spawn_blocking, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// How often the histograms' newest samples are folded in, so that they take no more memory when
/// nobody reads `/metrics`.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// How long requests in progress may take once the listener is told to stop.
const LAST_ANSWERS: Duration = Duration::from_millis(500);
/// The content type of the Prometheus text format, version 0.0.4.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the listener tells of its process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Admin {
    /// The command that runs: `feed`, `gateway`, `run` or `demo`.
    pub role: &'static str,
    /// The program's version.
    pub version: &'static str,
    /// When the process started.
    pub started: Instant,
    /// Whether it should be sent work.
    pub readiness: Readiness,
    /// Its bounded queues.
    pub queues: Queues,
    /// Its metrics.
    pub metrics: PrometheusHandle,
}

/// Answers `/health`, `/livez`, `/readyz`, `/metrics`, `/queues` and the paths of `extra` until
/// the token is cancelled.
///
/// # Errors
/// When the listening socket breaks.
pub async fn serve(
    listener: TcpListener,
    admin: Admin,
    extra: Router,
    token: CancellationToken,
) -> io::Result<()> {
    let metrics = admin.metrics.clone();
    let stopping = token.clone();
    let server =
        axum::serve(WithReserve::new(listener), routes(admin).merge(extra).fallback(unknown))
            .with_graceful_shutdown(async move { stopping.cancelled().await })
            .into_future();
    tokio::select! {
        ended = server => ended,
        () = upkeep(&metrics) => Ok(()),
        () = overdue(&token) => Ok(()),
    }
}

/// The listener's own paths.
fn routes(admin: Admin) -> Router {
    #[cfg(feature = "testing")]
    let own = crate::panics::routes();
    #[cfg(not(feature = "testing"))]
    let own = Router::new();
    own.route("/health", get(health))
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/queues", get(queues))
        .with_state(admin)
}

async fn health(State(admin): State<Admin>) -> Json<serde_json::Value> {
    Json(json!({
        "status": match admin.readiness.service() {
            Service::Active => "ok",
            Service::Standby => "standby",
            Service::None => "not_ready",
        },
        "uptime_seconds": admin.started.elapsed().as_secs(),
        "version": admin.version,
        "role": admin.role,
    }))
}

async fn ready(State(admin): State<Admin>) -> (StatusCode, &'static str) {
    match admin.readiness.service() {
        Service::Active => (StatusCode::OK, "ready\n"),
        // There is nothing to do for it, though nothing is wrong.
        Service::Standby => (StatusCode::SERVICE_UNAVAILABLE, "standby\n"),
        Service::None => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    }
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let shown = spawn_blocking(move || {
        measure(&admin);
        admin.metrics.render()
    });
    match shown.await {
        Ok(text) => ([("content-type", PROMETHEUS_TEXT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn queues(State(admin): State<Admin>) -> Json<Vec<QueueRow>> {
    Json(admin.queues.rows())
}

async fn unknown(uri: Uri) -> (StatusCode, Json<serde_json::Value>) {
    let message = format!("no such path: {}", uri.path());
    let error = json!({"error": {"code": "not_found", "message": message}});
    (StatusCode::NOT_FOUND, Json(error))
}

async fn upkeep(metrics: &PrometheusHandle) {
    let mut ticks = tokio::time::interval(UPKEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}

/// Ends when clients have had their time to read the last answers.
async fn overdue(token: &CancellationToken) {
    token.cancelled().await;
    tokio::time::sleep(LAST_ANSWERS).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::{BACKLOG, bind};
    use metrics_exporter_prometheus::PrometheusBuilder;
    use std::net::SocketAddr;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        task::JoinHandle,
    };

    struct Running {
        address: SocketAddr,
        admin: Admin,
        token: CancellationToken,
        server: JoinHandle<io::Result<()>>,
    }

    fn start() -> Running {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0)), "--admin-listen", BACKLOG);
        let listener = listener.unwrap();
        let address = listener.local_addr().unwrap();
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("tickcast_tests").increment(3)
        });
        let admin = Admin {
            role: "gateway",
            version: "1.2.3",
            started: Instant::now(),
            readiness: Readiness::default(),
            queues: Queues::default(),
            metrics: recorder.handle(),
        };
        let extra = Router::new().route("/connections", get(async || "none"));
        let token = CancellationToken::new();
        let server = tokio::spawn(serve(listener, admin.clone(), extra, token.clone()));
        Running { address, admin, token, server }
    }

    /// Status and body of a GET.
    async fn get_path(address: SocketAddr, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    #[tokio::test]
    async fn readiness_follows_the_process() {
        let running = start();
        assert_eq!(get_path(running.address, "/readyz").await.0, 503);
        running.admin.readiness.enter(Service::Standby);
        assert_eq!(get_path(running.address, "/readyz").await, (503, "standby\n".to_owned()));
        assert!(get_path(running.address, "/health").await.1.contains(r#""status":"standby""#));
        running.admin.readiness.set(true);
        assert_eq!(get_path(running.address, "/readyz").await.0, 200);
        assert_eq!(get_path(running.address, "/livez").await.0, 200);
    }

    #[tokio::test]
    async fn tells_health_metrics_and_queues() {
        let running = start();
        let (status, health) = get_path(running.address, "/health").await;
        let health: serde_json::Value = serde_json::from_str(&health).unwrap();
        assert_eq!(status, 200);
        assert_eq!(
            health,
            json!({"status":"not_ready","uptime_seconds":0,"version":"1.2.3","role":"gateway"})
        );
        let (_, metrics) = get_path(running.address, "/metrics").await;
        assert!(metrics.contains("tickcast_tests 3"), "{metrics}");
        running.admin.queues.register("outbox", 8).add_dropped(2);
        let (_, queues) = get_path(running.address, "/queues").await;
        assert_eq!(queues, r#"[{"name":"outbox","capacity":8,"depth":0,"dropped":2}]"#);
    }

    #[tokio::test]
    async fn a_roles_own_paths_are_answered_and_others_refused() {
        let running = start();
        assert_eq!(get_path(running.address, "/connections").await, (200, "none".to_owned()));
        let (status, body) = get_path(running.address, "/nothing?token=x").await;
        assert_eq!(status, 404);
        assert_eq!(body, r#"{"error":{"code":"not_found","message":"no such path: /nothing"}}"#);
    }

    #[tokio::test]
    async fn ends_when_told_even_with_an_idle_client() {
        let running = start();
        let _idle = TcpStream::connect(running.address).await.unwrap();
        running.token.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(5), running.server).await;
        assert!(ended.expect("the listener ends").unwrap().is_ok());
    }
}
