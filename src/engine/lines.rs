//! Connections kept open between requests, newest first, so that the warm ones are used.

use super::drive::Work;
use super::flight::Flight;
use super::port::{Inbox, LineId, Net, What};
use super::stop::Stop;
use crate::base::Nanos;
use crate::protocol::http1::Responses;
use crate::protocol::{Codec, Decode};

/// Handshakes under way at once: enough to hide a long way, few enough for a server's backlog.
const OPENING_MAX: usize = 64;

/// What a connection is good for at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Opening,
    /// Among the idle ones.
    Resting,
    Busy,
}

/// One connection and the request on it.
pub(super) struct Line {
    pub(super) id: LineId,
    pub(super) server: u16,
    standing: Standing,
    /// It lay idle before this request, so the server may have closed it meanwhile.
    pub(super) used: bool,
    /// Bytes of the response under way have come.
    pub(super) answered: bool,
    pub(super) http: Responses,
    decoder: Option<(bool, Box<dyn Decode>)>,
    pub(super) flight: Option<Box<Flight>>,
    /// The earliest instant at which a timer will look at this line.
    pub(super) timer: Option<Nanos>,
}

impl Line {
    pub(super) fn is_open(&self) -> bool {
        self.standing != Standing::Opening
    }

    /// The handshake is over, and a request waited for it.
    pub(super) fn opened(&mut self) {
        self.standing = Standing::Busy;
    }

    /// The flight with a decoder fit for it and the framing of the connection.
    pub(super) fn parts(&mut self) -> Option<(&mut Flight, &mut Responses)> {
        self.flight.as_deref_mut().map(|flight| (flight, &mut self.http))
    }

    /// A decoder for the next response; the one of the last is used again where it fits.
    pub(super) fn decoder(&mut self, codec: &dyn Codec, stream: bool) -> Box<dyn Decode> {
        match self.decoder.take() {
            Some((streams, mut decoder)) if streams == stream => {
                decoder.reset();
                decoder
            }
            _ if stream => codec.stream(),
            _ => codec.whole(),
        }
    }

    pub(super) fn keep(&mut self, decoder: Option<Box<dyn Decode>>, stream: bool) {
        self.decoder = decoder.map(|decoder| (stream, decoder));
    }
}

/// The lines of one level.
pub(super) struct Lines {
    slots: Vec<Option<Line>>,
    /// Slots of idle lines, by server.
    idle: Vec<Vec<u32>>,
}

impl Lines {
    pub(super) fn new(servers: u16) -> Self {
        Self { slots: Vec::new(), idle: vec![Vec::new(); usize::from(servers.max(1))] }
    }

    /// Takes an idle line to this server.
    pub(super) fn take(&mut self, server: u16) -> Option<&mut Line> {
        let slot = self.idle.get_mut(usize::from(server))?.pop()?;
        let line = self.slots.get_mut(slot as usize)?.as_mut()?;
        line.standing = Standing::Busy;
        line.used = true;
        Some(line)
    }

    /// Books a line that is being opened.
    pub(super) fn add(&mut self, id: LineId, server: u16, flight: Option<Box<Flight>>) {
        let slot = id.slot as usize;
        if self.slots.len() <= slot {
            self.slots.resize_with(slot + 1, || None);
        }
        debug_assert!(self.slots[slot].is_none(), "a line that was lost has not been booked");
        self.slots[slot] = Some(Line {
            id,
            server,
            standing: Standing::Opening,
            used: false,
            answered: false,
            http: Responses::default(),
            decoder: None,
            flight,
            timer: None,
        });
    }

    /// The line, unless it has been closed since.
    pub(super) fn get(&mut self, id: LineId) -> Option<&mut Line> {
        self.slots.get_mut(id.slot as usize)?.as_mut().filter(|line| line.id == id)
    }

    /// Takes the line out; it is gone for the server.
    pub(super) fn remove(&mut self, id: LineId) -> Option<Line> {
        let line = self.slots.get_mut(id.slot as usize)?.take_if(|line| line.id == id)?;
        if line.standing == Standing::Resting
            && let Some(idle) = self.idle.get_mut(usize::from(line.server))
        {
            idle.retain(|slot| *slot != id.slot);
        }
        Some(line)
    }

    /// Lays a line that carries nothing among the idle ones.
    pub(super) fn rest(&mut self, id: LineId) {
        let Some(line) = self.get(id) else { return };
        line.standing = Standing::Resting;
        let server = usize::from(line.server);
        if let Some(idle) = self.idle.get_mut(server) {
            idle.push(id.slot);
        }
    }

    /// Lines that carry a request.
    pub(super) fn busy(&self) -> Vec<LineId> {
        self.slots.iter().flatten().filter(|line| line.flight.is_some()).map(|line| line.id).collect()
    }

    /// Opens what is missing to the lines that the first moment needs, many at a time, evenly over the servers. A refused
    /// connection ends it: the request that needs the line will meet the refusal itself, and record it.
    pub(super) fn fill(&mut self, work: &Work, net: &mut impl Net, stop: &Stop) {
        let servers = self.idle.len() as u32;
        let mut wanted: Vec<u16> = Vec::new();
        for (server, idle) in self.idle.iter().enumerate() {
            let share = work.lines / servers + u32::from((server as u32) < work.lines % servers);
            wanted.extend((idle.len()..share as usize).map(|_| server as u16));
        }
        let (mut opening, mut inbox) = (0, Inbox::default());
        let give_up = net.now() + work.timeouts.connect;
        while (!wanted.is_empty() || opening > 0) && net.now() < give_up && !stop.is_draining() {
            while opening < OPENING_MAX
                && let Some(server) = wanted.pop()
            {
                let id = net.open(server);
                self.add(id, server, None);
                opening += 1;
            }
            net.wait(net.now() + STEP, &mut inbox);
            for arrival in inbox.arrivals.drain(..) {
                match arrival.what {
                    What::Opened => {
                        opening -= 1;
                        self.rest(arrival.line);
                    }
                    What::Closed(_) => {
                        net.close(arrival.line);
                        if self.remove(arrival.line).is_some_and(|line| !line.is_open()) {
                            opening -= 1;
                            wanted.clear();
                        }
                    }
                    // Nothing was asked: whatever a server says unasked ends its line.
                    What::Bytes(_) => {
                        net.close(arrival.line);
                        self.remove(arrival.line);
                    }
                }
            }
        }
    }
}

/// A wait in which a stop is noticed.
const STEP: Nanos = Nanos(10_000_000);
