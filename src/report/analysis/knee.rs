//! The curve of throughput against latency over the levels.

use super::facts::{Facts, by, divided, fact, missing, say, text};
use crate::document::v1::service::ClaimDocument;
use crate::report::curve;

/// Kleinrock's knee, and the first step beyond it that costs more than it brings.
pub(super) fn claims(facts: &Facts<'_>) -> Vec<ClaimDocument> {
    let language = facts.language;
    let Some(knee) = curve::knee(&facts.run.levels) else {
        return vec![missing(say!(
            language,
            "A knee needs three levels of one kind at least; this result has {n}. The command at the end measures more.",
            "무릎점(knee)을 찾으려면 같은 종류의 레벨이 세 개 이상 필요하다. 이 결과에는 {n}개가 있다. 끝에 있는 명령이 더 많은 레벨을 측정한다.",
            n = facts.run.levels.len()
        ))];
    };
    let rule = say!(
        language,
        "the level with the most power: output throughput over mean response time (Kleinrock 1979)",
        "power, 즉 출력 처리량을 평균 응답 시간으로 나눈 값이 가장 큰 레벨(Kleinrock 1979)"
    );
    let at = facts.order.iter().position(|at| facts.level(*at).label == knee.label);
    let figures = |level: usize| {
        [facts.metric(level, "output_throughput"), latency(facts, level)].into_iter().flatten()
    };
    let own = at.map(|at| facts.order[at]);
    let edge = if knee.edge {
        say!(
            language,
            " It is an end of the sweep, so the true knee may lie beyond it.",
            " 스윕의 끝에 있으므로 실제 무릎점은 그 너머일 수 있다."
        )
    } else {
        String::new()
    };
    let claim = say!(
        language,
        "The knee of the curve is {label}.{edge}",
        "곡선의 무릎점은 {label}이다.{edge}",
        label = &knee.label
    );
    let mut claims = vec![by(rule, fact(claim, own.into_iter().flat_map(figures)))];
    claims.extend(at.into_iter().flat_map(|at| steps(facts, at)));
    claims
}

/// What each step beyond the knee brings and costs.
fn steps(facts: &Facts<'_>, knee: usize) -> Vec<ClaimDocument> {
    let after = facts.order[knee..].windows(2).take(3);
    after
        .filter_map(|pair| {
            let (from, to) = (pair[0], pair[1]);
            let (less, more) =
                (facts.metric(from, "output_throughput")?, facts.metric(to, "output_throughput")?);
            let (short, long) = (latency(facts, from)?, latency(facts, to)?);
            let (gain, cost) =
                (divided("gain in throughput", &more, &less)?, divided("growth of latency", &long, &short)?);
            let claim = say!(
                facts.language,
                "From {a} to {b} throughput becomes {gain_n} times ({less_n} to {more_n}), mean latency {cost_n} times ({short_n} to {long_n}).",
                "{a} 다음의 {b}에서 처리량은 {gain_n}배({less_n}에서 {more_n}), 평균 지연은 {cost_n}배({short_n}에서 {long_n})가 된다.",
                a = &facts.level(from).label,
                b = &facts.level(to).label,
                gain_n = text(&gain),
                cost_n = text(&cost),
                less_n = text(&less),
                more_n = text(&more),
                short_n = text(&short),
                long_n = text(&long)
            );
            let rule = say!(
                facts.language,
                "beyond the knee latency grows by more than throughput",
                "무릎점을 지나면 지연이 처리량보다 더 크게 늘어난다"
            );
            Some(by(rule, fact(claim, [less, more, short, long, gain, cost])))
        })
        .collect()
}

fn latency(facts: &Facts<'_>, level: usize) -> Option<crate::document::v1::service::FigureDocument> {
    facts.metric(level, "e2e_from_due_mean").or_else(|| facts.metric(level, "e2e_mean"))
}
