//! The measured connections: one loop over all sockets, which reads whatever is ready and notes the instant of each read
//! before anything is parsed.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use mio::{Events, Interest, Poll, Token};
use rustls::ClientConfig;

use super::address::Address;
use super::options::{HttpError, HttpOptions, headers};
use super::socket::{Got, Socket, Stage};
use super::timer::Timer;
use super::tls;
use crate::base::Nanos;
use crate::engine::{Arrival, Call, Inbox, LineId, Net, What};
use crate::host::RealClock;
use crate::record::{Failure, FailureClass};

/// Sockets that one poll tells about.
const EVENTS_MAX: usize = 4_096;
/// Room for one read; more stays in the socket for the next one.
const READ_MAX: usize = 64 * 1024;
/// Bytes read before they are parsed: enough for thousands of chunks, small enough to stay in a processor's cache.
const BATCH_MAX: usize = 512 * 1024;

const TIMER: Token = Token(usize::MAX);

/// HTTP/1.1 to the servers of a plan, without proxies: a proxy from the environment would be measured instead of the server.
pub struct Sockets {
    servers: Vec<Place>,
    poll: Poll,
    events: Events,
    timer: Timer,
    slots: Vec<Slot>,
    free: Vec<u32>,
    ready: VecDeque<Ready>,
    /// Lines that broke outside a read.
    broken: Vec<(LineId, Failure)>,
    head: Vec<u8>,
    sealed: Vec<u8>,
    plain: Vec<u8>,
    clock: RealClock,
}

/// A server and the words that every request to it begins with.
struct Place {
    address: Address,
    /// What its name stands for, or why that is unknown.
    found: Result<Vec<SocketAddr>, String>,
    /// The address that answered last.
    preferred: usize,
    tls: Option<Arc<ClientConfig>>,
    headers: Vec<u8>,
}

#[derive(Default)]
struct Slot {
    generation: u32,
    socket: Option<Socket>,
}

#[derive(Clone, Copy)]
struct Ready {
    slot: u32,
    generation: u32,
    /// The server has closed its side, so that the end has to be read, too.
    closing: bool,
}

impl Sockets {
    /// Looks the servers' names up and prepares their headers; opens nothing yet.
    pub fn new(servers: &[HttpOptions], clock: RealClock) -> Result<Self, HttpError> {
        let poll = Poll::new().map_err(HttpError::Poll)?;
        let timer = Timer::new(poll.registry(), TIMER).map_err(HttpError::Poll)?;
        Ok(Self {
            servers: servers.iter().map(Place::new).collect::<Result<_, _>>()?,
            poll,
            events: Events::with_capacity(EVENTS_MAX),
            timer,
            slots: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            broken: Vec::new(),
            head: Vec::new(),
            sealed: Vec::new(),
            plain: Vec::new(),
            clock,
        })
    }

    /// Waits for sockets or for `until`, and queues those that are ready.
    fn poll(&mut self, until: Nanos) {
        let sleep = self.timer.sleep(self.clock.now(), until);
        if let Err(error) = self.poll.poll(&mut self.events, sleep) {
            // A signal woke us; whatever else it may be, the lines themselves will tell.
            debug_assert_eq!(error.kind(), io::ErrorKind::Interrupted, "{error}");
            return;
        }
        for event in &self.events {
            if event.token() == TIMER {
                self.timer.fired();
                continue;
            }
            let slot = event.token().0;
            let Some(Slot { generation, socket: Some(socket) }) = self.slots.get_mut(slot) else { continue };
            let id = LineId { slot: slot as u32, generation: *generation };
            if event.is_writable()
                && socket.stage == Stage::Open
                && let Err(error) = socket.flush()
            {
                self.broken.push((id, lost(&error)));
            }
            let closing = event.is_read_closed() || event.is_error();
            if event.is_readable() || closing || socket.stage != Stage::Open {
                self.ready.push_back(Ready { slot: id.slot, generation: id.generation, closing });
            }
        }
    }

    /// Reads what is ready, as far as the inbox has room.
    fn read(&mut self, inbox: &mut Inbox) {
        inbox.bytes.resize(BATCH_MAX + READ_MAX, 0);
        let mut used = 0;
        while used < BATCH_MAX
            && let Some(Ready { slot, generation, closing }) = self.ready.pop_front()
        {
            let id = LineId { slot, generation };
            let Some(socket) = self.slots.get_mut(slot as usize).and_then(|slot| slot.holds(generation))
            else {
                continue;
            };
            if socket.stage != Stage::Open && !socket.is_tls() {
                self.advance(id, inbox);
                continue;
            }
            let sealed = socket.is_tls();
            if sealed {
                self.sealed.resize(READ_MAX, 0);
            }
            let buffer =
                if sealed { self.sealed.as_mut_slice() } else { &mut inbox.bytes[used..used + READ_MAX] };
            let got = socket.read(buffer);
            let at = self.clock.now();
            let count = match got {
                Ok(Got::All(count) | Got::More(count)) => count,
                Ok(Got::End) => {
                    self.lose(id, at, None, inbox);
                    continue;
                }
                Err(error) => {
                    let failure = self.failure(id, &error);
                    self.lose(id, at, Some(failure), inbox);
                    continue;
                }
            };
            if matches!(got, Ok(Got::More(_))) || (closing && count > 0) {
                self.ready.push_back(Ready { slot, generation, closing });
            }
            used = if sealed {
                self.unseal(id, at, count, used, inbox)
            } else {
                deliver(id, at, used, count, inbox)
            };
        }
    }

