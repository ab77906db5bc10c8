//! `PUBLISH` on a Redis connection, in its own protocol.

use super::{Payload, PublishError};
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection to Redis.
#[derive(Debug)]
pub struct RedisSink {
    stream: BufReader<TcpStream>,
    channel: String,
    body: String,
}

impl RedisSink {
    /// Connects.
    ///
    /// # Errors
    /// [`PublishError`] when it cannot be reached.
    pub fn open(port: u16, channel: &str, body: &str) -> Result<Self, PublishError> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let stream = BufReader::new(stream);
        Ok(Self { stream, channel: channel.to_owned(), body: body.to_owned() })
    }

    pub(super) fn send(&mut self, topic: &str, payload: &Payload) -> Result<(), PublishError> {
        let words =
            ["PUBLISH", &self.channel.replace("{topic}", topic), &payload.fill(&self.body, topic)]
                .map(|word| format!("${}\r\n{word}\r\n", word.len()));
        self.stream.get_mut().write_all(format!("*3\r\n{}", words.concat()).as_bytes())?;
        let mut answer = String::new();
        self.stream.read_line(&mut answer)?;
        match answer.starts_with(':') {
            true => Ok(()),
            false => Err(PublishError(format!("Redis answered {:?}", answer.trim_end()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Read, net::TcpListener};

    #[test]
    fn an_update_is_one_command() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let expected = "*3\r\n$7\r\nPUBLISH\r\n$3\r\nc:A\r\n$1\r\np\r\n";
        let serve = move || {
            let (mut stream, _) = listener.accept().unwrap();
            for answer in [":3\r\n", "-ERR no\r\n"] {
                let mut asked = vec![0; expected.len()];
                stream.read_exact(&mut asked).unwrap();
                assert_eq!(String::from_utf8(asked).unwrap(), expected);
                stream.write_all(answer.as_bytes()).unwrap();
            }
        };
        let server = std::thread::spawn(serve);
        let mut sink = RedisSink::open(port, "c:{topic}", "{payload}").unwrap();
        let payload = Payload("p".to_owned());
        assert!(sink.send("A", &payload).is_ok());
        assert!(sink.send("A", &payload).unwrap_err().to_string().contains("-ERR no"));
        server.join().unwrap();
    }
}
