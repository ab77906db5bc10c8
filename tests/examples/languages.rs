//! Every example but the bot's faults: prices, the way out, and a gateway that is not there.

use super::{
    program::{PYTHON, Program, example},
    stage::Stage,
};
use crate::support::{Role, eventually, packaged, start};
use futures_util::future::join_all;
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Nobody listens there.
const NOBODY: &str = "127.0.0.1:1";

/// How an example is started, but for the gateway's address.
struct Line {
    name: &'static str,
    args: Vec<String>,
}

/// A demo whose price of BTC-USDT is there.
async fn demo() -> Role {
    let demo = start(&["demo"]).ready().await;
    eventually("a price is live", async || {
        let answer = demo.get("/v1/price/BTC-USDT").await;
        (answer.status == 200 && answer.json()["state"] == "live").then_some(())
    })
    .await;
    demo
}

/// An example's program and its first arguments.
fn line(name: &'static str, args: &[&str]) -> Line {
    Line { name, args: args.iter().map(ToString::to_string).collect() }
}

/// All of them, with what a shell would be told.
fn lines(modules: &Path) -> Vec<Line> {
    let file = |name: &str| example(name).display().to_string();
    let module = modules.join("watch.mjs").display().to_string();
    let [node, deno] = [packaged("node-linux", "bin/node"), packaged("@deno/linux", "deno")];
    vec![
        line(PYTHON, &[&file("prices.py")]),
        line(PYTHON, &[&file("bot.py"), "BTC-USDT", "--above", "1", "--simulated"]),
        line("sh", &[&file("price.sh")]),
        line("sh", &[&file("stream.sh")]),
        line("sh", &[&file("spread.sh")]),
        Line { name: "node", args: vec![node, module.clone()] },
        Line {
            name: "deno",
            args: [
                deno.as_str(),
                "run",
                "--allow-net",
                "--allow-env",
                "--no-prompt",
                module.as_str(),
            ]
            .map(str::to_owned)
            .to_vec(),
        },
        Line { name: "watch.rs", args: vec![rust()] },
    ]
}

/// The example in Rust, built as this test is; where all targets are built, cargo has nothing to do.
fn rust() -> String {
    static BUILT: OnceLock<String> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

fn build() -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--workspace", "--example", "watch"]);
    // What cargo tells a test of its package: crates whose build looks at it would be built anew, and
    // by the next who builds again.
    for (name, _) in std::env::vars().filter(|(name, _)| is_of_package(name)) {
        cargo.env_remove(name);
    }
    if cfg!(feature = "testing") {
        cargo.arg("--all-features");
    }
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(ROOT).output().expect("cargo");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let beside = PathBuf::from(env!("CARGO_BIN_EXE_tickcast"));
    beside.with_file_name("examples").join("watch").display().to_string()
}

fn is_of_package(variable: &str) -> bool {
    variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_")
}

impl Line {
    /// Starts it against the gateway of this address.
    fn start(&self, address: &str) -> Program {
        let url = format!("ws://{address}/ws");
        let (program, rest) = match self.name {
            "node" | "deno" | "watch.rs" => (self.args[0].as_str(), &self.args[1..]),
            name => (name, &self.args[..]),
        };
        Program::start(program, |command| {
            command.args(rest);
            if [PYTHON, "watch.rs"].contains(&self.name) {
                command.args(["--url", &url]);
            }
            command.env("TICKCAST_URL", &url).env("TICKCAST_HTTP", format!("http://{address}"));
            command.env("TICKCAST", env!("CARGO_BIN_EXE_tickcast")).env("NO_COLOR", "1");
        })
    }

    fn is(&self, file: &str) -> bool {
        self.args.iter().any(|arg| arg.ends_with(file))
    }
}

/// A folder with what Node and Deno run: the file, and the gateway's client beside it.
async fn modules(demo: &Role) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    std::fs::copy(example("watch.mjs"), folder.path().join("watch.mjs")).expect("a copy");
    let client = demo.get("/client.js").await.body;
    std::fs::write(folder.path().join("client.mjs"), client).expect("a file");
    folder
}