    /// Opens what a TLS line brought; the end of the used part of the inbox after it.
    fn unseal(&mut self, id: LineId, at: Nanos, count: usize, used: usize, inbox: &mut Inbox) -> usize {
        let Some(socket) = self.slots.get_mut(id.slot as usize).and_then(|slot| slot.holds(id.generation))
        else {
            return used;
        };
        self.plain.clear();
        let verdict = socket.unseal(&self.sealed[..count], &mut self.plain);
        let greeting = socket.stage != Stage::Open;
        let mut used = used;
        if !self.plain.is_empty() {
            let end = used + self.plain.len();
            if inbox.bytes.len() < end + READ_MAX {
                inbox.bytes.resize(end + READ_MAX, 0);
            }
            inbox.bytes[used..end].copy_from_slice(&self.plain);
            used = deliver(id, at, used, end - used, inbox);
        }
        match verdict {
            Ok(true) if greeting => self.advance(id, inbox),
            Ok(true) => {}
            Ok(false) => self.lose(id, at, None, inbox),
            Err(error) => {
                let failure = self.failure(id, &error);
                self.lose(id, at, Some(failure), inbox);
            }
        }
        used
    }

    /// Goes on with a line that is not open yet.
    fn advance(&mut self, id: LineId, inbox: &mut Inbox) {
        let Some(socket) = self.slots.get_mut(id.slot as usize).and_then(|slot| slot.holds(id.generation))
        else {
            return;
        };
        let server = &mut self.servers[usize::from(socket.server)];
        let place = socket.place;
        let tls = server.tls.as_ref().map(|config| (config, server.address.bare_host()));
        match socket.advance(tls) {
            Ok(true) => {
                server.preferred = place;
                let at = self.clock.now();
                inbox.arrivals.push(Arrival { line: id, at, what: What::Opened });
            }
            Ok(false) => {}
            Err(error) => {
                let failure = self.failure(id, &error);
                self.elsewhere(id, failure, inbox);
            }
        }
    }

    /// Tries the server's next address, or gives up.
    fn elsewhere(&mut self, id: LineId, failure: Failure, inbox: &mut Inbox) {
        let at = self.clock.now();
        let Some(socket) = self.slots.get(id.slot as usize).and_then(|slot| slot.socket.as_ref()) else {
            return;
        };
        let (number, next) = (socket.server, socket.place + 1);
        let server = &self.servers[usize::from(number)];
        let count = server.found.as_ref().map_or(0, Vec::len);
        // Once around, from the preferred one.
        if socket.stage == Stage::Connecting && next % count.max(1) != server.preferred % count.max(1) {
            self.slots[id.slot as usize].socket = None;
            match self.connect(id, number, next % count) {
                Ok(()) => return,
                Err(failure) => return self.lose(id, at, Some(failure), inbox),
            }
        }
        self.lose(id, at, Some(failure), inbox);
    }

    fn connect(&mut self, id: LineId, server: u16, place: usize) -> Result<(), Failure> {
        let Place { address, found, .. } = &self.servers[usize::from(server)];
        let failed = |why: &dyn std::fmt::Display| {
            Failure::new(FailureClass::Connect, format!("cannot connect to {}: {why}", address.authority()))
        };
        let places = found.as_ref().map_err(|why| failed(why))?;
        let goal = places.get(place).ok_or_else(|| failed(&"its name stands for no address"))?;
        let mut socket = Socket::connect(*goal, server, place).map_err(|error| failed(&error))?;
        self.poll
            .registry()
            .register(&mut socket.stream, Token(id.slot as usize), Interest::READABLE | Interest::WRITABLE)
            .map_err(|error| failed(&error))?;
        self.slots[id.slot as usize].socket = Some(socket);
        Ok(())
    }

