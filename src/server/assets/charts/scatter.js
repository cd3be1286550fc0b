// Single requests as points over time: drag to look closer, click one to see all of it. A hundred thousand stay smooth,
// because they are drawn as squares straight onto the canvas.
import { html, useMemo, useRef } from '../ui.js';
import { axis, Plot, timeAxis } from './plot.js';
import { quantity } from '../metrics.js';
import { t } from '../i18n.js';

// `points` as the server gives them; `field` is the column that is drawn. `zoom(from, to)` hears of a dragged span,
// `open(row)` of a clicked point.
export function Scatter({ points, field, metric, span, zoom, open, label }) {
  const heard = useRef({});
  heard.current = { zoom, open, points };
  const data = useMemo(() => columns(points, field), [points, field]);
  const build = useMemo(() => (colours) => ({
    scales: {
      x: { time: false, range: (_, low, high) => span ?? (low === null ? [0, 1] : [low, high]) },
      y: { range: (_, low, high) => [0, (high ?? 1) * 1.05 || 1] },
    },
    axes: [timeAxis(colours), axis(colours, { values: (_, ticks) => ticks.map((tick) => quantity(tick, metric)) })],
    cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false }, dataIdx: (plot, series, near, value) => nearest(plot, series, near) },
    series: [{}, series(colours.series[0], squares), series(colours.bad, crosses)],
    hooks: {
      setSelect: [(plot) => {
        if (plot.select.width < 4) return;
        const [from, to] = [plot.posToVal(plot.select.left, 'x'), plot.posToVal(plot.select.left + plot.select.width, 'x')];
        plot.setSelect({ width: 0, height: 0 }, false);
        heard.current.zoom(from, to);
      }],
      ready: [(plot) => {
        let down = 0;
        plot.over.addEventListener('mousedown', (event) => { down = event.clientX; });
        plot.over.addEventListener('click', (event) => {
          const at = plot.cursor.idxs?.slice(1).find((place) => place !== null && place !== undefined);
          if (Math.abs(event.clientX - down) < 4 && at !== undefined) heard.current.open(heard.current.points.row[at]);
        });
        plot.over.addEventListener('dblclick', () => heard.current.zoom(null, null));
      }],
    },
  }), [metric, span?.[0], span?.[1], label]);
  return html`<${Plot} label=${label} build=${build} data=${data} height=${260}
    series=${[
      { label: t('requests.good'), colour: (colours) => colours.series[0], value: (value) => quantity(value, metric) },
      { label: t('requests.bad'), colour: (colours) => colours.bad, dash: [2, 2], value: (value) => quantity(value, metric) },
    ]} />`;
}

function columns(points, field) {
  const good = points.outcome.map((outcome, at) => (outcome === 'success' ? points[field][at] : null));
  // A failure without a latency stands on the ground, where it is seen.
  const bad = points.outcome.map((outcome, at) => (outcome === 'success' ? null : (points[field][at] ?? 0)));
  return [points.at_s, good, bad];
}

const series = (stroke, draw) => ({ stroke, points: { show: false }, paths: draw });

function eachPoint(plot, at, from, to, draw) {
  const [xs, ys] = [plot.data[0], plot.data[at]];
  for (let place = from; place <= to; place += 1) {
    if (ys[place] === null || ys[place] === undefined) continue;
    draw(plot.valToPos(xs[place], 'x', true), plot.valToPos(ys[place], 'y', true));
  }
}

function squares(plot, at, from, to) {
  const size = Math.max(2, Math.round(2.5 * (window.devicePixelRatio || 1)));
  plot.ctx.save();
  plot.ctx.fillStyle = plot.series[at].stroke();
  plot.ctx.globalAlpha = to - from > 2000 ? 0.45 : 0.75;
  eachPoint(plot, at, from, to, (x, y) => plot.ctx.fillRect(x - size / 2, y - size / 2, size, size));
  plot.ctx.restore();
  return null;
}

function crosses(plot, at, from, to) {
  const half = 3.5 * (window.devicePixelRatio || 1);
  plot.ctx.save();
  plot.ctx.strokeStyle = plot.series[at].stroke();
  plot.ctx.lineWidth = 1.5 * (window.devicePixelRatio || 1);
  plot.ctx.beginPath();
  eachPoint(plot, at, from, to, (x, y) => {
    plot.ctx.moveTo(x - half, y - half);
    plot.ctx.lineTo(x + half, y + half);
    plot.ctx.moveTo(x + half, y - half);
    plot.ctx.lineTo(x - half, y + half);
  });
  plot.ctx.stroke();
  plot.ctx.restore();
  return null;
}

// The point that lies nearest to the pointer in both directions, within 24 pixels; uPlot only looks along the axis.
function nearest(plot, at, near) {
  if (near === null || near === undefined) return null;
  const [xs, ys] = [plot.data[0], plot.data[at]];
  const { left, top } = plot.cursor;
  let best = null;
  let least = 24 * 24;
  const look = (place) => {
    const dx = plot.valToPos(xs[place], 'x') - left;
    if (Math.abs(dx) > 24) return false;
    if (ys[place] !== null && ys[place] !== undefined) {
      const far = dx * dx + (plot.valToPos(ys[place], 'y') - top) ** 2;
      if (far < least) [best, least] = [place, far];
    }
    return true;
  };
  for (let place = near; place >= 0 && near - place < 3000 && look(place); place -= 1);
  for (let place = near + 1; place < xs.length && place - near < 3000 && look(place); place += 1);
  return best;
}
