//! The scheduler: iteration-level batching as vLLM V1 does it.

use std::collections::VecDeque;

use super::cost::{Cost, Work};
use super::counters::{Counters, Gauges};
use super::fault::{Fault, FaultRates};
use super::kv::{BLOCK_TOKENS, KvCache, Table};
use super::outbox::{Emission, Outbox, Ticket, What};
use super::profile::Profile;
use super::sequence::{Sequence, Stretch};
use super::spec::SimSpec;
use crate::base::{Nanos, Seed};

/// One request. Every request gets exactly `max_tokens` tokens: the simulated model never ends an answer early.
/// None at all means a pass over the prompt only, as embeddings and scores need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimAsk {
    /// At least 1.
    pub prompt_tokens: u32,
    pub max_tokens: u32,
    /// For each complete block of `BLOCK_TOKENS` prompt tokens, a hash of everything up to its end; may be shorter.
    pub prefix_blocks: Vec<u64>,
}

/// Why a request was not accepted; it has no ticket and nothing follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the simulated server is still starting")]
    Starting,
    #[error("the request brings no tokens or asks for more than the context of {context} tokens")]
    Context { context: u32 },
    #[error("a planted error: status 500")]
    Error,
    #[error("a planted rejection: status 429")]
    Reject,
}

/// A continuous-batching server. Drive it with `submit`, `next_event` and `advance`; instants count from the server's start.
///
/// The model has no clock of its own: `advance` at a late instant replays every step at its own time, so a slow caller
/// changes nothing but when it learns of it. A step takes in what arrived up to its start. To answer an emission at its
/// own instant (a closed loop), call `advance` at each `next_event` and `submit` before the next `advance`: a step that
/// starts at the very instant of an emission waits for that second call.
#[derive(Debug)]
pub struct Model {
    profile: Profile,
    faults: FaultRates,
    fates: Seed,
    ready: Nanos,
    cost: Cost,
    stretch: Stretch,
    kv: KvCache,
    waiting: VecDeque<Sequence>,
    /// In the order of admission, so the last is the first to be preempted.
    running: Vec<Sequence>,
    step_end: Option<Nanos>,
    /// When the latest step ended.
    free_since: Nanos,
    outbox: Outbox,
    counters: Counters,
    tickets: u64,
}

impl Model {
    /// `start` says which start of the server this is: each has its own shock, noise and faults.
    pub fn new(spec: &SimSpec, start: u64) -> Self {
        let stretch = Stretch::new(spec);
        Self {
            profile: spec.profile.clone(),
            faults: spec.faults.clone(),
            fates: Seed(spec.seed).child("faults").at(spec.session).at(start),
            ready: spec.start,
            cost: Cost::new(spec, start, stretch.hurry),
            stretch,
            kv: KvCache::new(spec.profile.kv_blocks),
            waiting: VecDeque::new(),
            running: Vec::new(),
            step_end: None,
            free_since: Nanos::ZERO,
            outbox: Outbox::default(),
            counters: Counters::new(spec.engine),
            tickets: 0,
        }
    }

    /// Whether the server has started up by `now`.
    pub fn ready(&self, now: Nanos) -> bool {
        now >= self.ready
    }

    /// Hands in a request that arrived at `now`.
    pub fn submit(&mut self, now: Nanos, ask: SimAsk) -> Result<Ticket, Refusal> {
        self.replay(now);
        let SimAsk { prompt_tokens, max_tokens, mut prefix_blocks } = ask;
        let context = self.profile.context;
        if !self.ready(now) {
            return Err(Refusal::Starting);
        }
        if prompt_tokens == 0 || prompt_tokens.saturating_add(max_tokens) > context {
            return Err(Refusal::Context { context });
        }
        let id = Ticket(self.tickets);
        self.tickets += 1;
        let fault = self.faults.draw(self.fates.at(id.0), max_tokens);
        match fault {
            Fault::Error => {
                self.counters.failed += 1;
                return Err(Refusal::Error);
            }
            Fault::Reject => {
                self.counters.rejected += 1;
                return Err(Refusal::Reject);
            }
            Fault::None | Fault::Cut { .. } | Fault::InStream { .. } | Fault::Stall { .. } => {}
        }
        prefix_blocks.truncate((prompt_tokens / BLOCK_TOKENS) as usize);
        if !self.profile.prefix_cache {
            prefix_blocks.clear();
        }
        self.waiting.push_back(Sequence {
            id,
            arrival: now,
            admitted: None,
            answered: now,
            prompt: prompt_tokens,
            max: max_tokens,
            hashes: prefix_blocks,
            fault,
            generated: 0,
            computed: 0,
            planned: 0,
            table: Table::default(),
            first: None,
            latest: now,
            preempted: false,
            cached: 0,
        });
        Ok(id)
    }

