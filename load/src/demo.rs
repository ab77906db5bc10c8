//! The simulated exchanges of `tickcast demo`.

use crate::venue::{DEFAULT_SYMBOLS, Exchange, Source, Venue, VenueConfig, VenueError};
use tokio_util::sync::CancellationToken;

/// Updates per symbol and second: lively to look at, a small load.
const RATE: u32 = 5;

/// One simulated exchange of the demo. It ends when it is dropped.
#[derive(Debug)]
pub struct DemoVenue {
    /// The exchange's name, as in `[[feed.exchange]]`.
    pub exchange: &'static str,
    /// For `rest_url`.
    pub rest_url: String,
    /// For `ws_url`.
    pub ws_url: String,
    /// For `symbols`.
    pub symbols: Vec<String>,
    /// Keeps it running.
    pub venue: Venue,
}

/// Starts all of them on free local ports. Prices differ a little between them and
/// from one start to the next.
///
/// # Errors
/// [`VenueError`] when no port can be had.
pub async fn start(token: CancellationToken) -> Result<Vec<DemoVenue>, VenueError> {
    let mut venues = Vec::new();
    for exchange in Exchange::ALL {
        let seed = rand::random::<u32>().into();
        let mut config = VenueConfig::new(exchange);
        config.symbols = DEFAULT_SYMBOLS.map(str::to_owned).to_vec();
        config.source = Source::Walk { rate: RATE, seed };
        let venue = Venue::start(config, token.clone()).await?;
        venues.push(DemoVenue {
            exchange: exchange.name(),
            rest_url: venue.rest_url(),
            ws_url: venue.ws_url(),
            symbols: venue.symbols(),
            venue,
        });
    }
    Ok(venues)
}
