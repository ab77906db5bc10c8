//! `PUB` on a NATS connection, in its text protocol.

use super::{Payload, PublishError};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// How long the server may take to introduce itself.
const PATIENCE: Duration = Duration::from_secs(5);
/// No answers but errors, and no echo.
const CONNECT: &[u8] = b"CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\n";

/// A connection to NATS.
#[derive(Debug)]
pub struct NatsSink {
    stream: TcpStream,
    subject: String,
    /// What the server has said and is not a whole line yet.
    heard: Vec<u8>,
}

impl NatsSink {
    /// Connects.
    ///
    /// # Errors
    /// [`PublishError`] when it cannot be reached or does not speak NATS.
    pub fn open(address: &str, subject: &str) -> Result<Self, PublishError> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(stream);
        let mut info = String::new();
        reader.read_line(&mut info)?;
        if !info.starts_with("INFO ") {
            return Err(PublishError(format!("{address} is no NATS: {:?}", info.trim_end())));
        }
        let heard = reader.buffer().to_vec();
        let mut stream = reader.into_inner();
        stream.write_all(CONNECT)?;
        Ok(Self { stream, subject: subject.to_owned(), heard })
    }

    pub(super) fn send(&mut self, topic: &str, payload: &Payload) -> Result<(), PublishError> {
        self.listen()?;
        let (subject, body) =
            (self.subject.replace("{topic}", topic), payload.fill("{payload}", topic));
        let line = format!("PUB {subject} {}\r\n{body}\r\n", body.len());
        Ok(self.stream.write_all(line.as_bytes())?)
    }

    /// Answers pings and finds errors among what has come.
    fn listen(&mut self) -> Result<(), PublishError> {
        self.stream.set_nonblocking(true)?;
        let mut piece = [0; 1024];
        if let Ok(read) = self.stream.read(&mut piece) {
            self.heard.extend_from_slice(&piece[..read]);
        }
        self.stream.set_nonblocking(false)?;
        while let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.heard.drain(..=end).collect();
            if line.starts_with(b"PING") {
                self.stream.write_all(b"PONG\r\n")?;
            } else if line.starts_with(b"-ERR") {
                return Err(PublishError(String::from_utf8_lossy(&line).trim_end().to_owned()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn pings_are_answered_before_the_next_update() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serve = move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"INFO {}\r\nPING\r\n").unwrap();
            let mut said = vec![0; CONNECT.len() + 6 + "PUB s.A 1\r\np\r\n".len()];
            stream.read_exact(&mut said).unwrap();
            String::from_utf8(said).unwrap()
        };
        let server = std::thread::spawn(serve);
        let mut sink = NatsSink::open(&address, "s.{topic}").unwrap();
        while sink.heard.is_empty() {
            let mut piece = [0; 6];
            sink.stream.read_exact(&mut piece).unwrap();
            sink.heard.extend(piece);
        }
        sink.send("A", &Payload("p".to_owned())).unwrap();
        assert!(server.join().unwrap().ends_with("PONG\r\nPUB s.A 1\r\np\r\n"));
    }
}
