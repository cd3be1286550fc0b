//! What surrounds the latencies: the summary, the prefix cache, findings, hardware, and what the result may be compared with.

use super::Comparison;
use super::bottleneck::Cause;
use super::facts::{Facts, by, concern, fact, missing, say, share, text};
use crate::document::v1::service::{ClaimDocument, DifferenceDocument};
use crate::report::found::{Found, grouped};
use crate::report::text::{clip, plain};
use crate::validity::Severity;

/// Findings, GPUs and differences that are told one by one.
const LISTED: usize = 12;
/// Characters of a text that others chose.
const QUOTED: usize = 200;
/// A share of cached prompt tokens that a cold cache does not have, and that a warm one should.
const COLD_MOST: f64 = 0.05;
const WARM_LEAST: f64 = 0.5;
/// Share of the time with lowered clocks that is worth a word.
const THROTTLED: f64 = 0.05;

pub(super) fn summary(facts: &Facts<'_>, cause: Option<Cause>) -> Vec<ClaimDocument> {
    let language = facts.language;
    let run = facts.run;
    let mut claims = vec![fact(
        say!(
            language,
            "{name}: {model} on {hardware}, {levels} level(s), {rounds} round(s).",
            "{name}: {hardware}의 {model}, 레벨 {levels}개, 라운드 {rounds}회.",
            name = quote(&run.name),
            model = quote(&run.fingerprint.model),
            hardware = quote(&run.fingerprint.hardware),
            levels = run.levels.len(),
            rounds = run.rounds.len()
        ),
        [],
    )];
    let best = facts
        .order
        .iter()
        .filter_map(|at| Some((*at, facts.metric(*at, "output_throughput")?)))
        .max_by(|a, b| a.1.value.total_cmp(&b.1.value));
    if let Some((at, most)) = best {
        let p95 = facts.first_token(at, "p95");
        let wait = p95.as_ref().map_or_else(
            || say!(language, "without a streamed first token", "스트리밍된 첫 토큰은 없다"),
            |p95| format!("{} {}", p95.name, text(p95)),
        );
        let claim = say!(
            language,
            "The most output is {n}, at {label} ({wait}).",
            "최대 출력은 {label}의 {n}이다({wait}).",
            n = text(&most),
            label = &facts.level(at).label
        );
        claims.push(fact(claim, std::iter::once(most).chain(p95)));
    }
    if let Some(cause) = cause {
        let claim = say!(
            language,
            "The limit that shows first: {what}.",
            "가장 먼저 드러나는 한계: {what}.",
            what = cause.title(language)
        );
        claims.push(fact(claim, []));
    }
    if let Some(verdict) = &run.verdict {
        let claim = say!(
            language,
            "The gate says: {headline}.",
            "게이트의 판정: {headline}.",
            headline = quote(&verdict.headline)
        );
        claims.push(fact(claim, []));
    }
    claims
}

