//! Whole gates against the simulator's pure model: no sockets, no waiting, virtual time.

use std::collections::BTreeMap;

use llm_loadtest::base::{Nanos, Seed};
use llm_loadtest::config::GatePolicy;
use llm_loadtest::gate::{Against, Decision, Evidence, LevelEvidence, RoundValues, SessionRounds, decide};
use llm_loadtest::metrics::{Summary, Window, summarize};
use llm_loadtest::record::{Ask, Chunk, Outcome, Phase, Row, Usage};
use llm_loadtest::simulator::model::{Model, SimAsk, SimSpec, Ticket, What};

use crate::count::{Promises, Tally};
use crate::gates::{Path, Played, STORED_ROUNDS, policy};
use crate::options::{Options, each};
use crate::table::{head, line, thousands};

const SESSIONS: u64 = 5;
const CLIENTS: u64 = 32;
const REQUESTS: u64 = 448;
const INPUT: u32 = 64;
const OUTPUT: u32 = 16;

/// Gates of worlds that show power, where thousands are played of the others.
const POWER_GATES: u64 = 200;

/// What a world promises.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Promise {
    /// Fails at most 5 %.
    Quiet,
    /// Fails and passes at most 5 % each.
    Either,
    /// Fails at least 90 %, passes at most 1 %.
    Caught,
}

const WORLDS: [(&str, &str, Promise); 5] = [
    ("the same server", "", Promise::Quiet),
    ("TTFT +15 %, at its tolerance", "?ttft=+15%", Promise::Either),
    ("TPOT +7 %, at its tolerance", "?itl=+7%", Promise::Either),
    ("TTFT +30 %", "?ttft=+30%", Promise::Caught),
    ("TPOT +14 %", "?itl=+14%", Promise::Caught),
];

pub(crate) fn main(options: Options, promises: &mut Promises) {
    let gates = options.times(40, 2_000);
    let policies = [policy(Path::Paired), policy(Path::Stored(SESSIONS as usize))];
    let seed = options.seed.child("simulator");
    let played = each(gates, |gate| {
        let seed = seed.at(gate);
        let [pairs, stored] = &policies;
        let mut paired = Paired { baseline: Vec::new(), seed: seed.child("paired") };
        let sessions = sessions(seed.child("stored"));
        WORLDS.map(|(_, query, promise)| {
            let plays = promise != Promise::Caught || gate < POWER_GATES;
            plays.then(|| {
                [paired.play(query, pairs), against(&sessions, query, seed.child("candidate"), stored)]
            })
        })
    });
    head(
        &format!(
            "The simulator's model, sim:h100-8b, {CLIENTS} clients, {REQUESTS} requests a round, {} gates where nothing or the tolerance is true",
            thousands(gates)
        ),
        &["path", "true change", "gates", "fail (95 % bounds)", "pass", "undecided", "candidate rounds"],
    );
    for (path, name) in ["paired", "5 stored sessions"].into_iter().enumerate() {
        for (world, (change, _, promise)) in WORLDS.iter().enumerate() {
            let tally: Tally = played.iter().filter_map(|worlds| Some(worlds[world]?[path])).collect();
            hold(promises, &format!("simulator, {name}, {change}"), *promise, tally);
            line([
                name.to_owned(),
                (*change).to_owned(),
                thousands(tally.gates()),
                tally.fails().to_string(),
                format!("{:.1} %", tally.passes().percent()),
                format!("{:.1} %", tally.undecided().percent()),
                format!("{:.1}", tally.mean_rounds()),
            ]);
        }
    }
}

fn hold(promises: &mut Promises, what: &str, promise: Promise, tally: Tally) {
    match promise {
        Promise::Quiet => promises.at_most(&format!("{what}, fails"), tally.fails(), 5.0),
        Promise::Either => {
            promises.at_most(&format!("{what}, fails"), tally.fails(), 5.0);
            promises.at_most(&format!("{what}, passes"), tally.passes(), 5.0);
        }
        Promise::Caught => {
            promises.at_least(&format!("{what}, fails"), tally.fails(), 90.0);
            promises.at_most(&format!("{what}, passes"), tally.passes(), 1.0);
        }
    }
}

/// Blocks of one session; the baseline's rounds are shared by every world.
struct Paired {
    baseline: Vec<RoundValues>,
    seed: Seed,
}

