//! Gateways and then the feed are replaced by another version while clients listen.

use super::rolling_restart::{self, clients, roll};
use crate::faults::{
    FaultsConfig, FaultsError,
    figure::Figure,
    market::{Market, SYMBOLS},
};
use std::{fs, path::Path, time::Duration};

/// How long the new feed may take to have written every topic.
const TAKEN_OVER: Duration = Duration::from_secs(20);

pub(super) async fn measure(config: &FaultsConfig) -> Result<Vec<Figure>, FaultsError> {
    let Some(old) = config.old.clone() else {
        let why = "no older program given: --old FILE; `tests/upgrade.sh` builds one and measures";
        return Err(FaultsError::Missing(why.to_owned()));
    };
    let new = &config.workshop.tickcast;
    differ(&old, new)?;
    let mut first = config.clone();
    first.workshop.tickcast = old;
    let mut market = Market::open(&first).await?;
    market.add_feed().await?;
    let mut fleet = market.fleet(config.clients, "").await?;
    let regulars = clients(&fleet, config).await?;
    // Readers first: a newer one understands what the older writer says.
    fleet.upgrade(new);
    market.upgrade(new);
    let (rolled, from) = roll(&mut fleet, &regulars).await?;
    market.add_feed().await?;
    let not_live = regulars.book().not_live;
    let epoch = epoch(&regulars.book().newest());
    // The new one stands by already, and takes over when the old one says that it goes.
    market.feeds[0].tell_to_go()?;
    let renewed = regulars
        .until(TAKEN_OVER, |book| {
            let newest = book.newest();
            newest.iter().flatten().all(|stamp| stamp.0 > epoch)
        })
        .await;
    let not_live = regulars.book().not_live - not_live;
    let mut figures = rolling_restart::figures(config, &regulars, &rolled, from).await?;
    figures.extend([
        Figure::holds("the new feed has written every topic that clients have", renewed),
        Figure::told("values that were not live, of all clients", Some(not_live as f64)),
        Figure::told("topics of the feed", Some(SYMBOLS as f64)),
    ]);
    Ok(figures)
}

fn epoch(newest: &[Option<(u64, u64)>]) -> u64 {
    newest.iter().flatten().map(|stamp| stamp.0).max().unwrap_or(0)
}

/// The same program twice would be no upgrade.
fn differ(old: &Path, new: &Path) -> Result<(), FaultsError> {
    if fs::read(old)? == fs::read(new)? {
        let (old, new) = (old.display(), new.display());
        return Err(FaultsError::Attack(format!("{old} and {new} are the same program")));
    }
    Ok(())
}
