//! What limits the server at the busiest level: candidates, each with its numbers, and the one that the rules put first.

use super::facts::{Facts, by, concern, divided, fact, missing, say, share, text};
use crate::document::v1::service::{ClaimDocument, FigureDocument, LanguageDocument};
use crate::validity::Severity;

/// What a load can run into, in the order in which one hides the next: a starved client says nothing of the server, a full KV
/// cache makes the queue, and a way that is slow is counted as the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    Client,
    KvCache,
    Network,
    Queue,
    Decode,
    Prefill,
}

impl Cause {
    pub(super) fn title(self, language: LanguageDocument) -> &'static str {
        match (language, self) {
            (LanguageDocument::English, Self::Client) => "the load generator itself",
            (LanguageDocument::English, Self::KvCache) => "the KV cache",
            (LanguageDocument::English, Self::Network) => "the way to the server",
            (LanguageDocument::English, Self::Queue) => "waiting before the first token (queue)",
            (LanguageDocument::English, Self::Decode) => "decoding (memory bandwidth and batch size)",
            (LanguageDocument::English, Self::Prefill) => "prefill (compute)",
            (LanguageDocument::Korean, Self::Client) => "부하 생성기 자체",
            (LanguageDocument::Korean, Self::KvCache) => "KV 캐시",
            (LanguageDocument::Korean, Self::Network) => "서버까지의 경로",
            (LanguageDocument::Korean, Self::Queue) => "첫 토큰 이전의 대기(큐)",
            (LanguageDocument::Korean, Self::Decode) => "디코드(메모리 대역폭과 배치 크기)",
            (LanguageDocument::Korean, Self::Prefill) => "프리필(연산)",
        }
    }
}

/// Findings about the machine that sends.
const CLIENT_CODES: [&str; 10] = [
    "client_lag",
    "client_busy",
    "client_cpu",
    "client_throttled",
    "client_stolen",
    "client_files",
    "client_ports",
    "client_retransmits",
    "send_lag",
    "achieved_rate",
];
/// A queue with this share of the time to the first token is what users wait for.
const QUEUE_SHARE: f64 = 0.3;
/// Beyond this share of use a new request may find no block.
const KV_FULL: f64 = 0.95;
/// Growth of the time to the first token, for the same prompts, that prefill alone does not explain.
const TTFT_GROWTH: f64 = 3.0;
/// Part of the client's TTFT that the server does not see.
const PATH_SHARE: f64 = 0.2;
/// The least time, in seconds, that anybody notices, whatever share it is.
const LEAST_S: f64 = 0.005;
/// Exponent of TPOT over concurrency: below, a larger batch is nearly free; above, each further user is paid by all.
const FREE: f64 = 0.3;
const SATURATED: f64 = 0.7;

/// The claims, and the cause that is put first; none where the numbers show none.
pub(super) fn claims(facts: &Facts<'_>) -> (Vec<ClaimDocument>, Option<Cause>) {
    let language = facts.language;
    let Some(busiest) = facts.busiest() else {
        let claim = say!(
            language,
            "There is no level, so there is nothing to look for a bottleneck in.",
            "측정된 레벨이 없어 병목을 찾을 근거가 없다."
        );
        return (vec![missing(claim)], None);
    };
    let mut found: Vec<(Option<Cause>, ClaimDocument)> = Vec::new();
    found.extend(client(facts, busiest));
    found.extend(kv_cache(facts, busiest));
    found.extend(network(facts, busiest));
    found.extend(queue(facts, busiest));
    found.extend(phases(facts, busiest));
    let first = found.iter().filter_map(|(cause, _)| *cause).min();
    let label = &facts.level(busiest).label;
    let answer = match first {
        Some(cause) => say!(
            language,
            "At {label}, the busiest level, the limit that shows first is {what}.",
            "가장 바쁜 레벨인 {label}에서 가장 먼저 드러나는 한계는 {what}이다.",
            what = cause.title(language)
        ),
        None => say!(
            language,
            "At {label}, the busiest level, no rule found a limit.",
            "가장 바쁜 레벨인 {label}에서 어떤 규칙도 한계를 찾지 못했다."
        ),
    };
    let rule = say!(
        language,
        "the first that holds of: client, KV cache, way, queue, decode, prefill; one hides the next",
        "클라이언트, KV 캐시, 경로, 큐, 디코드, 프리필 순서로 처음 성립하는 것을 고른다. 앞의 것이 뒤의 것을 가린다"
    );
    let mut claims = vec![by(rule, fact(answer, []))];
    claims.extend(found.into_iter().map(|(_, claim)| claim));
    (claims, first)
}

