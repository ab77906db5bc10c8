//! The page of 15 lines, and what README.md gives for browsers, in Chromium.

use super::{
    program::example,
    snippets::{addressed, of_readme},
};
use crate::support::{Node, start};
use tempfile::TempDir;

/// More would be no page of 15 lines.
const LINES: usize = 15;

#[tokio::test]
async fn the_page_and_the_snippets_show_prices_in_a_browser() {
    let mut demo = Some(start(&["demo"]).ready().await);
    let address = demo.as_ref().expect("it runs").address.to_string();
    let folder = TempDir::new().expect("a folder");
    let page = std::fs::read_to_string(example("page.html")).expect("a page");
    assert!(page.lines().count() <= LINES, "{} lines", page.lines().count());
    let mut files = vec![("page.html".to_owned(), page)];
    for (at, snippet) in of_readme("js").into_iter().enumerate() {
        let page = format!("<!doctype html><script type=module>{snippet}</script>");
        files.push((format!("snippet{at}.html"), page));
    }
    assert!(files.len() > 2, "README.md has snippets for browsers");
    let paths: Vec<String> = files
        .iter()
        .map(|(name, text)| {
            let path = folder.path().join(name);
            std::fs::write(&path, addressed(text, &address)).expect("a file");
            path.display().to_string()
        })
        .collect();
    let args: Vec<&str> = paths.iter().map(String::as_str).collect();
    let mut node = Node::start("examples.js", &args);
    while let Some(asked) = node.asks().await {
        assert_eq!(asked, "restart the gateway");
        drop(demo.take());
        demo = Some(start(&["demo", "--listen", &address]).ready().await);
        node.done("done");
    }
}
