//! Every bound holds, is given back, and is met by nobody else.

use super::*;
use crate::metrics::Metrics;

const ROOM: usize = 1000;

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn door(capacity: usize, change: impl FnOnce(&mut GatewayConfig)) -> Arc<Door> {
    let mut config = GatewayConfig::default();
    change(&mut config);
    Door::new(&config, capacity, Metrics::register())
}

fn cause<T>(result: Result<T, Refused>) -> Cause {
    result.err().map(|refused| refused.cause).expect("a refusal")
}

#[test]
fn seats_of_the_node_are_counted_and_given_back() {
    let door = door(2, |_| {});
    let first = door.knock(address(1)).unwrap();
    let _second = door.knock(address(2)).unwrap();
    assert_eq!(cause(door.knock(address(3))), Cause::Connections);
    drop(first);
    assert!(door.knock(address(3)).is_ok());
}

#[test]
fn one_address_has_its_own_bound() {
    let door = door(ROOM, |config| config.limits.max_connections_per_ip = 2);
    let seats = [door.knock(address(1)).unwrap(), door.knock(address(1)).unwrap()];
    assert_eq!(cause(door.knock(address(1))), Cause::ConnectionsPerAddress);
    assert!(door.knock(address(2)).is_ok());
    drop(seats);
    assert!(door.knock(address(1)).is_ok());
    assert!(door.addresses.is_empty(), "an address without connections costs nothing");
    assert_eq!(door.open.load(Ordering::Relaxed), 0);
}

#[test]
fn handshakes_are_bounded_for_the_node_and_for_an_address() {
    let door = door(ROOM, |config| config.limits.max_handshakes = 8);
    let (kept, two): (Vec<_>, Vec<_>) = (0..2).map(|_| door.knock(address(1)).unwrap()).unzip();
    assert_eq!(cause(door.knock(address(1))), Cause::Handshakes);
    let others: Vec<_> = (2..8).map(|n| door.knock(address(n)).unwrap()).collect();
    assert_eq!(cause(door.knock(address(9))), Cause::Handshakes);
    // Requests have come: the connections stay, their handshakes are over.
    drop((two, others));
    assert!(door.knock(address(1)).is_ok());
    drop(kept);
}

#[test]
fn dials_have_a_burst_and_then_a_rate() {
    let door = door(ROOM, |config| {
        config.limits.dials_per_second_per_ip = 1;
        config.limits.dials_per_second = 2;
    });
    for _ in 0..4 {
        door.knock(address(1)).unwrap();
    }
    let refused = door.knock(address(1)).unwrap_err();
    assert_eq!(refused.cause, Cause::DialsPerAddress);
    assert!(refused.retry_after <= Duration::from_secs(1), "{refused:?}");
    // Those that were refused have taken nothing from the node's eight.
    for n in 2..6 {
        door.knock(address(n)).unwrap();
    }
    assert_eq!(cause(door.knock(address(6))), Cause::Dials);
}

#[test]
fn a_proxys_connections_are_its_clients() {
    let door = door(ROOM, |config| {
        config.limits.max_connections_per_ip = 1;
        config.trusted_proxies = vec!["192.0.2.1/32".parse().unwrap()];
    });
    let (first, _) = door.knock(address(1)).unwrap();
    let (second, _) = door.knock(address(1)).unwrap();
    door.seat_for(&first, address(7)).unwrap();
    door.seat_for(&first, address(7)).unwrap();
    assert_eq!(cause(door.seat_for(&second, address(7))), Cause::ConnectionsPerAddress);
    door.seat_for(&second, address(8)).unwrap();
    drop(first);
    assert!(door.knock(address(7)).is_ok(), "the client is gone with its connection");
}

#[test]
fn this_machine_is_limited_only_once_proxies_are_named() {
    let local: IpAddr = [127, 0, 0, 1].into();
    let narrow = |config: &mut GatewayConfig| {
        config.limits.max_connections_per_ip = 1;
        config.limits.requests_per_second_per_ip = 1;
    };
    let open = door(ROOM, narrow);
    let _seats = [open.knock(local).unwrap(), open.knock(local).unwrap()];
    (0..100).for_each(|_| open.ask(local).unwrap());
    let behind = door(ROOM, |config| {
        narrow(config);
        config.trusted_proxies = vec!["192.0.2.1/32".parse().unwrap()];
    });
    let _seat = behind.knock(local).unwrap();
    assert_eq!(cause(behind.knock(local)), Cause::ConnectionsPerAddress);
    (0..4).for_each(|_| behind.ask(local).unwrap());
    assert_eq!(cause(behind.ask(local)), Cause::Requests);
}

