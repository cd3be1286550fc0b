// Curves of quantiles, one a level or a result: latency over the share of requests, linear or with the tail stretched.
import { html, useMemo } from '../ui.js';
import { axis, dash, Plot, thinned } from './plot.js';
import { quantity } from '../metrics.js';
import { t } from '../i18n.js';

const TAIL_TICKS = [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999];

// 0.99 → 2: each step is a tenth of the requests that remain.
const stretch = (q) => -Math.log10(1 - q);
const name = (q) => `p${Number((q * 100).toPrecision(7))}`;

// `curves`: [{ label, distribution }], at most six are drawn; `tail` stretches the slowest.
export function Quantiles({ title, metric, curves, tail }) {
  const drawn = curves.filter((curve) => curve.distribution).slice(0, 6);
  const data = useMemo(() => table(drawn, tail), [curves, tail]);
  const build = useMemo(() => (colours) => ({
    scales: { x: { time: false, range: (_, low, high) => (tail ? [0, high] : [0, Math.max(high, 1)]) }, y: { range: (_, low, high) => [0, high * 1.05 || 1] } },
    axes: [
      axis(colours, tail
        ? { splits: (_, _at, low, high) => TAIL_TICKS.map(stretch).filter((at) => at >= low && at <= high), values: (_, ticks) => ticks.map((tick) => name(1 - 10 ** -tick)), label: t('chart.share.tail'), size: 34 }
        : { values: (_, ticks) => ticks.map((tick) => name(tick)), label: t('chart.share'), size: 34 }),
      axis(colours, { values: (_, ticks) => ticks.map((tick) => quantity(tick, metric)) }),
    ],
    series: [{}, ...drawn.map((_, at) => ({ stroke: colours.series[at], width: 1.5, dash: dash(at), points: { show: false }, spanGaps: true }))],
  }), [metric, tail, drawn.map((curve) => curve.label).join('\n')]);
  if (drawn.length === 0) return html`<p class="none">${t('chart.none')}</p>`;
  const rows = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999].map((q) => ({ q }));
  return html`<${Plot} title=${title} label=${[title, t('chart.quantiles', { metric: metric.split('_p')[0].toUpperCase() })].filter(Boolean).join(': ')} build=${build} data=${data} height=${260}
    series=${drawn.map((curve, at) => ({ label: curve.label, colour: (colours) => colours.series[at], dash: dash(at), value: (value) => quantity(value, metric) }))}
    table=${{
      columns: [
        { head: t('chart.quantile'), cell: (row) => name(row.q) },
        ...drawn.map((curve) => ({ head: curve.label, num: true, cell: (row) => quantity(at(curve.distribution, row.q), metric) })),
      ],
      rows: thinned(rows),
    }} />`;
}

// The value at the first known quantile that is no lower.
function at(distribution, q) {
  const place = distribution.quantiles.findIndex((one) => one >= q - 1e-9);
  return place < 0 ? null : distribution.values[place];
}

function table(drawn, tail) {
  const tables = drawn.map(({ distribution }) => {
    const kept = distribution.quantiles.map((q, place) => [q, distribution.values[place]]).filter(([q]) => !tail || q < 1);
    return [kept.map(([q]) => (tail ? stretch(q) : q)), kept.map(([, value]) => value)];
  });
  return tables.length === 0 ? [[], []] : window.uPlot.join(tables);
}
