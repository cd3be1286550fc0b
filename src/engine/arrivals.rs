//! What arrives: lines that open, bytes that answer, lines that end.

use super::pass::Pass;
use super::port::{Arrival, Inbox, LineId, Net, What};
use crate::base::Nanos;
use crate::protocol::http1::Part;
use crate::record::{Failure, FailureClass};

/// Arrivals booked before the loop looks again whether something is due.
const STRETCH: usize = 64;

impl<N: Net> Pass<'_, N> {
    /// Books what arrived, in order.
    pub(super) fn book(&mut self, inbox: &mut Inbox) {
        let Inbox { bytes, arrivals } = inbox;
        for (count, Arrival { line, at, what }) in arrivals.drain(..).enumerate() {
            match what {
                What::Opened => self.opened(line),
                What::Bytes(range) => self.read(line, at, bytes.get(range).unwrap_or_default()),
                What::Closed(failure) => self.closed(line, at, failure),
            }
            if count % STRETCH == STRETCH - 1 && !self.over {
                self.dispatch();
            }
        }
    }

    fn opened(&mut self, id: LineId) {
        let Some(line) = self.lines.get(id) else { return };
        if line.flight.is_some() {
            line.opened();
            self.transmit(id);
        } else {
            self.lines.rest(id);
        }
    }

    fn read(&mut self, id: LineId, at: Nanos, bytes: &[u8]) {
        let Some(line) = self.lines.get(id) else { return };
        line.answered = true;
        let Some((flight, http)) = line.parts() else {
            // Nothing was asked: whatever a server says unasked ends its line.
            self.net.close(id);
            self.lines.remove(id);
            return;
        };
        let mut rest = bytes;
        let had_tokens = !flight.row.chunks.is_empty();
        let verdict = loop {
            match http.next(&mut rest) {
                Some(Part::Head { status }) => flight.head(status, at),
                Some(Part::Body(body)) => {
                    if let Err(failure) = flight.body(body, at) {
                        return self.drop_line(id, failure, at);
                    }
                }
                Some(Part::End) => break flight.end(Ok(()), at, self.work),
                Some(Part::Broken(why)) => {
                    return self.drop_line(id, Failure::new(FailureClass::Malformed, why), at);
                }
                None => {
                    // From the first token on, silence is a stall, and the timer may have to look sooner.
                    if !had_tokens && !flight.row.chunks.is_empty() {
                        self.arm(id);
                    }
                    return;
                }
            }
        };
        // Bytes behind a response belong to nobody.
        let reusable = http.reusable() && rest.is_empty();
        self.answered(id, verdict, reusable, at);
    }

    /// A response has come to its end.
    fn answered(&mut self, id: LineId, verdict: Result<(), Failure>, reusable: bool, at: Nanos) {
        let Some(line) = self.lines.get(id) else { return };
        let Some(mut flight) = line.flight.take() else { return };
        line.keep(flight.decoder.take(), flight.stream);
        if reusable {
            self.lines.rest(id);
        } else {
            self.net.close(id);
            self.lines.remove(id);
        }
        self.end(flight, verdict, at);
    }

    /// The server has closed the line, or it broke.
    fn closed(&mut self, id: LineId, at: Nanos, failure: Option<Failure>) {
        self.net.close(id);
        let Some(mut line) = self.lines.remove(id) else { return };
        let Some(mut flight) = line.flight.take() else { return };
        // A kept line that the server had closed meanwhile: the request is made once more, on a fresh one.
        if line.is_open() && line.used && !line.answered && !flight.retried {
            flight.forget(self.net.now());
            return self.open(flight);
        }
        let mut broken = failure.unwrap_or_else(|| {
            Failure::new(FailureClass::Connect, "the server closed the connection before it answered")
        });
        if line.answered {
            broken.class = FailureClass::Truncated;
        }
        let clean = if line.http.closed() { Ok(()) } else { Err(broken) };
        let verdict = flight.end(clean, at, self.work);
        self.end(flight, verdict, at);
    }
}
