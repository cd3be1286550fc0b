//! Every pair of a judged number as a dot, beside no change and the limit: what an average hides is seen.

use maud::{Markup, html};

use super::shown;
use crate::document::v1::{JudgementDocument, RuleDocument, VerdictDocument};
use crate::record::{Better, MetricKey, Unit};
use crate::report::cell::{Cell, gates};
use crate::report::number::change;

/// Width and height of a strip, in its own units.
const SIZE: (f64, f64) = (640.0, 46.0);
/// Room for half a label at either end.
const MARGIN: f64 = 34.0;
/// Where the dots lie.
const MIDDLE: f64 = 15.0;

/// One strip for each judged number that has pairs; nothing where there are none.
pub(super) fn strips(verdict: &VerdictDocument, many: bool) -> Markup {
    let strips: Vec<(String, Strip)> = verdict
        .cells
        .iter()
        .filter(|cell| gates(cell))
        .filter_map(|cell| Some((Cell::new(cell, many).title, Strip::of(cell)?)))
        .collect();
    html! {
        @if !strips.is_empty() {
            h3 { "Pair by pair" }
            p.sub { "Each dot is the change in one pair. The band is the interval of the verdict, the solid line no change, the broken line the limit." }
            div.charts {
                @for (title, strip) in &strips {
                    figure {
                        figcaption { b { (shown(title, 120)) } }
                        (strip.draw(title))
                    }
                }
            }
        }
    }
}

/// Changes of one number, positive for larger values.
struct Strip {
    pairs: Vec<f64>,
    interval: Option<(f64, f64)>,
    limit: f64,
    absolute: bool,
}

impl Strip {
    fn of(judgement: &JudgementDocument) -> Option<Self> {
        let key: MetricKey = judgement.metric.parse().ok()?;
        let RuleDocument::Tolerance { tolerance } = judgement.rule else { return None };
        let absolute = key.metric.unit() == Unit::Ratio;
        let pairs = judgement.rounds.iter().zip(&judgement.baseline_rounds);
        let pairs: Vec<f64> = pairs
            .map(|(now, base)| if absolute { now - base } else { now / base - 1.0 })
            .filter(|change| change.is_finite())
            .collect();
        let effect = judgement.effect?;
        let sign = if key.metric.better() == Better::Higher { -1.0 } else { 1.0 };
        (!pairs.is_empty()).then_some(Self {
            pairs,
            interval: effect.low.zip(effect.high),
            limit: sign * tolerance,
            absolute,
        })
    }

    fn draw(&self, title: &str) -> Markup {
        let (width, height) = SIZE;
        let interval = self.interval.map(|(low, high)| [low, high]).unwrap_or_default();
        let all = || self.pairs.iter().copied().chain(interval).chain([0.0, self.limit]);
        let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
        let span = (high - low).max(1e-9);
        let place = |change: f64| MARGIN + (change - low) / span * (width - 2.0 * MARGIN);
        let label = |at: f64, text: &str| {
            html! { text.label-x x=(format!("{:.1}", place(at))) y=(height - 4.0) { (text) } }
        };
        let upright = |at: f64, class: &str| {
            html! { path class=(class) d=(format!("M{:.1} 2V{:.1}", place(at), height - 18.0)) {} }
        };
        let words =
            format!("{title}: {} pairs, limit {}", self.pairs.len(), change(self.limit, self.absolute));
        html! {
            svg.chart viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(shown(&words, 200)) {
                @if let Some((low, high)) = self.interval {
                    rect.span x=(format!("{:.1}", place(low))) y=(MIDDLE - 9.0) width=(format!("{:.1}", (place(high) - place(low)).max(1.0))) height="18" {}
                }
                (upright(0.0, "axis"))
                (upright(self.limit, "rule"))
                @for pair in &self.pairs {
                    circle.pair cx=(format!("{:.1}", place(*pair))) cy=(MIDDLE) r="4" { title { (change(*pair, self.absolute)) } }
                }
                (label(0.0, "0"))
                (label(self.limit, &change(self.limit, self.absolute)))
            }
        }
    }
}
