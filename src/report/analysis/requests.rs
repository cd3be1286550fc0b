//! What happened to requests: failures, objectives, and the slow ones.

use super::facts::{Facts, by, concern, divided, fact, missing, say, share, text};
use crate::document::v1::LevelDocument;
use crate::document::v1::service::{ClaimDocument, FigureDocument};
use crate::report::number::significant;

/// Share of good requests below which an objective counts as broken, where no search names one.
const ATTAINMENT: f64 = 0.95;
/// A tail that is longer than this many medians is worth a look.
const LONG_TAIL: f64 = 5.0;
/// A gap of this many usual ones is a stall.
const STALL: f64 = 10.0;
/// Failures that are enough to say when they came.
const ENOUGH: u64 = 5;

/// Failures by class, and whether they came at once.
pub(super) fn errors(facts: &Facts<'_>) -> Vec<ClaimDocument> {
    let language = facts.language;
    let mut claims = Vec::new();
    for at in facts.order.iter().copied() {
        let level = facts.level(at);
        if level.failed() == 0 {
            continue;
        }
        let Some(offered) = facts.of(at, "offered", "", "offered") else { continue };
        let classes: Vec<FigureDocument> = level
            .failures
            .keys()
            .filter(|class| *class != "cancelled")
            .filter_map(|class| facts.of(at, class, "", &format!("failures.{class}")))
            .collect();
        let list: Vec<String> = classes
            .iter()
            .map(|class| {
                let part = share("", class, &offered).map(|part| text(&part)).unwrap_or_default();
                format!("{} {} ({part})", class.name, text(class))
            })
            .collect();
        let claim = say!(
            language,
            "At {label} of {n} requests failed: {list}.",
            "{label}에서 요청 {n}개 중 실패: {list}.",
            label = &level.label,
            n = text(&offered),
            list = list.join(", ")
        );
        claims.push(concern(claim, std::iter::once(offered).chain(classes)));
        claims.extend(cluster(facts, &level.label));
    }
    if claims.is_empty() {
        let offered: u64 = facts.run.levels.iter().map(|level| level.offered).sum();
        let figures: Vec<FigureDocument> =
            facts.order.iter().filter_map(|at| facts.of(*at, "offered", "", "offered")).collect();
        let claim = if offered == 0 {
            return vec![missing(say!(language, "No request was offered.", "보낸 요청이 없다."))];
        } else {
            say!(language, "No request failed at any level.", "어떤 레벨에서도 실패한 요청이 없다.")
        };
        claims.push(fact(claim, figures));
    }
    claims
}

/// Whether half of a round's failures lie in a tenth of its window.
fn cluster(facts: &Facts<'_>, label: &str) -> Option<ClaimDocument> {
    let mut places = facts.run.rounds.iter().enumerate().flat_map(|(round, document)| {
        let levels = document.levels.iter().enumerate().filter(|(_, level)| level.label == label);
        levels.map(move |(at, level)| (round, at, level))
    });
    places.find_map(|(round, at, level)| densest(facts, (round, at), level))
}

fn densest(facts: &Facts<'_>, (round, at): (usize, usize), level: &LevelDocument) -> Option<ClaimDocument> {
    let series = level.series.as_ref()?;
    let slices = series.failed.len();
    let all: u64 = series.failed.iter().sum();
    if all < ENOUGH || slices < 10 {
        return None;
    }
    let width = slices.div_ceil(10);
    let (from, inside) = series
        .failed
        .windows(width)
        .map(|window| window.iter().sum::<u64>())
        .enumerate()
        .max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)))?;
    let until = from + width;
    let path = |range: &str| format!("sum(rounds[{round}].levels[{at}].series.failed{range})");
    let figure = |name: &str, value: u64, path: String| FigureDocument {
        name: name.to_owned(),
        value: value as f64,
        unit: String::new(),
        path,
    };
    let figures = [
        figure("failed in the densest tenth", inside, path(&format!("[{from}..{until}]"))),
        figure("failed in the window", all, path("")),
    ];
    let language = facts.language;
    let rule = say!(
        language,
        "clustered where a tenth of the window holds half of the failures",
        "구간의 10분의 1에 실패의 절반 이상이 있으면 몰린 것으로 본다"
    );
    let claim = if inside * 2 >= all {
        say!(
            language,
            "They came together: {inside} of {all} in round {round} between {a} s and {b} s of the window. Look into the server's log at that time.",
            "실패는 한때에 몰렸다. 라운드 {round}의 {all}개 중 {inside}개가 구간의 {a} s와 {b} s 사이에 있다. 그 시각의 서버 로그를 본다.",
            round = facts.run.rounds[round].round,
            a = significant(from as f64 * series.width_s),
            b = significant(until as f64 * series.width_s)
        )
    } else {
        say!(
            language,
            "In round {round} they are spread over the window: no tenth of it holds half of the {all} failures.",
            "라운드 {round}에서 실패는 구간 전체에 퍼져 있다. {all}개의 절반을 담은 10분의 1 구간이 없다.",
            round = facts.run.rounds[round].round
        )
    };
    Some(by(rule, fact(claim, figures)))
}

