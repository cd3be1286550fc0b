//! What leaves the server, in the order of time.

use std::collections::BTreeMap;

use crate::base::Nanos;

/// Names one accepted request; tickets rise in the order of submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// One thing that the server sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emission {
    pub id: Ticket,
    pub at: Nanos,
    pub what: What,
}

/// Tokens count from 0. Exactly one of the others ends each request that is not cancelled, at its last token's instant
/// or, where it has none, when its prompt has been computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Token {
        index: u32,
    },
    /// `cached` prompt tokens were found in the prefix cache when the request left the queue, at `began`.
    Finished {
        cached: u32,
        began: Nanos,
    },
    /// The connection breaks without a word.
    Cut,
    /// The stream carries an error event.
    Failed,
}

/// Emissions that wait for their instants; equal instants keep the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pending: BTreeMap<(Nanos, u64), (Ticket, What)>,
    made: u64,
}

impl Outbox {
    pub(super) fn push(&mut self, emission: Emission) {
        self.pending.insert((emission.at, self.made), (emission.id, emission.what));
        self.made += 1;
    }

    pub(super) fn next(&self) -> Option<Nanos> {
        self.pending.first_key_value().map(|((at, _), _)| *at)
    }

    /// Everything up to and including `now`.
    pub(super) fn take_due(&mut self, now: Nanos) -> Vec<Emission> {
        let mut due = Vec::new();
        while let Some(entry) = self.pending.first_entry()
            && entry.key().0 <= now
        {
            let ((at, _), (id, what)) = entry.remove_entry();
            due.push(Emission { id, at, what });
        }
        due
    }

    /// Drops whatever of one request still waits.
    pub(super) fn forget(&mut self, id: Ticket) {
        self.pending.retain(|_, (other, _)| *other != id);
    }
}
