//! What is asked: laws of lengths, data, caches, conversations, mixes, models, several servers.

use super::support::{file, layers, plan, with_server, words, wrong};
use crate::config::{RunPlan, resolve};
use crate::workload::{CacheLabel, Conversation, Dataset, Part, UrlStrategy, Workload};

fn workload(flags: &[(&'static str, &str)]) -> Workload {
    plan(flags).parts.swap_remove(0).workload
}

/// Input and output as settings write them.
fn lengths(flags: &[(&'static str, &str)]) -> String {
    let Workload { input, output, .. } = workload(flags);
    format!("{input} {}", output.map_or_else(|| "auto".to_owned(), |output| output.to_string()))
}

#[test]
fn laws_of_lengths_are_read_as_people_state_them() {
    let input = |text: &str| workload(&[("input-len", text)]).input.to_string();
    for (text, shown) in [
        ("256", "256"),
        ("128:512", "128-512"),
        ("uniform:128,512", "128-512"),
        ("normal:512,64", "normal:512,64"),
        ("normal:512,64,100,900", "normal:512,64,100,900"),
        ("normal:512,0", "512"),
        ("lognormal:300.5,200", "lognormal:300.5,200"),
        ("file:lens.txt", "file:lens.txt"),
        ("file:data/lens.csv#out", "file:data/lens.csv#out"),
    ] {
        assert_eq!(input(text), shown);
    }
}

#[test]
fn other_tools_state_a_deviation_or_a_spread() {
    assert_eq!(lengths(&[("input-len", "550"), ("input-len-stddev", "150")]), "normal:550,150 128");
    assert_eq!(lengths(&[("output-len-stddev", "10")]), "256 normal:128,10");
    assert_eq!(
        lengths(&[("input-len", "1000"), ("output-len", "101"), ("length-spread", "0.25")]),
        "750-1250 75-127"
    );
    assert_eq!(lengths(&[("length-spread", "99.9%")]), "1-512 1-256");
    assert_eq!(lengths(&[("length-spread", "0.5"), ("input-len", "10:20")]), "10-20 64-192");
}

#[test]
fn datasets_have_formats_and_columns() {
    let data = |flags: &[(&'static str, &str)]| match workload(flags).dataset {
        Dataset::File(file) => {
            format!("{} {} {:?}", file.path.display(), file.format.id(), file.prompt_column)
        }
        other => format!("{other:?}"),
    };
    assert_eq!(data(&[("dataset", "a.csv"), ("prompt-column", "q")]), "a.csv auto Some(\"q\")");
    assert_eq!(data(&[("dataset", "a.json"), ("dataset-format", "sharegpt")]), "a.json sharegpt None");
    assert_eq!(data(&[("dataset-format", "random")]), "Synthetic");
    assert_eq!(data(&[("dataset-format", "sonnet")]), "Sonnet");
    assert_eq!(data(&[("dataset", "sonnet")]), "Sonnet");
    let sonnet = workload(&[("dataset", "sonnet")]);
    assert_eq!((sonnet.prefix.map(|prefix| prefix.tokens), sonnet.cache), (Some(200), CacheLabel::Mixed));
    assert_eq!(workload(&[("dataset", "sonnet"), ("prefix-len", "0")]).cache, CacheLabel::Cold);
}

#[test]
fn the_cache_label_follows_what_repeats_unless_it_is_said() {
    let cache = |flags: &[(&'static str, &str)]| {
        let workload = workload(flags);
        assert_eq!(plan(flags).cache, workload.cache);
        (workload.cache, workload.distinct)
    };
    assert_eq!(cache(&[]), (CacheLabel::Cold, None));
    assert_eq!(cache(&[("prefix-len", "100")]), (CacheLabel::Mixed, None));
    assert_eq!(
        cache(&[("prefix-len", "100"), ("prefix-groups", "5"), ("cache", "warm")]),
        (CacheLabel::Warm, None)
    );
    assert_eq!(cache(&[("distinct-prompts", "9")]), (CacheLabel::Mixed, Some(9)));
    assert_eq!(cache(&[("cache", "warm")]), (CacheLabel::Warm, Some(64)));
    assert_eq!(cache(&[("cache", "warm"), ("warmup", "20")]), (CacheLabel::Warm, Some(20)));
    assert_eq!(cache(&[("dataset", "a.jsonl")]), (CacheLabel::Mixed, None));
    assert_eq!(cache(&[("dataset", "a.jsonl"), ("cache", "cold")]), (CacheLabel::Cold, None));
}

#[test]
fn conversations_and_users_who_leave() {
    let talk = |flags: &[(&'static str, &str)]| {
        workload(flags).conversation.map(|Conversation { turns, think }| {
            (turns.map(|turns| turns.to_string()), think.map(|think| think.to_string()))
        })
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(talk(&[]), None);
    assert_eq!(talk(&[("turns", "4")]), Some((some("4"), None)));
    assert_eq!(talk(&[("turns", "2:6"), ("think-time", "2")]), Some((some("2-6"), some("2000ms"))));
    assert_eq!(talk(&[("turns", "3"), ("think-time", "exp:500ms")]), Some((some("3"), some("exp:500ms"))));
    assert_eq!(talk(&[("turns", "all"), ("dataset", "a.json")]), Some((None, None)));
    let cancel = workload(&[("cancel-rate", "10%"), ("cancel-after", "32tokens")]).cancel;
    assert_eq!(format!("{cancel:?}"), "Some(Cancelling { share: 0.1, after: Tokens(32) })");
    assert_eq!(workload(&[("cancel-rate", "0%")]).cancel, None);
}

#[test]
fn models_have_weights_and_the_first_names_the_run() {
    let plan = plan(&[("models", "base=0.7, lora-a=0.2,org/x:7b")]);
    let models = plan.parts[0].workload.models.iter().map(|model| format!("{} {}", model.name, model.weight));
    assert_eq!(models.collect::<Vec<_>>(), ["base 0.7", "lora-a 0.2", "org/x:7b 1"]);
    assert_eq!(plan.model.as_deref(), Some("base"));
    let mut layers = with_server(&[]);
    layers.files = file(
        "models:\n  - {name: small, full_name: org/small}\n  - {name: big}\n\
         workloads:\n  - {name: a, models: {small: 3, big: 1}}\n",
    );
    let plan = resolve(layers).unwrap().plan;
    assert_eq!((plan.model.as_deref(), plan.parts[0].workload.models[0].weight), (Some("org/small"), 3.0));
}

#[test]
fn several_servers_share_the_load() {
    let target = |text: &str| resolve(layers(&[("server", text)])).unwrap().plan.target;
    let two = target("http://a:1/v1,https://b");
    assert_eq!(
        (two.base_urls.as_slice(), two.name.as_str()),
        (["http://a:1", "https://b"].map(str::to_owned).as_slice(), "a:1")
    );
    assert_eq!(two.url_strategy, UrlStrategy::RoundRobin);
    assert_eq!(target("sim:fast?models=a,b,sim:fast").base_urls, ["sim:fast?models=a,b", "sim:fast"]);
    let twice =
        resolve(layers(&[("server", "http://a"), ("server", "http://b"), ("url-strategy", "session")]));
    let twice = twice.unwrap().plan.target;
    assert_eq!((twice.base_urls.len(), twice.url_strategy), (2, UrlStrategy::Session));
    let mut layers = layers(&[]);
    layers.files =
        file("targets:\n  - {name: x, base_url: ['http://a', 'http://b'], url_strategy: session}\n");
    assert_eq!(resolve(layers).unwrap().plan.target.base_urls, ["http://a", "http://b"]);
}

const MIX: &str = "models:\n  - {name: big, full_name: org/big, context_length: 9000}\n  - {name: small}\nworkloads:
  - {name: chat, input_len: 100, output_len: 50, concurrency: 3, slo: {ttft: 500}}
  - {name: rag, model: big, input_len: [2000, 4000], prefix_len: 64, temperature: 0, ignore_eos: false, extra_body: {top_p: 0.5}}
  - {name: both, rate: 4, output_len: 20, slo: {e2e: 9s}, extra_body: {n: 1}, mix: [{workload: chat, weight: 3}, rag=1]}
";

fn mixed(flags: &[(&'static str, &str)], text: &str) -> RunPlan {
    let mut layers = with_server(flags);
    layers.files = file(text);
    resolve(layers).unwrap().plan
}

fn told(part: &Part) -> String {
    let Part { name, weight, workload, slos, body } = part;
    let Workload { input, output, prefix, models, .. } = workload;
    let slos: Vec<String> = slos.iter().map(|slo| format!("{} {}", slo.metric, slo.limit)).collect();
    let models: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
    let output = output.as_ref().map(ToString::to_string);
    format!(
        "{name} {weight}: {input} -> {output:?}, prefix {:?}, models {models:?}, slos {slos:?}, body {body:?}",
        prefix.map(|prefix| prefix.tokens)
    )
}

#[test]
fn parts_say_what_they_ask_and_the_mix_says_the_rest() {
    let plan = mixed(&[("workload", "both")], MIX);
    assert_eq!((plan.name.as_str(), plan.levels[0].label().as_str()), ("both", "rate=4"));
    assert_eq!((plan.cache, plan.slos.len(), plan.model), (CacheLabel::Mixed, 1, None));
    insta::assert_snapshot!(plan.parts.iter().map(told).collect::<Vec<_>>().join("\n"), @r#"
    chat 3: 100 -> Some("50"), prefix None, models [], slos ["ttft_from_due 500.0ms"], body None
    rag 1: 2000-4000 -> Some("20"), prefix Some(64), models ["org/big"], slos ["e2e_from_due 9.0s"], body Some("{\"ignore_eos\":null,\"min_tokens\":null,\"n\":null,\"temperature\":0.0,\"top_p\":0.5}")
    "#);
    // A flag stands above every part.
    let plan = mixed(&[("workload", "both"), ("output-len", "7"), ("model", "m")], MIX);
    insta::assert_snapshot!(plan.parts.iter().map(told).collect::<Vec<_>>().join("\n"), @r#"
    chat 3: 100 -> Some("7"), prefix None, models [], slos ["ttft_from_due 500.0ms"], body None
    rag 1: 2000-4000 -> Some("7"), prefix Some(64), models [], slos ["e2e_from_due 9.0s"], body Some("{\"ignore_eos\":null,\"min_tokens\":null,\"n\":null,\"temperature\":0.0,\"top_p\":0.5}")
    "#);
}

#[test]
fn a_mix_in_a_flag_needs_no_workload() {
    let plan = mixed(&[("mix", "chat:3,rag"), ("concurrency", "2")], MIX);
    assert_eq!((plan.name.as_str(), plan.parts.len(), plan.parts[0].weight), ("mix", 2, 3.0));
    let hash = plan.workload_hash();
    assert_ne!(mixed(&[("mix", "chat:2,rag"), ("concurrency", "2")], MIX).workload_hash(), hash);
    assert_ne!(
        mixed(&[("mix", "chat:3,rag"), ("concurrency", "2"), ("output-len", "9")], MIX).workload_hash(),
        hash
    );
}

#[test]
fn mistakes_in_mixes_are_named() {
    let mistake = |flags: &[(&'static str, &str)], text: &str| {
        let mut layers = with_server(flags);
        layers.files = file(text);
        words(layers)
    };
    let completions = MIX.replace("{name: chat,", "{name: chat, api: completions,");
    let all = [
        mistake(&[("mix", "chat:3,rga")], MIX),
        mistake(&[("mix", "chat:3,both:1")], MIX),
        mistake(&[("mix", "chat")], MIX),
        mistake(&[("mix", "chat,chat=2")], MIX),
        mistake(&[("mix", "chat:0,rag")], MIX),
        mistake(&[("mix", "chat:x,rag")], MIX),
        mistake(&[("mix", "a,b")], ""),
        mistake(&[("workload", "both")], &completions),
        mistake(&[("workload", "both")], &MIX.replace("weight: 3", "wieght: 3")),
        mistake(&[("workload", "both"), ("context-length", "200")], MIX),
    ];
    insta::assert_snapshot!(all.join("\n"), @"
    --mix chat:3,rga: there is no workload 'rga' in the file
    hint: the file has: chat, rag, both
    --mix chat:3,both:1: 'both' is a mix itself
    hint: name the workloads that it mixes
    --mix chat: a mix has at least two workloads
    hint: name another one, or choose this one alone with --workload chat
    --mix chat,chat=2: 'chat' is there twice
    hint: name each once, with its whole weight
    --mix chat:0: out of range
    hint: write name=weight, for example base=3,other=1
    --mix chat:x: not a number
    hint: write name=weight, for example base=3,other=1
    --mix a,b: there is no workload 'a' in the file
    hint: name the file with --config
    loadtest.yaml:5: api: completions: the parts of a mix share one api, and the run's is auto
    hint: say 'api' beside the mix as well, or mix workloads that agree with 'chat'
    loadtest.yaml:7: mix: a map cannot stand here
    hint: write 'mix: …' with a map or list of names with weights, for example {chat: 3, rag: 1}
    --context-length 200: prompt and answer need up to 4084 tokens and the model takes 200
    hint: lower --input-len or --output-len
    ");
}

#[test]
fn mistakes_in_what_is_asked_are_named() {
    let all = |cases: &[(&'static str, &str)]| {
        cases.iter().map(|(key, text)| wrong(key, text)).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(all(&[
        ("input-len", "gauss:3,4"), ("input-len", "normal:512"), ("input-len", "normal:5,-1"), ("input-len", "normal:50,5,60,90"),
        ("input-len", "uniform:5"), ("input-len", "file:"), ("input-len", "file:a.csv#"), ("output-len-stddev", "many"),
        ("length-spread", "2"), ("dataset-format", "sharegpt"), ("dataset-format", "hf"), ("prompt-column", "q"),
        ("prefix-groups", "4"), ("prefix-len", "some"), ("distinct-prompts", "0"), ("cache", "hot"), ("cache", "mixed"),
        ("turns", "0"), ("turns", "1001"), ("turns", "all"), ("think-time", "2s"), ("cancel-rate", "10"), ("cancel-rate", "10%"),
        ("cancel-after", "32"), ("cancel-after", "32tokens"), ("models", "a=0"), ("models", "=3"), ("url-strategy", "random"),
    ]), @"
    --input-len gauss:3,4: 'gauss' is no law of lengths
    hint: write for example 256, 128:512, normal:512,64, lognormal:300,200 or file:lens.txt
    --input-len normal:512: a bell has a mean and a standard deviation
    hint: write MEAN,SD or MEAN,SD,MIN,MAX, for example normal:512,64,1,2048
    --input-len normal:5,-1: out of range
    hint: write a number from 0 to 2000000
    --input-len normal:50,5,60,90: the mean 50 lies outside 60 to 90
    hint: write MEAN,SD or MEAN,SD,MIN,MAX, for example normal:512,64,1,2048
    --input-len uniform:5: a uniform law has two ends
    hint: write for example 128:512
    --input-len file:: no file
    hint: write file:lens.txt, or file:lens.csv#COLUMN for one column of a table
    --input-len file:a.csv#: no file
    hint: write file:lens.txt, or file:lens.csv#COLUMN for one column of a table
    --output-len-stddev many: not a number
    hint: write a number from 0 to 2000000
    --length-spread 2: a number without % must be below 1
    hint: write 2% if you mean percent
    --dataset-format sharegpt: this is a format of files
    hint: add --dataset FILE
    --dataset-format hf: not a format that is read here
    hint: write auto, sharegpt, messages, custom, csv or parquet with --dataset FILE, or random or sonnet
    --prompt-column q: only a file has columns
    hint: add --dataset FILE, or remove it
    --prefix-groups 4: groups of what? No prefix has a length
    hint: add --prefix-len TOKENS
    --prefix-len some: not a whole number
    hint: write digits only, from 0 to 2000000
    --distinct-prompts 0: out of range
    hint: write a whole number from 1 to 100000000
    --cache hot: not a state of the cache
    hint: write cold, warm or mixed
    --cache mixed: none of these prompts shares anything with another
    hint: add --prefix-len or --distinct-prompts, or write cold
    --turns 0: out of range
    hint: write a whole number from 1 to 1000
    --turns 1001: out of range
    hint: write a whole number from 1 to 1000
    --turns all: only a file has conversations of its own
    hint: write a number, for example 4
    --think-time 2s: users think between the turns of a conversation, and there is none
    hint: add --turns, for example --turns 4
    --cancel-rate 10: a share of requests has a percent sign
    hint: write 10%
    --cancel-rate 10%: when do they go away?
    hint: add --cancel-after, for example 32tokens or 500ms
    --cancel-after 32: neither tokens nor a time
    hint: write tokens or a time with its unit, for example 32tokens or 500ms
    --cancel-after 32tokens: who goes away?
    hint: add --cancel-rate, for example 10%
    --models a=0: out of range
    hint: write name=weight, for example base=3,other=1
    --models =3: a weight without a name
    hint: write name=weight, for example base=3,other=1
    --url-strategy random: not a way to spread requests
    hint: write round-robin or session
    ");
}

#[test]
fn settings_that_contradict_each_other_are_named() {
    let several = [
        words(with_server(&[("cache", "cold"), ("prefix-len", "9")])),
        words(with_server(&[("input-len", "normal:9,2"), ("input-len-stddev", "5")])),
        words(with_server(&[("input-len", "1:2"), ("output-len", "auto"), ("length-spread", "0.1")])),
        words(with_server(&[("turns", "2"), ("think-time", "soon")])),
        words(with_server(&[("turns", "2"), ("think-time", "normal:1s")])),
        words(with_server(&[("dataset", "a.txt"), ("dataset-format", "sonnet")])),
        words(with_server(&[("prefix-len", "9000"), ("context-length", "8192")])),
    ];
    insta::assert_snapshot!(several.join("\n"), @"
    --cache cold: prefixes and prompts that repeat are not cold
    hint: write warm or mixed, or remove --prefix-len and --distinct-prompts
    --input-len-stddev 5: --input-len has a law of its own
    hint: remove it, or give --input-len one number, its mean
    --length-spread 0.1: there is no fixed length to spread
    hint: remove it
    --think-time soon: not a pause
    hint: write for example 2s, 1s:5s, exp:2s, normal:3s,1s or lognormal:3s,2s
    --think-time normal:1s: a bell has a mean and a standard deviation
    hint: write for example 2s, 1s:5s, exp:2s, normal:3s,1s or lognormal:3s,2s
    --dataset-format sonnet: these prompts are built in and come from no file
    hint: remove --dataset, or name the file's format
    --context-length 8192: prompt and answer need up to 9384 tokens and the model takes 8192
    hint: lower --input-len or --output-len
    ");
}