#[tokio::test]
async fn each_shows_prices_and_ends_on_an_interrupt() {
    let demo = demo().await;
    let folder = modules(&demo).await;
    let address = demo.address.to_string();
    join_all(lines(folder.path()).iter().map(|line| shows_prices(line, &address))).await;
}

async fn shows_prices(line: &Line, address: &str) {
    let mut program = line.start(address);
    if line.is("spread.sh") {
        program.says("bps", 1).await;
    } else {
        program.says("ticker:kucoin:BTC-USDT", 1).await;
        let shown = program.stdout.find(|it| it.contains("ticker:").then(|| it.clone()));
        let shown = shown.expect("a price on its standard output");
        assert!(shown.contains(" live") && shown.contains("SIMULATED"), "{shown}");
    }
    if line.is("price.sh") {
        assert_eq!(program.exit().await, Some(0), "{}", program.said());
        return;
    }
    program.signal("INT");
    let code = program.exit().await;
    // A shell dies of the signal, as its user expects; programs end well.
    assert!(code == Some(0) || line.name == "sh", "{:?}: {code:?}", line.args);
    for word in ["Traceback", "Error", "panicked", "assert"] {
        assert!(!program.said().contains(word), "{}", program.said());
    }
}

#[tokio::test]
async fn each_says_that_there_is_no_gateway() {
    let demo = demo().await;
    let folder = modules(&demo).await;
    join_all(lines(folder.path()).iter().map(misses_a_gateway)).await;
}

async fn misses_a_gateway(line: &Line) {
    let mut program = line.start(NOBODY);
    eventually(&format!("{:?} says so", line.args), async || {
        let said = program.said().to_lowercase();
        let words = ["no connection to", "no connection:", "failed to connect", "cannot reach"];
        words.iter().any(|word| said.contains(word)).then_some(())
    })
    .await;
    assert!(!program.said().contains("Traceback"), "{}", program.said());
    // Those that stay connected try again; the others are over.
    if ["prices.py", "price.sh", "stream.sh", "watch"].iter().any(|file| line.is(file)) {
        assert_eq!(program.exit().await, Some(1), "{:?}", line.args);
    }
    // Its pipe waits for a program that tries again; where that is gone, so is the shell.
    if line.is("spread.sh") {
        let mut spread = Program::start("sh", |command| {
            command.arg(example("spread.sh")).env("TICKCAST", "/nowhere/tickcast");
        });
        assert_eq!(spread.exit().await, Some(1), "{}", spread.said());
        assert!(spread.stderr.contain("/nowhere/tickcast"), "{}", spread.said());
    }
}

#[tokio::test]
async fn a_stream_that_ends_is_said_to_end() {
    let stage = Stage::start().await;
    let mut program =
        line("sh", &[&example("stream.sh").display().to_string()]).start(&stage.address());
    stage.refuse("200 OK").await;
    assert_eq!(program.exit().await, Some(1), "{}", program.said());
    assert!(program.stderr.contain("the stream ended"), "{}", program.said());
}

#[tokio::test]
async fn each_tells_how_it_is_used() {
    let demo = start(&["demo"]).ready().await;
    let folder = modules(&demo).await;
    let asked = lines(folder.path()).into_iter().map(async |mut line| {
        line.args.push("--help".into());
        let mut program = line.start(NOBODY);
        let code = program.exit().await;
        assert!(code == Some(0) || code == Some(2), "{:?}: {code:?}", line.args);
        assert!(program.said().to_lowercase().contains("usage:"), "{:?}", line.args);
    });
    join_all(asked).await;
}

#[tokio::test]
async fn a_symbol_that_does_not_exist_is_named_by_the_shell() {
    let demo = demo().await;
    for file in ["price.sh", "stream.sh", "spread.sh"] {
        let mut program = line("sh", &[&example(file).display().to_string(), "NOPE-USDT"])
            .start(&demo.address.to_string());
        program.says("no feed has announced ticker:kucoin:NOPE-USDT", 1).await;
        // A stream goes on: the topic may be announced yet.
        if file != "stream.sh" {
            assert_eq!(program.exit().await, Some(1), "{file}: {}", program.said());
        }
    }
}
