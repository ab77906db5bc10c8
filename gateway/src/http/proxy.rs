//! On whose behalf a proxy connects, as the PROXY protocol, version 2, says before anything else.
//! Its document is HAProxy's `doc/proxy-protocol.txt`; version 1, a text line, is not spoken.

use ppp::v2::{Addresses, Command, Header, ParseError};
use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};
use tokio::{io::AsyncReadExt, net::TcpStream};

/// The part of fixed size, which ends with the length of the rest (section 2.2).
const FIXED_BYTES: usize = 16;
/// Longest rest: addresses and what proxies tell in addition (certificates' names and the like).
const MAX_REST_BYTES: usize = 2048;

/// Reads the header off the socket, and not a byte more: the client, or none where the proxy speaks
/// for itself (health checks).
///
/// # Errors
/// When the connection ends or what comes is no such header.
pub async fn read(socket: &mut TcpStream) -> io::Result<Option<SocketAddr>> {
    let mut header = vec![0; FIXED_BYTES];
    socket.read_exact(&mut header).await?;
    let rest = rest_of(&header).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
    header.resize(FIXED_BYTES + rest, 0);
    socket.read_exact(&mut header[FIXED_BYTES..]).await?;
    client(&header).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

/// How many bytes follow the fixed part.
///
/// # Errors
/// When it is no such header, or one that is too long.
pub fn rest_of(fixed: &[u8]) -> Result<usize, Unreadable> {
    match Header::try_from(fixed) {
        Ok(_) => Ok(0),
        Err(ParseError::Partial(_, rest)) if rest <= MAX_REST_BYTES => Ok(rest),
        Err(ParseError::Partial(_, rest)) => Err(Unreadable::TooLong(rest)),
        Err(error) => Err(Unreadable::Other(error)),
    }
}

/// The client in a complete header.
///
/// # Errors
/// When it is none.
pub fn client(header: &[u8]) -> Result<Option<SocketAddr>, Unreadable> {
    let header = Header::try_from(header).map_err(Unreadable::Other)?;
    Ok(match (header.command, &header.addresses) {
        (Command::Proxy, Addresses::IPv4(ends)) => {
            Some(SocketAddr::from((ends.source_address, ends.source_port)))
        }
        (Command::Proxy, Addresses::IPv6(ends)) => {
            Some(SocketAddr::from((ends.source_address, ends.source_port)))
        }
        _ => None,
    })
}

/// What is wrong with a header.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Longer than any that makes sense.
    #[error("a PROXY header of {0} bytes is too long")]
    TooLong(usize),
    /// Anything else.
    #[error("no PROXY v2 header: {0}")]
    Other(ParseError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use ppp::v2::{Builder, Protocol, Version};

    fn header(command: Command, ends: Option<(SocketAddr, SocketAddr)>) -> Vec<u8> {
        let version = Version::Two | command;
        match ends {
            Some(ends) => Builder::with_addresses(version, Protocol::Stream, ends),
            None => Builder::new(version, 0),
        }
        .build()
        .unwrap()
    }

    fn ends(source: &str, destination: &str) -> Option<(SocketAddr, SocketAddr)> {
        Some((source.parse().unwrap(), destination.parse().unwrap()))
    }

    #[test]
    fn the_source_is_the_client() {
        for (source, destination) in
            [("192.0.2.1:4711", "192.0.2.2:80"), ("[2001:db8::1]:4711", "[2001:db8::2]:80")]
        {
            let bytes = header(Command::Proxy, ends(source, destination));
            assert_eq!(rest_of(&bytes[..FIXED_BYTES]).unwrap(), bytes.len() - FIXED_BYTES);
            assert_eq!(client(&bytes).unwrap(), Some(source.parse().unwrap()));
        }
    }

    #[test]
    fn a_proxy_that_speaks_for_itself_names_nobody() {
        let bytes = header(Command::Local, ends("192.0.2.1:4711", "192.0.2.2:80"));
        assert_eq!(client(&bytes).unwrap(), None);
        let bytes = header(Command::Proxy, None);
        assert_eq!(rest_of(&bytes).unwrap(), 0);
        assert_eq!(client(&bytes).unwrap(), None);
    }

    #[test]
    fn anything_else_is_refused_from_its_fixed_part() {
        assert!(rest_of(b"PROXY TCP4 1.2.3").is_err());
        assert!(rest_of(b"GET /ws HTTP/1.1").is_err());
        let mut long = header(Command::Proxy, ends("192.0.2.1:4711", "192.0.2.2:80"));
        long[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
        assert!(matches!(rest_of(&long[..FIXED_BYTES]), Err(Unreadable::TooLong(65535))));
        long[12] = 0x11;
        assert!(matches!(rest_of(&long[..FIXED_BYTES]), Err(Unreadable::Other(_))));
    }
}
