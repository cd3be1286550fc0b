//! What requests ask: lengths, prompts, what they share, conversations, users who leave.

use super::data::dataset;
use super::lengths::{lengths, pause};
use super::weights::weights;
use super::words::{number, share, switch, whole};
use crate::config::error::{ConfigError, Entry, Wrong, wrong};
use crate::config::layers::Chosen;
use crate::workload::{
    Bell, CacheLabel, Cancelling, Conversation, Dataset, Lengths, Prefix, TOKENS_MAX, TURNS_MAX, Workload,
    cancel_after,
};

/// Prompts that a warm cache holds where nothing else says how many.
const WARM_PROMPTS: u64 = 64;

/// Settles lengths against `prompt-type` and the dataset, and builds the workload.
pub(in crate::config) fn workload(chosen: &mut Chosen) -> Result<Workload, ConfigError> {
    apply_prompt_type(chosen)?;
    let dataset = match super::trace::file(chosen)? {
        Some(trace) => Dataset::Trace(trace),
        None => dataset(chosen)?,
    };
    default_lengths(chosen, &dataset)?;
    let (input, output) = both_lengths(chosen)?;
    let prefix = prefix(chosen)?;
    check_context(chosen, &dataset, &input, output.as_ref(), prefix)?;
    let distinct = chosen.parse("distinct-prompts", |text| whole(text, 1, 100_000_000))?;
    let (cache, distinct) = cache(chosen, &dataset, prefix, distinct)?;
    Ok(Workload {
        conversation: conversation(chosen, &dataset)?,
        cancel: cancel(chosen)?,
        models: weights(chosen, "models", false)?,
        ignore_eos: chosen.parse("ignore-eos", switch)?.unwrap_or(true),
        input,
        output,
        dataset,
        cache,
        prefix,
        distinct,
    })
}

/// A prompt type stands for two lengths, and loses against lengths said in the same place or nearer.
fn apply_prompt_type(chosen: &mut Chosen) -> Result<(), ConfigError> {
    let Some((input, output)) = chosen.parse("prompt-type", prompt_type)? else {
        return Ok(());
    };
    let word = chosen.given("prompt-type").zip(chosen.one("prompt-type").cloned());
    for (key, text) in [("input-len", input), ("output-len", output)] {
        if let Some((rank, word)) = &word
            && chosen.given(key).is_none_or(|length| length > *rank)
        {
            chosen.say(*rank, Entry::new(key, text, word.origin.clone()));
        }
    }
    Ok(())
}

fn prompt_type(text: &str) -> Result<(&'static str, &'static str), Wrong> {
    match text.trim() {
        "short" => Ok(("128", "64")),
        "medium" => Ok(("512", "256")),
        "long" => Ok(("4096", "512")),
        _ => Err(wrong(
            "not a prompt type",
            "write short, medium or long, or give --input-len and --output-len",
        )),
    }
}

/// Lengths that nobody gave, and those that a file makes pointless.
fn default_lengths(chosen: &mut Chosen, dataset: &Dataset) -> Result<(), ConfigError> {
    match dataset {
        Dataset::Synthetic => {
            chosen.fill_one("input-len");
            chosen.fill_one("output-len");
        }
        Dataset::Sonnet => {
            // vLLM's: 550 tokens of which 200 are shared, and 150 for the answer.
            chosen.or_default("input-len", "350");
            chosen.or_default("output-len", "150");
            if chosen.one("cache").is_none_or(|entry| entry.text.trim() != "cold") {
                chosen.or_default("prefix-len", "200");
            }
        }
        Dataset::File(_) | Dataset::Trace(_) => own_lengths(chosen, dataset)?,
    }
    Ok(())
}

/// Lengths of prompts that bring their own.
fn own_lengths(chosen: &mut Chosen, dataset: &Dataset) -> Result<(), ConfigError> {
    let source = chosen.given("trace").or(chosen.given("dataset"));
    for key in ["input-len", "input-len-stddev"] {
        let clash = chosen.given(key).zip(source).is_some_and(|(length, source)| length <= source);
        if let Some(entry) = chosen.one(key).filter(|_| clash) {
            return Err(entry.wrong(match dataset {
                Dataset::Trace(_) => wrong(
                    "the prompts of a trace have their own lengths",
                    "remove it, or use --rate instead of --trace",
                ),
                Dataset::File(_) | Dataset::Synthetic | Dataset::Sonnet => wrong(
                    "the prompts of a dataset have their own lengths",
                    "remove it, or use --dataset synthetic",
                ),
            }));
        }
        chosen.remove(key);
    }
    Ok(())
}

