//! A forecast in words: pairs, an unknown noise, stored sessions, costs.

use crate::base::Nanos;
use crate::document::v1::ForecastDocument;
use crate::gate::{CellForecast, Cost, Forecast, Noise, NoiseSource, PairForecast, SessionForecast};
use crate::report::{console, markdown};
use crate::stats::{LookChance, Outlook};

fn outlook(chances: [(f64, f64); 3]) -> Outlook {
    let looks = [5, 8, 12].into_iter().zip(chances);
    Outlook(looks.map(|(pairs, (pass, fail))| LookChance { pairs, pass, fail }).collect())
}

fn cell(name: &str, absolute: bool) -> CellForecast {
    CellForecast {
        key: name.parse().unwrap(),
        tolerance: if absolute { 0.02 } else { 0.15 },
        absolute,
        thin: None,
        pairs: None,
        sessions: None,
    }
}

fn sample() -> ForecastDocument {
    let seen = |sd, count, source| Noise { sd, count, source };
    let pairs = PairForecast {
        noise: seen(0.12, 9, NoiseSource::Pairs),
        ratio: 1.165,
        to_pass: Some(8),
        to_fail: None,
        unchanged: outlook([(0.48, 0.0), (0.33, 0.0), (0.15, 0.0)]),
        doubled: outlook([(0.0, 0.2), (0.0, 0.3), (0.0, 0.3)]),
        resolves: 0.129,
        detects: 0.32,
        bearable: 0.138,
    };
    let shares = PairForecast {
        noise: seen(0.004, 0, NoiseSource::Given),
        resolves: 0.004,
        detects: 0.03,
        ..pairs.clone()
    };
    let many = SessionForecast {
        noise: seen(0.03, 8, NoiseSource::Sessions),
        passes: Some(0.852),
        resolves: Some(0.109),
        needed: Some(12),
    };
    let few = SessionForecast {
        noise: seen(0.05, 2, NoiseSource::Sessions),
        passes: None,
        resolves: None,
        needed: None,
    };
    let forecast = Forecast {
        looks: vec![5, 8, 12],
        alpha: 0.05,
        power: 0.9,
        family: 4,
        pass_level: 0.0227,
        fail_level: 0.005,
        cells: vec![
            CellForecast { pairs: Some(pairs), sessions: Some(many), ..cell("ttft_p95", false) },
            CellForecast { sessions: Some(few), ..cell("tpot_p95", false) },
            cell("e2e_p95", false),
            CellForecast { pairs: Some(shares), ..cell("goodput", true) },
        ],
        mean_pairs: Some(7.3),
        cost: Cost { round: Some(Nanos::from_secs(90.0)), gpus: 2 },
        advice: vec!["TTFT p95 limits this gate.".to_owned()],
    };
    ForecastDocument::new(&forecast, "nightly|x", "0.1.0")
}

#[test]
fn a_forecast_on_a_terminal() {
    insta::assert_snapshot!(console::render_forecast(&sample(), console::Style { color: false, width: 160 }), @"
    Gate 'nightly|x': looks after 5, 8, 12 pairs; 5% for each wrong verdict, over 4 tests when failing

      Metric              Noise  Tolerance  Ratio  Pairs, one look  Passes by look  Mean pairs  Resolves  Fails from
      TTFT p95  12.0% (9 pairs)      15.0%   1.17        8 / >1000     48% 81% 96%         7.3     12.9%       32.0%
      E2E p95           unknown      15.0%      –                –               –           –         –           –
      Goodput          0.400 pp    2.00 pp   1.17        8 / >1000     48% 81% 96%         7.3  0.400 pp     3.00 pp
     noise: sd of the difference of one pair; ratio: tolerance over noise
     pairs, one look: to pass when nothing changed / to fail at twice the tolerance, each with 90% probability
     resolves: smallest tolerance that an unchanged server passes with 90%; fails from: smallest change that fails four times in five

    Against stored sessions:
     TTFT p95: sessions differ by 3.0% (8 sessions); an unchanged server passes 15.0% with 85%, 10.9% would be resolved; 12 stored sessions pass it with 90%
     TPOT p95: sessions differ by 5.0% (2 sessions); their noise counts from five on; no number of stored sessions passes it with 90%

    GPU minutes: 43.8 on average when nothing changed (7.3 pairs × 2 rounds × 90 s × 2 GPUs, for the metric that needs most), 72.0 at most (12 pairs)
    TTFT p95 limits this gate.
    ");
}

#[test]
fn a_forecast_in_markdown() {
    insta::assert_snapshot!(markdown::render_forecast(&sample()), @r"
    ### Gate 'nightly\|x': looks after 5, 8, 12 pairs; 5% for each wrong verdict, over 4 tests when failing

    | Metric | Noise | Tolerance | Ratio | Pairs, one look | Passes by look | Mean pairs | Resolves | Fails from |
    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
    | TTFT p95 | 12.0% (9 pairs) | 15.0% | 1.17 | 8 / &gt;1000 | 48% 81% 96% | 7.3 | 12.9% | 32.0% |
    | E2E p95 | unknown | 15.0% | – | – | – | – | – | – |
    | Goodput | 0.400 pp | 2.00 pp | 1.17 | 8 / &gt;1000 | 48% 81% 96% | 7.3 | 0.400 pp | 3.00 pp |

    <sub>noise: sd of the difference of one pair; ratio: tolerance over noise · pairs, one look: to pass when nothing changed / to fail at twice the tolerance, each with 90% probability · resolves: smallest tolerance that an unchanged server passes with 90%; fails from: smallest change that fails four times in five</sub>

    Against stored sessions:

    - TTFT p95: sessions differ by 3.0% (8 sessions); an unchanged server passes 15.0% with 85%, 10.9% would be resolved; 12 stored sessions pass it with 90%
    - TPOT p95: sessions differ by 5.0% (2 sessions); their noise counts from five on; no number of stored sessions passes it with 90%

    - GPU minutes: 43.8 on average when nothing changed (7.3 pairs × 2 rounds × 90 s × 2 GPUs, for the metric that needs most), 72.0 at most (12 pairs)
    - TTFT p95 limits this gate.
    ");
}

#[test]
fn without_a_round_s_time_the_minutes_are_asked_for() {
    let mut forecast = sample();
    forecast.cost.round_s = None;
    let text = console::render_forecast(&forecast, console::Style { color: false, width: 160 });
    assert!(text.contains("GPU minutes: say how long a round takes with --round-time"), "{text}");
    forecast.cost =
        crate::document::v1::CostDocument { round_s: Some(90.0), mean_pairs: None, ..sample().cost };
    let text = markdown::render_forecast(&forecast);
    assert!(text.contains("GPU minutes: 72.0 at most (12 pairs × 2 rounds × 90 s × 2 GPUs)"), "{text}");
}