type Found = Vec<(Option<Cause>, ClaimDocument)>;

fn client(facts: &Facts<'_>, level: usize) -> Found {
    let label = &facts.level(level).label;
    let mut of_client: Vec<_> = facts
        .run
        .findings
        .iter()
        .filter(|finding| CLIENT_CODES.contains(&finding.code.as_str()))
        .filter(|finding| finding.severity != Severity::Info.id())
        .filter(|finding| finding.level.as_ref().is_none_or(|of| of == label))
        .collect();
    of_client.dedup_by(|a, b| a.code == b.code);
    let claim = |message: &str| {
        let claim = say!(
            facts.language,
            "The client was near a limit of its own: {message}.",
            "클라이언트가 자신의 한계에 가까웠다: {message}."
        );
        let rule = say!(
            facts.language,
            "a finding about the client of severity warning or invalid",
            "클라이언트에 관한 warning 또는 invalid 등급의 발견"
        );
        by(rule, concern(claim, []))
    };
    of_client.into_iter().map(|finding| (Some(Cause::Client), claim(&finding.message))).collect()
}

fn kv_cache(facts: &Facts<'_>, level: usize) -> Found {
    let language = facts.language;
    let mut found = Vec::new();
    let preempted = facts.of(level, "preemptions", "", "observed.engine.preemptions");
    if let Some(count) = preempted.filter(|count| count.value > 0.0) {
        let claim = say!(
            language,
            "The server preempted requests {n} times: they lost their KV blocks and were computed again.",
            "서버가 요청을 {n}회 선점(preemption)했다. 선점된 요청은 KV 블록을 잃고 다시 계산되었다.",
            n = text(&count)
        );
        let rule = say!(language, "preemptions > 0", "preemption 횟수 > 0");
        found.push((Some(Cause::KvCache), by(rule, concern(claim, [count]))));
    }
    if let Some(most) = facts.of(level, "KV cache in use, at most", "%", "observed.engine.kv_usage.max") {
        let full = most.value >= KV_FULL;
        let n = text(&most);
        let claim = say!(language, "The KV cache was in use by up to {n}.", "KV 캐시 사용률은 최대 {n}였다.");
        let rule = say!(
            language,
            "a limit from {bound} on",
            "{bound} 이상이면 한계로 본다",
            bound = percent(KV_FULL)
        );
        let claim = if full { concern(claim, [most]) } else { fact(claim, [most]) };
        found.push((full.then_some(Cause::KvCache), by(rule, claim)));
    }
    found
}

fn network(facts: &Facts<'_>, level: usize) -> Found {
    let (Some(ours), Some(theirs)) =
        (facts.metric(level, "ttft_mean"), facts.server_mean(level, "TTFT mean by the server", "ttft"))
    else {
        return Vec::new();
    };
    let outside = ours.value / 1e3 - theirs.value;
    let slow = outside >= LEAST_S && outside >= PATH_SHARE * ours.value / 1e3;
    let claim = say!(
        facts.language,
        "The client saw a mean TTFT of {a}, the server timed {b} itself; the rest is the way, proxies and the server's own front.",
        "클라이언트가 본 평균 TTFT는 {a}, 서버가 스스로 잰 값은 {b}이다. 차이는 경로, 프록시, 서버 앞단의 몫이다.",
        a = text(&ours),
        b = text(&theirs)
    );
    let rule = say!(
        facts.language,
        "a limit where the rest is {share} of the client's TTFT and 5 ms at least",
        "차이가 클라이언트 TTFT의 {share} 이상이고 5 ms 이상이면 한계로 본다",
        share = percent(PATH_SHARE)
    );
    let figures = [ours, theirs];
    let claim = if slow { concern(claim, figures) } else { fact(claim, figures) };
    vec![(slow.then_some(Cause::Network), by(rule, claim))]
}

