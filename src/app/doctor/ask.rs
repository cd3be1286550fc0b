//! Single questions, heard read by read and decoded afterwards.

use std::time::Duration;

use crate::app::error::AppError;
use crate::app::measure::{Bench, extra_body};
use crate::base::Nanos;
use crate::diagnosis::{Kind, Piece, Repeat, Streamed, Told, Whole};
use crate::protocol::{CallOptions, Codec, Event, codec};
use crate::record::{Ask, Failure, FailureClass, Usage};
use crate::transport::{Control, Heard};
use crate::workload::{Level, Limit, Load, Schedule};

/// One question of the workload's kind.
pub(super) struct Question<'a> {
    pub(super) bench: &'a Bench<'a>,
    pub(super) control: &'a Control,
    pub(super) model: &'a str,
    pub(super) patience: Duration,
}

impl Question<'_> {
    /// An answer in one piece.
    pub(super) async fn whole(&self) -> Result<Whole, AppError> {
        let (ask, codec) = (self.ask(1)?, codec(self.bench.plan.api));
        let mut whole = Whole {
            took: Nanos::ZERO,
            usage: Usage::default(),
            asked_tokens: ask.output_tokens,
            verdict: Ok(()),
        };
        whole.verdict = match self.send(codec, &ask, false).await? {
            Err(failure) => Err(failure),
            Ok(heard) => {
                whole.took = heard.ended;
                let mut decoder = codec.whole();
                let mut sink = |event: Event<'_>| {
                    if let Event::Usage(usage) = event {
                        whole.usage = usage;
                    }
                };
                for (_, bytes) in &heard.reads {
                    decoder.feed(bytes, &mut sink);
                }
                judged(codec, &heard, decoder.finish(heard.end.is_ok(), &mut sink))
            }
        };
        Ok(whole)
    }

    /// A streamed answer to the prompt of this number.
    pub(super) async fn streamed(&self, number: u64) -> Result<Streamed, AppError> {
        let (ask, codec) = (self.ask(number)?, codec(self.bench.plan.api));
        let mut streamed = Streamed {
            headers: None,
            pieces: Vec::new(),
            usage: Usage::default(),
            asked_tokens: ask.output_tokens,
            finish: None,
            verdict: Ok(()),
        };
        streamed.verdict = match self.send(codec, &ask, true).await? {
            Err(failure) => Err(failure),
            Ok(heard) => {
                streamed.headers = Some(heard.headers);
                let decoded = decode(codec, &heard, &mut streamed);
                judged(codec, &heard, decoded)
            }
        };
        Ok(streamed)
    }

    fn ask(&self, number: u64) -> Result<Ask, AppError> {
        let level = Level {
            load: Load::Closed { concurrency: 1, ramp_up: Nanos::ZERO },
            limit: Limit::Requests(number + 1),
        };
        let seed = self.bench.plan.seed.child("doctor");
        let schedule = Schedule::build(&self.bench.source, &level, seed)
            .map_err(|error| AppError::usage(error.to_string(), "check the load and its limits"))?;
        Ok(schedule.ask(number))
    }

    async fn send(
        &self,
        codec: &dyn Codec,
        ask: &Ask,
        stream: bool,
    ) -> Result<Result<Heard, Failure>, AppError> {
        let plan = self.bench.plan;
        let options = CallOptions {
            model: self.model.to_owned(),
            stream,
            temperature: plan.sampling.temperature,
            ignore_eos: plan.ignores_eos(),
            continuous_usage: stream && plan.continuous_usage(),
            adapter: plan.adapter(),
            extra_body: extra_body(plan)?,
        };
        let model = ask.model.as_deref().unwrap_or(self.model);
        let path = codec.path(model, stream);
        let heard =
            self.control.converse(&path, codec.headers(), codec.body(ask, &options), self.patience).await;
        Ok(heard.map_err(|why| Failure::new(FailureClass::Connect, why)))
    }
}

/// What a repeated prompt shows.
pub(super) fn repeat(again: &Streamed) -> Repeat {
    Repeat { ttft: again.first_token(), usage: again.usage }
}

fn decode(codec: &dyn Codec, heard: &Heard, streamed: &mut Streamed) -> Result<(), Failure> {
    let mut decoder = codec.stream();
    for (at, bytes) in &heard.reads {
        let mut told = Vec::new();
        decoder.feed(bytes, &mut |event| told.extend(note(&event, streamed)));
        streamed.pieces.push(Piece { at: *at, bytes: bytes.len(), told });
    }
    let mut told = Vec::new();
    let verdict = decoder.finish(heard.end.is_ok(), &mut |event| told.extend(note(&event, streamed)));
    if !told.is_empty() {
        streamed.pieces.push(Piece { at: heard.ended, bytes: 0, told });
    }
    verdict
}

fn note(event: &Event<'_>, streamed: &mut Streamed) -> Option<Told> {
    let (kind, tokens) = match event {
        Event::Idle => (Kind::Idle, None),
        Event::Tokens(tokens) => (if tokens.visible { Kind::Text } else { Kind::Hidden }, tokens.count),
        Event::Finish(reason) => {
            streamed.finish = Some((*reason).to_owned());
            (Kind::Finish, None)
        }
        Event::Usage(usage) => {
            streamed.usage = *usage;
            (Kind::Usage, None)
        }
        Event::Times(_) => return None,
        Event::Error(_) => (Kind::Error, None),
        Event::End => (Kind::End, None),
    };
    Some(Told { kind, tokens })
}

/// The status has the first word, then the connection, then the body.
fn judged(codec: &dyn Codec, heard: &Heard, decoded: Result<(), Failure>) -> Result<(), Failure> {
    if !(200..300).contains(&heard.status) {
        let body: Vec<u8> = heard.reads.iter().flat_map(|(_, bytes)| bytes).copied().collect();
        return Err(codec.refusal(heard.status, &body));
    }
    match (&heard.end, decoded) {
        (_, Err(failure)) => Err(failure),
        (Err(why), Ok(())) => Err(Failure::new(FailureClass::Truncated, why)),
        (Ok(()), Ok(())) => Ok(()),
    }
}
