//! API keys from the settings and from a file.

use super::*;
use tokens::sha256;

#[tokio::test]
async fn keys_are_known_by_their_digests() {
    let text =
        format!("# ours\n\nfile:{}  # theirs\nfast : {} : fast\n", sha256("f1"), sha256("f2"));
    let (_file, named) = file("api_keys_file", &text);
    let auth = open(&format!(
        "[auth]\n{named}\n[[auth.api_key]]\nname = 'desk'\nsha256 = '{}'\n\
         topics = ['*-USDT']\nplan = 'fast'\n[plans.fast]\nmax_topics = 7\ntopics = ['ticker:*:B*']\n",
        sha256("desk-key").to_uppercase()
    ));
    assert!(auth.is_required && auth.allows_first_message);
    let desk = auth.admit("desk-key").await.unwrap();
    assert_eq!((desk.subject.as_deref(), desk.expires), (Some("desk"), None));
    assert_eq!(desk.limits.max_topics, 7);
    assert!(desk.allows(&topic("ticker:kucoin:BTC-USDT")));
    assert!(!desk.allows(&topic("ticker:okx:BTC-USDT")), "not of the key's own topics");
    assert!(!desk.allows(&topic("ticker:kucoin:ETH-USDT")), "not of the plan's");
    assert_eq!(auth.admit("f1").await.unwrap().limits.max_topics, 1024);
    assert_eq!(auth.admit("f2").await.unwrap().limits.max_topics, 7);
    for wrong in ["desk-key ", "desk", "", &sha256("desk-key")] {
        assert_eq!(denied(&auth, wrong).await, Denied::Unreadable);
    }
}

#[test]
fn a_wrong_line_of_the_file_is_named() {
    let digest = sha256("x");
    for (line, wanted) in [
        ("desk".to_owned(), "line 2: expected name:sha256"),
        (format!(":{digest}"), "line 2: expected name:sha256"),
        (format!("desk:{}", &digest[1..]), "line 2: expected name:sha256"),
        (format!("desk:{digest}:slow:x"), "line 2: expected name:sha256"),
        (format!("desk:{digest}:gold"), "line 2: the plans are slow"),
    ] {
        let (_file, named) = file("api_keys_file", &format!("# keys\n{line}\n"));
        let config = settings(&format!("[auth]\n{named}\n[plans.slow]\n"));
        let message = Auth::open(&config).unwrap_err().to_string();
        assert!(message.starts_with("gateway.auth.api_keys_file = "), "{message}");
        assert!(message.contains(wanted) && !message.contains('\n'), "{message}");
    }
    let missing = settings("[auth]\napi_keys_file = '/nowhere/keys'\n");
    let message = Auth::open(&missing).unwrap_err().to_string();
    assert!(message.contains("\"/nowhere/keys\" does not fit: No such file"), "{message}");
}
