//! The measured streams over gRPC: a channel for each line, on a runtime with one thread of its own. What its tasks hear
//! passes through a queue, with the instant right after it was handed over, and reaches the engine in the framing of
//! HTTP/1.1, so that one reading serves both.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::AbortHandle;
use tonic::metadata::MetadataMap;

use super::grpc_line::{News, Said, serve};
use super::options::{HttpError, HttpOptions, headers};
use crate::base::Nanos;
use crate::engine::{Arrival, Call, Inbox, LineId, Net, What};
use crate::host::RealClock;

/// What may wait for the engine; beyond it the runtime's thread waits, which the engine's own lag then shows.
const QUEUE_MAX: usize = 65_536;
/// A line carries one request at a time, and the next is made when the last has ended.
const CALLS_MAX: usize = 1;
/// Bytes handed on before they are parsed.
const BATCH_MAX: usize = 512 * 1024;

/// gRPC to the servers of a plan, without TLS.
pub struct Grpc {
    places: Vec<Arc<Place>>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    queue: Receiver<News>,
    tell: SyncSender<News>,
    clock: RealClock,
    /// None only while it is dropped.
    runtime: Option<Runtime>,
}

/// A server, and the words that every request to it brings.
pub(super) struct Place {
    pub(super) authority: String,
    /// Path before the method's; empty for most servers.
    pub(super) prefix: String,
    /// What its name stands for, or why that is unknown.
    pub(super) found: Result<Vec<SocketAddr>, String>,
    pub(super) metadata: MetadataMap,
}

#[derive(Default)]
struct Slot {
    generation: u32,
    line: Option<Line>,
}

/// The task that serves a line, and the way to it.
struct Line {
    calls: Sender<Call>,
    task: AbortHandle,
}

impl Grpc {
    /// Looks the servers' names up and starts the runtime; opens nothing yet.
    pub fn new(servers: &[HttpOptions], clock: RealClock) -> Result<Self, HttpError> {
        let places = servers.iter().map(|options| Place::new(options).map(Arc::new));
        let (tell, queue) = sync_channel(QUEUE_MAX);
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("grpc")
            .enable_all()
            .build()
            .map_err(HttpError::Poll)?;
        Ok(Self {
            places: places.collect::<Result<_, _>>()?,
            slots: Vec::new(),
            free: Vec::new(),
            queue,
            tell,
            clock,
            runtime: Some(runtime),
        })
    }

    /// The next news, for which it waits until an instant.
    fn next(&self, until: Nanos) -> Option<News> {
        let now = self.clock.now();
        if until <= now {
            return self.queue.try_recv().ok();
        }
        self.queue.recv_timeout(Duration::from(until - now)).ok()
    }
}

impl Net for Grpc {
    fn now(&self) -> Nanos {
        self.clock.now()
    }

    fn open(&mut self, server: u16) -> LineId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() as u32 - 1
        });
        let id = LineId { slot, generation: self.slots[slot as usize].generation };
        let (calls, heard) = channel(CALLS_MAX);
        let place = Arc::clone(&self.places[usize::from(server)]);
        if let Some(runtime) = &self.runtime {
            let task = runtime.spawn(serve(id, place, heard, (self.tell.clone(), self.clock)));
            self.slots[slot as usize].line = Some(Line { calls, task: task.abort_handle() });
        }
        id
    }

    fn send(&mut self, line: LineId, call: &Call) -> Nanos {
        let slot = self.slots.get(line.slot as usize).filter(|slot| slot.generation == line.generation);
        let sent = self.clock.now();
        if let Some(Line { calls, task: _ }) = slot.and_then(|slot| slot.line.as_ref()) {
            // A task that has ended has said why, and the line arrives as closed.
            drop(calls.try_send(call.clone()));
        }
        sent
    }

    fn close(&mut self, line: LineId) {
        let Some(slot) = self.slots.get_mut(line.slot as usize) else { return };
        if slot.generation == line.generation {
            // The stream under way is reset, and the connection closed.
            if let Some(Line { calls: _, task }) = slot.line.take() {
                task.abort();
            }
            slot.generation = slot.generation.wrapping_add(1);
            self.free.push(line.slot);
        }
    }

    fn wait(&mut self, until: Nanos, inbox: &mut Inbox) {
        inbox.arrivals.clear();
        inbox.bytes.clear();
        let mut next = self.next(until);
        while let Some(News { line, at, said }) = next {
            let what = match said {
                Said::Opened => What::Opened,
                Said::Closed(failure) => What::Closed(Some(failure)),
                said => {
                    let from = inbox.bytes.len();
                    said.frame(&mut inbox.bytes);
                    What::Bytes(from..inbox.bytes.len())
                }
            };
            inbox.arrivals.push(Arrival { line, at, what });
            next = if inbox.bytes.len() < BATCH_MAX { self.queue.try_recv().ok() } else { None };
        }
    }
}

impl Drop for Grpc {
    fn drop(&mut self) {
        // Nobody hears what the tasks still have to say.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Place {
    fn new(options: &HttpOptions) -> Result<Self, HttpError> {
        use reqwest::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
        let mut words = headers(options)?;
        // The protocol has its own of these.
        for name in [ACCEPT, CONTENT_TYPE, HOST, USER_AGENT] {
            words.remove(name);
        }
        let address = &options.address;
        let found = (address.bare_host(), address.port).to_socket_addrs().map(Iterator::collect);
        Ok(Self {
            authority: format!("{}:{}", address.host, address.port),
            prefix: address.prefix.clone(),
            found: found.map_err(|error| error.to_string()),
            metadata: MetadataMap::from_headers(words),
        })
    }
}
