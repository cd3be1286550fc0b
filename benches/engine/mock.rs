//! The mock server: one thread, epoll, tokens at scheduled instants or as fast as sockets take them, and a log of the truth.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::clock::now;
use crate::connection::{Connection, Heard, Job, Wanted};
use crate::options::find;
use crate::truth::{TruthRow, to_text};
use crate::wire::{GROUP_MAX, Script};

const MODELS: &[u8] = br#"{"object":"list","data":[{"id":"mock","object":"model","created":1795306404,"owned_by":"vllm","root":"mock","parent":null,"max_model_len":131072}]}"#;

/// Waits shorter than this are spent looking; the kernel's timer is about as coarse.
const SPIN: u64 = 20_000;

/// Tokens written before requests are looked at again, so that none waits behind a whole burst.
const BATCH: usize = 16;

/// The listener's place among epoll's tokens.
const LISTENER: u64 = u64::MAX;

/// When tokens are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Token `i` of a request is due `ttft + i × itl` after its last byte was read, in nanoseconds.
    Timed { ttft: u64, itl: u64 },
    /// As fast as the socket takes them, so many tokens in a write, a write of each connection in turn.
    Flood { per_write: u32 },
}

/// Frozen for the last `long` of every `every` nanoseconds since the first request.
#[derive(Debug, Clone, Copy)]
struct Freeze {
    every: u64,
    long: u64,
}

struct Server {
    pace: Pace,
    freeze: Option<Freeze>,
    /// The instants of every write are kept, not those of a request's first and last alone.
    keep: bool,
    tokens: u32,
    script: Script,
    epoll: OwnedFd,
    listener: TcpListener,
    connections: Vec<Option<Connection>>,
    /// How often a place was taken: a token of epoll or the heap that names an older guest is void.
    guests: Vec<u32>,
    free: Vec<u32>,
    /// Timed: the next token of each request.
    due: BinaryHeap<Reverse<(u64, u32, u32)>>,
    /// Flood: whose turn it is.
    turns: VecDeque<(u32, u32)>,
    rows: Vec<TruthRow>,
    began: Option<u64>,
    scratch: Vec<u8>,
}

/// Serves until it is killed; says its address on stdout first.
pub(crate) fn main(arguments: &[String]) {
    crate::clock::raise_open_files();
    let millis = |name: &str| {
        find::<f64>(arguments, name).map(|ms| Duration::from_secs_f64(ms / 1e3).as_nanos() as u64)
    };
    let pace = match find(arguments, "per-write") {
        Some(per_write) => Pace::Flood { per_write },
        None => Pace::Timed { ttft: millis("ttft").unwrap_or(0), itl: millis("itl").unwrap_or(0) },
    };
    let freeze = millis("freeze-every").zip(millis("freeze-for")).map(|(every, long)| Freeze { every, long });
    let listener = listen().unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    let mut server = Server {
        pace,
        freeze,
        keep: find(arguments, "keep").unwrap_or(true),
        tokens: find(arguments, "tokens").unwrap_or(64),
        script: Script::new(find(arguments, "prompt-tokens").unwrap_or(128)),
        epoll: epoll::create(epoll::CreateFlags::CLOEXEC).unwrap(),
        listener,
        connections: Vec::new(),
        guests: Vec::new(),
        free: Vec::new(),
        due: BinaryHeap::new(),
        turns: VecDeque::new(),
        rows: Vec::new(),
        began: None,
        scratch: vec![0; 64 * 1024],
    };
    server.serve().unwrap();
}

/// A listener whose backlog holds every stream of a burst; the standard library's holds 128.
fn listen() -> io::Result<TcpListener> {
    let socket = rustix::net::socket_with(
        AddressFamily::INET,
        SocketType::STREAM,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )?;
    rustix::net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
    rustix::net::listen(&socket, 65_535)?;
    Ok(TcpListener::from(socket))
}

impl Server {
    fn serve(&mut self) -> io::Result<()> {
        epoll::add(&self.epoll, &self.listener, epoll::EventData::new_u64(LISTENER), epoll::EventFlags::IN)?;
        let mut events = Vec::with_capacity(1_024);
        loop {
            let wait = self.wait();
            epoll::wait(&self.epoll, spare_capacity(&mut events), wait.as_ref())?;
            self.stand_still();
            for event in events.drain(..) {
                match event.data.u64() {
                    LISTENER => self.accept()?,
                    token => self.meet(token as u32, (token >> 32) as u32, event.flags),
                }
            }
            match self.pace {
                Pace::Timed { .. } => self.fire(),
                Pace::Flood { .. } => self.take_turns(),
            }
        }
    }

    /// How long epoll may wait: not at all while there is something to write, forever while nobody asks.
    fn wait(&self) -> Option<Timespec> {
        if !self.turns.is_empty() {
            return Some(Timespec::default());
        }
        let Reverse((due, ..)) = *self.due.peek()?;
        let left = due.saturating_sub(now() + SPIN).cast_signed();
        Some(Timespec { tv_sec: left / 1_000_000_000, tv_nsec: left % 1_000_000_000 })
    }