fn both_lengths(chosen: &Chosen) -> Result<(Lengths, Option<Lengths>), ConfigError> {
    let input = chosen.parse("input-len", tokens)?.unwrap_or(Lengths::Fixed(256));
    let output = chosen.parse("output-len", output_lengths)?.flatten();
    let input = deviating(chosen, input, "input-len", "input-len-stddev")?;
    let output =
        output.map(|output| deviating(chosen, output, "output-len", "output-len-stddev")).transpose()?;
    let Some(spread) = chosen.parse("length-spread", |text| share(text, 1.0))? else {
        return Ok((input, output));
    };
    let fixed = |lengths: &Lengths| matches!(lengths, Lengths::Fixed(_));
    if let Some(entry) = chosen.one("length-spread").filter(|_| !fixed(&input) && !output.iter().any(fixed)) {
        return Err(entry.wrong(wrong("there is no fixed length to spread", "remove it")));
    }
    Ok((spread_out(input, spread), output.map(|output| spread_out(output, spread))))
}

fn tokens(text: &str) -> Result<Lengths, Wrong> {
    lengths(text, TOKENS_MAX)
}

fn output_lengths(text: &str) -> Result<Option<Lengths>, Wrong> {
    if text.trim() == "auto" { Ok(None) } else { tokens(text).map(Some) }
}

/// A fixed length with a deviation of its own is a normal one.
fn deviating(chosen: &Chosen, lengths: Lengths, key: &str, deviation: &str) -> Result<Lengths, ConfigError> {
    let Some(sd) = chosen.parse(deviation, |text| number(text, 0.0, f64::from(TOKENS_MAX)))? else {
        return Ok(lengths);
    };
    match (lengths, chosen.one(deviation)) {
        (lengths, _) if sd <= 0.0 => Ok(lengths),
        (Lengths::Fixed(mean), _) => {
            Ok(Lengths::Normal(Bell { mean: f64::from(mean), sd, low: 1, high: TOKENS_MAX }))
        }
        // Said further away than a law that has its own deviation.
        (lengths, _) if chosen.given(key) < chosen.given(deviation) && chosen.given(key).is_some() => {
            Ok(lengths)
        }
        (_, Some(entry)) => {
            let problem = format!("--{key} has a law of its own");
            Err(entry.wrong(wrong(problem, format!("remove it, or give --{key} one number, its mean"))))
        }
        (lengths, None) => Ok(lengths),
    }
}

/// vLLM's `random-range-ratio`: from `len × (1 − r)`, rounded down, to `len × (1 + r)`, rounded up.
fn spread_out(lengths: Lengths, spread: f64) -> Lengths {
    match lengths {
        Lengths::Fixed(tokens) if spread > 0.0 => {
            let tokens = f64::from(tokens);
            let low = ((tokens * (1.0 - spread)).floor() as u32).max(1);
            let high = ((tokens * (1.0 + spread)).ceil() as u32).min(TOKENS_MAX);
            Lengths::Uniform { low, high }
        }
        other => other,
    }
}

fn prefix(chosen: &Chosen) -> Result<Option<Prefix>, ConfigError> {
    let tokens = chosen.parse("prefix-len", |text| whole(text, 0, u64::from(TOKENS_MAX)))?.unwrap_or(0);
    let groups = chosen.parse("prefix-groups", |text| whole(text, 1, 10_000_000))?;
    match (tokens, groups, chosen.one("prefix-groups")) {
        (0, Some(_), Some(entry)) => {
            Err(entry.wrong(wrong("groups of what? No prefix has a length", "add --prefix-len TOKENS")))
        }
        (0, _, _) => Ok(None),
        (tokens, groups, _) => Ok(Some(Prefix { tokens: tokens as u32, groups: groups.unwrap_or(1) as u32 })),
    }
}

fn check_context(
    chosen: &Chosen,
    dataset: &Dataset,
    input: &Lengths,
    output: Option<&Lengths>,
    prefix: Option<Prefix>,
) -> Result<(), ConfigError> {
    let limit = chosen.parse("context-length", |text| whole(text, 1, 100 * u64::from(TOKENS_MAX)))?;
    let most = |lengths: Option<&Lengths>| lengths.map_or(Some(0), Lengths::most).map(u64::from);
    let known = most(Some(input)).zip(most(output));
    let needed =
        known.map(|(input, output)| input + output + prefix.map_or(0, |prefix| u64::from(prefix.tokens)));
    match (limit, needed, chosen.one("context-length")) {
        (Some(limit), Some(needed), Some(entry))
            if matches!(dataset, Dataset::Synthetic | Dataset::Sonnet) && needed > limit =>
        {
            Err(entry.wrong(wrong(
                format!("prompt and answer need up to {needed} tokens and the model takes {limit}"),
                "lower --input-len or --output-len",
            )))
        }
        _ => Ok(()),
    }
}

