//! The words of errors: place, value, problem and the next step.

use super::support::{file, layers, variables, with_server, words, wrong};
use crate::config::resolve;

fn all(cases: &[(&'static str, &str)]) -> String {
    cases.iter().map(|(key, text)| wrong(key, text)).collect::<Vec<_>>().join("\n")
}

#[test]
fn load() {
    insta::assert_snapshot!(all(&[
        ("rate", "inf"), ("rate", "0"), ("rate", "fast"), ("concurrency", "0"), ("concurrency", "4,4"), ("concurrency", ","),
        ("arrivals", "poisson"), ("arrivals", "gamma"), ("max-in-flight", "5"), ("num-prompts", "1k"), ("duration", "soon"),
        ("duration", "0"), ("warmup", "many"), ("seed", "-1"),
    ]), @r"
    --rate inf: an infinite rate is no rate: everything would be due at once
    hint: use --concurrency N to keep N requests in flight, as fast as the server answers
    --rate 0: out of range
    hint: write a number from 0.001 to 1000000
    --rate fast: not a number
    hint: write a number from 0.001 to 1000000
    --concurrency 0: out of range
    hint: write a whole number from 1 to 100000
    --concurrency 4,4: the level c=4 is there twice
    hint: name each level once; --rounds repeats them all
    --concurrency ,: no level at all
    hint: write one number, or several with commas
    --arrivals poisson: this belongs to a load that arrives by the clock
    hint: add --rate, for example --rate 4, or remove it
    --arrivals gamma: this belongs to a load that arrives by the clock
    hint: add --rate, for example --rate 4, or remove it
    --max-in-flight 5: this belongs to a load that arrives by the clock
    hint: add --rate, for example --rate 4, or remove it
    --num-prompts 1k: not a whole number
    hint: write digits only, from 1 to 10000000
    --duration soon: not a duration
    hint: write for example 500ms, 30s, 2m or 1h
    --duration 0: no time at all
    hint: write a duration above zero, for example 30s
    --warmup many: not a whole number
    hint: write digits only, from 0 to 100000, or auto
    --seed -1: not a whole number
    hint: write digits only, from 0 to 18446744073709551615
    ");
    insta::assert_snapshot!(words(with_server(&[("rate", "4"), ("concurrency", "8")])), @r"
    --rate 4: concurrency is given as well, and a load is paced by one of them
    hint: keep --rate for arrivals by the clock (--max-in-flight caps them), or --concurrency for a fixed number of clients
    ");
    insta::assert_snapshot!(words(with_server(&[("rate", "4"), ("arrivals", "gamma")])), @r"
    --arrivals gamma: gamma arrivals need their shape
    hint: add --burstiness: 0.5 is bursty, 1 is poisson, 4 is nearly even
    ");
}

#[test]
fn ranges_and_searches() {
    insta::assert_snapshot!(all(&[
        ("rate", "2..64"), ("rate", "2..64x"), ("rate", "64..2x2"), ("rate", "2..64x1"), ("rate", "2..x2"),
        ("rate", "1..1000+1"), ("concurrency", "1.5..8+1"), ("concurrency", "1..8+0.5"),
        ("find-max-rate", "true"), ("attainment", "99%"), ("search-budget", "9m"),
    ]), @"
    --rate 2..64: a range without a step
    hint: write 2..64x2 to double from 2 to 64, or 8..64+8 to add 8 each time
    --rate 2..64x: the step of the range is no number
    hint: write 2..64x2 to double from 2 to 64, or 8..64+8 to add 8 each time
    --rate 64..2x2: a range that does not grow
    hint: write 2..64x2 to double from 2 to 64, or 8..64+8 to add 8 each time
    --rate 2..64x1: a range that does not grow
    hint: write 2..64x2 to double from 2 to 64, or 8..64+8 to add 8 each time
    --rate 2..x2: not a number
    hint: write a number from 0.001 to 1000000
    --rate 1..1000+1: more than 100 steps
    hint: take a larger step
    --concurrency 1.5..8+1: not a whole number
    hint: write digits only, from 1 to 100000
    --concurrency 1..8+0.5: not a whole number
    hint: write digits only, from 1 to 100000
    --find-max-rate: there is nothing to hold
    hint: add limits that make a request good, for example --goodput ttft:500,tpot:50
    --attainment 99%: this belongs to a search
    hint: add --find-max-rate or --find-max-concurrency, or remove it
    --search-budget 9m: this belongs to a search
    hint: add --find-max-rate or --find-max-concurrency, or remove it
    ");
    let search = |more: &[(&'static str, &str)]| {
        words(with_server(&[&[("find-max-rate", "true"), ("goodput", "ttft:500")][..], more].concat()))
    };
    insta::assert_snapshot!([
        search(&[("concurrency", "4")]), search(&[("rate", "2,4")]), search(&[("attainment", "100%")]),
        search(&[("attainment", "20%")]), search(&[("search-precision", "0.1%")]), search(&[("search-max-levels", "1")]),
        search(&[("find-max-concurrency", "true")]),
    ].join("\n"), @"
    --concurrency 4: a search for the highest rate has no concurrency
    hint: remove it; --rate N says where to start
    --rate 2,4: a search starts at one load
    hint: write one number, or leave --rate out
    --attainment 100%: not a share that requests can show
    hint: write a percentage from 50% to 99.9%
    --attainment 20%: not a share that requests can show
    hint: write a percentage from 50% to 99.9%
    --search-precision 0.1%: out of range
    hint: write a percentage from 1% to 50%
    --search-max-levels 1: out of range
    hint: write a whole number from 2 to 100
    --find-max-rate: one search has one goal
    hint: keep --find-max-rate for arrivals by the clock, or --find-max-concurrency for clients
    ");
}

#[test]
fn requests() {
    insta::assert_snapshot!(all(&[
        ("api", "grpc"), ("stream", "maybe"), ("input-len", "512:128"), ("input-len", "0"), ("output-len", "lots"),
        ("prompt-type", "huge"), ("dataset", "sharegpt"), ("temperature", "hot"), ("extra-body", "{broken"),
        ("extra-body", "[1]"), ("extra-body", r#"{"stream": false}"#), ("timeout", "first:3s"), ("timeout-stall", "0s"),
    ]), @r#"
    --api grpc: not an API that is spoken here
    hint: write one of auto, chat, completions, responses, messages, embeddings, rerank, ollama-chat, ollama-generate, triton-generate, kserve-infer, kserve-grpc, tgi-generate, sglang-generate, llama-completion
    --stream maybe: neither yes nor no
    hint: write true or false
    --input-len 512:128: the range is upside down
    hint: write 128:512
    --input-len 0: out of range
    hint: write a whole number from 1 to 2000000
    --output-len lots: not a whole number
    hint: write digits only, from 1 to 2000000
    --prompt-type huge: not a prompt type
    hint: write short, medium or long, or give --input-len and --output-len
    --dataset sharegpt: neither synthetic, sonnet nor a file
    hint: give the path of a file, for example of JSON lines: {"prompt": "…", "output_tokens": 128}
    --temperature hot: not a number
    hint: write a number from 0 to 100
    --extra-body {broken: not JSON: key must be a string at line 1 column 2
    hint: write '{"name": value}'
    --extra-body [1]: neither a JSON object nor name:value
    hint: write '{"name": value}'
    --extra-body {"stream": false}: 'stream' has a setting of its own
    hint: use --stream
    --timeout first:3s: there is no limit 'first'
    hint: write first-token, stall, total or connect, for example first-token:30s,total:5m
    --timeout-stall 0s: no time at all
    hint: write a duration above zero, for example 30s
    "#);
    insta::assert_snapshot!(words(with_server(&[("dataset", "a.jsonl"), ("input-len", "9")])), @r"
    --input-len 9: the prompts of a dataset have their own lengths
    hint: remove it, or use --dataset synthetic
    ");
    insta::assert_snapshot!(words(with_server(&[("context-length", "300")])), @r"
    --context-length 300: prompt and answer need up to 384 tokens and the model takes 300
    hint: lower --input-len or --output-len
    ");
}

#[test]
fn limits() {
    insta::assert_snapshot!(all(&[
        ("goodput", "itl:50"), ("goodput", "speed:50"), ("goodput", "ttft"), ("goodput", "ttft:0"), ("goodput", "ttft:1,ttft:2"),
        ("goodput", "ttft_from_due:5"), ("tolerance", "ttft:5%"), ("tolerance", "ttft_p95:15"), ("tolerance", "goodput:2%"),
        ("tolerance", "ttft_p95:0%"), ("objective", "goodput 95%"), ("objective", "ttft_p95 > 500ms"),
        ("objective", "success_rate >= 95"), ("objective", "output_throughput > fast"), ("objective", "e2e < 5s"),
        ("alpha", "1"), ("assumed-noise", "lots"), ("max-error-rate", "200%"), ("rounds", "0"),
    ]), @r"
    --goodput itl:50: one request has many gaps between tokens
    hint: use tpot (mean gap per request) or max_stall (largest gap)
    --goodput speed:50: one request has no such number
    hint: known are ttft, ttfo, tpot, max_stall, e2e, ttft_from_due and e2e_from_due
    --goodput ttft: not name:limit
    hint: write for example ttft:500,tpot:50
    --goodput ttft:0: no time at all
    hint: write a duration above zero, for example 30s
    --goodput ttft:1,ttft:2: there are two limits on ttft
    hint: keep one limit per metric
    --goodput ttft_from_due:5: only a load that arrives by the clock has due times
    hint: use ttft here, or pace the load with --rate
    --tolerance ttft:5%: 'ttft' needs a statistic: write ttft_p95, ttft_p50 or ttft_mean
    hint: write for example ttft_p95, tpot_p95, e2e_p95, output_throughput or goodput
    --tolerance ttft_p95:15: a number without % must be below 1
    hint: write 15% if you mean percent
    --tolerance goodput:2%: goodput needs limits that make a request good
    hint: add them, for example --goodput ttft:500,tpot:50 (in a file: slo)
    --tolerance ttft_p95:0%: no measurement can show a change of nothing
    hint: write the smallest change that matters to you, for example 5%
    --objective goodput 95%: no < or > in it
    hint: write for example 'ttft_p95 < 500ms' or 'goodput >= 95%'
    --objective ttft_p95 > 500ms: lower is better here, so this would ask for a slow server
    hint: write 'ttft_p95 < 500ms'
    --objective success_rate >= 95: a number without % must be below 1
    hint: write 95% if you mean percent
    --objective output_throughput > fast: not a number
    hint: write for example 1500 tokens/s
    --objective e2e < 5s: 'e2e' needs a statistic: write e2e_p95, e2e_p50 or e2e_mean
    hint: write for example ttft_p95, tpot_p95, e2e_p95, output_throughput or goodput
    --alpha 1: out of range
    hint: write a number from 0.0001 to 0.4
    --assumed-noise lots: not a percentage
    hint: write for example 5%
    --max-error-rate 200%: out of range
    hint: write a percentage from 0% to 100%
    --rounds 0: out of range
    hint: write a whole number from 1 to 1000
    ");
    insta::assert_snapshot!(words(with_server(&[("stream", "false"), ("goodput", "tpot:50")])), @r"
    --goodput tpot:50: tpot needs a stream, and streaming is off
    hint: use e2e, or switch streaming on with --stream
    ");
}

#[test]
fn servers() {
    let server = |text: &str| words(layers(&[("server", text)])) + "\n";
    let texts = [
        "localhost:8000",
        "prod",
        "ftp://h",
        "http://",
        "http://h:99999",
        "http://user:hunter2@h",
        "http://h?x=1",
        "a b",
    ];
    insta::assert_snapshot!(texts.map(server).concat(), @r"
    --server localhost:8000: neither a URL nor a target of the file
    hint: write http://localhost:8000, or add a target named 'localhost:8000' to the file
    --server prod: neither a URL nor a target of the file
    hint: write http://prod, or add a target named 'prod' to the file
    --server ftp://h: the scheme 'ftp' is not spoken here
    hint: write for example http://localhost:8000, or sim:h100-8b
    --server http://: the URL names no host
    hint: write for example http://localhost:8000, or sim:h100-8b
    --server http://h:99999: the port is not a number up to 65535
    hint: write for example http://localhost:8000, or sim:h100-8b
    --server http://***@h: a URL must not hold a password
    hint: use --api-key-env or --header instead
    --server http://h?x=1: a base URL has no query and no fragment
    hint: cut it off at the '?' or '#'
    --server a b: not a URL
    hint: write for example http://localhost:8000, or sim:h100-8b
    ");
    insta::assert_snapshot!(words(layers(&[])), @r"
    no server is given
    hint: add --server http://localhost:8000, or --server sim:h100-8b to try it without a GPU
    ");
    insta::assert_snapshot!(all(&[
        ("baseline-server", "http://user:hunter2@h"), ("header", "hunter2"), ("header", "Bad Name: hunter2"), ("header", "X: hunter2\u{e9}"), ("header", "Host: hunter2"),
        ("api-key", "\u{7}hunter2"), ("api-key-env", "UNSET_KEY"), ("api-key-env", "sk-hunter2"),
    ]), @r"
    --baseline-server http://***@h: a URL must not hold a password
    hint: use --api-key-env or --header instead
    --header ***: no ':' in it
    hint: write 'Name: value'
    --header Bad Name: ***: not a header's name
    hint: write 'Name: value' with letters, digits and dashes
    --header X: ***: the value holds characters that a header cannot carry
    hint: use visible ASCII
    --header Host: ***: this header is written by the client itself
    hint: remove it
    --api-key ***: the key is empty or holds characters that a header cannot carry
    hint: check what was pasted
    --api-key-env UNSET_KEY: this environment variable is not set
    hint: set it first: export UNSET_KEY=…; in a workflow: env: { UNSET_KEY: ${{ secrets.UNSET_KEY }} }
    --api-key-env ***: this is no variable's name
    hint: write the name of the environment variable, and put the key into that variable
    ");
}

#[test]
fn each_origin_is_named() {
    let mut layers = with_server(&[]);
    layers.environment = variables(&[("LLM_LOADTEST_RATE", "x\u{1b}[31m")]);
    insta::assert_snapshot!(words(layers.clone()), @r"
    LLM_LOADTEST_RATE=x�[31m: not a number
    hint: write a number from 0.001 to 1000000
    ");
    layers.environment = variables(&[("INPUT_NUM-PROMPTS", "x")]);
    insta::assert_snapshot!(words(layers.clone()), @r"
    input num-prompts 'x': not a whole number
    hint: write digits only, from 1 to 10000000
    ");
    layers.environment = variables(&[("LLM_LOADTEST_CONCURENCY", "5")]);
    insta::assert_snapshot!(words(layers.clone()), @r"
    environment LLM_LOADTEST_CONCURENCY: there is no such setting
    hint: did you mean LLM_LOADTEST_CONCURRENCY?
    ");
    layers.environment = variables(&[("LLM_LOADTEST_VERSION", "1.0")]);
    assert!(resolve(layers.clone()).is_ok());
    layers.environment.clear();
    layers.files = file("workloads:\n  - name: a\n    rps: x\n");
    insta::assert_snapshot!(words(layers.clone()), @r"
    loadtest.yaml:3: rps: x: not a number
    hint: write a number from 0.001 to 1000000
    ");
    layers.files = file("workloads:\n  - name: a\n    slo:\n      ttft: 5ms\n      itl: 5ms\n");
    insta::assert_snapshot!(words(layers), @r"
    loadtest.yaml:5: slo: itl:5ms: one request has many gaps between tokens
    hint: use tpot (mean gap per request) or max_stall (largest gap)
    ");
}

#[test]
fn apis_that_do_not_fit_their_server() {
    let both = |flags: &[(&'static str, &str)]| words(layers(flags));
    insta::assert_snapshot!(both(&[("server", "grpc://h:8001"), ("api", "chat")]), @r"
    --api chat: chat is not spoken over gRPC
    hint: write kserve-grpc, or the server's http:// address
    ");
    insta::assert_snapshot!(both(&[("server", "https://h"), ("api", "kserve-grpc")]), @r"
    --api kserve-grpc: gRPC is spoken without TLS here
    hint: write grpc://HOST:PORT, through a tunnel where that is needed
    ");
    insta::assert_snapshot!(both(&[("server", "http://h:1"), ("api", "tgi"), ("adapter", "vllm")]), @r"
    --adapter vllm: vLLM does not speak tgi-generate
    hint: leave out one of --api and --adapter
    ");
    insta::assert_snapshot!(both(&[("server", "grpc://h")]), @r"
    --server grpc://h: gRPC has no usual port
    hint: write for example grpc://h:8001
    ");
    insta::assert_snapshot!(both(&[("server", "grpcs://h:1")]), @r"
    --server grpcs://h:1: gRPC is spoken without TLS here
    hint: write grpc://HOST:PORT, through a tunnel where that is needed
    ");
}
