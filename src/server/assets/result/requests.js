// Every request as a point. The server thins out what it sends; a dragged span is asked for again, and shows more.
import { html, Answer, Choice, Dialog, Facts, Section, Table, t, useAsk, useState } from '../ui.js';
import { get, query } from '../api.js';
import { clock, count, significant } from '../format.js';
import { quantity } from '../metrics.js';
import { Scatter } from '../charts/scatter.js';
import { Course } from '../charts/course.js';

const FIELDS = [['ttft_ms', 'TTFT', 'ttft'], ['e2e_ms', 'E2E', 'e2e'], ['max_stall_ms', 'Max stall', 'max_stall']];
const POINTS_MAX = 4000;

export function Requests({ benchmark, result, label }) {
  const [field, setField] = useState('ttft_ms');
  const [span, setSpan] = useState({ label, of: null });
  const [row, setRow] = useState(null);
  const path = `benchmarks/${encodeURIComponent(benchmark.id)}`;
  const kept = benchmark.rows > 0;
  const at = span.label === label ? span.of : null;
  const points = useAsk((signal) => (kept
    ? get(`${path}/points${query({ level: label, from_s: at?.[0].toFixed(4), to_s: at?.[1].toFixed(4), max: POINTS_MAX })}`, signal)
    : Promise.resolve(sampled(result, label, at))), [benchmark.id, label, at?.[0], at?.[1]]);
  const zoom = (from, to) => setSpan({ label, of: from === null ? null : [Math.max(0, from), to] });
  const metric = FIELDS.find(([id]) => id === field)[2];
  return html`<${Section} id="requests" title=${t('requests')}>
    <${Answer} of=${points}>${(found) => (found.total === 0 && !at ? html`<p class="none">${t('requests.none')}</p>` : html`
      <div class="controls"><${Choice} label=${t('metric')} value=${field} choose=${setField} options=${FIELDS.map(([id, words]) => [id, words])} />
        <${Span} span=${at} all=${found} zoom=${zoom} />
        <span class="fine end" role="status">${found.thinned ? t('requests.thinned', { shown: count(found.at_s.length), all: count(found.total) }) : t('requests.all', { n: count(found.total) })}${kept ? '' : ` · ${t('requests.sample')}`}</span></div>
      <${Scatter} label=${t('requests.chart', { level: label })} points=${found} field=${field} metric=${metric} span=${at} zoom=${zoom} open=${(index) => kept && setRow(index)} />
      <p class="fine">${t(kept ? 'requests.how' : 'requests.how.sample')}</p>
      <${Slowest} points=${found} field=${field} metric=${metric} open=${kept ? setRow : null} />`)}</${Answer}>
    ${row !== null && html`<${Row} path=${path} row=${row} close=${() => setRow(null)} />`}
  </${Section}>`;
}

// Without kept rows the result's own sample is drawn.
function sampled(result, label, span) {
  const columns = { level: label, total: 0, thinned: false, row: [], round: [], at_s: [], ttft_ms: [], e2e_ms: [], max_stall_ms: [], prompt_tokens: [], output_tokens: [], outcome: [] };
  const all = result.rounds.flatMap((round) => round.levels.filter((level) => level.label === label).flatMap((level) => (level.points ?? []).map((point) => ({ ...point, round: round.round }))));
  all.sort((left, right) => left.at_s - right.at_s);
  for (const point of all) {
    if (span && (point.at_s < span[0] || point.at_s > span[1])) continue;
    columns.total += 1;
    for (const name of ['round', 'at_s', 'ttft_ms', 'e2e_ms', 'max_stall_ms', 'output_tokens', 'outcome']) columns[name].push(point[name]);
    columns.row.push(columns.total - 1);
  }
  return columns;
}

