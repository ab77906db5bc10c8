//! The Python programs that hold the gateway against its documents.

use std::{
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// Examples of each request that are drawn unless `SPECIFICATION_EXAMPLES` says otherwise.
const EXAMPLES: u64 = 20;
/// Longest run with that many, in seconds: it takes half a minute where nothing else runs.
const LONGEST_SECONDS: u64 = 400;
/// How timeout(1) ends when it has ended its program.
const TIMED_OUT: i32 = 124;

/// Examples of each request that are drawn.
pub fn examples() -> u64 {
    let wanted = std::env::var("SPECIFICATION_EXAMPLES");
    wanted.map_or(EXAMPLES, |number| number.parse().expect("SPECIFICATION_EXAMPLES is a number"))
}

/// Longest run with as many examples as are drawn, in seconds.
fn longest_seconds() -> u64 {
    LONGEST_SECONDS * examples().div_ceil(EXAMPLES).max(1)
}

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
        command
            .arg(longest_seconds().to_string())
            .arg(program)
            .args(args)
            .current_dir(folder.path());
        command.env("HOME", folder.path()).output().expect("the program runs")
    });
    let ran = ran.await.expect("no panic");
    let said = [ran.stdout, ran.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    let ended = match ran.status.code() {
        Some(0) => return Ok(()),
        Some(TIMED_OUT) => format!("no end within {} s", longest_seconds()),
        _ => ran.status.to_string(),
    };
    Err(format!("{ended}\n{}", said.concat()))
}

fn packages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specification/.venv")
}
