//! Takes secrets out of addresses before they are shown.

use crate::secret::HIDDEN;

/// Whether a key's value is a secret as a whole, whatever it is.
#[must_use]
pub fn is_secret(key: &str) -> bool {
    key == "secret" || key == "password" || key == "token" || key.ends_with("_secret")
}

/// The address with its passwords hidden: `redis://feed:***@10.0.0.1:6379`. Text that is no
/// address comes back as it was.
#[must_use]
pub fn redact_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    // Only sentinels have a password there; elsewhere it is part of one.
    let rest = &if scheme.ends_with("+sentinel") {
        without_password_parameters(rest)
    } else {
        rest.into()
    };
    let authority_ends = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // A password may hold any of these characters unescaped when it was typed by hand: take the
    // last @ of the whole text as its end rather than show half of it.
    let Some(at) = rest.rfind('@') else { return format!("{scheme}://{rest}") };
    let credentials = &rest[..at];
    match credentials.split_once(':') {
        Some((user, _)) if user.len() < authority_ends => {
            format!("{scheme}://{user}:{HIDDEN}@{}", &rest[at + 1..])
        }
        _ => format!("{scheme}://{rest}"),
    }
}

/// Hides what follows `password=`, such as that of sentinels.
fn without_password_parameters(rest: &str) -> String {
    const NAME: &str = "password=";
    let Some((address, query)) = rest.split_once('?') else { return rest.to_owned() };
    if !query.contains(NAME) {
        return rest.to_owned();
    }
    let shown = query.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, _)) if name.ends_with("password") => format!("{name}={HIDDEN}"),
        _ => parameter.to_owned(),
    });
    format!("{address}?{}", shown.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::{is_secret, redact_url};

    #[test]
    fn hides_passwords_only() {
        for (text, shown) in [
            ("redis://127.0.0.1:6379", "redis://127.0.0.1:6379"),
            ("redis://feed:secret@10.0.0.1:6379/0", "redis://feed:***@10.0.0.1:6379/0"),
            ("redis://:secret@host", "redis://:***@host"),
            ("redis://:se/cr@et@host", "redis://:***@host"),
            ("rediss://user@host", "rediss://user@host"),
            (
                "redis+sentinel://u:secret@a:1,b:2/main?sentinel_user=s&sentinel_password=secret",
                "redis+sentinel://u:***@a:1,b:2/main?sentinel_user=s&sentinel_password=***",
            ),
            (
                "redis+sentinel://a:1/main?sentinel_password=se@cret&x=1",
                "redis+sentinel://a:1/main?sentinel_password=***&x=1",
            ),
            ("redis+cluster://u:secret@a:1,b:2", "redis+cluster://u:***@a:1,b:2"),
            ("redis://u:se?password=cret@host", "redis://u:***@host"),
            ("no address", "no address"),
        ] {
            assert_eq!(redact_url(text), shown);
        }
    }

    #[test]
    fn knows_secrets_by_their_keys() {
        assert!(is_secret("secret") && is_secret("client_secret"));
        assert!(!is_secret("secret_file") && !is_secret("public_key_file"));
    }
}
