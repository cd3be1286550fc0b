// A line of a few dozen values without axes, as a small picture in a table.
import { html } from '../ui.js';

export function Spark({ values, label }) {
  if (!values || values.length < 2) return html`<span class="none">–</span>`;
  const top = Math.max(...values, 1e-9);
  const points = values.map((value, at) => `${((at / (values.length - 1)) * 76 + 2).toFixed(1)},${(18 - (value / top) * 16).toFixed(1)}`);
  return html`<svg class="spark" viewBox="0 0 80 20" role="img" aria-label=${label}><polyline points=${points.join(' ')} /></svg>`;
}
