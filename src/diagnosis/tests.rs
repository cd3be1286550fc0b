//! Facts of servers as they are met, and what is said of each.

use super::*;
use crate::base::Nanos;
use crate::protocol::Adapter;
use crate::record::{Failure, FailureClass, Usage};

fn ms(ms: f64) -> Nanos {
    Nanos::from_ms(ms)
}

fn told(kind: Kind) -> Told {
    Told { kind, tokens: None }
}

fn usage(output: u32, cached: Option<u32>) -> Usage {
    Usage { prompt: Some(256), output: Some(output), cached }
}

/// A role chunk with the headers, then a token every 8 ms.
fn stream(gaps_ms: f64) -> Streamed {
    let mut pieces = vec![Piece { at: ms(2.0), bytes: 90, told: vec![told(Kind::Idle)] }];
    pieces.extend((0..32).map(|at| Piece {
        at: ms(24.0 + gaps_ms * f64::from(at)),
        bytes: 80,
        told: vec![told(Kind::Text)],
    }));
    pieces.push(Piece {
        at: ms(300.0),
        bytes: 90,
        told: vec![told(Kind::Finish), told(Kind::Usage), told(Kind::End)],
    });
    Streamed {
        headers: Some(ms(2.0)),
        pieces,
        usage: usage(32, None),
        asked_tokens: Some(32),
        finish: Some("length".to_owned()),
        verdict: Ok(()),
    }
}

fn speed(requests: f64, ttft: f64, e2e: f64) -> Speed {
    Speed { requests, ttft_ms: Some(ttft), e2e_ms: Some(e2e), offered: 24, succeeded: 24, failures: None }
}

fn well() -> Facts {
    Facts {
        url: "http://h:8000".to_owned(),
        place: Place { open_files: Some(65_536), ports: Some(28_232), ..Place::default() },
        reach: Reach::Open {
            addresses: vec!["10.0.0.1:8000".to_owned()],
            lookup: ms(0.2),
            connect: ms(0.4),
            tls: None,
            refused: Vec::new(),
        },
        service: Some(Service {
            health: Ok((200, ms(1.0))),
            listing: "/v1/models",
            models: Models::Listed(vec!["m".to_owned()]),
            model: Some("m".to_owned()),
            engine: Some(Adapter::Vllm),
            api: "chat",
            metrics: Some("/metrics".to_owned()),
            clock_ahead_s: Some(0.4),
        }),
        whole: Some(Whole {
            took: ms(290.0),
            usage: usage(32, None),
            asked_tokens: Some(32),
            verdict: Ok(()),
        }),
        stream: Some(stream(8.0)),
        repeat: Some(Repeat { ttft: Some(ms(23.0)), usage: usage(32, None) }),
        parallel: Some(Parallel {
            clients: 8,
            alone: speed(3.5, 24.0, 280.0),
            together: speed(26.0, 30.0, 300.0),
        }),
    }
}

