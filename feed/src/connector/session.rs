//! One connection from its first frame to its loss.

use super::{
    Beat, Connector, Loss, Outstanding, Pulse,
    dial::{Opened, Stream},
    outstanding::Consequence,
    uplink::Uplink,
};
use crate::{
    exchange::{Event, Exchange, Fault, Keepalive},
    quality::{Refusal, Verdict},
};
use futures_util::{SinkExt, StreamExt};
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

/// A message is written within this long, or the venue no longer reads.
const WRITE_WITHIN: Duration = Duration::from_secs(5);
/// Symbols that still have no value this long after the subscription are named in the log.
const FIRST_DATA: Duration = Duration::from_secs(30);

/// One open connection.
pub(super) struct Session<'a> {
    connector: &'a mut Connector,
    exchange: &'static dyn Exchange,
    stream: Stream,
    keepalive: Keepalive,
    pulse: Pulse,
    uplink: Uplink,
    outstanding: Outstanding,
    stage: Stage,
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

impl<'a> Session<'a> {
    pub(super) fn new(connector: &'a mut Connector, opened: Opened, now: Instant) -> Self {
        let exchange = connector.venue.exchange;
        let limits = exchange.limits();
        let timing = connector.venue.timing;
        let idle = timing.idle_ms.map_or(limits.idle, Duration::from_millis);
        let pulse = Pulse::new(opened.keepalive, connector.course.idle_limit(idle), now);
        let uplink = Uplink::new(exchange, connector.uplink_queue.clone());
        Self {
            exchange,
            stream: opened.stream,
            keepalive: opened.keepalive,
            pulse,
            uplink,
            outstanding: Outstanding::new(limits.answers),
            stage: Stage::AwaitingWelcome { until: now + connector.patience() },
            answered: false,
            loss: None,
            connector,
        }
    }

    /// Serves the connection until it is lost; returns why.
    pub(super) async fn serve(mut self) -> Loss {
        if !self.keepalive.welcome {
            self.subscribe(Instant::now());
        }
        let mut checks = interval(Duration::from_millis(self.connector.venue.timing.check_ms));
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
        self.stage = Stage::AwaitingData { report_at: now + FIRST_DATA };
        let names = self.connector.names.iter().flatten().cloned();
        let names: Vec<String> = names.collect();
        self.uplink.subscribe(&names);
    }

    /// Sends what waits and the venue's limits allow.
    async fn flush(&mut self) -> Result<(), Loss> {
        while let Some(outgoing) = self.uplink.next() {
            match timeout(WRITE_WITHIN, self.stream.send(outgoing.message)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(Loss::Broken(error.to_string())),
                Err(_) => return Err(Loss::WriteTimeout(WRITE_WITHIN)),
            }
            if let Some((request, symbols)) = outgoing.subscription {
                let deadline = Instant::now() + self.connector.patience();
                self.outstanding.ask(request, symbols, deadline);
            }
        }
        Ok(())
    }

    fn receive(&mut self, frame: Option<Result<Message, Error>>, now: Instant) {
        self.pulse.frame(now);
        match frame {
            Some(Ok(Message::Text(text))) => self.read(text.as_str(), now),
            Some(Ok(Message::Binary(bytes))) => match std::str::from_utf8(&bytes) {
                Ok(text) => self.read(text, now),
                Err(_) => self.connector.refuse(Refusal::NotText, ""),
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
        let read = self.exchange.decode(text, &mut |event| self.take(&event, text, now));
        if let Err(error) = read {
            self.connector.refuse(error.into(), text);
        }
    }

    fn take(&mut self, event: &Event<'_>, text: &str, now: Instant) {
        match event {
            Event::Update(update) => match self.connector.update(update, text) {
                Verdict::Publish(_) | Verdict::Quiet => self.data(update.symbol, now),
                Verdict::Refused => {}
            },
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
            Event::Closing { message } => self.loss = Some(Loss::Announced((*message).to_owned())),
            Event::Welcome | Event::Alive | Event::Ignored => {}
        }
    }

    /// A sound ticker message has come.
    fn data(&mut self, symbol: &str, now: Instant) {
        self.pulse.data(now);
        self.connector.data(now);
        self.answered = true;
        if !self.outstanding.is_empty() {
            self.outstanding.delivered(symbol);
        }
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
                    None => self.connector.log_unmatched(&words),
                }
            }
        }
    }

    fn follow(&mut self, consequence: Consequence, words: &str) {
        for set in &consequence.again {
            self.uplink.subscribe(set);
        }
        self.connector.quarantine(&consequence.give_up, words);
    }

    /// Looks at every time-out.
    fn check(&mut self, now: Instant) {
        match self.stage {
            Stage::AwaitingWelcome { until } if now >= until => {
                self.loss = Some(Loss::NoWelcome(self.connector.patience()));
                return;
            }
            Stage::AwaitingData { report_at } if now >= report_at => {
                self.stage = Stage::Settled;
                self.connector.log_without_data();
            }
            _ => {}
        }
        for late in self.outstanding.overdue(now) {
            if !self.answered {
                self.loss = Some(Loss::NoAck(self.connector.patience()));
                return;
            }
            self.follow(late, "the venue did not answer the subscription");
        }
        match self.pulse.check(now) {
            Beat::Fine => {}
            Beat::Ping => self.uplink.ping(self.keepalive.probe),
            Beat::Lost(loss) => self.loss = Some(loss),
        }
        self.connector.pass_time(self.pulse.proven());
    }
}
