//! One direction of one connection.

use super::Fault;
use std::{future::pending, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::tcp::{ReadHalf, WriteHalf},
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

/// Bytes read at once.
const PIECE_BYTES: usize = 16 * 1024;
/// Between two bytes that come alone: long enough for the other side to see them apart.
const APART: Duration = Duration::from_micros(200);
/// Pieces of a throttled second.
const SIPS: u32 = 20;

/// Forwards until the sender ends, and then ends the receiver's side.
pub(super) async fn run(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut faults: watch::Receiver<Fault>,
) {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let fault = *faults.borrow_and_update();
        if fault == Fault::HalfOpen {
            // Both sockets stay as they are until the proxy ends.
            return pending().await;
        }
        let room = match fault {
            Fault::Throttle(bytes) => (bytes / SIPS).clamp(1, 4096) as usize,
            _ => PIECE_BYTES,
        };
        let read = tokio::select! {
            biased;
            changed = faults.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            read = from.read(&mut piece[..room]), if fault != Fault::Stall => read,
        };
        let Ok(count @ 1..) = read else {
            return end(&mut to, &mut faults).await;
        };
        if forward(&mut to, &piece[..count], fault).await.is_err() {
            return;
        }
    }
}

async fn forward(to: &mut WriteHalf<'_>, bytes: &[u8], fault: Fault) -> std::io::Result<()> {
    match fault {
        Fault::Latency(late) => sleep(late).await,
        Fault::Split => {
            for byte in bytes {
                to.write_all(&[*byte]).await?;
                sleep(APART).await;
            }
            return Ok(());
        }
        Fault::Throttle(rate) => {
            // A few kilobytes over a rate of at least one.
            let seconds = bytes.len() as f64 / f64::from(rate.max(1));
            let until = Instant::now() + Duration::from_secs_f64(seconds);
            to.write_all(bytes).await?;
            sleep_until(until).await;
            return Ok(());
        }
        _ => {}
    }
    to.write_all(bytes).await
}

/// Passes an end on, once ends pass.
async fn end(to: &mut WriteHalf<'_>, faults: &mut watch::Receiver<Fault>) {
    let passes = |fault: &Fault| !matches!(fault, Fault::Stall);
    if faults.wait_for(passes).await.is_ok_and(|fault| *fault == Fault::HalfOpen) {
        return pending().await;
    }
    // The receiver may be gone.
    let _ = to.shutdown().await;
}
