//! The Python programs that hold the gateway against its documents.

use std::{
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// Longest run of one, in seconds: it takes half a minute where nothing else runs.
const LONGEST_SECONDS: &str = "400";

/// Runs a program of `tests/specification/requirements.txt` to its end; what it said unless all was
/// well.
///
/// # Panics
/// When the packages are not installed.
pub async fn run(program: &str, args: Vec<String>) -> Result<(), String> {
    let program = packages().join("bin").join(program);
    assert!(program.exists(), "no {}; run: make specification-packages", program.display());
    let ran = tokio::task::spawn_blocking(move || {
        // Whatever it leaves behind is not ours.
        let folder = TempDir::new().expect("a directory for the program");
        let mut command = Command::new("timeout");
        command.arg(LONGEST_SECONDS).arg(program).args(args).current_dir(folder.path());
        command.env("HOME", folder.path()).output().expect("the program runs")
    });
    let ran = ran.await.expect("no panic");
    let said = [ran.stdout, ran.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    if ran.status.success() { Ok(()) } else { Err(format!("{}\n{}", ran.status, said.concat())) }
}

fn packages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specification/.venv")
}
