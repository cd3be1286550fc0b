//! One request of one visit, drawn from a source by nothing but seed and index.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::datasets::{Record, Said};
use super::parts::pick;
use super::replay::Replayed;
use super::source::{Source, Stock, TURNS_MAX, Texts};
use super::{CacheLabel, Pause, Turn};
use crate::base::{Nanos, Seed};
use crate::record::{Ask, Cancel, Prompt};

/// A source under the seed of one level. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    source: Source,
    seed: Seed,
    flows: Arc<[Flow]>,
    /// Requests that a warm-up must send, part by part.
    warm_sets: Arc<[u64]>,
    /// The rows of the trace that is the run's only part.
    rows: Option<Arc<Replayed>>,
}

/// One part's chance, and the order of its rows.
#[derive(Debug)]
struct Flow {
    seed: Seed,
    order: Vec<u32>,
}

impl Stream {
    /// `visits` are those of the level, where their number is known.
    pub(super) fn new(source: &Source, seed: Seed, visits: Option<u64>, rows: Option<Replayed>) -> Self {
        let alone = source.parts.len() == 1;
        let flow = |stock: &Stock| {
            // A part keeps its prompts whatever stands beside it; without a mix they are the level's.
            let seed = if alone { seed } else { seed.child("part").child(&stock.part.name) };
            Flow { seed, order: order(stock, seed) }
        };
        Self {
            source: source.clone(),
            seed,
            flows: source.parts.iter().map(flow).collect(),
            warm_sets: source.parts.iter().map(|stock| stock.warm_set(visits)).collect(),
            rows: rows.map(Arc::new),
        }
    }

    pub(super) fn warm_set(&self) -> u64 {
        self.warm_sets.iter().sum()
    }

    /// All turns of a visit.
    pub(super) fn turns(&self, visit: u64) -> Vec<Turn> {
        let place = self.place(visit);
        let count = place.turns();
        (0..count).map(|turn| self.turn(&place, visit, turn, count)).collect()
    }

    /// The first turn of a visit, without the work for the others.
    pub(super) fn first(&self, visit: u64) -> Ask {
        let place = self.place(visit);
        self.turn(&place, visit, 0, place.turns()).ask
    }

    fn place(&self, visit: u64) -> Place<'_> {
        let part = self.part("parts", visit);
        self.place_in(part, visit)
    }

    fn place_in(&self, part: usize, visit: u64) -> Place<'_> {
        let (stock, flow) = (&self.source.parts[part], &self.flows[part]);
        let key = stock.part.workload.distinct.map_or(visit, |distinct| visit % distinct.max(1));
        Place { part, stock, flow, rows: self.rows.as_deref(), key }
    }

    fn part(&self, label: &str, index: u64) -> usize {
        match &*self.source.parts {
            [_] => 0,
            parts => pick(parts.iter().map(|stock| stock.part.weight), self.seed.child(label).at(index)),
        }
    }

    fn turn(&self, place: &Place<'_>, visit: u64, turn: u32, count: u32) -> Turn {
        let index = visit.saturating_mul(self.source.stride).saturating_add(u64::from(turn));
        let mut turn = place.turn(index, turn, Kind::Measured);
        turn.ask.server = self.source.servers.of(visit, turn.ask.turn);
        turn.ask.model = turn.ask.model.or_else(|| place.model(visit));
        if count > 1 {
            // Messages keep who said what; as one text the answers would look like the user's own words.
            turn.ask.prompt = Prompt::Messages(turn.ask.prompt.into_messages());
        }
        turn
    }

    /// Warm-up request `index`: the promised repeats in their order, or requests like the measured ones.
    pub(super) fn warm_up(&self, index: u64) -> Ask {
        let total = self.warm_set();
        let mut ask = if total == 0 {
            let place = self.place_in(self.part("warm-up parts", index), index);
            let mut ask = place.turn(index, 0, Kind::WarmUp).ask;
            ask.model = ask.model.or_else(|| place.model(index));
            ask
        } else {
            let mut left = index % total;
            let part = self.warm_sets.iter().position(|set| {
                let found = left < *set;
                if !found {
                    left -= set;
                }
                found
            });
            let place = self.place_in(part.unwrap_or(0), left);
            let kind = if place.stock.part.workload.prefix.is_some() { Kind::Group } else { Kind::Repeat };
            let mut ask = place.turn(left, 0, kind).ask;
            ask.model = ask.model.or_else(|| place.model(left));
            ask
        };
        ask.index = index;
        // Nobody goes away from a warm-up: what it warms would stay half done.
        ask.cancel = None;
        ask.server = self.source.servers.of(index, 0);
        ask
    }
}

