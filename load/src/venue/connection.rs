//! One WebSocket connection of a simulated exchange: the thin shell around its session.

use super::{
    age::{Age, Aged},
    kucoin,
    outgoing::Outgoing,
    session::{Action, Context, Dial, Session},
    stage::{Link, Order, Stage, lock},
};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{future::pending, ops::ControlFlow, sync::Arc, time::Instant};
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep_until,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};

/// Bytes read at a time; clients of an exchange say little.
const READ_BUFFER_BYTES: usize = 4096;
/// Orders written between two flushes.
const ORDERS_AT_ONCE: usize = 64;

type Flow = ControlFlow<()>;

struct Connection {
    stage: Arc<Stage>,
    link: Arc<Link>,
    session: Session,
    age: Age,
    socket: WebSocketStream<TokioIo<Upgraded>>,
}

/// Serves a connection to its end.
pub(super) async fn serve(stage: Arc<Stage>, upgraded: Upgraded, dial: Dial) {
    if stage.faults().close_at_once {
        return;
    }
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
    let io = TokioIo::new(upgraded);
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    let (link, orders) = stage.join();
    let (session, actions) = {
        let faults = stage.faults().clone();
        let mut subscriptions = lock(&link.subscriptions);
        Session::open(stage.exchange, &dial, &Context::of(&stage, &faults), &mut subscriptions)
    };
    let age = Age::new(Instant::now(), stage.exchange);
    let mut connection = Connection { stage, link, session, age, socket };
    if connection.thawed().await.is_continue() && connection.perform(actions).await.is_continue() {
        connection.run(orders).await;
    }
    connection.stage.leave(&connection.link);
}

/// What a connection has waited for.
enum Event {
    Message(Option<Result<Message, tungstenite::Error>>),
    /// So many orders.
    Orders(usize),
    Due,
    Aged(Aged),
    /// The faults in force are others.
    Faults,
}

impl Connection {
    /// Waits until no fault holds it still.
    async fn thawed(&mut self) -> Flow {
        let mut faults = self.stage.watch_faults();
        tokio::select! {
            () = self.link.cut.cancelled() => Flow::Break(()),
            // The sender lives in the stage that we hold.
            _ = faults.wait_for(|faults| !faults.frozen) => Flow::Continue(()),
        }
    }

    async fn run(&mut self, mut orders: mpsc::Receiver<Order>) {
        let cut = self.link.cut.clone();
        let mut faults = self.stage.watch_faults();
        let mut batch = Vec::with_capacity(ORDERS_AT_ONCE);
        loop {
            let (frozen, aged) = {
                let faults = faults.borrow_and_update();
                (faults.frozen, self.age.next(&faults))
            };
            let step = async {
                let event = tokio::select! {
                    // What is ready at the same moment comes under the new faults already.
                    biased;
                    _ = faults.changed() => Event::Faults,
                    event = self.wait(&mut orders, &mut batch, aged), if !frozen => event,
                };
                self.handle(event, &mut batch).await
            };
            let flow = tokio::select! {
                // Dropping the socket in the middle of a message is what a cut looks like.
                () = cut.cancelled() => return,
                flow = step => flow,
            };
            if flow.is_break() {
                return;
            }
        }
    }

    /// The next event. May be given up at any time without losing one.
    async fn wait(
        &mut self,
        orders: &mut mpsc::Receiver<Order>,
        batch: &mut Vec<Order>,
        aged: Option<(Instant, Aged)>,
    ) -> Event {
        let deadline = self.session.deadline(self.stage.timings);
        tokio::select! {
            message = self.socket.next() => Event::Message(message),
            taken = orders.recv_many(batch, ORDERS_AT_ONCE) => Event::Orders(taken),
            () = sleep_until(deadline.into()) => Event::Due,
            aged = reached(aged) => Event::Aged(aged),
        }
    }

    async fn handle(&mut self, event: Event, batch: &mut Vec<Order>) -> Flow {
        match event {
            Event::Message(Some(Ok(message))) => self.receive(message).await,
            Event::Message(Some(Err(_)) | None) | Event::Orders(0) => Flow::Break(()),
            Event::Orders(_) => self.obey(batch).await,
            Event::Due => self.due().await,
            Event::Aged(aged) => self.grow_old(aged).await,
            Event::Faults => Flow::Continue(()),
        }
    }

