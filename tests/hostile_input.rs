//! The bodies of the fuzz targets in `tests/fuzz`, on their seeds and on what becomes of these when
//! bytes are changed, cut out and doubled: what every test run can do without a fuzzer.

use proptest::{
    collection::vec,
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};
use std::path::Path;

/// Inputs a target at least: all targets together take some seconds.
const INPUTS: u32 = 2000;

/// The seeds of a target; there are some.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(target);
    let files = std::fs::read_dir(&folder).expect("a folder of seeds");
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no seeds in {}", folder.display());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// A place, how many bytes are taken out there, and what is put in their stead.
type Edit = (Index, usize, Vec<u8>);

fn edited(mut bytes: Vec<u8>, edits: Vec<Edit>, pieces: &[Vec<u8>]) -> Vec<u8> {
    for (at, taken, mut put) in edits {
        if taken == 0 {
            // A piece of another seed.
            let piece = at.get(pieces);
            put = piece[at.index(piece.len() + 1)..].to_vec();
        }
        let start = at.index(bytes.len() + 1);
        let end = bytes.len().min(start + taken);
        bytes.splice(start..end, put);
    }
    bytes
}

/// Every seed as it is, and many that are a few edits away from one.
fn hold(target: &str, body: impl Fn(&[u8])) {
    let seeds = seeds(target);
    seeds.iter().for_each(|seed| body(seed));
    let edits = vec((any::<Index>(), 0_usize..9, vec(any::<u8>(), 0..6)), 1..6);
    let inputs = (prop::sample::select(seeds.clone()), edits)
        .prop_map(|(seed, edits)| edited(seed, edits, &seeds));
    let config = Config::default();
    let cases = config.cases.max(INPUTS);
    let ran = TestRunner::new(Config { cases, ..config }).run(&inputs, |input| {
        body(&input);
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{target}: {error}"));
}

fn text(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

#[test]
fn frames_of_clients() {
    hold("client_frames", tickcast_gateway::fuzz::client_frames);
}

#[test]
fn commands_of_clients() {
    hold("client_commands", |input| tickcast_shared::fuzz::client_command(&text(input)));
}

#[test]
fn headers_of_proxies() {
    hold("forwarded_headers", tickcast_gateway::fuzz::forwarded_header);
    hold("proxy_headers", tickcast_gateway::fuzz::proxy_header);
}

#[test]
fn messages_of_exchanges() {
    hold("exchange_messages", |input| tickcast_feed::fuzz::exchange_message(&text(input)));
}

#[test]
fn values_on_the_bus() {
    hold("bus_values", tickcast_shared::fuzz::bus_value);
}

#[test]
fn configuration_files() {
    hold("configuration", |input| {
        tickcast_gateway::fuzz::configuration(&text(input));
        tickcast_feed::fuzz::configuration(&text(input));
    });
}