/// What a request is drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Measured,
    /// From a branch of chance of its own.
    WarmUp,
    /// Like the measured request of the same key, word by word.
    Repeat,
    /// The prefix of the group that the key names, and other words after it.
    Group,
}

/// A part at one key: the number from which a visit's words and lengths follow.
struct Place<'a> {
    part: usize,
    stock: &'a Stock,
    flow: &'a Flow,
    rows: Option<&'a Replayed>,
    key: u64,
}

impl Place<'_> {
    /// How many requests the visit has.
    fn turns(&self) -> u32 {
        let drawn = || {
            let law = self.stock.turns.as_ref()?;
            Some(law.draw(self.flow.seed.child("turns").at(self.key).chance().bits()).clamp(1, TURNS_MAX))
        };
        match self.record(Kind::Measured) {
            Some(record) => (record.turns.len() as u32).min(drawn().unwrap_or(u32::MAX)),
            None => drawn().unwrap_or(1),
        }
    }

    fn turn(&self, index: u64, turn: u32, kind: Kind) -> Turn {
        let seed = self.flow.seed;
        let lengths = if kind == Kind::WarmUp { "warm-up lengths" } else { "lengths" };
        let mut chance = seed.child(lengths).at(self.key).chance();
        // Two numbers for every turn, so that a row with its own length shifts no other draw.
        let (input, output) = (0..=turn).fold((0, 0), |_, _| (chance.bits(), chance.bits()));
        let input = self.stock.input.draw(input).max(1);
        let drawn = self.stock.output.as_ref().map(|law| law.draw(output));
        let said = self.record(kind).and_then(|record| record.turns.get(turn as usize));
        let mut ask = match (said, self.rows) {
            (Some(said), _) => self.row(said, (index, turn), drawn, kind),
            (None, Some(rows)) => {
                let ask = if kind == Kind::WarmUp { rows.warmup_ask(self.key) } else { rows.ask(self.key) };
                Ask { index, output_tokens: ask.output_tokens.or(drawn), ..ask }
            }
            (None, None) => Ask {
                prompt_tokens: (turn == 0).then(|| input + self.prefix_tokens()),
                output_tokens: drawn,
                ..Ask::plain(index, self.text(turn, input, kind))
            },
        };
        ask.part = self.part as u16;
        ask.turn = turn;
        ask.slos = ask.slos.or_else(|| self.stock.slos.clone());
        ask.extra_body = merged(self.stock.body.as_ref(), ask.extra_body);
        ask.cancel = ask.cancel.or_else(|| self.cancel(index));
        Turn { ask, think: self.think(turn, kind) }
    }

    fn row(&self, said: &Said, (index, turn): (u64, u32), drawn: Option<u32>, kind: Kind) -> Ask {
        let Said { prompt, tokens, output, answer, think: _, model, body, slos, cancel } = said;
        let mut ask = Ask {
            prompt: prompt.clone(),
            prompt_tokens: *tokens,
            output_tokens: output.or(drawn).or(*answer),
            model: model.clone(),
            extra_body: body.clone(),
            slos: slos.clone(),
            cancel: *cancel,
            ..Ask::plain(index, String::new())
        };
        if turn == 0 {
            if self.stock.part.workload.cache == CacheLabel::Cold {
                let label = if kind == Kind::WarmUp { "warm-up salt" } else { "salt" };
                let salt = format!("[{:016x}]\n", self.flow.seed.child(label).at(index).0);
                ask.prompt = led(ask.prompt, &salt);
                // Nobody planned these tokens, and where they meet the row's own the two may share one.
                ask.prompt_tokens = None;
            } else if let (Texts::Rows { words: Some(words), .. }, Some(prefix)) =
                (&self.stock.texts, self.stock.part.workload.prefix)
            {
                let words = words.branch(self.flow.seed.child("prefixes"));
                let prefix = words.prompt(self.group(kind), prefix.tokens);
                ask.prompt = led(ask.prompt, &format!("{prefix}\n\n"));
                ask.prompt_tokens = None;
            }
        }
        ask
    }

    /// The row of this key; none where words are drawn.
    fn record(&self, kind: Kind) -> Option<&Record> {
        let Texts::Rows { records, .. } = &self.stock.texts else { return None };
        let order = &self.flow.order;
        let at = (self.key % order.len().max(1) as u64) as usize;
        // Warm-up takes from the far end of the same order, so that it meets measured rows as late as can be.
        let at = if kind == Kind::WarmUp { order.len() - 1 - at } else { at };
        records.records().get(*order.get(at)? as usize)
    }

    /// The words of a turn: the group's beginning and the visit's own end.
    fn text(&self, turn: u32, tokens: u32, kind: Kind) -> String {
        let seed = self.flow.seed;
        let (own, after) = match kind {
            Kind::Measured | Kind::Repeat => (seed.child("prompts"), seed.child("endings")),
            Kind::WarmUp | Kind::Group => (seed.child("warm-up prompts"), seed.child("warm-up endings")),
        };
        if turn > 0 {
            let seed = seed.child("later turns").at(self.key);
            return match &self.stock.texts {
                Texts::Verse(sonnets) => sonnets.opening(seed, u64::from(turn), tokens),
                Texts::Words(words) => words.branch(seed).prompt(u64::from(turn), tokens),
                Texts::Rows { .. } | Texts::Trace { .. } => String::new(),
            };
        }
        match (&self.stock.texts, self.stock.part.workload.prefix) {
            (Texts::Words(words), None) => words.branch(own).prompt(self.key, tokens),
            (Texts::Verse(sonnets), None) => sonnets.opening(own, self.key, tokens),
            (Texts::Words(words), Some(prefix)) => {
                let mut text = words.branch(seed.child("prefixes")).prompt(self.group(kind), prefix.tokens);
                words.branch(after).continue_with(&mut text, self.key, tokens);
                text
            }
            (Texts::Verse(sonnets), Some(prefix)) => {
                let mut text = sonnets.opening(seed.child("prefixes"), self.group(kind), prefix.tokens);
                sonnets.continue_with(&mut text, after, self.key, tokens);
                text
            }
            (Texts::Rows { .. } | Texts::Trace { .. }, _) => String::new(),
        }
    }

    fn prefix_tokens(&self) -> u32 {
        self.stock.part.workload.prefix.map_or(0, |prefix| prefix.tokens)
    }

    fn group(&self, kind: Kind) -> u64 {
        let groups = self.stock.part.workload.prefix.map_or(1, |prefix| u64::from(prefix.groups));
        let label = match kind {
            Kind::Group => return self.key % groups,
            Kind::Measured | Kind::Repeat => "groups",
            Kind::WarmUp => "warm-up groups",
        };
        self.flow.seed.child(label).at(self.key).chance().below(groups)
    }

    fn model(&self, visit: u64) -> Option<Arc<str>> {
        let models = &self.stock.models;
        let at = match models.as_slice() {
            [] | [_] => 0,
            several => {
                pick(several.iter().map(|(_, weight)| *weight), self.flow.seed.child("models").at(visit))
            }
        };
        models.get(at).map(|(name, _)| Arc::clone(name))
    }

    fn cancel(&self, index: u64) -> Option<Cancel> {
        let rule = self.stock.part.workload.cancel?;
        let drawn = self.flow.seed.child("cancel").at(index).chance().unit();
        (drawn < rule.share).then_some(rule.after)
    }

    fn think(&self, turn: u32, kind: Kind) -> Nanos {
        if turn == 0 {
            return Nanos::ZERO;
        }
        let own = self.record(kind).and_then(|record| record.turns.get(turn as usize)?.think);
        let law = || self.stock.part.workload.conversation.as_ref()?.think;
        let draw = |pause: Pause| {
            let mut chance = self.flow.seed.child("think").at(self.key).at(u64::from(turn)).chance();
            pause.draw(chance.bits())
        };
        own.or_else(|| law().map(draw)).unwrap_or(Nanos::ZERO)
    }
}

