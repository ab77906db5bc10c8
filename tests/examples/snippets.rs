//! What README.md tells its readers to type does what it says, and the table of the examples is
//! complete.

use super::program::{PYTHON, Program};
use crate::support::start;
use std::{fs, path::Path};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Where documents say that the gateway is.
const DOCUMENTED: &str = "127.0.0.1:8080";

/// The fenced blocks of a language in README.md.
pub fn of_readme(language: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(ROOT).join("README.md")).expect("README.md");
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1);
    blocks.map(|block| block.split("\n```").next().unwrap_or_default().to_owned()).collect()
}

/// The same with the gateway somewhere else.
pub fn addressed(text: &str, address: &str) -> String {
    assert!(text.contains(DOCUMENTED), "no {DOCUMENTED} in {text}");
    text.replace(DOCUMENTED, address)
}

#[tokio::test]
async fn what_the_readme_gives_for_python_shows_prices() {
    let demo = start(&["demo"]).ready().await;
    let snippets = of_readme("python");
    assert!(!snippets.is_empty(), "README.md has a snippet in Python");
    for snippet in snippets {
        let snippet = addressed(&snippet, &demo.address.to_string());
        let mut program = Program::start(PYTHON, |command| {
            command.args(["-u", "-c", &snippet]);
        });
        program.says("ticker:kucoin:BTC-USDT", 2).await;
    }
}

#[tokio::test]
async fn what_the_readme_asks_by_curl_is_answered() {
    let demo = start(&["demo"]).ready().await;
    let address = demo.address.to_string();
    let blocks = of_readme("sh").join("\n");
    let asked: Vec<&str> = blocks
        .lines()
        .filter(|line| line.starts_with("curl ") && line.contains(DOCUMENTED))
        .collect();
    for path in ["/v1/price", "/v1/stream"] {
        assert!(
            asked.iter().any(|line| line.contains(path)),
            "README.md asks for {path}: {asked:?}"
        );
    }
    for line in asked {
        let line = addressed(line, &address).replacen("curl", "curl -sS --fail-with-body", 1);
        let mut program = Program::start("sh", |command| {
            command.args(["-c", &line]);
        });
        // A stream begins with the value, and goes on.
        program.says(if line.contains("/v1/stream") { "\"ticker\"" } else { "{" }, 1).await;
        if !line.contains("/v1/stream") {
            assert_eq!(program.exit().await, Some(0), "{line}: {}", program.said());
        }
    }
}

#[test]
fn the_table_names_every_example() {
    let folder = Path::new(ROOT).join("docs/examples");
    let table = fs::read_to_string(folder.join("README.md")).expect("a table");
    let names = fs::read_dir(&folder).expect("a folder").map(|entry| {
        let name = entry.expect("a file").file_name();
        name.into_string().expect("UTF-8")
    });
    for name in names.filter(|name| name != "README.md") {
        assert!(table.contains(&format!("[{name}]({name})")), "{name} is missing in its table");
    }
    let linked = table.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for link in linked {
        assert!(folder.join(link).exists(), "no {link}");
    }
}
