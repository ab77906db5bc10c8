//! One WebSocket connection of a simulated exchange: the thin shell around its session.

use super::{
    kucoin,
    session::{Action, Context, Dial, Session},
    stage::{Link, Order, Stage, lock},
};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{ops::ControlFlow, sync::Arc, time::Instant};
use tokio::{sync::mpsc, time::sleep_until};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message, Utf8Bytes,
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
    socket: WebSocketStream<TokioIo<Upgraded>>,
}

/// Serves a connection to its end.
pub(super) async fn serve(stage: Arc<Stage>, upgraded: Upgraded, dial: Dial) {
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
    let io = TokioIo::new(upgraded);
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    let (link, orders) = stage.join();
    let (session, actions) = {
        let faults = stage.faults().clone();
        let mut subscriptions = lock(&link.subscriptions);
        Session::open(&stage, &dial, &context(&stage, &faults), &mut subscriptions)
    };
    let mut connection = Connection { stage, link, session, socket };
    if connection.perform(actions).await.is_continue() {
        connection.run(orders).await;
    }
    connection.stage.leave(&connection.link);
}

fn context<'a>(stage: &'a Stage, faults: &'a super::Faults) -> Context<'a> {
    Context {
        catalogue: &stage.catalogue,
        faults,
        timings: stage.timings,
        now: Instant::now(),
        time_ms: stage.now_ms(),
    }
}

impl Connection {
    async fn run(&mut self, mut orders: mpsc::Receiver<Order>) {
        let cut = self.link.cut.clone();
        let mut batch = Vec::with_capacity(ORDERS_AT_ONCE);
        loop {
            let deadline = self.session.deadline(self.stage.timings);
            let step = async {
                tokio::select! {
                    message = self.socket.next() => match message {
                        Some(Ok(message)) => self.receive(message).await,
                        Some(Err(_)) | None => Flow::Break(()),
                    },
                    taken = orders.recv_many(&mut batch, ORDERS_AT_ONCE) => {
                        if taken == 0 { Flow::Break(()) } else { self.obey(&mut batch).await }
                    }
                    () = sleep_until(deadline.into()) => self.due().await,
                }
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

    async fn receive(&mut self, message: Message) -> Flow {
        let actions = {
            let faults = self.stage.faults().clone();
            let context = context(&self.stage, &faults);
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
            self.session.due(&context(&self.stage, &faults))
        };
        self.perform(actions).await
    }

    async fn perform(&mut self, actions: Vec<Action>) -> Flow {
        for action in actions {
            match action {
                Action::Send(text) => self.send(Message::text(text)).await?,
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
        let (mut frames, mut written) = (0, Vec::new());
        let mut expired = false;
        for order in batch.drain(..) {
            let text = match order {
                Order::Data(delivery) => {
                    frames += 1;
                    if lock(&self.link.subscriptions).only_as_all(&delivery) {
                        kucoin::wire::as_all(&delivery.text, &delivery.name).into()
                    } else {
                        delivery.text
                    }
                }
                Order::Raw(text) => text,
                Order::Flushed(done) => {
                    written.push(done);
                    continue;
                }
                Order::Expire => {
                    expired = true;
                    let id = Value::from("");
                    Utf8Bytes::from(kucoin::wire::error(&id, 401, "token is expired"))
                }
            };
            if self.socket.feed(Message::Text(text)).await.is_err() {
                return Flow::Break(());
            }
        }
        if self.socket.flush().await.is_err() {
            return Flow::Break(());
        }
        self.session.pushed(Instant::now());
        self.stage.count(&self.stage.counters.frames, frames);
        for done in written {
            // Nobody waits any more: fine.
            let _ = done.send(());
        }
        if expired { self.close(1000, "token is expired").await } else { Flow::Continue(()) }
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