/// Rows in an order that the seed draws; empty where there are none.
fn order(stock: &Stock, seed: Seed) -> Vec<u32> {
    let Texts::Rows { records, .. } = &stock.texts else { return Vec::new() };
    let mut order: Vec<u32> = (0..records.records().len() as u32).collect();
    seed.child("order").chance().shuffle(&mut order);
    order
}

/// The prompt with a text before all of its own.
fn led(prompt: Prompt, before: &str) -> Prompt {
    match prompt {
        Prompt::Text(text) => Prompt::Text(format!("{before}{text}")),
        Prompt::Messages(mut messages) => {
            if let Some(first) = messages.first_mut() {
                first.content = match std::mem::take(&mut first.content) {
                    Value::Array(mut parts) => {
                        parts.insert(0, json!({"type": "text", "text": before}));
                        Value::Array(parts)
                    }
                    content => Value::String(format!("{before}{}", content.as_str().unwrap_or_default())),
                };
            }
            Prompt::Messages(messages)
        }
    }
}

/// Both objects as one; the row's own fields win over its part's.
fn merged(part: Option<&Arc<str>>, row: Option<Arc<str>>) -> Option<Arc<str>> {
    let (part, row) = match (part, row) {
        (Some(part), Some(row)) => (part, row),
        (part, row) => return row.or_else(|| part.cloned()),
    };
    let fields = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let mut both = fields(part);
    both.extend(fields(&row));
    Some(Value::Object(both).to_string().into())
}
