//! TLS to Redis with a CA of one's own, and what is said when something is wrong with it.

use crate::support::{
    Ended, eventually,
    shipped::{Shipped, run, script},
    start,
};
use std::path::Path;

/// `check --redis` with that `[redis_tls]`.
async fn check(url: &str, section: &str) -> Ended {
    start(&["check", "--redis", "--json", "--redis-url", url]).config(section).ended().await
}

/// The certificate and the key of that name, by that folder's CA.
fn section(ca: &Path, own: Option<&Path>) -> String {
    let mut text = format!("[redis_tls]\nca = {:?}\n", ca.join("ca.crt"));
    if let Some(own) = own {
        let (certificate, key) = (own.join("client.crt"), own.join("client.key"));
        text += &format!("certificate = {certificate:?}\nprivate_key = {key:?}\n");
    }
    text
}

fn has(ended: &Ended, wanted: &str) {
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stdout.contains(wanted), "{wanted:?} in {}", ended.stdout);
}

#[tokio::test]
async fn what_is_wrong_with_certificates_is_said() {
    let redis = Shipped::tls().await;
    let url = redis.url("operator");
    let tls = redis.path("tls");
    let good = check(&url, &section(&tls, Some(&tls))).await;
    assert_eq!(good.code, 0, "{good:?}");

    let strangers = redis.path("strangers");
    run(script("make-certs.sh").arg(&strangers).arg("client"));
    let other = check(&url, &section(&strangers, Some(&tls))).await;
    has(&other, "by another CA than that in redis_tls.ca");
    has(&check(&url, "").await, "by no CA in redis_tls.ca");
    has(&check(&url, &section(&tls, None)).await, "the server asks for a certificate");
    let unknown = check(&url, &section(&tls, Some(&strangers))).await;
    has(&unknown, "does not trust the CA of redis_tls.certificate");
    let plain = url.replace("rediss://", "redis://");
    assert_eq!(check(&plain, "").await.code, 1, "a plain connection to a TLS port");
}

#[tokio::test]
async fn a_certificate_for_another_name_or_time_is_said() {
    let redis = Shipped::tls_with(&["server", "redis.internal"], "397").await;
    let ended = check(&redis.url("operator"), &redis.section()).await;
    has(&ended, "name the server in redis_url as its certificate does");

    let redis = Shipped::tls_with(&["server", "127.0.0.1"], "0").await;
    eventually("the certificate has expired", async || {
        let ended = check(&redis.url("operator"), &redis.section()).await;
        ended.stdout.contains("renew the server's certificate").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_server_without_tls_is_told_apart() {
    let redis = Shipped::single().await;
    let url = redis.url("operator").replace("redis://", "rediss://");
    has(&check(&url, "").await, "does it speak TLS on that port");
}

#[tokio::test]
async fn files_that_cannot_be_used_are_mistakes() {
    let folder = tempfile::tempdir().expect("a folder");
    run(script("make-certs.sh").arg(folder.path()).arg("client"));
    run(script("make-certs.sh").arg(folder.path()).arg("other"));
    let path = |name: &str| format!("{:?}", folder.path().join(name));
    let url = "redis_url = \"rediss://127.0.0.1:1\"\n[redis_tls]\n";
    for (text, wanted) in [
        (format!("{url}ca = \"none.crt\"\n"), "redis_tls.ca = \"none.crt\": cannot be read: "),
        (format!("{url}ca = {}\n", path("client.key")), "no certificate in it; it takes PEM"),
        (
            format!("{url}certificate = {}\n", path("client.crt")),
            "redis_tls.certificate needs redis_tls.private_key beside it",
        ),
        (
            format!("{url}certificate = {0}\nprivate_key = {0}\n", path("client.crt")),
            "no private key in it",
        ),
        (
            format!(
                "{url}certificate = {}\nprivate_key = {}\n",
                path("client.crt"),
                path("other.key")
            ),
            "not that certificate's",
        ),
        (format!("[redis_tls]\nca = {}\n", path("ca.crt")), "[redis_tls] is for rediss://"),
    ] {
        for command in ["check", "gateway"] {
            let ended = start(&[command]).config(&text).ended().await;
            assert_eq!(ended.code, 2, "{ended:?}");
            assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
            assert!(ended.stderr.contains(wanted), "{wanted:?} in {}", ended.stderr);
        }
    }
}
