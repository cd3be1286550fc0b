// Goodput by objective, and what the server, its log and its GPUs said beside what the client measured.
import { html, Section, t, Table } from '../ui.js';
import { bytes, count, percent, significant } from '../format.js';
import { quantity, title } from '../metrics.js';

export function Goodput({ levels }) {
  const rows = levels.filter((level) => level.goodput).flatMap((level) => level.goodput.objectives.map((objective) => ({ level, objective })));
  if (rows.length === 0) return null;
  return html`<${Section} id="goodput" title=${t('result.goodput')}><${Table} caption=${t('objective.head')} rows=${rows} columns=${[
    { head: t('level'), cell: ({ level }) => level.label },
    { head: t('objective.head'), cell: ({ objective }) => `${title(objective.slo.metric)} ≤ ${objective.slo.limit_ms} ms` },
    { head: t('goodput.met'), num: true, cell: ({ level, objective }) => html`<meter min="0" max="1" value=${objective.met / (level.offered || 1)} aria-hidden="true"></meter> ${percent(objective.met / (level.offered || 1))}` },
    { head: t('goodput.count'), num: true, cell: ({ level, objective }) => `${count(objective.met)} / ${count(level.offered)}` },
    { head: t('goodput.unknown'), num: true, cell: ({ objective }) => count(objective.not_evaluated) },
    { head: t('goodput.every'), num: true, cell: ({ level }) => percent(level.goodput.ratio) },
  ]} /></${Section}>`;
}

const BOTH = [['ttft', 'ttft'], ['itl', 'itl'], ['tpot', 'tpot'], ['e2e', 'e2e']];
const mean = (buckets) => (buckets && buckets.count > 0 ? (buckets.sum_s / buckets.count) * 1000 : null);

export function ServerSide({ levels, label }) {
  const engines = levels.filter((level) => level.observed?.engine);
  const gpus = levels.flatMap((level) => (level.observed?.gpus ?? []).map((gpu) => ({ level, gpu })));
  const logs = levels.filter((level) => level.observed?.log);
  const notes = [...new Set(levels.flatMap((level) => level.observed?.notes ?? []))];
  if (engines.length + gpus.length + logs.length + notes.length === 0) return null;
  return html`<${Section} id="server" title=${t('result.server')}>
    ${engines.length > 0 && html`<${Sides} level=${engines.find((level) => level.label === label)} /><${Engine} levels=${engines} />`}
    ${logs.length > 0 && html`<${Log} levels=${logs} />`}
    ${gpus.length > 0 && html`<${Gpus} rows=${gpus} />`}
    ${notes.map((note) => html`<p class="fine" key=${note}>${note}</p>`)}
  </${Section}>`;
}

// Both sides' means of one latency; the difference is network, queue in front, and our own reading.
function Sides({ level }) {
  const rows = (level ? [level] : []).flatMap(() => BOTH.map(([ours, theirs]) => ({ metric: ours, client: level.metrics[ours]?.mean ?? null, server: mean(level.observed.engine[theirs]) }))).filter((row) => row.server !== null && row.client !== null);
  if (rows.length === 0) return null;
  return html`<h3>${t('sides')} <span class="fine">${level.label}</span></h3><${Table} caption=${t('sides')} rows=${rows} keyOf=${(row) => row.metric} columns=${[
    { head: t('metric'), cell: (row) => `${title(row.metric)} ${t('mean')}` },
    { head: t('sides.client'), num: true, cell: (row) => quantity(row.client, row.metric) },
    { head: t('sides.server'), num: true, cell: (row) => quantity(row.server, row.metric) },
    { head: t('sides.difference'), num: true, cell: (row) => quantity(row.client - row.server, row.metric) },
  ]} />`;
}

const course = (value, words = significant) => (value ? `${words(value.mean)} · ${t('at.most', { max: words(value.max) })}` : '–');

function Engine({ levels }) {
  const columns = [
    { head: t('level'), cell: (level) => `${level.label} (${level.observed.engine.family})` },
    { head: t('engine.running'), num: true, cell: (level) => course(level.observed.engine.running) },
    { head: t('engine.waiting'), num: true, cell: (level) => course(level.observed.engine.waiting) },
    { head: t('engine.kv'), num: true, cell: (level) => course(level.observed.engine.kv_usage, percent) },
    { head: t('engine.cache'), num: true, cell: ({ observed: { engine } }) => (engine.cache_queries > 0 ? percent(engine.cached_tokens / engine.cache_queries) : '–') },
    { head: t('engine.preempted'), num: true, cell: (level) => count(level.observed.engine.preemptions) },
    { head: t('engine.queue'), num: true, cell: (level) => quantity(mean(level.observed.engine.queue), 'ttft') },
    { head: t('engine.prefill'), num: true, cell: (level) => quantity(mean(level.observed.engine.prefill), 'ttft') },
    { head: t('engine.decode'), num: true, cell: (level) => quantity(mean(level.observed.engine.decode), 'ttft') },
  ];
  return html`<h3>${t('engine')}</h3><${Table} caption=${t('engine')} rows=${levels} keyOf=${(level) => level.label} columns=${columns} />`;
}

function Log({ levels }) {
  return html`<h3>${t('log')}</h3><${Table} caption=${t('log')} rows=${levels} keyOf=${(level) => level.label} columns=${[
    { head: t('level'), cell: (level) => `${level.label} (${level.observed.log.source})` },
    { head: t('log.prompt'), num: true, cell: (level) => course(level.observed.log.prompt_throughput) },
    { head: t('log.generation'), num: true, cell: (level) => course(level.observed.log.generation_throughput) },
    { head: t('engine.running'), num: true, cell: (level) => course(level.observed.log.running) },
    { head: t('engine.kv'), num: true, cell: (level) => course(level.observed.log.kv_usage, percent) },
  ]} />`;
}

function Gpus({ rows }) {
  return html`<h3>GPU</h3><${Table} caption="GPU" rows=${rows} keyOf=${({ level, gpu }) => `${level.label} ${gpu.index}`} columns=${[
    { head: t('level'), cell: ({ level }) => level.label },
    { head: 'GPU', cell: ({ gpu }) => `${gpu.index} · ${gpu.name}` },
    { head: t('gpu.load'), num: true, cell: ({ gpu }) => course(gpu.utilization, percent) },
    { head: t('gpu.memory'), num: true, cell: ({ gpu }) => course(gpu.memory_used_bytes, bytes) },
    { head: t('gpu.power'), num: true, cell: ({ gpu }) => course(gpu.power_w, (value) => `${significant(value)} W`) },
    { head: t('gpu.temperature'), num: true, cell: ({ gpu }) => course(gpu.temperature_c, (value) => `${significant(value)} °C`) },
    { head: t('gpu.energy'), num: true, cell: ({ gpu }) => (gpu.energy ? `${significant(gpu.energy.joules / 1000)} kJ` : '–') },
    { head: t('gpu.throttled'), cell: ({ gpu }) => Object.entries(gpu.throttled ?? {}).filter(([, share]) => share > 0).map(([name, share]) => `${name} ${percent(share)}`).join(', ') || '–' },
  ]} />`;
}
