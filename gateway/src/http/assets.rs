//! The live page, the page of the specifications and the browser client: files of `gateway/web`, part of the program.
//!
//! They tell nothing about prices, so everybody may have them; what the page shows it asks for like
//! any other client.

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use ring::digest::{SHA256, digest};
use std::fmt::Write as _;

/// The page runs and loads only what this gateway serves, talks to nobody else (`'self'` covers
/// `ws:` of the same host, CSP level 3 section 6.7.2.8), and nobody may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'; require-trusted-types-for 'script'";
/// Kept by browsers, asked about each time: a page and its modules are always of one version.
const CACHE: &str = "no-cache";
/// Bytes of the digest that name a version; 64 bits tell any two apart.
const TAG_BYTES: usize = 8;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";
const TYPES: &str = "application/typescript; charset=utf-8";

/// Files by path, each with its type.
const FILES: [(&str, &str, &str); 37] = [
    ("/", HTML, include_str!("../../web/index.html")),
    ("/web/address.js", SCRIPT, include_str!("../../web/address.js")),
    ("/web/bar.js", SCRIPT, include_str!("../../web/bar.js")),
    ("/web/bars.js", SCRIPT, include_str!("../../web/bars.js")),
    ("/web/book.js", SCRIPT, include_str!("../../web/book.js")),
    ("/web/candles.js", SCRIPT, include_str!("../../web/candles.js")),
    ("/web/canvas.js", SCRIPT, include_str!("../../web/canvas.js")),
    ("/web/chart.js", SCRIPT, include_str!("../../web/chart.js")),
    ("/web/facts.js", SCRIPT, include_str!("../../web/facts.js")),
    ("/web/format.js", SCRIPT, include_str!("../../web/format.js")),
    ("/web/grid.css", STYLE, include_str!("../../web/grid.css")),
    ("/web/grid.js", SCRIPT, include_str!("../../web/grid.js")),
    ("/web/key.js", SCRIPT, include_str!("../../web/key.js")),
    ("/web/layout.css", STYLE, include_str!("../../web/layout.css")),
    ("/web/line.js", SCRIPT, include_str!("../../web/line.js")),
    ("/web/link.js", SCRIPT, include_str!("../../web/link.js")),
    ("/web/main.js", SCRIPT, include_str!("../../web/main.js")),
    ("/web/notices.js", SCRIPT, include_str!("../../web/notices.js")),
    ("/web/panel.css", STYLE, include_str!("../../web/panel.css")),
    ("/web/panel.js", SCRIPT, include_str!("../../web/panel.js")),
    ("/web/search.js", SCRIPT, include_str!("../../web/search.js")),
    ("/web/spark.js", SCRIPT, include_str!("../../web/spark.js")),
    ("/web/theme.js", SCRIPT, include_str!("../../web/theme.js")),
    ("/web/tokens.css", STYLE, include_str!("../../web/tokens.css")),
    ("/web/venues.js", SCRIPT, include_str!("../../web/venues.js")),
    ("/web/view.js", SCRIPT, include_str!("../../web/view.js")),
    ("/web/voice.js", SCRIPT, include_str!("../../web/voice.js")),
    ("/web/icon.svg", IMAGE, include_str!("../../web/icon.svg")),
    ("/docs", HTML, include_str!("../../web/docs/index.html")),
    ("/web/docs/docs.css", STYLE, include_str!("../../web/docs/docs.css")),
    ("/web/docs/docs.js", SCRIPT, include_str!("../../web/docs/docs.js")),
    ("/web/docs/element.js", SCRIPT, include_str!("../../web/docs/element.js")),
    ("/web/docs/messages.js", SCRIPT, include_str!("../../web/docs/messages.js")),
    ("/web/docs/paths.js", SCRIPT, include_str!("../../web/docs/paths.js")),
    ("/web/docs/types.js", SCRIPT, include_str!("../../web/docs/types.js")),
    ("/web/docs/schema.js", SCRIPT, include_str!("../../web/docs/schema.js")),
    ("/client.d.ts", TYPES, include_str!("../../web/tickcast.d.ts")),
];

/// The client's modules, those first that others need.
const CLIENT: [&str; 11] = [
    include_str!("../../web/client/report.js"),
    include_str!("../../web/client/topics.js"),
    include_str!("../../web/client/reconnect.js"),
    include_str!("../../web/client/clock.js"),
    include_str!("../../web/client/pulse.js"),
    include_str!("../../web/client/pace.js"),
    include_str!("../../web/client/again.js"),
    include_str!("../../web/client/dial.js"),
    include_str!("../../web/client/mailbox.js"),
    include_str!("../../web/client/newest.js"),
    include_str!("../../web/tickcast.js"),
];
/// Where they are served as one, which is easier to copy.
const CLIENT_PATH: &str = "/client.js";

/// One file as it is served.
#[derive(Debug, Clone)]
struct Asset {
    content_type: &'static str,
    content: Bytes,
    tag: HeaderValue,
    /// A header of this file alone.
    own: Option<(HeaderName, HeaderValue)>,
}

/// The routes of all files.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let client = (CLIENT_PATH, Asset::client());
    let files = FILES.map(|(path, content_type, text)| {
        (path, Asset::new(content_type, Bytes::from_static(text.as_bytes())))
    });
    files.into_iter().chain([client]).fold(Router::new(), |router, (path, asset)| {
        router.route(path, get(async move |asked: HeaderMap| asset.answer(&asked)))
    })
}

/// Whether a path is one of these files.
#[must_use]
pub fn has(path: &str) -> bool {
    path == CLIENT_PATH || FILES.iter().any(|(known, ..)| *known == path)
}

/// The client's modules as one: without the lines by which they import each other, and with the
/// exports of the last one only.
fn client() -> String {
    let last = CLIENT.len() - 1;
    let mut text = String::new();
    for (at, module) in CLIENT.iter().enumerate() {
        for line in module.lines().filter(|line| !line.starts_with("import ")) {
            let line = if at < last { line.strip_prefix("export ").unwrap_or(line) } else { line };
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

impl Asset {
    fn new(content_type: &'static str, content: Bytes) -> Self {
        let tag = tag(&content);
        let policy = (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        Self { content_type, content, tag, own: (content_type == HTML).then_some(policy) }
    }

    fn client() -> Self {
        // Where Deno finds the types of a module.
        let name = HeaderName::from_static("x-typescript-types");
        let types = (name, HeaderValue::from_static("./client.d.ts"));
        Self { own: Some(types), ..Self::new(SCRIPT, Bytes::from(client())) }
    }

    fn answer(&self, asked: &HeaderMap) -> Response {
        let mut response = match holds(asked, &self.tag) {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => self.content.clone().into_response(),
        };
        let headers = response.headers_mut();
        let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
        set(header::CONTENT_TYPE, self.content_type);
        set(header::CACHE_CONTROL, CACHE);
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(header::REFERRER_POLICY, "no-referrer");
        headers.insert(header::ETAG, self.tag.clone());
        headers.extend(self.own.clone());
        response
    }
}

/// Whether the client has this version already (RFC 9110 section 13.1.2: weak comparison).
fn holds(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let values = asked.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = values.filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(','));
    tags.any(|it| it.trim() == "*" || it.trim().trim_start_matches("W/") == *tag)
}

/// The version of a file, named by its content.
fn tag(bytes: &[u8]) -> HeaderValue {
    let digest = digest(&SHA256, bytes);
    let mut text = String::from("\"");
    for byte in &digest.as_ref()[..TAG_BYTES] {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.push('"');
    // Hexadecimal digits between quotes are a header's value.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("\"\""))
}
