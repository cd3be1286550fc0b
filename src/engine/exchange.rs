//! One request from its due instant to its row.

use tokio::time::{Instant, Sleep};

use super::drive::Work;
use super::lines::Lines;
use super::port::{Broken, Call, Clock, Head, Line, Piece, Transport};
use super::stop::Stop;
use crate::base::Nanos;
use crate::config::Timeouts;
use crate::protocol::{Decode, Event};
use crate::record::{Ask, Chunk, Failure, FailureClass, Outcome, Phase, Row};

/// Enough of an error body to find its message.
const REFUSAL_MAX: usize = 64 * 1024;
/// A response larger than this is not a language model's answer.
const WHOLE_MAX: usize = 64 * 1024 * 1024;

/// A request about to be made.
pub(super) struct Due {
    pub(super) ask: Ask,
    pub(super) call: Call,
    pub(super) phase: Phase,
    pub(super) at: Option<Nanos>,
}

/// Sends, reads to the end and returns the row, whatever happens.
pub(super) async fn exchange<T: Transport, C: Clock>(
    due: Due,
    work: &Work,
    lines: &Lines<T>,
    clock: &C,
    stop: &mut Stop,
) -> Row {
    let open = Outcome::Failed(stop.cut("not finished"));
    let mut row = Row::unsent(&due.ask, due.phase, due.at, clock.now(), open);
    let verdict = tokio::select! {
        verdict = converse(&due.call, work, lines, clock, &mut row) => verdict,
        () = stop.ended() => Err(stop.cut("not finished")),
    };
    row.outcome = match verdict {
        Ok(()) => Outcome::Success,
        Err(failure) => Outcome::Failed(failure),
    };
    if !row.outcome.is_success() {
        row.done = clock.now();
    }
    if row.usage.output.is_some() {
        row.text = String::new();
    }
    row
}

/// The request on its line; a line that the server had closed is replaced once.
async fn converse<T: Transport, C: Clock>(
    call: &Call,
    work: &Work,
    lines: &Lines<T>,
    clock: &C,
    row: &mut Row,
) -> Result<(), Failure> {
    let (mut line, used) = lines.take().await?;
    let opened = clock.now();
    let mut first = within(&mut line, call, opened, work.timeouts).await;
    if used && first.as_ref().is_err_and(|broken| broken.stale) {
        row.reconnects += 1;
        line = lines.fresh().await?;
        first = within(&mut line, call, clock.now(), work.timeouts).await;
    }
    let head = first.map_err(|broken| {
        row.sent = broken.sent.or(row.sent);
        broken.failure
    })?;
    row.sent = Some(head.sent);
    row.headers = Some(head.at);
    row.streamed = call.stream;
    let verdict = if (200..300).contains(&head.status) {
        listen(&mut line, work, clock, row, head).await
    } else {
        Err(refusal(&mut line, work, head).await)
    };
    lines.give_back(line);
    verdict
}

/// Writes the request and waits for headers: as long as a first token may take, or the whole answer without a stream.
async fn within<L: Line>(line: &mut L, call: &Call, from: Nanos, limits: Timeouts) -> Result<Head, Broken> {
    let (class, limit) = if call.stream && limits.first_token < limits.total {
        (FailureClass::TimeoutFirstToken, limits.first_token)
    } else {
        (FailureClass::TimeoutTotal, limits.total)
    };
    match tokio::time::timeout(limit.into(), line.send(call.clone())).await {
        Ok(answer) => answer,
        Err(_) => Err(Broken { failure: late(class, limit), sent: Some(from), stale: false }),
    }
}

/// Reads the body to its end into the row.
async fn listen<L: Line, C: Clock>(
    line: &mut L,
    work: &Work,
    clock: &C,
    row: &mut Row,
    head: Head,
) -> Result<(), Failure> {
    let mut decoder = if row.streamed { work.codec.stream() } else { work.codec.whole() };
    let mut reader = Reader { keep_text: work.keep_text, error: None, size: 0 };
    let mut watch = Watch::start(head.sent, work.timeouts, row.streamed, clock.now());
    loop {
        let piece = tokio::select! {
            biased;
            piece = line.next() => piece,
            () = &mut watch.sleep => {
                watch.check(clock.now())?;
                continue;
            }
        };
        match piece {
            Ok(Some(piece)) => {
                reader.feed(&piece, decoder.as_mut(), row)?;
                watch.heard(piece.at, !row.chunks.is_empty());
            }
            Ok(None) => {
                row.done = line.read_at();
                return reader.close(true, decoder.as_mut(), row);
            }
            Err(failure) => {
                row.done = line.read_at();
                return reader.close(false, decoder.as_mut(), row).and(Err(failure));
            }
        }
    }
}

