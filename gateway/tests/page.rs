//! The live page and the browser client as files: where they are, what browsers may do with them.

use crate::support::Stage;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Sends a request and returns its status, its head in small letters, and its body.
async fn ask(stage: &Stage, method: &str, path: &str, headers: &str) -> (u16, String, String) {
    let mut socket = tokio::net::TcpStream::connect(stage.address).await.unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), head.to_ascii_lowercase(), body.to_owned())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// What a text names between a mark and the next quotation mark.
fn named<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    text.split(mark).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn everything_that_the_page_loads_is_served_by_the_gateway() {
    let stage = Stage::start(|_| {}).await;
    let (status, head, page) = ask(&stage, "GET", "/", "").await;
    assert_eq!(status, 200);
    assert_eq!(header(&head, "content-type"), Some("text/html; charset=utf-8"));
    assert!(!page.contains("://"), "nothing from elsewhere");
    let mut left: Vec<String> = [named(&page, "href=\""), named(&page, "src=\"")]
        .concat()
        .into_iter()
        .filter(|path| path.starts_with("web/"))
        .map(|path| format!("/{path}"))
        .collect();
    let mut seen = Vec::new();
    while let Some(path) = left.pop() {
        if seen.contains(&path) {
            continue;
        }
        let (status, head, body) = ask(&stage, "GET", &path, "").await;
        assert_eq!(status, 200, "{path}");
        assert_eq!(header(&head, "x-content-type-options"), Some("nosniff"), "{path}");
        for module in named(&body, "from \"./").iter().filter(|_| path.starts_with("/web/")) {
            left.push(format!("/web/{module}"));
        }
        seen.push(path);
    }
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/web");
    let files = std::fs::read_dir(source).unwrap().flatten();
    for name in files.map(|file| file.file_name().into_string().unwrap()) {
        let is_other =
            ["client", "docs", "index.html", "tickcast.js", "tickcast.d.ts"].contains(&&*name);
        assert!(is_other || seen.contains(&format!("/web/{name}")), "nobody loads {name}");
    }
    let (status, _, docs) = ask(&stage, "GET", "/docs", "").await;
    assert_eq!(status, 200);
    for path in [named(&docs, "href=\"web/"), named(&docs, "src=\"web/")].concat() {
        let (status, ..) = ask(&stage, "GET", &format!("/web/{path}"), "").await;
        assert_eq!(status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_policy_lets_the_page_do_nothing_but_its_own() {
    let stage = Stage::start(|_| {}).await;
    let (_, head, page) = ask(&stage, "GET", "/", "").await;
    let policy = header(&head, "content-security-policy").unwrap();
    for wanted in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.split("; ").any(|it| it == wanted), "{wanted} in {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    assert!(!page.contains("style=") && !page.contains("<style") && !page.contains(" on"));
    assert_eq!(header(&head, "referrer-policy"), Some("no-referrer"));
}

#[tokio::test]
async fn what_a_browser_has_already_is_not_sent_again() {
    let stage = Stage::start(|_| {}).await;
    for path in ["/", "/client.js", "/web/main.js"] {
        let (_, head, body) = ask(&stage, "GET", path, "").await;
        assert_eq!(header(&head, "cache-control"), Some("no-cache"), "{path}");
        let tag = header(&head, "etag").unwrap();
        for known in [tag.to_owned(), format!("\"other\", W/{tag}"), "*".to_owned()] {
            let asked = format!("If-None-Match: {known}\r\n");
            let (status, again, rest) = ask(&stage, "GET", path, &asked).await;
            assert_eq!((status, rest.len()), (304, 0), "{path} {known}");
            assert_eq!(header(&again, "etag"), Some(tag));
        }
        let (status, _, again) = ask(&stage, "GET", path, "If-None-Match: \"old\"\r\n").await;
        assert_eq!((status, again == body), (200, true), "{path}");
        let (status, alone, nothing) = ask(&stage, "HEAD", path, "").await;
        assert_eq!((status, nothing.len()), (200, 0), "{path}");
        assert_eq!(header(&alone, "content-length"), Some(&*body.len().to_string()));
    }
    assert_eq!(ask(&stage, "POST", "/client.js", "").await.0, 405);
}

#[tokio::test]
async fn the_client_is_one_module_with_its_types() {
    let stage = Stage::start(|_| {}).await;
    let (_, head, client) = ask(&stage, "GET", "/client.js", "Origin: https://a.example\r\n").await;
    assert_eq!(header(&head, "content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(header(&head, "access-control-allow-origin"), Some("*"), "pages may import it");
    assert!(!client.lines().any(|line| line.starts_with("import ")), "nothing else is needed");
    let exports: Vec<&str> = client.lines().filter(|line| line.starts_with("export ")).collect();
    assert_eq!(exports, ["export function connect(url, options = {}) {"]);
    assert_eq!(header(&head, "x-typescript-types"), Some("./client.d.ts"));
    let (status, _, types) = ask(&stage, "GET", "/client.d.ts", "").await;
    assert_eq!(status, 200);
    assert!(types.contains("export function connect("));
}
