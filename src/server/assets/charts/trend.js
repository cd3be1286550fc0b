// One number over the nights: values, the level of each stretch, where it changed, and what is alarming.
import { html, useMemo } from '../ui.js';
import { axis, Plot } from './plot.js';
import { change, instant, short } from '../format.js';
import { quantity, title } from '../metrics.js';
import { t } from '../i18n.js';

export function Trend({ trend, nights, promoted }) {
  const data = useMemo(() => [nights.map((_, at) => at), trend.values], [trend, nights]);
  const build = useMemo(() => (colours) => ({
    scales: {
      x: { time: false, range: (_, low, high) => [low - 0.5, high + 0.5] },
      y: { range: (_, low, high) => around(low, high) },
    },
    axes: [
      axis(colours, { incrs: [1, 2, 5, 10, 20, 50, 100], values: (_, ticks) => ticks.map((tick) => nights[tick]?.created.slice(5, 10) ?? ''), size: 28, space: 50 }),
      axis(colours, { values: (_, ticks) => ticks.map((tick) => quantity(tick, trend.metric)) }),
    ],
    cursor: { drag: { x: true, y: false } },
    series: [{}, { stroke: colours.series[0], paths: () => null, points: { show: true, size: 5, fill: colours.series[0], stroke: colours.series[0] } }],
    hooks: { drawAxes: [(plot) => stretches(plot, trend, nights, promoted, colours)] },
  }), [trend, nights, promoted]);
  const label = t('trend.label', { metric: title(trend.metric), level: trend.level });
  return html`<${Plot} title=${title(trend.metric)} label=${label} build=${build} data=${data} height=${180}
    series=${[{ label: title(trend.metric), colour: (colours) => colours.series[0], value: (value) => quantity(value, trend.metric) }]}
    table=${{
      columns: [
        { head: t('trend.night'), cell: (row) => instant(row.night.created) },
        { head: t('commit'), cell: (row) => short(row.night.commit) ?? '–' },
        { head: title(trend.metric), num: true, cell: (row) => quantity(trend.values[row.at], trend.metric) },
        { head: t('trend.change'), num: true, cell: (row) => changeAt(trend, row.at) },
      ],
      rows: nights.map((night, at) => ({ night, at })).reverse(),
    }} />`;
}

function changeAt(trend, at) {
  const found = trend.changes.find((one) => one.first === at);
  return found ? change(found.change, trend.absolute) : '';
}

// A course over nights says most where its own spread fills the picture.
function around(low, high) {
  if (low === null || high === null) return [0, 1];
  const room = Math.max((high - low) * 0.2, Math.abs(high) * 0.02, 1e-9);
  return [Math.max(0, low - room), high + room];
}

function stretches(plot, trend, nights, promoted, colours) {
  const { ctx, bbox } = plot;
  const ratio = window.devicePixelRatio || 1;
  const x = (at) => plot.valToPos(at, 'x', true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.lineWidth = ratio;
  for (const one of trend.changes) {
    ctx.fillStyle = one.is_worse ? `${colours.bad}26` : `${colours.good}26`;
    ctx.fillRect(x(one.earliest - 0.5), bbox.top, x(one.latest + 0.5) - x(one.earliest - 0.5), bbox.height);
    vertical(ctx, x(one.first - 0.5), bbox, one.is_worse ? colours.bad : colours.good, [4 * ratio, 3 * ratio]);
  }
  if (trend.alarm) {
    ctx.fillStyle = `${colours.bad}26`;
    ctx.fillRect(x(trend.alarm.since - 0.5), bbox.top, bbox.left + bbox.width - x(trend.alarm.since - 0.5), bbox.height);
  }
  const chosen = nights.findIndex((night) => night.id === promoted);
  if (chosen >= 0) vertical(ctx, x(chosen), bbox, colours.strong, [2 * ratio, 2 * ratio]);
  ctx.strokeStyle = colours.strong;
  ctx.lineWidth = 1.5 * ratio;
  for (const stretch of trend.segments) {
    const y = plot.valToPos(stretch.median, 'y', true);
    ctx.beginPath();
    ctx.moveTo(x(stretch.from - 0.4), y);
    ctx.lineTo(x(stretch.to + 0.4), y);
    ctx.stroke();
  }
  ctx.restore();
}

function vertical(ctx, x, bbox, colour, dash) {
  ctx.strokeStyle = colour;
  ctx.setLineDash(dash);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.setLineDash([]);
}
