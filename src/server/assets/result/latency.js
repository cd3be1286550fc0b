// Distributions as curves of quantiles, one a level, and throughput against latency over the levels.
import { html, Answer, Choice, Section, t, useMemo, useState } from '../ui.js';
import { MAIN, title } from '../metrics.js';
import { Quantiles } from '../charts/quantiles.js';
import { Curve } from '../charts/curve.js';

const LATENCY = ['ttft_p95', 'tpot_p50', 'e2e_p95', 'itl_p95'];

export function Latency({ charts, levels }) {
  return html`<${Section} id="latency" title=${t('result.latency')}>
    <div class="charts two">
      <${Answer} of=${charts}>${(found) => html`<${Distributions} groups=${[{ curves: found.levels.map((level) => ({ label: level.label, of: level.distributions })) }]} />`}</${Answer}>
      <${Bend} levels=${levels} />
    </div></${Section}>`;
}

// `groups`: [{ title, curves: [{ label, of: { ttft: distribution, … } }] }], one chart each under the same controls.
export function Distributions({ groups }) {
  const metrics = MAIN.filter((metric) => groups.some((group) => group.curves.some((curve) => curve.of[metric])));
  const [metric, setMetric] = useState(metrics.includes('ttft_from_due') ? 'ttft_from_due' : metrics[0]);
  const [tail, setTail] = useState('linear');
  const drawn = useMemo(() => groups.map((group) => ({ title: group.title, curves: group.curves.map((curve) => ({ label: curve.label, distribution: curve.of[metric] })) })), [groups, metric]);
  if (metrics.length === 0) return html`<p class="none">${t('chart.none')}</p>`;
  return html`<div>
    <div class="controls"><h3>${t('result.distribution')}</h3>
      <select aria-label=${t('metric')} value=${metric} onChange=${(event) => setMetric(event.currentTarget.value)}>${metrics.map((one) => html`<option key=${one} value=${one} selected=${one === metric}>${title(one)}</option>`)}</select>
      <${Choice} label=${t('chart.axis')} value=${tail} choose=${setTail} options=${[['linear', t('chart.linear')], ['tail', t('chart.tail')]]} /></div>
    <div class=${groups.length > 1 ? 'charts two' : ''}>${drawn.map((group) => html`<${Quantiles} key=${group.title} title=${group.title} metric=${`${metric}_p50`} curves=${group.curves} tail=${tail === 'tail'} />`)}</div>
  </div>`;
}

function Bend({ levels }) {
  const [y, setY] = useState('ttft_p95');
  const points = useMemo(() => levels.map((level) => {
    const [metric, stat] = y.split('_p');
    return { label: level.label, x: level.values.output_throughput, y: level.metrics[metric]?.[`p${stat}`] };
  }).filter((point) => point.x > 0 && Number.isFinite(point.y)), [levels, y]);
  if (levels.length < 2) return html`<div><h3>${t('result.curve')}</h3><p class="none">${t('result.curve.one')}</p></div>`;
  return html`<div><div class="controls"><h3>${t('result.curve')}</h3>
    <select aria-label=${t('metric')} value=${y} onChange=${(event) => setY(event.currentTarget.value)}>${LATENCY.map((one) => html`<option key=${one} value=${one} selected=${one === y}>${title(one)}</option>`)}</select></div>
    <${Curve} xKey="output_throughput" yKey=${y} points=${points} /></div>`;
}