/// What was asked of the prefix cache, against what it gave.
pub(super) fn cache(facts: &Facts<'_>) -> Vec<ClaimDocument> {
    let language = facts.language;
    let asked = &facts.run.plan.workload.cache;
    let Some(level) = facts.busiest() else { return Vec::new() };
    let server = facts.of(level, "tokens found", "", "observed.engine.cached_tokens").zip(facts.of(
        level,
        "tokens looked up",
        "",
        "observed.engine.cache_queries",
    ));
    let usage = facts
        .of(level, "cached", "", "tokens.cached")
        .filter(|cached| cached.value > 0.0)
        .zip(facts.of(level, "prompt tokens", "", "tokens.prompt"));
    let Some((hits, part)) = server
        .or(usage)
        .and_then(|(hits, all)| share("prefix cache hits", &hits, &all).map(|part| (hits, part)))
    else {
        return vec![missing(say!(
            language,
            "The workload is labelled {asked}, but how much of the prompts was cached is not known: neither usage nor the server's metrics tell. vLLM tells with --enable-prompt-tokens-details.",
            "워크로드의 캐시 표시는 {asked}이지만 프롬프트가 얼마나 캐시되었는지 알 수 없다. usage도 서버 메트릭도 말하지 않는다. vLLM은 --enable-prompt-tokens-details 로 알려 준다."
        ))];
    };
    let (off, advice) = match asked.as_str() {
        "cold" => (
            part.value > COLD_MOST,
            say!(
                language,
                "TTFT is flattered; make prompts differ, or label the workload mixed",
                "TTFT가 실제보다 좋게 나온다. 프롬프트를 서로 다르게 하거나 mixed로 표시한다"
            ),
        ),
        "warm" => (
            part.value < WARM_LEAST,
            say!(
                language,
                "the cache is colder than asked; send a longer warm-up, or look for eviction",
                "캐시가 요청한 것보다 차갑다. 워밍업을 늘리거나 축출(eviction)을 확인한다"
            ),
        ),
        _ => (false, String::new()),
    };
    let n = text(&part);
    let rule = say!(
        language,
        "cold: at most 5 % of the prompt tokens; warm: at least 50 %",
        "cold: 프롬프트 토큰의 5 % 이하, warm: 50 % 이상"
    );
    let claim = if off {
        let claim = say!(
            language,
            "The workload is labelled {asked}, yet {n} of the prompt tokens were found in the cache: {advice}.",
            "워크로드의 캐시 표시는 {asked}인데 프롬프트 토큰의 {n}가 캐시에서 발견되었다. {advice}."
        );
        concern(claim, [hits, part])
    } else {
        let claim = say!(
            language,
            "The workload is labelled {asked}, and {n} of the prompt tokens were found in the cache.",
            "워크로드의 캐시 표시는 {asked}이고 프롬프트 토큰의 {n}가 캐시에서 발견되었다."
        );
        fact(claim, [hits, part])
    };
    vec![by(rule, claim)]
}

/// What the run itself found, in its own words.
pub(super) fn findings(facts: &Facts<'_>) -> Vec<ClaimDocument> {
    let all = grouped(&facts.run.findings);
    let left = all.len().saturating_sub(LISTED);
    let mut claims: Vec<ClaimDocument> = all
        .into_iter()
        .take(LISTED)
        .map(|Found { first, place }| {
            let place = if place.is_empty() { String::new() } else { format!(" ({place})") };
            let hint = first.hint.as_ref().map(|hint| format!(" -> {}", quote(hint))).unwrap_or_default();
            let claim = format!("{}: {}{place}{hint}", first.severity, quote(&first.message));
            if first.severity == Severity::Info.id() { fact(claim, []) } else { concern(claim, []) }
        })
        .collect();
    if left > 0 {
        claims.push(fact(
            say!(facts.language, "{left} more are in the result.", "나머지 {left}건은 결과에 있다."),
            [],
        ));
    }
    if claims.is_empty() {
        claims.push(fact(
            say!(facts.language, "The run found nothing to object to.", "실행 중 문제로 기록된 것이 없다."),
            [],
        ));
    }
    claims
}