impl Paired {
    fn play(&mut self, query: &str, policy: &GatePolicy) -> Played {
        let (base, other) = (spec("", self.seed), spec(query, self.seed));
        let mut candidate = Vec::new();
        look(policy, |rounds| {
            // Every round is a fresh start of its server.
            for block in self.baseline.len()..rounds {
                self.baseline.push(RoundValues::read(&round(&base, 2 * block as u64)));
            }
            for block in candidate.len()..rounds {
                candidate.push(RoundValues::read(&round(&other, 2 * block as u64 + 1)));
            }
            (candidate.clone(), Against::Pairs(self.baseline[..rounds].to_vec()))
        })
    }
}

fn against(sessions: &[SessionRounds], query: &str, seed: Seed, policy: &GatePolicy) -> Played {
    let spec = spec(query, seed);
    let mut candidate = Vec::new();
    look(policy, |rounds| {
        for start in candidate.len()..rounds {
            candidate.push(RoundValues::read(&round(&spec, start as u64)));
        }
        (candidate.clone(), Against::Sessions(sessions.to_vec()))
    })
}

/// Gathers evidence look by look until it decides.
fn look(policy: &GatePolicy, mut gather: impl FnMut(usize) -> (Vec<RoundValues>, Against)) -> Played {
    let mut played = Played { decision: Decision::Inconclusive, rounds: 0 };
    for rounds in policy.looks.counts().iter().map(|&count| count as usize) {
        let (candidate, against) = gather(rounds);
        let level = LevelEvidence { label: format!("c={CLIENTS}"), candidate, against };
        let decision = decide(&Evidence { levels: vec![level] }, policy, &[]).decision;
        played = Played { decision, rounds };
        if decision != Decision::Inconclusive {
            break;
        }
    }
    played
}

fn sessions(seed: Seed) -> Vec<SessionRounds> {
    let day = |day: u64| {
        let spec = spec("", seed.at(day));
        (0..STORED_ROUNDS as u64).map(|start| RoundValues::read(&round(&spec, start))).collect()
    };
    (0..SESSIONS).map(|index| SessionRounds { rounds: day(index) }).collect()
}

fn spec(query: &str, session: Seed) -> SimSpec {
    SimSpec::parse(&format!("h100-8b{query}")).expect("a known profile").with_session(session.0)
}

/// One closed-loop window in the model's own time.
fn round(spec: &SimSpec, start: u64) -> Summary {
    let mut model = Model::new(spec, start);
    let began = Nanos(1_000);
    let mut rows: Vec<Row> = Vec::new();
    let mut open: BTreeMap<Ticket, usize> = BTreeMap::new();
    for _ in 0..CLIENTS {
        submit(&mut model, began, &mut rows, &mut open);
    }
    while let Some(at) = model.next_event() {
        for emission in model.advance(at) {
            let Some(&index) = open.get(&emission.id) else {
                continue;
            };
            if let What::Token { .. } = emission.what {
                rows[index].chunks.push(Chunk { at: emission.at, tokens: Some(1) });
                continue;
            }
            open.remove(&emission.id);
            rows[index].done = emission.at;
            if (rows.len() as u64) < REQUESTS {
                submit(&mut model, emission.at, &mut rows, &mut open);
            }
        }
    }
    let end = rows.iter().map(|row| row.done).max().unwrap_or(began);
    summarize(&rows, Window { start: began, end }, &[], false)
}

fn submit(model: &mut Model, now: Nanos, rows: &mut Vec<Row>, open: &mut BTreeMap<Ticket, usize>) {
    let ask = SimAsk { prompt_tokens: INPUT, max_tokens: OUTPUT, prefix_blocks: Vec::new() };
    let ticket = model.submit(now, ask).expect("a plain request fits");
    let ask = Ask {
        prompt_tokens: Some(INPUT),
        output_tokens: Some(OUTPUT),
        ..Ask::plain(rows.len() as u64, String::new())
    };
    let mut row = Row::unsent(&ask, Phase::Measure, None, now, Outcome::Success);
    row.sent = Some(now);
    row.streamed = true;
    row.usage = Usage { prompt: Some(INPUT), output: Some(OUTPUT), cached: None };
    open.insert(ticket, rows.len());
    rows.push(row);
}