    /// Does nothing at all while the server is to be frozen: what arrives queues in the kernel.
    fn stand_still(&self) {
        if let (Some(Freeze { every, long }), Some(began)) = (self.freeze, self.began) {
            let place = (now() - began) % every;
            if place >= every - long {
                std::thread::sleep(Duration::from_nanos(every - place));
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        while let Ok((stream, _)) = self.listener.accept() {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let place = self.free.pop().unwrap_or(self.connections.len() as u32);
            if place as usize == self.connections.len() {
                self.connections.push(None);
                self.guests.push(0);
            }
            let data = epoll::EventData::new_u64(self.token(place));
            epoll::add(&self.epoll, &stream, data, epoll::EventFlags::IN)?;
            self.connections[place as usize] = Some(Connection::new(stream));
        }
        Ok(())
    }

    fn token(&self, place: u32) -> u64 {
        u64::from(place) | u64::from(self.guests[place as usize]) << 32
    }

    /// Something happened on a connection.
    fn meet(&mut self, place: u32, guest: u32, flags: epoll::EventFlags) {
        if self.guests[place as usize] != guest {
            return;
        }
        if flags.contains(epoll::EventFlags::OUT) {
            self.unblock(place);
        }
        if flags.intersects(epoll::EventFlags::IN | epoll::EventFlags::HUP | epoll::EventFlags::ERR) {
            let Some(connection) = &mut self.connections[place as usize] else { return };
            match connection.hear(&mut self.scratch) {
                Heard::Partial => {}
                Heard::Gone => self.close(place),
                Heard::Request(wanted, read) => self.begin(place, wanted, read),
            }
        }
    }

    fn begin(&mut self, place: u32, wanted: Wanted, read: u64) {
        let Some(connection) = &mut self.connections[place as usize] else { return };
        let done = match wanted {
            Wanted::Models => connection.answer("200 OK", "application/json", MODELS),
            Wanted::Truth => connection.answer("200 OK", "text/plain", to_text(&self.rows).as_bytes()),
            Wanted::Unknown => {
                connection.answer("404 Not Found", "application/json", br#"{"detail":"Not Found"}"#)
            }
            Wanted::Chat { id, tokens } => {
                let total = tokens.unwrap_or(self.tokens).max(1);
                self.script.prepare(total);
                self.began.get_or_insert(read);
                connection.job = Some(Job { row: self.rows.len(), read, total, written: 0, skip: 0 });
                self.rows.push(TruthRow::new(id, read));
                let guest = self.guests[place as usize];
                match self.pace {
                    Pace::Timed { ttft, .. } => self.due.push(Reverse((read + ttft, place, guest))),
                    Pace::Flood { .. } => self.turns.push_back((place, guest)),
                }
                Ok(())
            }
        };
        if done.is_err() {
            self.close(place);
        }
    }

    fn close(&mut self, place: u32) {
        // Dropping the socket takes it out of epoll.
        self.connections[place as usize] = None;
        self.guests[place as usize] += 1;
        self.free.push(place);
    }

    /// Writes the tokens that are due, the earliest first.
    fn fire(&mut self) {
        let Pace::Timed { ttft, itl } = self.pace else { return };
        for _ in 0..BATCH {
            match self.due.peek() {
                Some(Reverse((due, ..))) if *due <= now() => {}
                _ => return,
            }
            let Some(Reverse((_, place, guest))) = self.due.pop() else { return };
            if self.guests[place as usize] == guest
                && let Some(job) = self.write(place, 1)
            {
                let next = job.read + ttft + u64::from(job.written) * itl;
                self.due.push(Reverse((next, place, guest)));
            }
        }
    }

    /// One write for each connection that has something to say.
    fn take_turns(&mut self) {
        let Pace::Flood { per_write } = self.pace else { return };
        for _ in 0..self.turns.len() {
            let Some((place, guest)) = self.turns.pop_front() else { return };
            if self.guests[place as usize] == guest && self.write(place, per_write).is_some() {
                self.turns.push_back((place, guest));
            }
        }
    }

    /// Writes the next tokens of a connection's answer; its state where there is more to write without waiting for the socket.
    fn write(&mut self, place: u32, count: u32) -> Option<Job> {
        let connection = self.connections[place as usize].as_mut()?;
        let job = connection.job?;
        let to = job.total.min(job.written + count.min(GROUP_MAX));
        let piece = self.script.piece(job.written, to, job.total, job.skip);
        let before = now();
        let Ok(taken) = connection.put(&piece) else {
            self.close(place);
            return None;
        };
        let mut job = job;
        if taken < piece.len() {
            job.skip += taken;
            connection.job = Some(job);
            self.block(place, true);
            return None;
        }
        self.rows[job.row].wrote(to - job.written, before, now(), self.keep);
        (job.written, job.skip) = (to, 0);
        connection.job = (job.written < job.total).then_some(job);
        connection.job
    }

    /// Waits for room in the socket, or no longer does.
    fn block(&mut self, place: u32, blocked: bool) {
        let data = epoll::EventData::new_u64(self.token(place));
        let Some(connection) = self.connections[place as usize].as_mut() else { return };
        if connection.blocked == blocked {
            return;
        }
        connection.blocked = blocked;
        let flags =
            if blocked { epoll::EventFlags::IN | epoll::EventFlags::OUT } else { epoll::EventFlags::IN };
        if epoll::modify(&self.epoll, &connection.stream, data, flags).is_err() {
            self.close(place);
        }
    }

    /// The socket takes more: the answer goes on from where it stopped.
    fn unblock(&mut self, place: u32) {
        self.block(place, false);
        let guest = self.guests[place as usize];
        if self.connections[place as usize].as_ref().is_some_and(|connection| connection.job.is_some()) {
            match self.pace {
                Pace::Timed { .. } => self.due.push(Reverse((now(), place, guest))),
                Pace::Flood { .. } => self.turns.push_back((place, guest)),
            }
        }
    }
}
