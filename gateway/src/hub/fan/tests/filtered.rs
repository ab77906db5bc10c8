//! A change filter lets nothing through that no member of the cohort needs.

use super::{
    gated::{MS, is_far, quotes},
    socket::{Seen, messages},
    stage::Stage,
    wishes::What,
};
use crate::{
    hub::{Quote, Settings},
    wire::Encoding,
};
use proptest::prelude::*;
use tickcast_shared::clock::Micros;

const CLIENTS: usize = 4;
const TOPIC: [What; 1] = [What::Topic(0)];

#[derive(Debug, Clone)]
enum Step {
    Join(usize),
    Leave(usize),
    Wait(i64),
    Pass(Quote),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0..CLIENTS).prop_map(Step::Join),
        1 => (0..CLIENTS).prop_map(Step::Leave),
        4 => (0..700 * MS).prop_map(Step::Wait),
        8 => quotes().prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..80)
}

/// All clients have the same settings: what is in their hands, one value each and more of those
/// who have left, as a plain list.
#[derive(Debug)]
struct Hands {
    settings: Settings,
    /// Values given to members since the last update to all, and that one.
    held: Vec<Quote>,
    /// When the last update went out, or the first member came.
    fresh: Micros,
    /// Something has moved far enough since.
    is_moved: bool,
    newest: Quote,
    /// Bytes read of each client.
    read: [usize; CLIENTS],
}

impl Hands {
    fn needs(&self, newest: &Quote) -> bool {
        self.held.is_empty()
            || self.held.iter().any(|held| {
                held.state != newest.state || is_far(held, newest, self.settings.min_change_bps)
            })
    }

    /// After a pass at this time: an update has gone to all or to none, and not without need.
    fn check(&mut self, stage: &Stage) {
        self.is_moved |= self.needs(&self.newest);
        let silence = i64::from(self.settings.max_silence_ms) * MS;
        let is_due = stage.now.0 - self.fresh.0 >= silence;
        let members = (0..CLIENTS).filter(|who| !stage.clients[*who].wishes.is_empty());
        let members: Vec<usize> = members.collect();
        let got = members.iter().filter(|who| self.got(stage, **who)).count();
        assert!(got == 0 || got == members.len(), "{got} of {}", members.len());
        if got > 0 {
            assert!(self.is_moved || is_due, "nobody needed {:?}: {self:?}", self.newest);
            (self.held, self.fresh, self.is_moved) = (vec![self.newest], stage.now, false);
        }
    }

    /// Whether anything has come for the client since this was last asked.
    fn got(&mut self, stage: &Stage, who: usize) -> bool {
        let wire = &stage.clients[who].socket.wire;
        let (seen, _) = messages(&wire[self.read[who]..]);
        self.read[who] = wire.len();
        seen.iter().any(|message| matches!(message, Seen::Ticker { .. }))
    }

    fn take(&mut self, stage: &mut Stage, step: &Step) {
        match step {
            Step::Join(who) if stage.clients[*who].wishes.is_empty() => {
                if stage.clients.iter().all(|client| client.wishes.is_empty()) {
                    (self.held, self.fresh, self.is_moved) = (Vec::new(), stage.now, false);
                }
                stage.subscribe(*who, &TOPIC, self.settings);
                assert!(self.got(stage, *who), "the present value");
                self.held.push(self.newest);
            }
            Step::Leave(who) => drop(stage.unsubscribe(*who, &TOPIC)),
            Step::Wait(micros) => stage.wait(*micros, |stage| self.check(stage)),
            Step::Pass(quote) => {
                self.newest = *quote;
                let update = stage.market.tick(0, *quote);
                stage.pass(&[update], 2);
                self.check(stage);
            }
            Step::Join(_) => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_comes_that_nobody_needs(
        steps in steps(),
        interval_ms in prop_oneof![Just(0_u32), Just(100), Just(1000)],
        first in quotes(),
    ) {
        let mut stage = Stage::new(1);
        let update = stage.market.tick(0, first);
        stage.pass(&[update], 1);
        for _ in 0..CLIENTS {
            stage.enter(Encoding::default(), usize::MAX);
        }
        let mut hands = Hands {
            settings: Settings { interval_ms, min_change_bps: 100, max_silence_ms: 2000 },
            held: Vec::new(),
            fresh: stage.now,
            is_moved: false,
            newest: first,
            read: [0; CLIENTS],
        };
        for step in &steps {
            hands.take(&mut stage, step);
        }
    }
}