/// Which objective breaks first as the load grows.
pub(super) fn goodput(facts: &Facts<'_>) -> Vec<ClaimDocument> {
    let language = facts.language;
    let wanted = facts.run.search.as_ref().map_or(ATTAINMENT, |search| search.attainment);
    let mut first: Option<(usize, String, [FigureDocument; 3])> = None;
    let mut known = false;
    for at in facts.order.iter().copied() {
        let Some(goodput) = &facts.level(at).goodput else { continue };
        let Some(offered) = facts.of(at, "offered", "", "goodput.offered") else { continue };
        known = true;
        let mut broken: Vec<(String, [FigureDocument; 3])> = goodput
            .objectives
            .iter()
            .enumerate()
            .filter_map(|(number, objective)| {
                let met = facts.of(at, "met", "", &format!("goodput.objectives[{number}].met"))?;
                let part = share("share that met it", &met, &offered)?;
                let slo = format!("{} <= {} ms", objective.slo.metric, objective.slo.limit_ms);
                (part.value < wanted).then(|| (slo, [met, offered.clone(), part]))
            })
            .collect();
        broken.sort_by(|a, b| a.1[2].value.total_cmp(&b.1[2].value));
        if let Some((slo, figures)) = broken.into_iter().next() {
            first = Some((at, slo, figures));
            break;
        }
    }
    let rule = say!(
        language,
        "the lowest level at which less than {bound} of the offered requests meet an objective",
        "제공된 요청 중 목표를 지킨 비율이 {bound} 아래로 내려가는 가장 낮은 레벨",
        bound = crate::report::number::percent(wanted)
    );
    match first {
        Some((at, slo, figures)) => {
            let claim = say!(
                language,
                "The objective that breaks first is {slo}, at {label}: {met} of {offered} requests met it ({part}).",
                "가장 먼저 깨지는 목표는 {slo}이며 레벨은 {label}이다. 요청 {offered}개 중 {met}개가 지켰다({part}).",
                label = &facts.level(at).label,
                met = text(&figures[0]),
                offered = text(&figures[1]),
                part = text(&figures[2])
            );
            vec![by(rule, concern(claim, figures))]
        }
        None if known => {
            let claim =
                say!(language, "Every objective held at every level.", "모든 레벨에서 모든 목표가 지켜졌다.");
            let ratios = facts
                .order
                .iter()
                .filter_map(|at| facts.of(*at, "goodput", "%", "goodput.ratio"))
                .collect::<Vec<_>>();
            vec![by(rule, fact(claim, ratios))]
        }
        None => vec![missing(say!(
            language,
            "No objective per request was set, so goodput is not known. Set one, for example --goodput ttft:500 tpot:50.",
            "요청별 목표를 정하지 않아 goodput을 알 수 없다. 예를 들어 --goodput ttft:500 tpot:50 으로 정한다."
        ))],
    }
}

/// How far the slow requests are from the usual ones.
pub(super) fn tail(facts: &Facts<'_>) -> Vec<ClaimDocument> {
    let Some(level) = facts.busiest() else { return Vec::new() };
    let mut claims: Vec<ClaimDocument> =
        ["ttft", "tpot", "e2e"].into_iter().filter_map(|metric| long(facts, level, metric)).collect();
    claims.extend(stalls(facts, level));
    claims
}

fn long(facts: &Facts<'_>, level: usize, metric: &str) -> Option<ClaimDocument> {
    let language = facts.language;
    let known = facts.level(level).metrics.get(metric)?;
    let label = &facts.level(level).label;
    let (usual, slow) =
        (facts.metric(level, &format!("{metric}_p50"))?, facts.metric(level, &format!("{metric}_p99"))?);
    if known.thin.iter().any(|name| name == "p99") {
        let n = facts.of(level, "samples", "", &format!("metrics.{metric}.n"))?;
        let claim = say!(
            language,
            "{name} at {label} rests on {n} samples, too few to rely on. Measure with more requests.",
            "{label}의 {name}은 표본 {n}개로 계산되어 믿기에는 적다. 요청 수를 늘려 측정한다.",
            name = &slow.name,
            n = text(&n)
        );
        return Some(missing(claim));
    }
    let times = divided("p99 over p50", &slow, &usual)?;
    let far = times.value >= LONG_TAIL;
    let claim = say!(
        language,
        "{name} at {label} is {a}, {n} times the median of {b}.",
        "{label}의 {name}은 {a}로, 중앙값 {b}의 {n}배이다.",
        name = &slow.name,
        a = text(&slow),
        b = text(&usual),
        n = text(&times)
    );
    let rule = say!(language, "a long tail from 5 times on", "5배 이상이면 긴 꼬리로 본다");
    let figures = [slow, usual, times];
    Some(by(rule, if far { concern(claim, figures) } else { fact(claim, figures) }))
}

fn stalls(facts: &Facts<'_>, level: usize) -> Option<ClaimDocument> {
    let (gap, usual) = (facts.metric(level, "max_stall_p95")?, facts.metric(level, "itl_p50")?);
    let times = divided("longest gap over the usual one", &gap, &usual)?;
    let far = times.value >= STALL;
    let claim = say!(
        facts.language,
        "One answer in twenty stood still for {a} or longer, {n} usual gaps of {b}; prefill of others, preemption or the way can do that.",
        "응답 스무 개 중 하나는 {a} 이상 멈췄다. 평소 간격 {b}의 {n}배이다. 다른 요청의 프리필, 선점, 경로가 원인일 수 있다.",
        a = text(&gap),
        b = text(&usual),
        n = text(&times)
    );
    let rule = say!(
        facts.language,
        "a stall where the p95 of the longest gap is 10 times the median gap or more",
        "가장 긴 간격의 p95가 간격 중앙값의 10배 이상이면 멈춤으로 본다"
    );
    let figures = [gap, usual, times];
    Some(by(rule, if far { concern(claim, figures) } else { fact(claim, figures) }))
}
