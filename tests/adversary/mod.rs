//! Bad luck of every kind in random order: exchanges that lie, links that break, processes that die.
//! What must always hold is checked at clients, on every message; what must hold in the end, after
//! each spell of calm.
//!
//! The order is drawn from a seed, which a failure names. Other draws, and longer ones:
//! `make adversary`, or `ADVERSARY_SEED=7 ADVERSARY_EVENTS=500 cargo test --test behaviour adversary`.

mod event;
mod model;
mod scene;
mod witness;

use event::Event;
use rand::{SeedableRng, rngs::StdRng};
use scene::Scene;

/// The draw of an ordinary run: the same each time, so that a failure is somebody's change.
const SEED: u64 = 20_261_121;
/// Events of an ordinary run: some twenty seconds.
const EVENTS: usize = 14;
/// Events between two spells of calm.
const CALM_EVERY: usize = 7;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_nothing_runs_backwards_and_the_newest_price_arrives() {
    let seed = setting("ADVERSARY_SEED").unwrap_or(SEED);
    let events = setting("ADVERSARY_EVENTS").map_or(EVENTS, |events| events as usize);
    let mut random = StdRng::seed_from_u64(seed);
    let mut scene = Scene::start().await;
    scene.calm("at the start").await;
    let mut told = Vec::new();
    for number in 1..=events {
        let event = Event::draw(&mut random);
        told.push(format!("{number}: {event:?}"));
        event.happen(&mut scene, &mut random).await;
        scene.assert_sound(seed, &told);
        if number % CALM_EVERY == 0 || number == events {
            scene.calm(&format!("seed {seed} after {told:?}")).await;
            scene.assert_sound(seed, &told);
        }
    }
    assert!(scene.messages() > 0, "the witnesses saw nothing");
}
