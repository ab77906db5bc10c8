//! One HTTP request an update, on a connection that is kept open.

use super::{Payload, PublishError};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use url::Url;

/// Requests on their way without an answer; beyond them the publisher waits, and its lag tells.
const MAX_UNANSWERED: u64 = 4096;
/// How often a waiting publisher looks again.
const LOOK: Duration = Duration::from_micros(200);

/// A connection to a server that publishes what is posted to it. Requests do not wait for answers:
/// the loop stays open even when the server is slow.
#[derive(Debug)]
pub struct HttpSink {
    stream: TcpStream,
    /// The request's first lines, `{topic}` still in them.
    head: String,
    body: String,
    asked: u64,
    answers: Arc<Answers>,
}

/// What the server has answered so far.
#[derive(Debug, Default)]
struct Answers {
    good: AtomicU64,
    failed: OnceLock<PublishError>,
}

impl HttpSink {
    /// Connects.
    ///
    /// # Errors
    /// [`PublishError`] when it cannot be reached.
    pub fn open(
        url: &str,
        method: &str,
        headers: &BTreeMap<String, String>,
        body: &str,
    ) -> Result<Self, PublishError> {
        let parsed = Url::parse(url).map_err(|error| PublishError(format!("{url}: {error}")))?;
        let (host, port) = (parsed.host_str().unwrap_or_default(), parsed.port().unwrap_or(80));
        let stream = TcpStream::connect((host, port))?;
        stream.set_nodelay(true)?;
        // From the text as it was written: parsing would escape {topic}.
        let path = url.splitn(4, '/').nth(3).unwrap_or_default();
        let mut head = format!("{method} /{path} HTTP/1.1\r\nHost: {host}:{port}\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let answers = Arc::new(Answers::default());
        let (mut reader, theirs) = (BufReader::new(stream.try_clone()?), answers.clone());
        let read = move || {
            let failed = loop {
                match answer(&mut reader) {
                    Ok(()) => theirs.good.fetch_add(1, Ordering::Relaxed),
                    Err(error) => break error,
                };
            };
            // The only one who sets it.
            let _ = theirs.failed.set(failed);
        };
        std::thread::Builder::new().name("bench-answers".to_owned()).spawn(read)?;
        Ok(Self { stream, head, body: body.to_owned(), asked: 0, answers })
    }

    pub(super) fn send(&mut self, topic: &str, payload: &Payload) -> Result<(), PublishError> {
        loop {
            if let Some(error) = self.answers.failed.get() {
                return Err(error.clone());
            }
            if self.asked - self.answers.good.load(Ordering::Relaxed) < MAX_UNANSWERED {
                break;
            }
            std::thread::park_timeout(LOOK);
        }
        let body = payload.fill(&self.body, topic);
        let head = self.head.replace("{topic}", topic);
        let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        self.asked += 1;
        Ok(self.stream.write_all(request.as_bytes())?)
    }
}

impl Drop for HttpSink {
    fn drop(&mut self) {
        // Ends the reader; the server may have closed it already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Reads one answer to its end.
fn answer(stream: &mut impl BufRead) -> Result<(), PublishError> {
    let status = line(stream)?;
    let (mut length, mut is_chunked) = (0, false);
    loop {
        let line = line(stream)?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(|_| PublishError(line.clone()))?;
        }
        is_chunked |= line.starts_with("transfer-encoding:") && line.contains("chunked");
    }
    while is_chunked {
        let line = line(stream)?;
        let size = usize::from_str_radix(line.split(';').next().unwrap_or("").trim(), 16);
        let size = size.map_err(|_| PublishError(format!("a chunk of {line:?} bytes")))?;
        skip(stream, size + 2)?;
        is_chunked = size > 0;
    }
    skip(stream, length)?;
    match status.split(' ').nth(1) {
        Some(code) if code.starts_with('2') => Ok(()),
        _ => Err(PublishError(format!("the server answered {status:?}"))),
    }
}

fn line(stream: &mut impl BufRead) -> Result<String, PublishError> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(PublishError("the server closed the connection".to_owned()));
    }
    Ok(line.trim_end().to_owned())
}

fn skip(stream: &mut impl BufRead, bytes: usize) -> Result<(), PublishError> {
    let mut rest = vec![0; bytes];
    Ok(stream.read_exact(&mut rest)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Read, net::TcpListener};

    /// Answers when all requests have come, and returns what was asked.
    fn answering(answers: [&'static str; 3]) -> (String, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/pub/{{topic}}?x=1", listener.local_addr().unwrap());
        let serve = move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let take = || {
                let mut lines = Vec::new();
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    lines.push(line.trim_end().to_owned());
                    if line == "\r\n" {
                        break;
                    }
                }
                let mut body = [0; 3];
                reader.read_exact(&mut body).unwrap();
                format!("{}|{}", lines[0], String::from_utf8_lossy(&body))
            };
            let asked = std::iter::repeat_with(take).take(answers.len()).collect();
            reader.get_mut().write_all(answers.concat().as_bytes()).unwrap();
            asked
        };
        (url, std::thread::spawn(serve))
    }

    #[test]
    fn requests_share_a_connection_and_do_not_wait_for_answers() {
        let (url, server) = answering([
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
        ]);
        let mut sink = HttpSink::open(&url, "POST", &BTreeMap::new(), "<{payload}>").unwrap();
        let payload = Payload("p".to_owned());
        for topic in ["A", "B", "C"] {
            sink.send(topic, &payload).unwrap();
        }
        let asked = server.join().unwrap();
        let expected = ["A", "B", "C"].map(|topic| format!("POST /pub/{topic}?x=1 HTTP/1.1|<p>"));
        assert_eq!(asked, expected);
        let error = sink.answers.failed.wait().to_string();
        assert!(error.contains("500"), "{error}");
        assert_eq!(sink.answers.good.load(Ordering::Relaxed), 2);
        assert!(sink.send("D", &payload).unwrap_err().to_string().contains("500"));
    }
}
