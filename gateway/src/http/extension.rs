//! Which offer of permessage-deflate (RFC 7692) is accepted, and with which answer.

/// The one extension that is spoken here.
const NAME: &str = "permessage-deflate";
/// Neither side keeps anything of a message for the next: one compressed frame serves all clients.
const ANSWER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
/// The same to an offer that bounds the server's window; accepting it means repeating it
/// (RFC 7692 section 7.1.2.1).
const ANSWER_WITH_WINDOW: &str = "permessage-deflate; server_no_context_takeover; \
     client_no_context_takeover; server_max_window_bits=15";

/// The answer to the first offer that can be honoured; `headers` are the values of
/// `Sec-WebSocket-Extensions` in their order. None: no extension is used.
pub fn accept<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<&'static str> {
    headers.into_iter().flat_map(|value| split(value, ',')).find_map(answer)
}

/// The answer to one offer, if it can be honoured.
fn answer(offer: &str) -> Option<&'static str> {
    let mut parts = split(offer, ';').map(str::trim);
    if parts.next() != Some(NAME) {
        return None;
    }
    let mut seen = Vec::new();
    let mut answer = ANSWER;
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(unquoted(value.trim_start())?)),
            None => (part, None),
        };
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        match (name, value) {
            ("server_no_context_takeover" | "client_no_context_takeover", None) => {}
            // Whatever window the client compresses with, ours is as large as any.
            ("client_max_window_bits", None) => {}
            ("client_max_window_bits", Some(bits)) if is_window(bits) => {}
            ("server_max_window_bits", Some("15")) => answer = ANSWER_WITH_WINDOW,
            _ => return None,
        }
    }
    Some(answer)
}

/// 8 to 15, without leading zeros (RFC 7692 section 7.1.2).
fn is_window(bits: &str) -> bool {
    matches!(bits, "8" | "9" | "10" | "11" | "12" | "13" | "14" | "15")
}

/// A value with its quotes taken off; none if it has only one. Escapes within are left: no value
/// that is understood here has any.
fn unquoted(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        None => Some(value),
        Some(rest) => rest.strip_suffix('"'),
    }
}

/// The parts between separators that stand outside of quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return c == separator && !quoted,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_can_be_honoured() {
        for offer in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate;client_max_window_bits=8",
            "permessage-deflate; client_max_window_bits = \"15\"",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            "  permessage-deflate ; client_no_context_takeover  ",
            "permessage-bzip2; level=9, permessage-deflate",
            "permessage-deflate; server_max_window_bits=10, permessage-deflate",
            "foo; bar=\"permessage-deflate; x, y\\\"\"; baz, permessage-deflate",
        ] {
            assert_eq!(accept([offer]), Some(ANSWER), "{offer}");
        }
        for offer in [
            "permessage-deflate; server_max_window_bits=15",
            "permessage-deflate; client_max_window_bits; server_max_window_bits=\"15\"",
        ] {
            assert_eq!(accept([offer]), Some(ANSWER_WITH_WINDOW), "{offer}");
        }
        assert_eq!(accept(["x-webkit-deflate-frame", "permessage-deflate"]), Some(ANSWER));
    }

    #[test]
    fn declines_the_rest() {
        for offer in [
            "",
            ",",
            "permessage-bzip2",
            "Permessage-deflate",
            "permessage-deflate;",
            "permessage-deflate; colour",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=",
            "permessage-deflate; server_max_window_bits=14",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=015",
            "permessage-deflate; client_max_window_bits=7",
            "permessage-deflate; client_max_window_bits=16",
            "permessage-deflate; client_max_window_bits=+9",
            "permessage-deflate; client_max_window_bits=\"9",
            "permessage-deflate; client_max_window_bits=",
            "permessage-deflate; client_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover=\"\"",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
            "foo=\"permessage-deflate, permessage-deflate",
        ] {
            assert_eq!(accept([offer]), None, "{offer}");
        }
        assert_eq!(accept([]), None);
    }
}