    async fn receive(&mut self, message: Message) -> Flow {
        let actions = {
            let faults = self.stage.faults().clone();
            let context = Context::of(&self.stage, &faults);
            let mut subscriptions = lock(&self.link.subscriptions);
            match &message {
                Message::Text(text) => self.session.text(text, &context, &mut subscriptions),
                Message::Pong(_) => self.session.pong(&context),
                // The library answers pings and close frames; nobody sends binary.
                _ => Vec::new(),
            }
        };
        let flow = self.perform(actions).await;
        self.stage.changed();
        flow
    }

    async fn due(&mut self) -> Flow {
        let actions = {
            let faults = self.stage.faults().clone();
            self.session.due(&Context::of(&self.stage, &faults))
        };
        self.perform(actions).await
    }

    /// The cut at the age limit, or what announces it.
    async fn grow_old(&mut self, aged: Aged) -> Flow {
        match aged {
            Aged::Notice => {
                self.age.noticed();
                match self.stage.exchange.notice(self.stage.now_ms()) {
                    Some(text) => self.send(Message::text(text)).await,
                    None => Flow::Continue(()),
                }
            }
            Aged::Cut => self.close(1001, "24 hours are over").await,
        }
    }

    async fn perform(&mut self, actions: Vec<Action>) -> Flow {
        for action in actions {
            match action {
                Action::Send(text) => self.send(Message::text(text)).await?,
                Action::Data(delivery) => self.obey(&mut vec![Order::Data(delivery)]).await?,
                Action::Ping(payload) => self.send(Message::Ping(payload.into())).await?,
                Action::Heartbeat => self.stage.count(&self.stage.counters.heartbeats, 1),
                Action::Subscribed => self.stage.count(&self.stage.counters.subscribes, 1),
                Action::Close(code, reason) => {
                    self.stage.count(&self.stage.counters.dropped_clients, 1);
                    return self.close(code, reason).await;
                }
            }
        }
        Flow::Continue(())
    }

    /// Writes a batch of orders with one flush at its end.
    async fn obey(&mut self, batch: &mut Vec<Order>) -> Flow {
        let (outgoing, written, expired) = self.sort(batch);
        let data = outgoing.data;
        for frame in outgoing.into_frames() {
            if self.socket.feed(frame).await.is_err() {
                return Flow::Break(());
            }
        }
        if self.socket.flush().await.is_err() {
            return Flow::Break(());
        }
        self.session.pushed(Instant::now());
        self.stage.count(&self.stage.counters.frames, data);
        for done in written {
            // Nobody waits any more: fine.
            let _ = done.send(());
        }
        if expired { self.close(1000, "token is expired").await } else { Flow::Continue(()) }
    }

    /// What a batch says is to be written, who waits for that, and whether it is the end.
    fn sort(&self, batch: &mut Vec<Order>) -> (Outgoing, Vec<oneshot::Sender<()>>, bool) {
        let mut outgoing = Outgoing::new(&self.stage.faults());
        let (mut written, mut expired) = (Vec::new(), false);
        for order in batch.drain(..) {
            match order {
                Order::Data(delivery) => {
                    let text = if lock(&self.link.subscriptions).only_as_all(&delivery) {
                        kucoin::wire::as_all(&delivery.text, &delivery.name).into()
                    } else {
                        delivery.text
                    };
                    outgoing.data(text, &self.stage);
                }
                Order::Raw(text) => outgoing.other(Message::Text(text)),
                Order::Flushed(done) => written.push(done),
                Order::Expire => {
                    expired = true;
                    let id = Value::from("");
                    let error = kucoin::wire::error(&id, 401, "token is expired");
                    outgoing.other(Message::text(error));
                }
            }
        }
        (outgoing, written, expired)
    }

    async fn send(&mut self, message: Message) -> Flow {
        match self.socket.send(message).await {
            Ok(()) => Flow::Continue(()),
            Err(_) => Flow::Break(()),
        }
    }

    async fn close(&mut self, code: u16, reason: &'static str) -> Flow {
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        // The connection ends either way.
        let _ = self.socket.close(Some(frame)).await;
        Flow::Break(())
    }
}

/// Waits for what age brings; for ever when that is nothing.
async fn reached(aged: Option<(Instant, Aged)>) -> Aged {
    match aged {
        Some((at, aged)) => {
            sleep_until(at.into()).await;
            aged
        }
        None => pending().await,
    }
}