/// What the cache label promises must be possible; what nobody says follows from what repeats.
fn cache(
    chosen: &Chosen,
    dataset: &Dataset,
    prefix: Option<Prefix>,
    distinct: Option<u64>,
) -> Result<(CacheLabel, Option<u64>), ConfigError> {
    let recorded = matches!(dataset, Dataset::File(_) | Dataset::Trace(_));
    let repeats = recorded || prefix.is_some() || distinct.is_some();
    let label = match (chosen.parse("cache", label)?, chosen.one("cache")) {
        (Some(CacheLabel::Cold), Some(entry)) if prefix.is_some() || distinct.is_some() => {
            let problem = "prefixes and prompts that repeat are not cold";
            let hint = "write warm or mixed, or remove --prefix-len and --distinct-prompts";
            return Err(entry.wrong(wrong(problem, hint)));
        }
        (Some(CacheLabel::Mixed), Some(entry)) if !repeats => {
            let problem = "none of these prompts shares anything with another";
            let hint = "add --prefix-len or --distinct-prompts, or write cold";
            return Err(entry.wrong(wrong(problem, hint)));
        }
        (Some(label), _) => label,
        (None, _) if repeats => CacheLabel::Mixed,
        (None, _) => CacheLabel::Cold,
    };
    if label != CacheLabel::Warm || repeats {
        return Ok((label, distinct));
    }
    // As many prompts as the warm-up has requests, where it says how many.
    let asked = chosen.parse("warmup", super::words::warmup)?.flatten().filter(|count| *count > 0);
    Ok((label, Some(asked.unwrap_or(WARM_PROMPTS))))
}

fn label(text: &str) -> Result<CacheLabel, Wrong> {
    match text.trim() {
        "cold" => Ok(CacheLabel::Cold),
        "warm" => Ok(CacheLabel::Warm),
        "mixed" => Ok(CacheLabel::Mixed),
        _ => Err(wrong("not a state of the cache", "write cold, warm or mixed")),
    }
}

fn conversation(chosen: &Chosen, dataset: &Dataset) -> Result<Option<Conversation>, ConfigError> {
    let think = chosen.parse("think-time", pause)?;
    let turns = chosen.parse("turns", |text| match text.trim() {
        "all" => Ok(None),
        text => lengths(text, TURNS_MAX).map(Some),
    })?;
    match (turns, chosen.one("turns"), chosen.one("think-time")) {
        (Some(None), Some(entry), _) if !matches!(dataset, Dataset::File(_)) => {
            Err(entry
                .wrong(wrong("only a file has conversations of its own", "write a number, for example 4")))
        }
        (Some(turns), _, _) => Ok(Some(Conversation { turns, think })),
        (None, _, Some(entry)) => {
            let problem = "users think between the turns of a conversation, and there is none";
            Err(entry.wrong(wrong(problem, "add --turns, for example --turns 4")))
        }
        (None, _, None) => Ok(None),
    }
}

fn cancel(chosen: &Chosen) -> Result<Option<Cancelling>, ConfigError> {
    let rate = chosen.parse("cancel-rate", percent)?;
    let after = chosen.parse("cancel-after", |text| {
        let hint = "write tokens or a time with its unit, for example 32tokens or 500ms";
        cancel_after(text).ok_or_else(|| wrong("neither tokens nor a time", hint))
    })?;
    match (rate, after, chosen.one("cancel-rate").or(chosen.one("cancel-after"))) {
        (Some(share), _, _) if share <= 0.0 => Ok(None),
        (Some(share), Some(after), _) => Ok(Some(Cancelling { share, after })),
        (Some(_), None, Some(entry)) => {
            Err(entry
                .wrong(wrong("when do they go away?", "add --cancel-after, for example 32tokens or 500ms")))
        }
        (None, Some(_), Some(entry)) => {
            Err(entry.wrong(wrong("who goes away?", "add --cancel-rate, for example 10%")))
        }
        _ => Ok(None),
    }
}

/// With its sign only: elsewhere a bare 10 means ten percent, and a bare 0.5 half of one.
fn percent(text: &str) -> Result<f64, Wrong> {
    if text.trim().ends_with('%') {
        share(text, 1.0)
    } else {
        Err(wrong("a share of requests has a percent sign", format!("write {}%", text.trim())))
    }
}