/// Decoded events on their way into a row.
struct Reader {
    keep_text: bool,
    error: Option<Failure>,
    size: usize,
}

impl Reader {
    fn feed(&mut self, piece: &Piece, decoder: &mut dyn Decode, row: &mut Row) -> Result<(), Failure> {
        self.size += piece.bytes.len();
        if self.size > WHOLE_MAX {
            return Err(Failure::new(
                FailureClass::Malformed,
                format!("the response passed {WHOLE_MAX} bytes"),
            ));
        }
        decoder.feed(&piece.bytes, &mut |event| self.settle(event, piece.at, row));
        Ok(())
    }

    /// The end of the body, and what the response amounts to.
    fn close(&mut self, clean: bool, decoder: &mut dyn Decode, row: &mut Row) -> Result<(), Failure> {
        let at = row.done;
        let verdict = decoder.finish(clean, &mut |event| self.settle(event, at, row));
        verdict.and(self.error.take().map_or(Ok(()), Err))
    }

    fn settle(&mut self, event: Event<'_>, at: Nanos, row: &mut Row) {
        match event {
            Event::Idle | Event::End => {}
            Event::Tokens(tokens) => {
                if row.streamed {
                    row.chunks.push(Chunk { at, tokens: tokens.count });
                }
                if tokens.visible && row.first_visible.is_none() {
                    row.first_visible = Some(at);
                }
                if self.keep_text {
                    tokens.text.push_to(&mut row.text);
                }
            }
            Event::Finish(reason) => row.finish_reason = Some(reason.to_owned()),
            Event::Usage(usage) => row.usage = usage,
            Event::Error(failure) => self.error = Some(failure),
        }
    }
}

/// The three limits of waiting on one timer, which is moved only when it fires or must fire sooner.
struct Watch {
    sleep: std::pin::Pin<Box<Sleep>>,
    limits: Timeouts,
    streamed: bool,
    sent: Nanos,
    /// Last bytes after the first token; none before it.
    last: Option<Nanos>,
    armed: Nanos,
}

impl Watch {
    fn start(sent: Nanos, limits: Timeouts, streamed: bool, now: Nanos) -> Self {
        let mut watch = Self {
            sleep: Box::pin(tokio::time::sleep_until(Instant::now())),
            limits,
            streamed,
            sent,
            last: None,
            armed: Nanos::ZERO,
        };
        watch.arm(now);
        watch
    }

    /// Bytes came at `at`; with tokens so far, from now on silence is a stall.
    fn heard(&mut self, at: Nanos, tokens: bool) {
        if tokens {
            self.last = Some(at);
            if self.deadline().0 < self.armed {
                self.arm(at);
            }
        }
    }

    /// The timer fired: either a limit has passed, or the timer is set anew.
    fn check(&mut self, now: Nanos) -> Result<(), Failure> {
        let (deadline, class, limit) = self.deadline();
        if now >= deadline {
            return Err(late(class, limit));
        }
        self.arm(now);
        Ok(())
    }

    fn arm(&mut self, now: Nanos) {
        self.armed = self.deadline().0;
        self.sleep.as_mut().reset(Instant::now() + (self.armed - now).into());
    }

    fn deadline(&self) -> (Nanos, FailureClass, Nanos) {
        let total = (self.sent + self.limits.total, FailureClass::TimeoutTotal, self.limits.total);
        let silence = match self.last {
            Some(last) => (last + self.limits.stall, FailureClass::Stalled, self.limits.stall),
            None if self.streamed => (
                self.sent + self.limits.first_token,
                FailureClass::TimeoutFirstToken,
                self.limits.first_token,
            ),
            None => total,
        };
        if silence.0 < total.0 { silence } else { total }
    }
}

fn late(class: FailureClass, limit: Nanos) -> Failure {
    let what = match class {
        FailureClass::Stalled => "no bytes",
        FailureClass::TimeoutTotal => "not finished",
        _ => "no first token",
    };
    Failure::new(class, format!("{what} within {limit}"))
}

/// The server's own words about a status that is no success.
async fn refusal<L: Line>(line: &mut L, work: &Work, head: Head) -> Failure {
    let mut body = Vec::new();
    let reading = async {
        while let Ok(Some(piece)) = line.next().await {
            body.extend_from_slice(&piece.bytes);
            if body.len() > REFUSAL_MAX {
                break;
            }
        }
    };
    // A server that refuses and then keeps the body open is cut off: what came so far is enough.
    if tokio::time::timeout(work.timeouts.stall.into(), reading).await.is_err() {
        body.truncate(REFUSAL_MAX);
    }
    work.codec.refusal(head.status, &body)
}