fn queue(facts: &Facts<'_>, level: usize) -> Found {
    let language = facts.language;
    let mut found = Vec::new();
    let waited = facts.server_mean(level, "queue mean", "queue");
    let ttft = facts.server_mean(level, "TTFT mean by the server", "ttft");
    if let (Some(waited), Some(ttft)) = (&waited, &ttft)
        && let Some(part) = share("queue share of TTFT", waited, ttft)
    {
        let slow = part.value >= QUEUE_SHARE && waited.value >= LEAST_S;
        let claim = say!(
            language,
            "Requests waited {a} on average in the server's queue, {b} of its own TTFT.",
            "요청은 서버 큐에서 평균 {a} 기다렸고, 이는 서버가 잰 TTFT의 {b}이다.",
            a = text(waited),
            b = text(&part)
        );
        let rule = say!(
            language,
            "a limit where it is {bound} of TTFT and 5 ms at least",
            "TTFT의 {bound} 이상이고 5 ms 이상이면 한계로 본다",
            bound = percent(QUEUE_SHARE)
        );
        let figures = [waited.clone(), ttft.clone(), part];
        let claim = if slow { concern(claim, figures) } else { fact(claim, figures) };
        found.push((slow.then_some(Cause::Queue), by(rule, claim)));
    } else if let Some(waiting) =
        facts.of(level, "requests waiting, mean", "", "observed.engine.waiting.mean")
    {
        let slow = waiting.value >= 1.0;
        let claim = say!(
            language,
            "On average {n} requests waited in the server.",
            "서버 안에서 평균 {n}개의 요청이 기다렸다.",
            n = text(&waiting)
        );
        let rule = say!(language, "a limit from one request on", "1개 이상이면 한계로 본다");
        let claim = if slow { concern(claim, [waiting]) } else { fact(claim, [waiting]) };
        found.push((slow.then_some(Cause::Queue), by(rule, claim)));
    } else {
        found.push((None, missing(say!(
            language,
            "Whether requests waited in the server is not known: its own metrics were not read. Let it serve /metrics, or name the page with --metrics-url.",
            "요청이 서버 안에서 기다렸는지는 알 수 없다. 서버 자체 메트릭을 읽지 못했다. /metrics를 열거나 --metrics-url로 페이지를 지정한다."
        ))));
        found.extend(growth(facts, level));
    }
    found
}

/// From outside: the same prompts, a first token that comes later the more ask.
fn growth(facts: &Facts<'_>, level: usize) -> Option<(Option<Cause>, ClaimDocument)> {
    let calm = facts.calmest().filter(|calm| *calm != level)?;
    let (before, now) = (facts.first_token(calm, "p50")?, facts.first_token(level, "p50")?);
    let times = divided("growth of TTFT p50", &now, &before)?;
    let slow = times.value >= TTFT_GROWTH;
    let claim = say!(
        facts.language,
        "{name} is {a} at {low} and {b} at {high}, {n} times as much for the same kind of prompts.",
        "{name}은 {low}에서 {a}, {high}에서 {b}로, 같은 종류의 프롬프트에 대해 {n}배이다.",
        name = &now.name,
        a = text(&before),
        b = text(&now),
        low = &facts.level(calm).label,
        high = &facts.level(level).label,
        n = text(&times)
    );
    let rule = say!(
        facts.language,
        "from 3 times on requests wait for others, in the queue or behind their prefill; from outside the two look alike",
        "3배 이상이면 요청이 큐에서 또는 다른 요청의 프리필 뒤에서 기다리는 것이다. 밖에서는 둘을 구별할 수 없다"
    );
    let figures = [before, now, times];
    let claim = if slow { concern(claim, figures) } else { fact(claim, figures) };
    Some((slow.then_some(Cause::Queue), by(rule, claim)))
}