/// GPUs, power and energy at the busiest level.
pub(super) fn hardware(facts: &Facts<'_>) -> Vec<ClaimDocument> {
    let language = facts.language;
    let Some(level) = facts.busiest() else { return Vec::new() };
    let gpus = facts.level(level).observed.as_ref().map_or(&[][..], |observed| &observed.gpus);
    if gpus.is_empty() {
        return vec![missing(say!(
            language,
            "No GPU was read while the load ran. On the server's machine NVML is read by itself (--gpu require says why not); for another machine name its exporter with --dcgm-url.",
            "부하 중에 GPU를 읽지 못했다. 서버와 같은 머신이면 NVML을 자동으로 읽으며(--gpu require 가 이유를 알려 준다), 다른 머신이면 --dcgm-url 로 익스포터를 지정한다."
        ))];
    }
    let mut claims = Vec::new();
    for (at, gpu) in gpus.iter().enumerate().take(LISTED) {
        let of = |name: &str, unit: &str, place: &str| {
            facts.of(level, name, unit, &format!("observed.gpus[{at}].{place}"))
        };
        let busy = of("utilisation", "%", "utilization.mean");
        let power = of("power", "W", "power_w.mean");
        let limit = of("power limit", "W", "power_limit_w");
        let known = [&busy, &power, &limit].into_iter().flatten();
        let words: Vec<String> = known.map(|one| format!("{} {}", one.name, text(one))).collect();
        let claim = format!("GPU {} ({}): {}.", gpu.index, quote(&gpu.name), words.join(", "));
        claims.push(fact(claim, [busy, power, limit].into_iter().flatten()));
        for reason in
            gpu.throttled.iter().flatten().filter(|(_, part)| **part > THROTTLED).map(|(name, _)| name)
        {
            let Some(part) = of(reason, "%", &format!("throttled.{reason}")) else { continue };
            let claim = say!(
                language,
                "Its clocks were lowered for {n} of the time: {reason}.",
                "시간의 {n} 동안 클록이 낮아졌다: {reason}.",
                n = text(&part)
            );
            claims.push(concern(claim, [part]));
        }
    }
    for name in ["energy_per_token", "tokens_per_joule"] {
        if let Some(figure) = facts.metric(level, name) {
            claims.push(fact(format!("{}: {}.", figure.name, text(&figure)), [figure]));
        }
    }
    claims
}

/// What stands between this result and others.
pub(super) fn comparability(facts: &Facts<'_>, comparison: Option<&Comparison<'_>>) -> Vec<ClaimDocument> {
    let language = facts.language;
    let run = facts.run;
    let mut claims = Vec::new();
    let mut warn = |holds: bool, words: String| {
        if holds {
            claims.push(concern(words, []));
        }
    };
    warn(
        run.partial,
        say!(language, "The run was not measured to its end.", "실행이 끝까지 측정되지 않았다."),
    );
    warn(
        run.imported.is_some(),
        say!(
            language,
            "Another tool measured this; its definitions are compared with none of ours.",
            "다른 도구가 측정한 결과이다. 그 정의는 이 도구의 결과와 비교하지 않는다."
        ),
    );
    if run.rounds.len() == 1 {
        claims.push(missing(say!(
            language,
            "One round says nothing about how much a repetition differs; a gate measures several.",
            "라운드가 하나이면 반복할 때 얼마나 달라지는지 알 수 없다. gate는 여러 라운드를 측정한다."
        )));
    }
    if let Some(comparison) = comparison {
        claims.extend(against(facts, comparison));
    }
    if claims.is_empty() {
        claims.push(fact(
            say!(
                language,
                "Nothing stands against a comparison with results of the same key.",
                "같은 키의 결과와 비교하는 데 걸리는 것이 없다."
            ),
            [],
        ));
    }
    claims
}

fn against(facts: &Facts<'_>, comparison: &Comparison<'_>) -> Vec<ClaimDocument> {
    let language = facts.language;
    let Comparison { reasons, verdict, differences } = comparison;
    let mut claims = Vec::new();
    for reason in reasons.iter().take(LISTED) {
        let reason = quote(reason);
        claims.push(concern(
            say!(
                language,
                "It must not be compared with the baseline: {reason}.",
                "기준 결과와 비교할 수 없다: {reason}."
            ),
            [],
        ));
    }
    if let Some(verdict) = verdict {
        claims.push(fact(
            say!(
                language,
                "Against the baseline: {words}.",
                "기준 결과와 비교: {words}.",
                words = quote(&verdict.headline)
            ),
            [],
        ));
    }
    for DifferenceDocument { field, baseline, candidate } in differences.iter().take(LISTED) {
        let side = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), quote);
        claims.push(fact(
            say!(
                language,
                "{field} differs: {a} there, {b} here.",
                "{field}가 다르다. 기준은 {a}, 이 결과는 {b}.",
                a = side(baseline),
                b = side(candidate)
            ),
            [],
        ));
    }
    claims
}

/// A text that others chose, in one bounded line.
pub(super) fn quote(text: &str) -> String {
    clip(plain(text).trim_end_matches('.'), QUOTED)
}
