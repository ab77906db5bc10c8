//! One connection from its first frame to its loss.

use super::{
    Beat, Loss, Outstanding, Pulse,
    desk::Desk,
    dial::{Opened, Stream},
    outstanding::Consequence,
    unpack,
    uplink::Uplink,
};
use crate::{
    exchange::{Event, Exchange, Fault, Keepalive, Part, Update},
    quality::{Generation, Refusal},
};
use futures_util::{SinkExt, StreamExt};
use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

/// A message is written within this long, or the venue no longer reads.
const WRITE_WITHIN: Duration = Duration::from_secs(5);
/// Subscriptions are made anew at most this often: OKX allows 480 requests an hour and connection,
/// and each time takes two.
const RESUBSCRIBE_EVERY: Duration = Duration::from_secs(20);

/// One open connection.
pub(super) struct Session {
    desk: Arc<Desk>,
    generation: Generation,
    exchange: &'static dyn Exchange,
    stream: Stream,
    keepalive: Keepalive,
    pulse: Pulse,
    uplink: Uplink,
    outstanding: Outstanding,
    stage: Stage,
    /// The version of the roll that is subscribed to, and the venue symbols of it.
    version: u64,
    subscribed: HashSet<String>,
    resubscribed: Option<Instant>,
    /// Whether the venue has answered any subscription, or sent a ticker.
    answered: bool,
    loss: Option<Loss>,
}

/// How far the subscription is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    AwaitingWelcome { until: Instant },
    AwaitingData { report_at: Instant },
    Settled,
}

impl Session {
    pub(super) fn new(
        desk: Arc<Desk>,
        generation: Generation,
        opened: Opened,
        now: Instant,
    ) -> Self {
        let (exchange, timing) = (desk.venue.exchange, desk.venue.timing);
        let limits = exchange.limits();
        let idle = timing.idle_ms.map_or(limits.idle, Duration::from_millis);
        let pulse = Pulse::new(opened.keepalive, desk.book().idle_limit(idle), now);
        let patience = Duration::from_millis(timing.ack_ms);
        Self {
            generation,
            exchange,
            stream: opened.stream,
            keepalive: opened.keepalive,
            pulse,
            uplink: Uplink::new(exchange, desk.uplink_queue.clone()),
            outstanding: Outstanding::new(limits.answers),
            stage: Stage::AwaitingWelcome { until: now + patience },
            version: 0,
            subscribed: HashSet::new(),
            resubscribed: None,
            answered: false,
            loss: None,
            desk,
        }
    }