/// Where an answer's time goes, and what a larger batch costs.
fn phases(facts: &Facts<'_>, level: usize) -> Found {
    let (Some(first), Some(whole)) = (facts.metric(level, "ttft_mean"), facts.metric(level, "e2e_mean"))
    else {
        return vec![(
            None,
            missing(say!(
                facts.language,
                "How prefill and decode share the time is not known: answers were not streamed. Measure with streaming.",
                "프리필과 디코드가 시간을 어떻게 나누는지 알 수 없다. 응답이 스트리밍되지 않았다. 스트리밍으로 측정한다."
            )),
        )];
    };
    let Some(part) = share("TTFT share of E2E", &first, &whole) else { return Vec::new() };
    let decode = part.value < 0.5;
    let claim = say!(
        facts.language,
        "Until the first token pass {a} of {b} on average, {c} of an answer's time; the rest is decode.",
        "첫 토큰까지 평균 {b} 중 {a}, 응답 시간의 {c}가 걸린다. 나머지는 디코드이다.",
        a = text(&first),
        b = text(&whole),
        c = text(&part)
    );
    let rule = say!(
        facts.language,
        "prefill from half of the time on, decode below",
        "절반 이상이면 프리필, 그 아래면 디코드가 지배한다"
    );
    let cause = if decode { Cause::Decode } else { Cause::Prefill };
    let mut found = vec![(Some(cause), by(rule, fact(claim, [first, whole, part])))];
    found.extend(batching(facts, level).map(|claim| (None, claim)));
    found
}

/// The elasticity of TPOT over the number of requests at once: how memory-bound decoding still is (Williams et al. 2009, roofline).
fn batching(facts: &Facts<'_>, level: usize) -> Option<ClaimDocument> {
    let language = facts.language;
    let calm = facts.calmest().filter(|calm| *calm != level)?;
    let step = |at: usize| facts.metric(at, "tpot_p50");
    let crowd = |at: usize| facts.of(at, "requests in flight, mean", "", "concurrency.mean");
    let (slow, fast, many, few) = (step(level)?, step(calm)?, crowd(level)?, crowd(calm)?);
    let (more, slower) =
        (divided("growth of concurrency", &many, &few)?, divided("growth of TPOT p50", &slow, &fast)?);
    if more.value < 1.5 || slower.value <= 0.0 {
        return None;
    }
    let exponent = slower.value.ln() / more.value.ln();
    let meaning = match exponent {
        low if low < FREE => say!(
            language,
            "a larger batch is nearly free, as where reading the weights is what takes the time",
            "배치를 키우는 비용이 거의 없다. 가중치를 읽는 시간이 지배하는 상태이다"
        ),
        high if high > SATURATED => say!(
            language,
            "each further user is paid by all others, so decoding is saturated",
            "사용자 하나가 늘어난 비용을 나머지 모두가 치른다. 디코드가 포화 상태이다"
        ),
        _ => say!(
            language,
            "a larger batch costs some speed for everyone",
            "배치를 키우면 모두가 조금씩 느려진다"
        ),
    };
    let claim = say!(
        language,
        "With {n} times as many requests in flight TPOT p50 is {m} times as long ({a} to {b}): {meaning}.",
        "동시 요청이 {n}배가 되면 TPOT p50은 {m}배({a}에서 {b})가 된다. {meaning}.",
        n = text(&more),
        m = text(&slower),
        a = text(&fast),
        b = text(&slow)
    );
    let rule = say!(
        language,
        "exponent of TPOT over concurrency: below 0.3 memory-bound, above 0.7 saturated (roofline, Williams et al. 2009)",
        "동시성에 대한 TPOT의 지수: 0.3 미만은 메모리 바운드, 0.7 초과는 포화(루프라인, Williams et al. 2009)"
    );
    let figures: [FigureDocument; 6] = [fast, slow, few, many, slower, more];
    Some(by(rule, fact(claim, figures)))
}

fn percent(share: f64) -> String {
    format!("{} %", crate::report::number::tidy(share * 100.0))
}