// The same zoom for hands without a mouse.
function Span({ span, all, zoom }) {
  const end = all.at_s[all.at_s.length - 1] ?? 0;
  const [from, to] = span ?? [0, Math.ceil(end)];
  const set = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [low, high] = [Number(form.get('from')), Number(form.get('to'))];
    if (high > low) zoom(low, high);
  };
  return html`<form class="span" onSubmit=${set} key=${`${from} ${to}`}>
    <label>${t('requests.from')} <input name="from" type="number" step="any" min="0" defaultValue=${from.toFixed(1)} /></label>
    <label>${t('requests.to')} <input name="to" type="number" step="any" min="0" defaultValue=${to.toFixed(1)} /></label>
    <button type="submit">${t('requests.zoom')}</button>
    ${span && html`<button type="button" onClick=${() => zoom(null, null)}>${t('requests.whole')}</button>`}
  </form>`;
}

function Slowest({ points, field, metric, open }) {
  const order = points.outcome.map((_, at) => at).filter((at) => points[field][at] !== null || points.outcome[at] !== 'success');
  const weight = (at) => (points.outcome[at] === 'success' ? points[field][at] : Infinity);
  order.sort((left, right) => (weight(left) === weight(right) ? 0 : weight(right) - weight(left)));
  const rows = order.slice(0, 12);
  return html`<details class="slowest"><summary>${t('requests.slowest')}</summary><${Table} caption=${t('requests.slowest')} rows=${rows} keyOf=${(at) => at} columns=${[
    { head: t('requests.row'), cell: (at) => (open ? html`<button type="button" class="text" onClick=${() => open(points.row[at])}>${points.row[at]}</button>` : points.row[at]) },
    { head: t('chart.time'), num: true, cell: (at) => clock(points.at_s[at]) },
    { head: 'TTFT', num: true, cell: (at) => quantity(points.ttft_ms[at], 'ttft') },
    { head: 'E2E', num: true, cell: (at) => quantity(points.e2e_ms[at], 'e2e') },
    { head: 'Max stall', num: true, cell: (at) => quantity(points.max_stall_ms[at], 'max_stall') },
    { head: t('requests.tokens'), num: true, cell: (at) => count(points.output_tokens[at]) },
    { head: t('requests.outcome'), cell: (at) => points.outcome[at] },
  ]} /></details>`;
}

// All that is known of one request, with its chunks in time.
function Row({ path, row, close }) {
  const found = useAsk((signal) => get(`${path}/requests/${row}`, signal), [row]);
  return html`<${Dialog} title=${t('requests.one', { n: row })} close=${close}><${Answer} of=${found}>${(one) => html`
    <${Facts} facts=${[
      [t('requests.outcome'), one.outcome], [t('requests.status'), one.status], [t('requests.detail'), one.detail], [t('level'), one.level], [t('round'), one.round], [t('requests.index'), one.index],
      ['TTFT', quantity(one.ttft_ms, 'ttft')], ['E2E', quantity(one.e2e_ms, 'e2e')],
      [t('requests.lag'), one.due_ms === null || one.sent_ms === null ? null : quantity(one.sent_ms - one.due_ms, 'ttft')],
      [t('requests.prompt'), one.tokens.prompt === null ? count(one.tokens.prompt_asked) : count(one.tokens.prompt)], [t('requests.cached'), one.tokens.cached === null ? null : count(one.tokens.cached)],
      [t('requests.tokens'), `${count(one.tokens.output)}${one.tokens.output_asked ? ` / ${count(one.tokens.output_asked)}` : ''} (${one.tokens.source})`], [t('requests.finish'), one.finish_reason],
      ...Object.entries(one.server_ms ?? {}).map(([name, value]) => [`${t('result.server')}: ${name}`, value === null ? null : quantity(value, 'ttft')]),
    ]} />
    ${one.chunk_ms.length > 2 && html`<${Gaps} chunks=${one.chunk_ms} />`}`}</${Answer}></${Dialog}>`;
}

function Gaps({ chunks }) {
  const at = chunks.slice(1).map((value) => value / 1000);
  const gaps = chunks.slice(1).map((value, place) => value - chunks[place]);
  return html`<${Course} title=${t('requests.gaps')} unit="ms" at=${at} lines=${[{ label: t('requests.gaps'), values: gaps, value: (value) => `${significant(value)} ms` }]} />`;
}