fn words(facts: &Facts) -> String {
    let line = |check: &Check| format!("{} {}: {}", check.standing.id(), check.name, check.found);
    diagnose(facts).iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The one check of this name that is not fine, in all its words.
fn trouble(facts: &Facts, name: &str) -> String {
    let checks = diagnose(facts);
    let check = checks.iter().find(|check| check.name == name && check.diagnosis.is_some()).expect(name);
    let Diagnosis { symptom, cause, evidence, solution, verification } = check.diagnosis.as_ref().unwrap();
    format!(
        "{} {}\n{symptom}\n{cause}\n{evidence}\n{solution}\n{verification}",
        check.standing.id(),
        check.found
    )
}

#[test]
fn a_server_that_is_well_gets_no_diagnosis() {
    let checks = diagnose(&well());
    assert!(
        checks.iter().all(|check| check.standing == Standing::Fine && check.diagnosis.is_none()),
        "{}",
        words(&well())
    );
    insta::assert_snapshot!(words(&well()), @"
    ok proxy: no proxy is set in the environment
    ok open_files: this shell may open files up to 65536
    ok ports: 28232 local ports for connections
    ok dns: 10.0.0.1:8000, looked up in 0.2ms
    ok connect: 10.0.0.1:8000 answered in 0.4ms
    ok health: /health answers in 1.0ms
    ok models: 'm' is among 1 listed
    ok engine: vLLM, asked over --api chat
    ok metrics: the server's own metrics are at /metrics
    ok clock: the clocks of both machines agree within seconds
    ok request: one answer in one piece took 290.0ms: 32 tokens of 32 asked for
    ok stream: headers after 2.0ms, first token after 24.0ms, 32 chunks with tokens until 272.0ms, 34 reads
    ok first_token: a chunk without tokens (role or comment) came 22.0ms before the first token; TTFT counts to the token, other tools may stop at that chunk
    ok chunks: 32 chunks with tokens, 1.00 tokens per chunk, 0 % in bursts
    ok usage: 32 tokens, counted at the end
    ok length: 32 tokens, as asked for
    ok ending: finish reason 'length', its end mark
    ok cache: a repeated prompt is no faster: no prefix cache shows
    ok parallel: 8 clients get 7.4 times what one gets (26.0 against 3.5 req/s), TTFT 24 ms alone and 30 ms together
    ");
}

#[test]
fn what_is_not_reached_is_the_only_trouble_and_the_rest_is_skipped() {
    let nothing = Facts { service: None, whole: None, stream: None, repeat: None, parallel: None, ..well() };
    let tried = vec![("127.0.0.1:8000".to_owned(), "Connection refused (os error 111)".to_owned())];
    let mut refused = nothing.clone();
    refused.reach = Reach::NoConnection { tried, loopback: true };
    assert!(trouble(&refused, "connect").contains("nothing listens there"));
    assert!(words(&refused).contains("skipped parallel: the server was not reached"));
    refused.place.container = true;
    assert!(trouble(&refused, "connect").contains("localhost is the container itself"));
    let mut nameless = nothing.clone();
    nameless.reach = Reach::NoName { host: "vlm".to_owned(), why: "Name or service not known".to_owned() };
    insta::assert_snapshot!(trouble(&nameless, "dns"), @"
    failed 'vlm' stands for no address: Name or service not known
    no answer at all
    the server's name cannot be looked up from here
    looking up 'vlm': Name or service not known
    check the spelling; between containers use the service's name on a shared network, or the address itself
    getent hosts vlm, and then llm-loadtest doctor --server http://h:8000
    ");
    let mut untrusted = nothing;
    untrusted.reach = Reach::NoTls {
        address: "10.0.0.1:443".to_owned(),
        why: "invalid peer certificate: UnknownIssuer".to_owned(),
    };
    assert!(trouble(&untrusted, "tls").contains("--cacert"));
}

#[test]
fn a_server_that_is_not_ready_or_not_meant_is_named() {
    let with = |change: &dyn Fn(&mut Service)| {
        let mut facts = well();
        change(facts.service.as_mut().unwrap());
        facts
    };
    let loading = with(&|service| service.health = Ok((503, ms(1.0))));
    assert!(trouble(&loading, "health").contains("loads the model"));
    let other = with(&|service| service.model = Some("x".to_owned()));
    assert!(trouble(&other, "models").contains("'x' is not among those listed: m"));
    let locked =
        with(&|service| service.models = Models::Refused { status: 401, words: "Unauthorized".to_owned() });
    assert!(trouble(&locked, "models").contains("--api-key-env"));
    let silent = with(&|service| service.metrics = None);
    assert!(trouble(&silent, "metrics").contains("--enable-metrics"));
    let late = with(&|service| service.clock_ahead_s = Some(-90.0));
    assert!(trouble(&late, "clock").contains("90 s behind ours"));
}

#[test]
fn what_makes_a_ttft_or_an_itl_wrong_is_seen_in_the_stream() {
    let with = |stream: Streamed| Facts { stream: Some(stream), ..well() };
    assert!(words(&well()).contains("came 22.0ms before the first token"));
    let bursts = with(stream(0.01));
    insta::assert_snapshot!(trouble(&bursts, "chunks"), @"
    warning 100 % of the chunks came within 0.1 ms of the one before
    ITL looks wrong: a median near zero and a long tail
    chunks arrive in bursts: a proxy re-chunks the stream, or the server sends several tokens at once
    31 of 31 gaps below 0.1 ms
    read TPOT instead of ITL; measure the server without the proxy
    doctor's check 'chunks' finds no bursts
    ");
    let mut lump = stream(8.0);
    lump.pieces.drain(2..33);
    assert!(trouble(&with(lump), "chunks").contains("does not stream"));
    let mut silent = stream(8.0);
    silent.usage = Usage::default();
    assert!(trouble(&with(silent), "usage").contains("--tokenizer"));
    let mut short = stream(8.0);
    short.usage = usage(7, None);
    assert!(trouble(&with(short), "length").contains("7 tokens where 32 were asked for"));
    let mut cut = stream(8.0);
    cut.verdict = Err(Failure::new(FailureClass::Truncated, "the stream ended"));
    assert!(trouble(&with(cut), "stream").contains("read timeout"));
    let cached =
        Facts { repeat: Some(Repeat { ttft: Some(ms(5.0)), usage: usage(32, Some(240)) }), ..well() };
    assert!(words(&cached).contains("the prefix cache is on: 240 tokens"));
}

#[test]
fn a_server_that_takes_one_at_a_time_or_fails_under_load_is_found() {
    let with = |together: Speed| {
        let parallel = Parallel { clients: 8, alone: speed(3.5, 24.0, 280.0), together };
        Facts { parallel: Some(parallel), ..well() }
    };
    insta::assert_snapshot!(trouble(&with(speed(3.6, 1_100.0, 1_400.0)), "parallel"), @"
    warning 8 clients get 1.0 times what one gets (3.6 against 3.5 req/s), TTFT 24 ms alone and 1100 ms together
    concurrency does nothing: throughput stays, latency grows
    the server works on one request at a time: the others wait in its queue
    1.0 times the throughput with 8 clients; E2E 280 ms alone, 1400 ms together
    switch batching on: vLLM --max-num-seqs, SGLang --max-running-requests, llama-server -np N, Ollama OLLAMA_NUM_PARALLEL, transformers --continuous-batching; check for a proxy that passes one request at a time
    doctor's check 'parallel' shows a gain above 1.5
    ");
    let failing =
        Speed { succeeded: 20, failures: Some("http_5xx 4".to_owned()), ..speed(20.0, 30.0, 300.0) };
    assert!(trouble(&with(failing), "parallel").contains("http_5xx 4"));
}

#[test]
fn a_shell_with_few_files_or_ports_is_warned_of() {
    let place = Place { open_files: Some(1_024), ports: Some(500), ..Place::default() };
    let small = Facts { place, ..well() };
    assert!(trouble(&small, "open_files").contains("ulimit -n 65536"));
    assert!(trouble(&small, "ports").contains("ip_local_port_range"));
}
