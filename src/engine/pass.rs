//! Visits of one phase, from the first that is due to the last row: whoever is due is sent, whatever arrives is booked.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::drive::Work;
use super::flight::{Flight, Talk};
use super::gauge::Gauge;
use super::lag::{LoopLag, Probe};
use super::lines::Lines;
use super::port::{Call, Inbox, LineId, Net, Prepared, Supply, Visits};
use super::stop::Stop;
use super::timers::Timers;
use crate::base::Nanos;
use crate::record::{Ask, Failure, FailureClass, Outcome, Phase, Row};
use crate::workload::{Pace, Turn};

/// Requests sent in one turn of the loop, so that a burst of thousands does not keep answers waiting in their sockets.
const BURST: u32 = 16;
/// When the next visit is still being prepared, it is asked for again this much later.
const PREPARING: Nanos = Nanos(200_000);
/// Pause of a client that found no server: it comes back, but does not spend the machine on refusals.
const UNREACHED: Nanos = Nanos(50_000_000);

/// Who sends in this phase, and until when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) pace: Pace,
    pub(super) phase: Phase,
    /// Length of the window, where time limits it.
    pub(super) deadline: Option<Nanos>,
}

/// One phase under way.
pub(super) struct Pass<'a, N> {
    pub(super) work: &'a Work,
    plan: Plan,
    start: Nanos,
    pub(super) net: &'a mut N,
    pub(super) lines: &'a mut Lines,
    visits: &'a mut dyn Visits,
    rows: &'a mut dyn FnMut(Row),
    gauge: &'a Gauge,
    /// The next visit, taken from the schedule and not due yet.
    ahead: Option<Prepared>,
    /// The schedule, or the time for it, is over: no further visit begins.
    pub(super) over: bool,
    /// Nor does a conversation go on.
    stopping: bool,
    /// The next visit is still being prepared.
    starved: bool,
    /// Clients of a closed loop that are about to make a visit.
    ready: u32,
    /// Requests that have or wait for a line of their own.
    in_flight: u32,
    /// Due requests of an open loop for which there is no place yet.
    waiting: VecDeque<Box<Flight>>,
    /// Conversations between two turns.
    thinking: u32,
    timers: Timers<Alarm>,
    /// End of the last request so far.
    last: Nanos,
}

/// What a timer is for.
enum Alarm {
    /// A client of a closed loop makes its next visit.
    Client,
    /// A conversation goes on.
    Turn { due: Nanos, next: Box<(Turn, Talk)> },
    /// The request on this line may have waited long enough.
    Line(LineId),
}

impl<'a, N: Net> Pass<'a, N> {
    pub(super) fn new(
        work: &'a Work,
        plan: Plan,
        start: Nanos,
        (net, lines): (&'a mut N, &'a mut Lines),
        visits: &'a mut dyn Visits,
        rows: &'a mut dyn FnMut(Row),
        gauge: &'a Gauge,
    ) -> Self {
        let mut timers = Timers::new();
        let mut ready = 0;
        if let Pace::Closed { clients, starts } = plan.pace {
            for client in 0..clients {
                match starts.at(client) {
                    Nanos::ZERO => ready += 1,
                    later => timers.set(start + later, Alarm::Client),
                }
            }
        }
        Self {
            work,
            plan,
            start,
            net,
            lines,
            visits,
            rows,
            gauge,
            ahead: None,
            over: false,
            stopping: false,
            starved: false,
            ready,
            in_flight: 0,
            waiting: VecDeque::new(),
            thinking: 0,
            timers,
            last: start,
        }
    }

    /// Runs to the last row; the instant of its end, and how the loop fared.
    pub(super) fn run(mut self, stop: &Stop) -> (Nanos, LoopLag) {
        let mut inbox = Inbox::default();
        let mut woke = self.net.now();
        let mut probe = Probe::start(woke);
        loop {
            let more = self.turn(stop);
            let now = self.net.now();
            probe.look(now, now - woke);
            if self.is_done() {
                return (self.last, probe.end());
            }
            let until =
                if more { now } else { self.next().map_or(probe.due(), |next| next.min(probe.due())) };
            self.net.wait(until, &mut inbox);
            woke = self.net.now();
            self.book(&mut inbox);
        }
    }

    /// Whatever its instant has come for; true when more is due already.
    fn turn(&mut self, stop: &Stop) -> bool {
        let now = self.net.now();
        while let Some(alarm) = self.timers.pop(now) {
            match alarm {
                Alarm::Client => self.ready += 1,
                Alarm::Turn { due, next } => self.go_on(*next, due),
                Alarm::Line(id) => self.look_at(id, now),
            }
        }
        self.watch_the_end(stop, now);
        self.dispatch()
    }

