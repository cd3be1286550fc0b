//! Instants at which something is to be looked at again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::base::Nanos;

/// Things by the instant they are due; equal instants in the order in which they were set.
#[derive(Debug)]
pub(super) struct Timers<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    set: u64,
}

#[derive(Debug)]
struct Entry<T> {
    at: Nanos,
    order: u64,
    what: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl<T> Timers<T> {
    pub(super) fn new() -> Self {
        Self { heap: BinaryHeap::new(), set: 0 }
    }

    pub(super) fn set(&mut self, at: Nanos, what: T) {
        self.set += 1;
        self.heap.push(Reverse(Entry { at, order: self.set, what }));
    }

    /// The earliest instant that is set.
    pub(super) fn next(&self) -> Option<Nanos> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    /// The earliest thing, where its instant has come.
    pub(super) fn pop(&mut self, now: Nanos) -> Option<T> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry.what)
    }

    /// Everything that is set, whenever it is due.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> {
        std::mem::take(&mut self.heap).into_iter().map(|Reverse(entry)| entry.what)
    }
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_come_in_the_order_of_their_instants() {
        let mut timers = Timers::new();
        for (at, what) in [(5, 'c'), (1, 'a'), (5, 'd'), (3, 'b')] {
            timers.set(Nanos(at), what);
        }
        assert_eq!(timers.next(), Some(Nanos(1)));
        assert_eq!(timers.pop(Nanos(0)), None);
        let popped: String = std::iter::from_fn(|| timers.pop(Nanos(5))).collect();
        assert_eq!(popped, "abcd");
    }
}