#[test]
fn nobody_comes_in_while_draining_or_short_of_memory() {
    let door = door(ROOM, |_| {});
    door.set_memory_is_short(true);
    assert_eq!(cause(door.knock(address(1))), Cause::Memory);
    door.set_memory_is_short(false);
    assert!(door.knock(address(1)).is_ok());
    door.drain();
    assert_eq!(cause(door.knock(address(1))), Cause::Draining);
}

#[test]
fn zero_means_no_limit() {
    let door = door(ROOM, |config| {
        let limits = &mut config.limits;
        limits.max_connections_per_ip = 0;
        limits.max_handshakes = 0;
        limits.dials_per_second_per_ip = 0;
        limits.requests_per_second_per_ip = 0;
    });
    let seats: Vec<_> = (0..ROOM).map(|_| door.knock(address(1)).unwrap()).collect();
    assert_eq!(cause(door.knock(address(1))), Cause::Connections);
    (0..1000).for_each(|_| door.ask(address(1)).unwrap());
    drop(seats);
}

#[test]
fn addresses_that_are_quiet_again_are_forgotten() {
    let quick = |config: &mut GatewayConfig| {
        config.limits.dials_per_second_per_ip = 1_000_000;
        config.limits.requests_per_second_per_ip = 1_000_000;
    };
    let door = door(ROOM, quick);
    let remembered = || {
        let bounds = door.bounds();
        let rates = [&bounds.dials_per_address, &bounds.requests_per_address];
        rates.map(|rate| rate.as_ref().map_or(0, |rate| rate.len()))
    };
    for last in 0..100 {
        door.knock(address(last)).unwrap();
        door.ask(address(last)).unwrap();
    }
    assert_eq!(remembered()[0], 100);
    let start = Instant::now();
    // A microsecond fills a bucket again.
    while remembered() != [0, 0] {
        door.forget();
        assert!(start.elapsed() < Duration::from_secs(20), "they are kept");
    }
}

#[test]
fn upgrades_that_are_refused_again_and_again_are_not_looked_at() {
    let door = door(ROOM, |config| config.limits.requests_per_second_per_ip = 1);
    for _ in 0..4 {
        door.ask_upgrade(address(1)).unwrap();
        door.upgrade_refused(address(1));
    }
    door.ask_upgrade(address(1)).unwrap();
    door.upgrade_refused(address(1));
    assert_eq!(cause(door.ask_upgrade(address(1))), Cause::Requests);
    assert!(door.ask_upgrade(address(2)).is_ok());
    assert_eq!(door.barred.len(), 1);
}

#[test]
fn other_bounds_hold_from_the_next_one_on_and_fill_no_bucket() {
    let door = door(ROOM, |config| config.limits.dials_per_second_per_ip = 1);
    let seats: Vec<_> = (0..4).map(|_| door.knock(address(1)).unwrap()).collect();
    assert_eq!(cause(door.knock(address(1))), Cause::DialsPerAddress);
    let mut config = GatewayConfig::default();
    config.limits.dials_per_second_per_ip = 1;
    config.limits.max_connections_per_ip = 2;
    door.set_bounds(&config, 5);
    assert_eq!(cause(door.knock(address(1))), Cause::DialsPerAddress, "the same bucket");
    config.limits.dials_per_second_per_ip = 0;
    door.set_bounds(&config, 5);
    assert_eq!(
        cause(door.knock(address(1))),
        Cause::ConnectionsPerAddress,
        "four are more than two"
    );
    let _last = door.knock(address(2)).unwrap();
    assert_eq!(cause(door.knock(address(3))), Cause::Connections, "who was there before counts");
    drop(seats);
    assert!(door.knock(address(1)).is_ok());
}
