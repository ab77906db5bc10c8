//! Every mistake in the settings is one line that names the key and what would be right.

use super::*;

fn mistake(toml: &str) -> String {
    let message = settings(toml).validate().unwrap_err().to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

#[test]
fn mistakes_name_the_key_and_what_is_right() {
    let digest = tokens::sha256("x");
    let key = |rest: &str| format!("[[auth.api_key]]\nname = 'a'\nsha256 = '{digest}'\n{rest}\n");
    let jwt = |key: &str| jwt("ES256", key);
    for (toml, wanted) in [
        ("[auth]\nrequired = true\n".to_owned(), "gateway.auth.required = true: without [[gateway"),
        (key("topics = []"), "gateway.auth.api_key[0].topics = []: at least one pattern"),
        (key("topics = ['b*d']"), "gateway.auth.api_key[0].topics = \"b*d\": topics or patterns"),
        (key("plan = 'gold'"), "gateway.auth.api_key[0].plan = \"gold\": no plan is configured"),
        (key(&key("")), "gateway.auth.api_key[1].name = \"a\": another key has this name"),
        (
            "[[auth.api_key]]\nname = 'a'\nsha256 = 'my-key'\n".to_owned(),
            "gateway.auth.api_key[0].sha256 = ***: the 64 hexadecimal digits",
        ),
        (jwt(""), "gateway.auth.jwt[0] = no key: ES256 needs exactly one of public_key_file, "),
        (jwt("secret = 'x'"), "gateway.auth.jwt[0] = secret: ES256 needs exactly one of "),
        (
            jwt("jwks_file = 'a'\njwks_url = 'b'"),
            "gateway.auth.jwt[0] = jwks_file and jwks_url: ES256 needs exactly one of ",
        ),
        (
            super::jwt("HS256", "secret = 'short'"),
            "gateway.auth.jwt[0].secret = ***: at least 32 bytes",
        ),
        (
            super::jwt("HS256", "jwks_url = 'https://a.example'"),
            "gateway.auth.jwt[0] = jwks_url: HS256 needs exactly one of secret, secret_file",
        ),
        (jwt("jwks_url = 'ftp://a'"), "gateway.auth.jwt[0].jwks_url = \"ftp://a\": an address"),
        (
            jwt("jwks_file = 'a'\nleeway_seconds = 61"),
            "gateway.auth.jwt[0].leeway_seconds = 61: 0 to 60 seconds",
        ),
        (jwt("jwks_file = 'a'\nkid = 'k'"), "gateway.auth.jwt[0].kid = \"k\": a key set names"),
        ("[plans.Gold]\n".to_owned(), "gateway.plans = \"Gold\": a plan's name has lower-case"),
        ("[plans.a]\nmax_topics = 0\n".to_owned(), "gateway.plans.a.max_topics = 0: at least 1"),
        (
            "[plans.a]\nmin_interval_ms = 3600001\n".to_owned(),
            "gateway.plans.a.min_interval_ms = 3600001: 0 to 3600000",
        ),
        (
            "[plans.a]\ntopics = ['?']\n".to_owned(),
            "gateway.plans.a.topics = \"?\": topics or patterns",
        ),
    ] {
        let message = mistake(&toml);
        assert!(message.starts_with(wanted), "{message}");
    }
}

#[test]
fn without_a_source_there_is_no_authentication() {
    let config = settings("[plans.a]\nmax_topics = 5\n");
    config.validate().unwrap();
    assert!(Auth::open(&config).unwrap().is_none());
}

#[test]
fn keys_that_are_none_are_refused_at_the_start() {
    let ed = Signer::ed().pem();
    let private = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (algorithm, setting, text, wanted) in [
        ("ES256", "public_key_file", ed.as_str(), "a public key for ES256 as PEM is wanted"),
        ("RS256", "public_key_file", "nonsense", "a public key for RS256 as PEM is wanted"),
        ("RS256", "public_key_file", private, "this one is private"),
        ("EdDSA", "jwks_file", "{}", "no JSON Web Key Set"),
        ("EdDSA", "jwks_file", "{\"keys\":[]}", "no key in the set is one for EdDSA"),
        ("HS256", "secret_file", "short\n", "at least 32 bytes"),
    ] {
        let (_file, key) = file(setting, text);
        let error = Auth::open(&settings(&jwt(algorithm, &key))).unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with(&format!("gateway.auth.jwt[0].{setting} = ")), "{message}");
        assert!(message.contains(wanted) && !message.contains("nonsense"), "{message}");
    }
}
