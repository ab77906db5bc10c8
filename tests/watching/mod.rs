//! What operators watch with: Prometheus' rules and Grafana's dashboard name what exists, every alert is
//! proven and explained, and a real Prometheus gets an answer to every query.

mod dashboard;
mod names;
mod prometheus;
mod queries;
mod rules;

use std::{path::PathBuf, process::Command};

/// A file of docker-less-deploy.
fn deploy(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docker-less-deploy").join(name)
}

/// Its text.
fn text(name: &str) -> String {
    std::fs::read_to_string(deploy(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Runs promtool on a file.
///
/// # Panics
/// When it finds something wrong; with what it says.
fn promtool(words: &[&str], file: &std::path::Path) {
    let output = Command::new("promtool").args(words).arg(file).output().expect("promtool");
    let (said, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "promtool {words:?} {}:\n{said}{errors}", file.display());
}