    /// Forgets a request: its blocks are free for the next step and nothing more is emitted. An ended one is left alone.
    pub fn cancel(&mut self, id: Ticket) {
        let found = self.running.iter().position(|sequence| sequence.id == id);
        let sequence = match found {
            Some(index) => Some(self.running.remove(index)),
            None => (self.waiting.iter().position(|sequence| sequence.id == id))
                .and_then(|index| self.waiting.remove(index)),
        };
        let inside = sequence.map(|mut sequence| self.kv.release(&mut sequence.table)).is_some();
        self.outbox.forget(id);
        // One that had left the batch was counted when it did.
        self.counters.aborted += u64::from(inside);
    }

    /// The next instant at which `advance` has something to do; `None` when the server is idle.
    pub fn next_event(&self) -> Option<Nanos> {
        let step = self.step_end.or_else(|| self.step_start());
        match (step, self.outbox.next()) {
            (Some(step), Some(emission)) => Some(step.min(emission)),
            (step, emission) => step.or(emission),
        }
    }

    /// Lives up to `now` and gives what is emitted until then, in the order of time.
    pub fn advance(&mut self, now: Nanos) -> Vec<Emission> {
        self.replay(now);
        let due = self.outbox.take_due(now);
        if due.is_empty()
            && let Some(start) = self.step_start()
            && start <= now
        {
            self.begin_step(start);
        }
        due
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    pub fn gauges(&self) -> Gauges {
        Gauges { running: self.running.len(), waiting: self.waiting.len(), kv_usage: self.kv.usage() }
    }

    /// Ends steps up to `now` and begins those before it; one that begins at `now` may still be joined.
    fn replay(&mut self, now: Nanos) {
        loop {
            match (self.step_end, self.step_start()) {
                (Some(end), _) if end <= now => self.end_step(end),
                (None, Some(start)) if start < now => self.begin_step(start),
                _ => return,
            }
        }
    }

    /// When the next step begins: at once after the former, or with the arrival that ends the idleness.
    fn step_start(&self) -> Option<Nanos> {
        match (self.step_end, self.running.is_empty(), self.waiting.front()) {
            (Some(_), _, _) | (None, true, None) => None,
            (None, false, _) => Some(self.free_since),
            (None, true, Some(head)) => Some(self.free_since.max(head.arrival)),
        }
    }

    fn begin_step(&mut self, start: Nanos) {
        let mut work = Work::default();
        let mut budget = self.profile.budget;
        let preempted = self.plan_running(&mut budget, &mut work);
        if !preempted {
            self.admit(start, &mut budget, &mut work);
        }
        self.counters.steps += 1;
        self.counters.busy += self.running.len() as u64;
        self.step_end = Some(start + self.cost.step(&self.profile, work));
    }

    /// Plans the running sequences in order, preempting from the end when blocks run out; true if any was preempted.
    fn plan_running(&mut self, budget: &mut u32, work: &mut Work) -> bool {
        let mut preempted = false;
        let mut index = 0;
        while index < self.running.len() && *budget > 0 {
            let sequence = &mut self.running[index];
            let tokens = sequence.remaining().min(*budget);
            let room = sequence.computed + tokens;
            if self.kv.grow(&mut sequence.table, &sequence.hashes, room) {
                plan(sequence, tokens, work);
                *budget -= tokens;
                index += 1;
            } else if let Some(last) = self.running.pop() {
                self.preempt(last);
                preempted = true;
            }
        }
        preempted
    }

    /// Back to the head of the queue, to be computed again from the start (vLLM's recomputation).
    fn preempt(&mut self, mut sequence: Sequence) {
        self.kv.release(&mut sequence.table);
        sequence.computed = 0;
        sequence.preempted = true;
        self.counters.preemptions += 1;
        self.waiting.push_front(sequence);
    }

    /// Takes from the queue, first come first served, while tokens, places and blocks last.
    fn admit(&mut self, start: Nanos, budget: &mut u32, work: &mut Work) {
        while *budget > 0
            && self.running.len() < self.profile.max_batch as usize
            && let Some(mut sequence) = self.waiting.pop_front()
        {
            // The last prompt token is always computed: its output is the first token.
            let usable = sequence.hashes.len().min(((sequence.length() - 1) / BLOCK_TOKENS) as usize);
            sequence.table = self.kv.claim(&sequence.hashes[..usable]);
            sequence.computed = sequence.table.claimed_tokens();
            let tokens = sequence.remaining().min(*budget);
            if !self.kv.grow(&mut sequence.table, &sequence.hashes, sequence.computed + tokens) {
                self.kv.release(&mut sequence.table);
                sequence.computed = 0;
                self.waiting.push_front(sequence);
                return;
            }
            if !sequence.preempted {
                sequence.cached = sequence.computed;
                self.counters.prefix_queries += u64::from(sequence.prompt);
                self.counters.prefix_hits += u64::from(sequence.computed);
            }
            sequence.admitted.get_or_insert(start);
            plan(&mut sequence, tokens, work);
            *budget -= tokens;
            self.running.push(sequence);
        }
    }

    fn end_step(&mut self, end: Nanos) {
        self.step_end = None;
        self.free_since = end;
        let mut running = std::mem::take(&mut self.running);
        running.retain_mut(|sequence| {
            let stays = self.settle(sequence, end);
            if !stays {
                self.kv.release(&mut sequence.table);
            }
            stays
        });
        self.running = running;
    }

    /// Books what the step computed, samples a token where due; false when the sequence has ended.
    fn settle(&mut self, sequence: &mut Sequence, end: Nanos) -> bool {
        let computed = std::mem::take(&mut sequence.planned);
        sequence.computed += computed;
        if computed == 0 || sequence.remaining() > 0 {
            return true;
        }
        let at = sequence.leaves(end, &self.stretch);
        if sequence.generated == 0 {
            self.counters.prompt_tokens += u64::from(sequence.prompt);
            sequence.answered = at;
        }
        if sequence.max > 0 {
            self.emit_token(sequence, at);
        }
        sequence.latest = at;
        let what = match sequence.fault {
            Fault::Cut { after } if sequence.has_reached(after) => {
                self.counters.aborted += 1;
                What::Cut
            }
            Fault::InStream { after } if sequence.has_reached(after) => {
                self.counters.failed += 1;
                What::Failed
            }
            _ if sequence.generated == sequence.max => {
                self.book_finished(sequence);
                let began = sequence.admitted.unwrap_or(sequence.arrival);
                What::Finished { cached: sequence.cached, began }
            }
            _ => return true,
        };
        self.outbox.push(Emission { id: sequence.id, at, what });
        false
    }

    fn emit_token(&mut self, sequence: &mut Sequence, at: Nanos) {
        let index = sequence.generated;
        sequence.generated += 1;
        self.counters.generation_tokens += 1;
        if index == 0 {
            self.counters.ttft.record((at - sequence.arrival).secs());
        } else {
            self.counters.itl.record((at - sequence.latest).secs());
        }
        self.outbox.push(Emission { id: sequence.id, at, what: What::Token { index } });
    }

    /// Spans as vLLM books them when a request has ended: waiting, then prefill up to the first token, then decode.
    fn book_finished(&mut self, sequence: &Sequence) {
        let Sequence { arrival, answered, latest, generated, .. } = *sequence;
        let began = sequence.admitted.unwrap_or(arrival);
        let counters = &mut self.counters;
        counters.finished += 1;
        counters.e2e.record((latest - arrival).secs());
        counters.queue.record((began - arrival).secs());
        counters.prefill.record((answered - began).secs());
        counters.decode.record((latest - answered).secs());
        counters.inference.record((latest - began).secs());
        if generated > 1 {
            counters.tpot.record((latest - answered).secs() / f64::from(generated - 1));
        }
    }
}

fn plan(sequence: &mut Sequence, tokens: u32, work: &mut Work) {
    if sequence.decodes() {
        work.decoding += 1;
    } else {
        work.prefill_tokens += tokens;
    }
    work.kv_tokens += u64::from(sequence.computed);
    sequence.planned = tokens;
}