    /// Draining, the end of the window, and the end of the time after it.
    fn watch_the_end(&mut self, stop: &Stop, now: Nanos) {
        let length = self.plan.deadline.map(|length| self.start + length);
        let closed = matches!(self.plan.pace, Pace::Closed { .. });
        self.stopping = stop.is_draining() || length.is_some_and(|end| now >= end);
        // An open loop has nothing due after its end, and sends what it is late with.
        if self.stopping && (closed || stop.is_draining()) {
            self.over = true;
            self.ahead = None;
        }
        if stop.is_ended() {
            self.cut_all(FailureClass::Cancelled, "when the run was stopped");
        } else if length.is_some_and(|end| now >= end + self.work.grace) {
            // A server that left requests hanging does not get rid of them: they stay offered.
            self.cut_all(FailureClass::TimeoutTotal, "when the time after the window was over");
        }
    }

    /// Sends what is due, a burst at most; true when more is due already.
    pub(super) fn dispatch(&mut self) -> bool {
        for _ in 0..BURST {
            if self.over || !self.send_next() {
                return false;
            }
        }
        !self.over
    }

    /// Starts the next visit where it is due and someone is there to make it.
    fn send_next(&mut self) -> bool {
        let closed = matches!(self.plan.pace, Pace::Closed { .. });
        if closed && self.ready == 0 {
            return false;
        }
        let Some(next) = self.supply() else { return false };
        let due = next.visit.due.map(|due| self.start + due).filter(|_| !closed);
        let now = self.net.now();
        if due.is_some_and(|due| due > now) {
            self.ahead = Some(next);
            return false;
        }
        self.ready = self.ready.saturating_sub(1);
        let Prepared { visit, body } = next;
        let mut turns = visit.turns.into_iter();
        let Some(first) = turns.next() else { return true };
        let said = (turns.len() > 0).then(|| first.ask.prompt.clone());
        self.begin(&first.ask, body, Talk { turns, said }, due);
        true
    }

    fn supply(&mut self) -> Option<Prepared> {
        if self.ahead.is_some() {
            return self.ahead.take();
        }
        let supply = self.visits.next();
        self.starved = matches!(supply, Supply::Later);
        match supply {
            Supply::Ready(next) => Some(next),
            Supply::Later => None,
            Supply::Over => {
                self.over = true;
                None
            }
        }
    }

    /// A request is due now: onto a line, or to the end of the queue.
    fn begin(&mut self, ask: &Ask, body: Bytes, talk: Talk, due: Option<Nanos>) {
        let mark = if self.plan.phase == Phase::Warmup { "w" } else { "" };
        let path = match &ask.model {
            Some(model) => Arc::from(self.work.codec.path(model, self.work.options.stream)),
            None => Arc::clone(&self.work.path),
        };
        let call = Call { path, body, id: format!("{}-{mark}{}", self.work.tag, ask.index) };
        let now = self.net.now();
        let flight = Box::new(Flight::new(ask, call, talk, (self.plan.phase, due, now), self.work));
        match self.plan.pace {
            Pace::Open { max_in_flight: Some(most) } if self.in_flight >= most => {
                self.waiting.push_back(flight);
                self.gauge.queue(self.waiting.len());
            }
            _ => self.launch(flight),
        }
    }

    /// Onto an idle line, or onto a new one once it is open.
    fn launch(&mut self, mut flight: Box<Flight>) {
        self.in_flight += 1;
        self.gauge.sent();
        let server = flight.row.server;
        flight.begin(self.net.now());
        if let Some(line) = self.lines.take(server) {
            let id = line.id;
            line.flight = Some(flight);
            self.transmit(id);
        } else {
            self.open(flight);
        }
    }

    pub(super) fn open(&mut self, flight: Box<Flight>) {
        let server = flight.row.server;
        let id = self.net.open(server);
        self.lines.add(id, server, Some(flight));
        self.arm(id);
    }

    pub(super) fn transmit(&mut self, id: LineId) {
        let Some(line) = self.lines.get(id) else { return };
        let decoder = line.decoder(self.work.codec, self.work.options.stream);
        line.answered = false;
        let Some(flight) = line.flight.as_deref_mut() else { return };
        let sent = self.net.send(id, &flight.call);
        flight.sent(sent, decoder);
        self.arm(id);
    }

