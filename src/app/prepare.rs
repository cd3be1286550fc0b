//! Visits made ready on a thread of their own, so that no prompt is built while answers are being timed.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use bytes::Bytes;

use super::error::AppError;
use super::measure::spawn;
use crate::engine::{Prepared, Supply, Visits};
use crate::protocol::{CallOptions, Codec};
use crate::workload::Visit;

/// Request bodies that may lie ready, in bytes; long prompts are therefore prepared less far ahead.
const BYTES_AHEAD: usize = 256 * 1024 * 1024;
/// Visits that may lie ready, at least and at most.
const VISITS_AHEAD: (usize, usize) = (64, 65_536);

/// Visits in the order of the schedule, some of them ready.
pub(super) struct Ahead {
    coming: Receiver<Prepared>,
    stock: VecDeque<Prepared>,
}

/// Starts to prepare. `wanted` is how many the first moment may ask for at once.
pub(super) fn ahead(
    mut visits: impl Iterator<Item = Visit> + Send + 'static,
    codec: &'static dyn Codec,
    options: CallOptions,
    wanted: usize,
) -> Result<Ahead, AppError> {
    let prepare = move |visit: Visit| {
        let body = visit.turns.first().map(|turn| codec.body(&turn.ask, &options)).unwrap_or_default();
        Prepared { visit, body: Bytes::from(body) }
    };
    // The first one tells how large they are.
    let first = visits.next().map(&prepare);
    let size = first.as_ref().map_or(1, |first| first.body.len().max(1));
    let places = (BYTES_AHEAD / size).min(wanted + VISITS_AHEAD.0).clamp(1, VISITS_AHEAD.1);
    let (ready, coming) = sync_channel(places);
    spawn("prepare", move || {
        // It ends when the schedule does, or when nobody takes visits any more.
        visits.map(prepare).all(|prepared| ready.send(prepared).is_ok())
    })?;
    Ok(Ahead { coming, stock: first.into_iter().collect() })
}

impl Visits for Ahead {
    fn next(&mut self) -> Supply {
        if let Some(prepared) = self.stock.pop_front() {
            return Supply::Ready(prepared);
        }
        match self.coming.try_recv() {
            Ok(prepared) => Supply::Ready(prepared),
            Err(TryRecvError::Empty) => Supply::Later,
            Err(TryRecvError::Disconnected) => Supply::Over,
        }
    }

    fn stock(&mut self, count: usize) {
        let bytes =
            |stock: &VecDeque<Prepared>| stock.iter().map(|prepared| prepared.body.len()).sum::<usize>();
        let mut size = bytes(&self.stock);
        while self.stock.len() < count
            && size < BYTES_AHEAD
            && let Ok(prepared) = self.coming.recv()
        {
            size += prepared.body.len();
            self.stock.push_back(prepared);
        }
    }
}
