//! On whose behalf a proxy asks, as the headers `X-Forwarded-For` and `Forwarded` (RFC 7239) say.

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};

/// Which of the two headers the trusted proxies write. Only that one is read: the other would come
/// from the client as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// A list of addresses; what nearly all proxies write.
    #[default]
    XForwardedFor,
    /// The standard's own.
    Forwarded,
}

impl ForwardedHeader {
    /// Its name.
    #[must_use]
    pub fn name(self) -> HeaderName {
        match self {
            Self::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            Self::Forwarded => header::FORWARDED,
        }
    }

    /// The client: from the right, the first hop that is no trusted proxy. `peer` is trusted itself.
    /// Where a hop is not readable, whoever reported it is the last that is known.
    #[must_use]
    pub fn client(self, peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
        let lines = headers.get_all(self.name());
        // A client's bytes that are no text must not hide what a proxy has put behind them.
        let lines: Vec<_> =
            lines.iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        let mut client = peer;
        for hop in lines.iter().rev().flat_map(|line| self.hops_from_the_right(line)) {
            let address = match self {
                Self::XForwardedFor => node(hop),
                Self::Forwarded => for_parameter(hop).and_then(node),
            };
            let Some(address) = address else { break };
            client = address;
            if !trusted.iter().any(|network| network.contains(&address)) {
                break;
            }
        }
        client
    }

    /// The hops in a line. Quotes mean something in the standard's header only.
    fn hops_from_the_right(self, line: &str) -> Vec<&str> {
        match self {
            Self::XForwardedFor => line.rsplit(',').collect(),
            Self::Forwarded => split_from_the_right(line, ',').collect(),
        }
    }
}

/// The parts of `text` between separators that do not stand inside quotes, from the right: what the
/// last proxy wrote is read as it wrote it, whatever quotes a client has left open before.
fn split_from_the_right(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.rsplit(move |letter| {
        quoted ^= letter == '"';
        letter == separator && !quoted
    })
}

/// The value of `for=` in one element of `Forwarded`.
fn for_parameter(element: &str) -> Option<&str> {
    split_from_the_right(element, ';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let value = value.trim();
        let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        name.trim().eq_ignore_ascii_case("for").then_some(inner.unwrap_or(value))
    })
}

/// An address, with or without brackets and port (RFC 7239 section 6); names in its place are none.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = inner.unwrap_or(text).parse::<IpAddr>();
    let address = address.or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const PROXY: &str = "10.0.0.1";

    fn client(header: ForwardedHeader, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header.name(), HeaderValue::from_str(line).unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        header.client(PROXY.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn the_rightmost_hop_that_is_no_proxy_is_the_client() {
        for (lines, wanted) in [
            (&[][..], PROXY),
            (&[""][..], PROXY),
            (&["192.0.2.1"][..], "192.0.2.1"),
            (&["6.6.6.6, 192.0.2.1"][..], "192.0.2.1"),
            (&["6.6.6.6, 192.0.2.1, 10.0.0.2"][..], "192.0.2.1"),
            (&["6.6.6.6", "192.0.2.1,10.0.0.2"][..], "192.0.2.1"),
            (&["10.9.9.9, 10.0.0.2"][..], "10.9.9.9"),
            (&["192.0.2.1:4711"][..], "192.0.2.1"),
            (&["[2001:db8::1]:4711"][..], "2001:db8::1"),
            (&["[2001:db8::1]"][..], "2001:db8::1"),
            (&["2001:db8::1, fd00::2"][..], "2001:db8::1"),
            (&["::ffff:192.0.2.1"][..], "192.0.2.1"),
            (&["192.0.2.1, unknown, 10.0.0.2"][..], "10.0.0.2"),
            (&["192.0.2.1, "][..], PROXY),
            (&["\"6.6.6.6, 192.0.2.1"][..], "192.0.2.1"),
        ] {
            assert_eq!(client(ForwardedHeader::XForwardedFor, lines), wanted, "{lines:?}");
        }
    }

    #[test]
    fn the_standards_header_is_read_with_its_quotes() {
        for (lines, wanted) in [
            (&["for=192.0.2.1"][..], "192.0.2.1"),
            (&["For=\"[2001:db8::1]:4711\";proto=https"][..], "2001:db8::1"),
            (&["for=6.6.6.6, by=10.0.0.1; for=192.0.2.1 ;proto=http"][..], "192.0.2.1"),
            (&["for=192.0.2.1;x=\"a,for=6.6.6.6\""][..], "192.0.2.1"),
            (&["for=\", for=192.0.2.1"][..], "192.0.2.1"),
            (&["for=\"6.6.6.6, for=\"[2001:db8::1]:80\", for=10.0.0.7"][..], "2001:db8::1"),
            (&["for=192.0.2.1, for=_hidden"][..], PROXY),
            (&["proto=https"][..], PROXY),
            (&["for=\"192.0.2.1"][..], PROXY),
        ] {
            assert_eq!(client(ForwardedHeader::Forwarded, lines), wanted, "{lines:?}");
        }
    }
}