    /// Makes sure that a timer looks at the line no later than its request's patience ends.
    pub(super) fn arm(&mut self, id: LineId) {
        let Some(line) = self.lines.get(id) else { return };
        let Some(flight) = &line.flight else { return };
        let deadline = flight.deadline(self.work);
        if line.timer.is_none_or(|timer| timer > deadline) {
            line.timer = Some(deadline);
            self.timers.set(deadline, Alarm::Line(id));
        }
    }

    fn look_at(&mut self, id: LineId, now: Nanos) {
        let Some(line) = self.lines.get(id) else { return };
        line.timer = None;
        let Some(flight) = &line.flight else { return };
        match flight.overdue(now, self.work) {
            Some(failure) => self.drop_line(id, failure, now),
            None => self.arm(id),
        }
    }

    /// Gives a line up together with the request on it.
    pub(super) fn drop_line(&mut self, id: LineId, failure: Failure, now: Nanos) {
        self.net.close(id);
        if let Some(flight) = self.lines.remove(id).and_then(|line| line.flight) {
            self.end(flight, Err(failure), now);
        }
    }

    /// The request is over: its row goes out, and whoever waited for it goes on.
    pub(super) fn end(&mut self, flight: Box<Flight>, verdict: Result<(), Failure>, at: Nanos) {
        let Flight { mut row, talk, .. } = *flight;
        self.in_flight = self.in_flight.saturating_sub(1);
        let unreached = verdict.as_ref().is_err_and(|failure| failure.class == FailureClass::Connect);
        row.done = at;
        row.outcome = verdict.map_or_else(Outcome::Failed, |()| Outcome::Success);
        let text = std::mem::take(&mut row.text);
        let next = self.next_turn(&row, talk, &text);
        if self.work.keep_text && row.usage.output.is_none() {
            row.text = text;
        }
        self.hand_on(row);
        match next {
            Some((turn, talk)) => {
                self.thinking += 1;
                let due = at + turn.think;
                self.timers.set(due, Alarm::Turn { due, next: Box::new((turn, talk)) });
            }
            None if unreached => self.timers.set(at + UNREACHED, Alarm::Client),
            None => self.ready += 1,
        }
        if let Some(flight) = self.waiting.pop_front() {
            self.gauge.queue(self.waiting.len());
            self.launch(flight);
        }
    }

    /// The turn that follows a success, with what was said put in front of it. A conversation whose turn failed is over.
    fn next_turn(&self, row: &Row, mut talk: Talk, answer: &str) -> Option<(Turn, Talk)> {
        if self.stopping || !row.outcome.is_success() {
            return None;
        }
        let mut turn = talk.turns.next()?;
        turn.ask.prompt = turn.ask.prompt.after(talk.said.take()?, answer);
        talk.said = (talk.turns.len() > 0).then(|| turn.ask.prompt.clone());
        Some((turn, talk))
    }

    fn go_on(&mut self, (turn, talk): (Turn, Talk), due: Nanos) {
        self.thinking = self.thinking.saturating_sub(1);
        if self.stopping {
            self.ready += 1;
            return;
        }
        let body = Bytes::from(self.work.codec.body(&turn.ask, &self.work.options));
        let due = matches!(self.plan.pace, Pace::Open { .. }).then_some(due);
        self.begin(&turn.ask, body, talk, due);
    }

    fn hand_on(&mut self, row: Row) {
        self.last = self.last.max(row.done);
        self.gauge.ended(row.outcome.is_success(), u64::from(row.output_tokens().0));
        (self.rows)(row);
    }

    /// Ends everything that is in flight, queued or thinking.
    fn cut_all(&mut self, class: FailureClass, when: &str) {
        self.over = true;
        self.ahead = None;
        let now = self.net.now();
        for mut flight in std::mem::take(&mut self.waiting) {
            flight.row.done = now;
            let words = format!("still waiting for a place {when}");
            flight.row.outcome = Outcome::Failed(Failure::new(class, words));
            self.hand_on(flight.row);
        }
        self.gauge.queue(0);
        for id in self.lines.busy() {
            self.drop_line(id, Failure::new(class, format!("not finished {when}")), now);
        }
        drop(self.timers.drain());
        self.thinking = 0;
    }

    fn is_done(&self) -> bool {
        self.over && self.in_flight == 0 && self.waiting.is_empty() && self.thinking == 0
    }

    /// When the loop has to look again, whatever arrives.
    fn next(&self) -> Option<Nanos> {
        let due = self.ahead.as_ref().and_then(|next| next.visit.due).map(|due| self.start + due);
        let supply = self.starved.then(|| self.net.now() + PREPARING);
        let end = self.plan.deadline.map(|length| self.start + length + self.work.grace);
        [due, supply, self.timers.next(), end].into_iter().flatten().min()
    }
}
