//! The bot on a simulated market whose prices are steered, through faults of a real gateway.

use super::program::{PYTHON, Program, example};
use crate::support::{Market, Role, eventually, start};
use tempfile::TempDir;
use tickcast_load::{
    proxy::{Fault, Proxy},
    venue::Tick,
};

/// What it does: notes the price.
const ACTION: &str = "echo \"$TICKCAST_TOPIC $TICKCAST_PRICE\" >> acted";

/// A running bot that notes at which prices it acted.
#[derive(Debug)]
pub struct Bot {
    /// The process.
    pub program: Program,
    folder: TempDir,
}

impl Bot {
    /// Starts one that acts at 105 and above.
    pub fn start(url: &str, args: &[&str]) -> Self {
        Self::doing(ACTION, url, args)
    }

    /// The same with another action.
    pub fn doing(action: &str, url: &str, args: &[&str]) -> Self {
        let folder = TempDir::new().expect("a folder");
        let program = Program::start(PYTHON, |command| {
            command.arg(example("bot.py")).args(["BTC-USDT", "--above", "105", "--run", action]);
            command.args(["--url", url]).args(args).current_dir(folder.path());
        });
        Self { program, folder }
    }

    /// The prices at which it acted so far.
    pub fn acted(&self) -> Vec<String> {
        let noted = std::fs::read_to_string(self.folder.path().join("acted")).unwrap_or_default();
        let price = |line: &str| line.strip_prefix("ticker:kucoin:BTC-USDT ").map(str::to_owned);
        noted.lines().map(|line| price(line).expect("a topic and a price")).collect()
    }

    /// Waits until it has acted at exactly these prices.
    pub async fn acts(&self, prices: &[&str]) {
        // What it said is printed when this fails, as it is then.
        eventually(&format!("it acts at {prices:?}"), async || {
            let (acted, said) = (self.acted(), self.program.count("ACT:"));
            assert!(acted.len() <= prices.len(), "{acted:?} instead of {prices:?}");
            assert!(said <= prices.len(), "it said so {said} times");
            (acted == prices && said == prices.len()).then_some(())
        })
        .await;
    }
}

/// A market of one symbol, its feed and a gateway.
struct Scene {
    market: Market,
    feed: Option<Role>,
    gateway: Role,
}

impl Scene {
    /// At a price of 100.1.
    async fn start() -> Self {
        let market = Market::kucoin(&["BTC-USDT"]).await;
        let (feed, gateway) = tokio::join!(market.feed(), market.gateway());
        let scene = Self { market, feed: Some(feed), gateway };
        scene.moves("100.1").await;
        scene
    }

    fn push(&self, price: &str) {
        let tick = Tick::quote("BTC-USDT", price, &format!("{price}5")).with_last(price);
        self.market.venue().control.push_tick(tick);
    }

    /// Moves the price until the gateway has it.
    async fn moves(&self, price: &str) {
        eventually(&format!("{price} is live"), async || {
            self.push(price);
            let answer = self.gateway.get("/v1/price/BTC-USDT").await;
            (answer.status == 200
                && answer.json()["last_price"] == price
                && answer.json()["state"] == "live")
                .then_some(())
        })
        .await;
    }

    async fn bot(&self, url: &str, args: &[&str]) -> Bot {
        let mut bot = Bot::start(url, &[&["--simulated"], args].concat());
        bot.program.says("is live", 1).await;
        bot
    }

    /// The gateway starts again at its address.
    async fn return_of_the_gateway(&mut self) {
        let address = self.gateway.address.to_string();
        let again = start(&["gateway", "--listen", &address]).config(&self.market.config());
        self.gateway = again.ready().await;
    }
}

#[tokio::test]
async fn acts_once_for_each_crossing() {
    let scene = Scene::start().await;
    let url = scene.gateway.ws();
    let bot = scene.bot(&url, &[]).await;
    let mut falling = Program::start(PYTHON, |command| {
        command.arg(example("bot.py")).args(["BTC-USDT", "--below", "101", "--simulated"]);
        command.args(["--url", &url]);
    });
    falling.says("is live", 1).await;
    scene.moves("105.2").await;
    bot.acts(&["105.2"]).await;
    // Less than the ten basis points that it must come back.
    for price in ["106.3", "104.95", "105.4", "104.92", "105.7"] {
        scene.moves(price).await;
    }
    scene.moves("100.5").await;
    falling.says("WOULD ACT: ticker:kucoin:BTC-USDT at 100.5", 1).await;
    scene.moves("107.1").await;
    bot.acts(&["105.2", "107.1"]).await;
    assert_eq!(falling.stdout.text().matches("ACT").count(), 1, "{}", falling.said());
}

#[tokio::test]
async fn a_crossing_during_a_restart_counts_once() {
    let mut scene = Scene::start().await;
    let mut bot = scene.bot(&scene.gateway.ws(), &[]).await;
    scene.gateway.stop().await;
    bot.program.says("closed with 1012", 1).await;
    scene.push("105.2");
    scene.return_of_the_gateway().await;
    scene.moves("105.2").await;
    bot.acts(&["105.2"]).await;
    // Once more, without a word; it comes back to the same price.
    let [lost, back] = ["trying again", "up to date"].map(|what| bot.program.count(what));
    scene.gateway.process.kill();
    bot.program.says("trying again", lost + 1).await;
    scene.return_of_the_gateway().await;
    bot.program.says("up to date", back + 1).await;
    scene.moves("100.5").await;
    scene.moves("106.2").await;
    bot.acts(&["105.2", "106.2"]).await;
}

#[tokio::test]
async fn a_price_that_is_not_live_moves_nothing() {
    let mut scene = Scene::start().await;
    let mut bot = scene.bot(&scene.gateway.ws(), &[]).await;
    drop(scene.feed.take());
    bot.program.says("is stale", 1).await;
    assert_eq!(bot.acted().len(), 0);
    scene.feed = Some(scene.market.feed().await);
    scene.moves("105.2").await;
    bot.acts(&["105.2"]).await;
}

#[tokio::test]
async fn what_it_reads_too_late_moves_nothing() {
    let scene = Scene::start().await;
    let bot = scene.bot(&scene.gateway.ws(), &[]).await;
    // Asleep while the price crosses and comes back: it finds both in its socket.
    bot.program.signal("STOP");
    scene.moves("105.2").await;
    scene.moves("100.5").await;
    bot.program.signal("CONT");
    scene.moves("100.6").await;
    scene.moves("107.3").await;
    bot.acts(&["107.3"]).await;
}

#[tokio::test]
async fn silence_is_noticed_and_what_it_hid_counts() {
    let scene = Scene::start().await;
    let proxy = Proxy::start(scene.gateway.address).await.expect("a proxy");
    let url = format!("ws://{}/ws", proxy.address);
    let mut bot = scene.bot(&url, &["--silence", "2"]).await;
    proxy.set(Fault::HalfOpen);
    scene.moves("105.2").await;
    bot.program.says("nothing heard for 2", 1).await;
    assert_eq!(bot.acted().len(), 0);
    proxy.set(Fault::None);
    bot.acts(&["105.2"]).await;
}
