//! Which addresses are understood, and that wrong ones tell no secrets.

use super::*;

fn parsed(text: &str) -> Address {
    Address::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_master_is_named_behind_its_sentinels() {
    let text = "redis+sentinel://feed:p%40ss@10.0.0.1,h2:7000,[::1]:7001/main/2\
                ?sentinel_user=s&sentinel_password=x%26y";
    let address = parsed(text);
    assert_eq!(address.to_string(), "10.0.0.1:26379,h2:7000,[::1]:7001/main");
    let Address::Sentinels { sentinels, witness, name, master } = address else {
        panic!("no sentinels")
    };
    assert_eq!((name.as_str(), sentinels.len()), ("main", 3));
    let login = master.redis_settings();
    assert_eq!((login.username(), login.password()), (Some("feed"), Some("p@ss")));
    assert_eq!((login.db(), login.protocol()), (2, ProtocolVersion::RESP3));
    let login = witness.redis_settings();
    assert_eq!((login.username(), login.password()), (Some("s"), Some("x&y")));
    assert_eq!((login.db(), login.protocol()), (0, ProtocolVersion::RESP3));
}

#[test]
fn without_credentials_of_their_own_sentinels_are_given_none() {
    let Address::Sentinels { witness, .. } = parsed("redis+sentinel://u:p@a:1/main") else {
        panic!("no sentinels")
    };
    let login = witness.redis_settings();
    assert_eq!((login.username(), login.password()), (None, None));
}

#[test]
fn a_cluster_is_named_by_some_of_its_nodes() {
    let address = parsed("redis+cluster://:pw@a,b:7000/");
    assert_eq!(address.to_string(), "a:6379,b:7000");
    let Address::Cluster { seeds, template } = address else { panic!("no cluster") };
    let info = seeds[1].like(&template);
    assert_eq!(info.addr(), &ConnectionAddr::Tcp("b".into(), 7000));
    assert_eq!(info.redis_settings().password(), Some("pw"));
}

#[test]
fn tls_holds_for_every_server_named() {
    for text in ["rediss+sentinel://a:1,b:2/main", "rediss+cluster://a:1,b:2"] {
        let info = match parsed(text) {
            Address::Sentinels { sentinels, witness, master, .. } => {
                let sentinel = sentinels[1].like(&witness);
                assert!(matches!(sentinel.addr(), ConnectionAddr::TcpTls { .. }), "{text}");
                Node { host: "c".into(), port: 3 }.like(&master)
            }
            Address::Cluster { seeds, template } => seeds[1].like(&template),
            Address::Server(_) => panic!("{text}"),
        };
        assert!(matches!(info.addr(), ConnectionAddr::TcpTls { insecure: false, .. }), "{text}");
    }
}

#[test]
fn what_is_wrong_is_said_without_credentials() {
    for (text, part) in [
        ("redis+sentinel://u:s3cret@a:1", "master's name"),
        ("redis+sentinel://u:s3cret@a:1/", "master's name"),
        ("redis+sentinel://u:s3cret@a:1,/main", "no host"),
        ("redis+sentinel://u:s3cret@/main", "no host"),
        ("redis+sentinel://u:s3cret@a:99999/main", "no host"),
        ("redis+sentinel://u:s3cret@a:1/main/x", "database"),
        ("redis+sentinel://a:1/main?sentinel_pass=s3cret", "sentinel_pass"),
        ("redis+cluster://u:s3cret@a:1/3", "no databases"),
        ("redis+cluster://u:s3cret@a:1?db=3", "no parameters"),
        ("redis+cluster://u:s3cret@", "no host"),
        ("unix+cluster://a:1", "redis+cluster://"),
        ("redis+clusters://u:s3cret@a:1", "redis+cluster://"),
        ("nonsense", "redis://"),
    ] {
        let error = Address::parse(text).err().unwrap_or_else(|| panic!("{text} was taken"));
        assert!(error.to_string().contains(part), "{text}: {error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}