    /// Serves the connection until it is lost; returns why.
    pub(super) async fn serve(mut self) -> Loss {
        if !self.keepalive.welcome {
            self.subscribe(Instant::now());
        }
        let mut checks = interval(Duration::from_millis(self.desk.venue.timing.check_ms));
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let Err(loss) = self.flush().await {
                return loss;
            }
            tokio::select! {
                frame = self.stream.next() => self.receive(frame, Instant::now()),
                _ = checks.tick() => self.check(Instant::now()),
            }
            if let Some(loss) = self.loss.take() {
                return loss;
            }
        }
    }

    fn subscribe(&mut self, now: Instant) {
        let first_data = Duration::from_millis(self.desk.venue.timing.first_data_ms);
        self.stage = Stage::AwaitingData { report_at: now + first_data };
        self.follow_roll(now);
    }

    /// Subscribes to what is wanted by now, and no longer to what is not.
    fn follow_roll(&mut self, now: Instant) {
        let changed = self.desk.book().wanted_since(self.version);
        if let Some((version, wanted)) = changed {
            self.version = version;
            let wanted: HashSet<String> = wanted.into_iter().collect();
            let gone: Vec<String> = self.subscribed.difference(&wanted).cloned().collect();
            let mut new: Vec<String> = wanted.difference(&self.subscribed).cloned().collect();
            new.sort_unstable();
            gone.iter().for_each(|name| self.outstanding.forget(name));
            self.uplink.unsubscribe(&gone);
            self.uplink.subscribe(&new);
            self.subscribed = wanted;
        }
        let paused = self.resubscribed.is_some_and(|at| now - at < RESUBSCRIBE_EVERY);
        if !paused {
            let mut again = self.desk.book().take_resubscriptions(self.generation);
            again.retain(|name| self.subscribed.contains(name));
            if !again.is_empty() {
                self.resubscribed = Some(now);
                self.uplink.unsubscribe(&again);
                self.uplink.subscribe(&again);
            }
        }
    }

    /// Sends what waits and the venue's limits allow.
    async fn flush(&mut self) -> Result<(), Loss> {
        while let Some(outgoing) = self.uplink.next() {
            match timeout(WRITE_WITHIN, self.stream.send(outgoing.message)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(Loss::Broken(error.to_string())),
                Err(_) => return Err(Loss::WriteTimeout(WRITE_WITHIN)),
            }
            if let Some((request, set)) = outgoing.subscription {
                self.outstanding.ask(request, set, Instant::now() + self.patience());
            }
        }
        Ok(())
    }

    fn receive(&mut self, frame: Option<Result<Message, Error>>, now: Instant) {
        self.pulse.frame(now);
        match frame {
            Some(Ok(Message::Text(text))) => self.read(text.as_str(), now),
            Some(Ok(Message::Binary(bytes))) => match unpack::text(&bytes) {
                Some(text) => self.read(&text, now),
                None => self.desk.book().refuse(Refusal::NotText, ""),
            },
            Some(Ok(Message::Close(frame))) => {
                let code = frame.as_ref().map(|it| it.code.into());
                let reason = frame.map(|it| it.reason.as_str().to_owned()).unwrap_or_default();
                self.loss = Some(Loss::Closed { code, reason });
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => self.loss = Some(Loss::Broken(error.to_string())),
            None => self.loss = Some(Loss::Closed { code: None, reason: String::new() }),
        }
    }

    fn read(&mut self, text: &str, now: Instant) {
        match unpack::batch(text) {
            Some(messages) => messages.into_iter().for_each(|it| self.decode(it, now)),
            None => self.decode(text, now),
        }
    }

    fn decode(&mut self, text: &str, now: Instant) {
        let read = self.exchange.decode(text, &mut |event| self.take(&event, text, now));
        if let Err(error) = read {
            self.desk.book().refuse(error.into(), text);
        }
    }

    fn take(&mut self, event: &Event<'_>, text: &str, now: Instant) {
        match event {
            Event::Update(update) => {
                if self.desk.book().update(self.generation, update, text, now) {
                    self.data(update, now);
                }
            }
            Event::Welcome if matches!(self.stage, Stage::AwaitingWelcome { .. }) => {
                self.subscribe(now);
            }
            Event::Ack { request, symbol } => {
                self.answered = true;
                self.outstanding.accepted(*request, *symbol);
            }
            Event::Error { request, code, message, fault } => {
                self.fail(*request, &format!("{message} (code {code})"), *fault);
            }
            Event::Closing { message } => self.desk.book().announce(self.generation, message),
            Event::Maintenance { message } => {
                self.loss = Some(Loss::Maintenance((*message).to_owned()));
            }
            Event::Welcome | Event::Alive | Event::Ignored => {}
        }
    }

    /// A sound ticker message has come.
    fn data(&mut self, update: &Update<'_>, now: Instant) {
        self.pulse.data(now);
        self.answered = true;
        if !self.outstanding.is_empty() {
            self.outstanding.delivered(self.channel(update.part), update.symbol);
        }
    }

    /// The channel by which a part comes.
    fn channel(&self, part: Part) -> Part {
        if self.exchange.channels().contains(&part) { part } else { self.first_channel() }
    }

    /// The channel without which a symbol has no price.
    fn first_channel(&self) -> Part {
        self.exchange.channels().first().copied().unwrap_or(Part::Main)
    }

    /// The venue refuses something. What answers a subscription of ours never ends the connection.
    fn fail(&mut self, request: Option<u64>, words: &str, fault: Fault) {
        let ours = request.is_some_and(|request| self.outstanding.knows(request));
        let words = words.to_owned();
        match fault {
            Fault::Token => self.loss = Some(Loss::Token(words)),
            Fault::Limit => self.loss = Some(Loss::Limit(words)),
            Fault::Session if !ours => self.loss = Some(Loss::Session(words)),
            Fault::Session | Fault::Request => {
                self.answered = true;
                match self.outstanding.refused(request, &words) {
                    Some(consequence) => self.follow(consequence, &words),
                    None => self.desk.book().log_unmatched(&words),
                }
            }
        }
    }

    fn follow(&mut self, consequence: Consequence, words: &str) {
        for set in consequence.again {
            self.uplink.ask(set);
        }
        let given_up = consequence.give_up;
        if given_up.symbols.is_empty() {
            return;
        }
        if given_up.channel == self.first_channel() {
            for name in &given_up.symbols {
                self.subscribed.remove(name);
                self.outstanding.forget(name);
            }
            self.desk.book().quarantine(&given_up.symbols, words);
        } else {
            self.desk.book().lack(given_up.channel, &given_up.symbols, words);
        }
    }

    /// Looks at every time-out.
    fn check(&mut self, now: Instant) {
        match self.stage {
            Stage::AwaitingWelcome { until } if now >= until => {
                self.loss = Some(Loss::NoWelcome(self.patience()));
                return;
            }
            Stage::AwaitingData { report_at } if now >= report_at => {
                self.stage = Stage::Settled;
                self.desk.book().log_without_data();
            }
            _ => {}
        }
        for late in self.outstanding.overdue(now) {
            if !self.answered {
                self.loss = Some(Loss::NoAck(self.patience()));
                return;
            }
            self.follow(late, "the venue did not answer the subscription");
        }
        match self.pulse.check(now) {
            Beat::Fine => {}
            Beat::Ping => self.uplink.ping(self.keepalive.probe),
            Beat::Lost(loss) => self.loss = Some(loss),
        }
        if !matches!(self.stage, Stage::AwaitingWelcome { .. }) {
            self.follow_roll(now);
        }
        self.desk.book().pass_time(self.generation, self.pulse.proven(), now);
    }

    /// How long a welcome or an answer may take.
    fn patience(&self) -> Duration {
        Duration::from_millis(self.desk.venue.timing.ack_ms)
    }
}
