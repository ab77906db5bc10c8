//! The exchanges at work, one roster each; they come and go with the configuration.

use crate::{
    backfill::{Backfill, Extent},
    config::VenuePlan,
    connector::{Roster, Surroundings, Venue, Wanted, roster::RosterError},
    exchange::Addresses,
    publisher::Shelf,
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tickcast_shared::{
    admin::Queues,
    bus::Bus,
    market::{ExchangeId, Topic},
    panics::breakable,
};
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::info;

/// What the configuration wants, to be changed while the feed runs.
pub(crate) type Plans = watch::Sender<Arc<Vec<VenuePlan>>>;

/// The exchanges at work. Cheap to clone.
pub type AtWork = Arc<Mutex<Vec<Arc<Venue>>>>;

/// The topics of an exchange, or of all at the start; none until they are known.
pub(crate) type Known = watch::Receiver<Option<Vec<Topic>>>;

/// What an exchange is set to work with.
pub(crate) struct Workplace {
    pub around: Surroundings,
    pub queues: Queues,
    pub extent: Extent,
    pub bus: Bus,
    pub shelf: Shelf,
}

/// The exchanges at work.
pub(crate) struct Lineup {
    place: Workplace,
    plans: watch::Receiver<Arc<Vec<VenuePlan>>>,
    members: Vec<Member>,
    /// Rosters end with the name of their exchange, what else works for it without.
    working: JoinSet<Result<Option<ExchangeId>, RosterError>>,
    at_work: AtWork,
}

/// One of them.
struct Member {
    id: ExchangeId,
    /// Where it is reached, and whether it is known to be a simulator.
    reached: (Addresses, bool),
    wanted: Wanted,
    /// Ends what works for it besides its roster.
    _ended: DropGuard,
}

/// Why the lineup ends before it is asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineupError {
    #[error(transparent)]
    Roster(#[from] RosterError),
    #[error("the task of an exchange is gone: {0}")]
    Task(#[from] JoinError),
}

impl Lineup {
    /// Nobody at work yet.
    pub(crate) fn new(place: Workplace, plans: &Plans) -> Self {
        let (members, working, at_work) = (Vec::new(), JoinSet::new(), AtWork::default());
        Self { place, plans: plans.subscribe(), members, working, at_work }
    }

    /// All exchanges at work, now and later.
    pub(crate) fn at_work(&self) -> AtWork {
        self.at_work.clone()
    }

    /// Sets a roster to work until `own` is cancelled, which happens once the exchange is forgotten;
    /// bars from before are filled in once the topics are known.
    pub(crate) fn begin(&mut self, roster: Roster, topics: Known, own: CancellationToken) {
        let (venue, wanted) = (roster.venue(), roster.wanted());
        let Workplace { around, extent, bus, shelf, .. } = &self.place;
        let filler = Backfill::new(venue.clone(), extent.clone(), bus, shelf.clone(), around.clock);
        let (until, later) = (own.clone(), wanted.clone());
        self.working.spawn(breakable("backfill", async move {
            // It never fails, and goes on for topics that come later.
            let _ = filler.run(topics, later, until).await;
            Ok(None)
        }));
        let (id, reached) = (venue.id().clone(), venue.reached());
        lock(&self.at_work).push(venue.clone());
        let (named, running) = (id.clone(), own.clone());
        self.working.spawn(async move { roster.run(running).await.map(|()| Some(named)) });
        self.members.push(Member { id, reached, wanted, _ended: own.drop_guard() });
    }

    /// Keeps what is wanted at work until the token is cancelled.
    ///
    /// # Errors
    /// [`LineupError`] when a task of an exchange has panicked.
    pub(crate) async fn run(mut self, token: CancellationToken) -> Result<(), LineupError> {
        let mut plans = self.plans.clone();
        loop {
            tokio::select! {
                // First: rosters that end with the process have not left.
                biased;
                () = token.cancelled() => break,
                Some(ended) = self.working.join_next() => {
                    if let Some(id) = ended?? {
                        self.forget(&id);
                    }
                }
                Ok(()) = plans.changed() => {}
            }
            self.follow(&token).await;
        }
        while let Some(ended) = self.working.join_next().await {
            ended??;
        }
        Ok(())
    }

    /// Does what the plans ask for. One that is still leaving and shall come back with other
    /// addresses comes back once it has gone.
    async fn follow(&mut self, token: &CancellationToken) {
        let plans = self.plans.borrow_and_update().clone();
        for member in &self.members {
            let is_its = |plan: &&VenuePlan| plan.id == member.id && !plan.selection.is_empty();
            let plan = plans.iter().find(is_its);
            match plan.filter(|plan| member.reached == (plan.addresses.clone(), plan.simulated)) {
                Some(plan) => member.wanted.follow(plan),
                None => member.wanted.retire(),
            }
        }
        for plan in plans.iter().filter(|plan| !plan.selection.is_empty()) {
            if !self.members.iter().any(|member| member.id == plan.id) {
                self.add(plan, token).await;
            }
        }
    }

    /// Sets another exchange to work while the feed runs: its topics are announced like new listings.
    async fn add(&mut self, plan: &VenuePlan, token: &CancellationToken) {
        let Workplace { around, queues, .. } = &self.place;
        let roster = roster(plan, around.clone(), queues);
        let announced = roster.wanted().first_topics(Duration::ZERO).await;
        let topics: Vec<Topic> = announced.iter().map(|(topic, _)| topic.clone()).collect();
        for (topic, ticker) in announced {
            around.outbox.put(topic, ticker);
        }
        let (_, known) = watch::channel(Some(topics));
        let own = token.child_token();
        self.begin(roster, known, own);
    }

    /// An exchange has gone, with all its topics.
    fn forget(&mut self, id: &ExchangeId) {
        info!(exchange = %id, "exchange removed");
        self.members.retain(|member| member.id != *id);
        lock(&self.at_work).retain(|venue| venue.id() != id);
        self.place.around.outbox.remove_link(id);
    }
}

/// The exchanges at work, for as long as it takes to look at them.
pub(crate) fn lock(at_work: &AtWork) -> MutexGuard<'_, Vec<Arc<Venue>>> {
    at_work.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The roster of one venue.
pub(crate) fn roster(plan: &VenuePlan, around: Surroundings, queues: &Queues) -> Roster {
    info!(
        exchange = %plan.id,
        symbols = plan.selection.symbols.len(),
        patterns = plan.selection.has_patterns(),
        rest_url = plan.addresses.rest,
        ws_url = plan.addresses.ws.as_deref().unwrap_or("named by the venue"),
        "exchange configured"
    );
    Roster::new(Arc::new(Venue::new(plan, around)), plan, queues)
}