    /// The failure of a line, in words that fit how far it had come.
    fn failure(&self, id: LineId, error: &io::Error) -> Failure {
        let socket = self.slots.get(id.slot as usize).and_then(|slot| slot.socket.as_ref());
        match socket.map(|socket| (socket.stage, &self.servers[usize::from(socket.server)].address)) {
            Some((Stage::Connecting, address)) => Failure::new(
                FailureClass::Connect,
                format!("cannot connect to {}: {error}", address.authority()),
            ),
            Some((Stage::Greeting, _)) => Failure::new(FailureClass::Tls, error.to_string()),
            _ => lost(error),
        }
    }

    fn lose(&mut self, id: LineId, at: Nanos, failure: Option<Failure>, inbox: &mut Inbox) {
        let greeting = self.slots.get(id.slot as usize).and_then(|slot| slot.socket.as_ref());
        let failure = match greeting.map(|socket| socket.stage) {
            Some(Stage::Greeting) if failure.is_none() => {
                Some(Failure::new(FailureClass::Tls, "the server closed the connection during the handshake"))
            }
            _ => failure,
        };
        // The slot stays taken until the engine has heard of the loss and closes the line itself.
        if let Some(slot) = self.slots.get_mut(id.slot as usize) {
            slot.socket = None;
        }
        inbox.arrivals.push(Arrival { line: id, at, what: What::Closed(failure) });
    }
}

impl Net for Sockets {
    fn now(&self) -> Nanos {
        self.clock.now()
    }

    fn open(&mut self, server: u16) -> LineId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() as u32 - 1
        });
        let id = LineId { slot, generation: self.slots[slot as usize].generation };
        let place = self.servers[usize::from(server)].preferred;
        if let Err(failure) = self.connect(id, server, place) {
            self.broken.push((id, failure));
        }
        id
    }

    fn send(&mut self, line: LineId, call: &Call) -> Nanos {
        let socket = self.slots.get_mut(line.slot as usize).and_then(|slot| slot.holds(line.generation));
        let Some(socket) = socket else { return self.clock.now() };
        let server = &self.servers[usize::from(socket.server)];
        self.head.clear();
        // Writing to a Vec cannot fail.
        let _infallible = write!(self.head, "POST {}{} HTTP/1.1\r\n", server.address.prefix, call.path);
        self.head.extend_from_slice(&server.headers);
        let _infallible =
            write!(self.head, "x-request-id: {}\r\ncontent-length: {}\r\n\r\n", call.id, call.body.len());
        let sent = self.clock.now();
        if let Err(error) = socket.write(&self.head, &call.body) {
            self.broken.push((line, lost(&error)));
        }
        sent
    }

    fn close(&mut self, line: LineId) {
        let Some(slot) = self.slots.get_mut(line.slot as usize) else { return };
        if slot.generation == line.generation {
            // Dropping a socket takes it out of the poll.
            slot.socket = None;
            slot.generation = slot.generation.wrapping_add(1);
            self.free.push(line.slot);
        }
    }

    fn wait(&mut self, until: Nanos, inbox: &mut Inbox) {
        inbox.arrivals.clear();
        let until = if self.broken.is_empty() && self.ready.is_empty() { until } else { Nanos::ZERO };
        self.poll(until);
        for (id, failure) in std::mem::take(&mut self.broken) {
            if self.slots.get(id.slot as usize).is_some_and(|slot| slot.generation == id.generation) {
                let at = self.clock.now();
                self.lose(id, at, Some(failure), inbox);
            }
        }
        self.read(inbox);
    }
}

impl Place {
    fn new(options: &HttpOptions) -> Result<Self, HttpError> {
        let HttpOptions { address, api_key: _, key_header: _, headers: _, tls, connect_timeout: _ } = options;
        let mut words = Vec::new();
        for (name, value) in &headers(options)? {
            words.extend_from_slice(name.as_str().as_bytes());
            words.extend_from_slice(b": ");
            words.extend_from_slice(value.as_bytes());
            words.extend_from_slice(b"\r\n");
        }
        let found = (address.bare_host(), address.port).to_socket_addrs().map(Iterator::collect);
        Ok(Self {
            found: found.map_err(|error| error.to_string()),
            preferred: 0,
            tls: address.tls.then(|| tls::config(tls)).transpose()?,
            headers: words,
            address: address.clone(),
        })
    }
}

impl Slot {
    fn holds(&mut self, generation: u32) -> Option<&mut Socket> {
        self.socket.as_mut().filter(|_| self.generation == generation)
    }
}

/// Books bytes that lie in the inbox already; the end of its used part after them.
fn deliver(id: LineId, at: Nanos, used: usize, count: usize, inbox: &mut Inbox) -> usize {
    if count > 0 {
        inbox.arrivals.push(Arrival { line: id, at, what: What::Bytes(used..used + count) });
    }
    used + count
}

fn lost(error: &io::Error) -> Failure {
    Failure::new(FailureClass::Connect, format!("connection lost: {error}"))
}
