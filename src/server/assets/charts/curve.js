// Throughput against latency, one point a level, joined in the order of load: where it bends, the server is full.
import { html, useMemo } from '../ui.js';
import { axis, Plot } from './plot.js';
import { quantity, title, unit } from '../metrics.js';
import { t } from '../i18n.js';

// `points`: [{ label, x, y }] in the order of load.
export function Curve({ xKey, yKey, points }) {
  const sorted = useMemo(() => [...points].sort((left, right) => left.x - right.x), [points]);
  const data = useMemo(() => [sorted.map((point) => point.x), sorted.map((point) => point.y)], [sorted]);
  const build = useMemo(() => (colours) => ({
    scales: {
      x: { time: false, range: (_, low, high) => [0, (high || 1) * 1.15] },
      y: { range: (_, low, high) => [0, (high || 1) * 1.2] },
    },
    axes: [
      axis(colours, { label: `${title(xKey)} (${unit(xKey)})`, size: 30 }),
      axis(colours, { values: (_, ticks) => ticks.map((tick) => quantity(tick, yKey)) }),
    ],
    cursor: { drag: { x: false, y: false } },
    series: [{}, { stroke: colours.series[0], paths: () => null, points: { show: true, size: 7, fill: colours.back, stroke: colours.series[0], width: 2 } }],
    hooks: { draw: [(plot) => join(plot, points, colours)] },
  }), [points, xKey, yKey]);
  return html`<${Plot} label=${t('chart.curve', { x: title(xKey), y: title(yKey) })} build=${build} data=${data} height=${260}
    table=${{
      columns: [
        { head: t('level'), cell: (point) => point.label },
        { head: title(xKey), num: true, cell: (point) => quantity(point.x, xKey) },
        { head: title(yKey), num: true, cell: (point) => quantity(point.y, yKey) },
      ],
      rows: points,
    }} />`;
}

function join(plot, points, colours) {
  const { ctx } = plot;
  const ratio = window.devicePixelRatio || 1;
  const places = points.map((point) => [plot.valToPos(point.x, 'x', true), plot.valToPos(point.y, 'y', true), point.label]);
  ctx.save();
  ctx.strokeStyle = colours.series[0];
  ctx.lineWidth = 1.5 * ratio;
  ctx.beginPath();
  places.forEach(([x, y], at) => (at ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
  ctx.stroke();
  ctx.fillStyle = colours.strong;
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'bottom';
  for (const [x, y, label] of places) ctx.fillText(label, x, y - 8 * ratio);
  ctx.restore();
}
