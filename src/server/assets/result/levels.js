// The levels in numbers: the chosen one as large figures, all of them as a table.
import { html, t } from '../ui.js';
import { count, percent, significant } from '../format.js';
import { quantity, title } from '../metrics.js';

const LATENCIES = [['ttft', ['p50', 'p95', 'p99']], ['tpot', ['p50', 'p95']], ['itl', ['p95']], ['e2e', ['p50', 'p95']]];

// A number with too few samples behind it is marked, as in every report.
function Cell({ level, metric, stat }) {
  const found = level.metrics[metric];
  const thin = found?.thin.includes(stat);
  return html`${thin && html`<span class="thin" title=${t('thin')}>~<span class="sr">${t('thin')}</span></span>`}${quantity(found?.[stat] ?? null, `${metric}_${stat}`)}`;
}

export function Figures({ level }) {
  const open = level.metrics.ttft_from_due !== undefined;
  const ttft = open ? 'ttft_from_due' : 'ttft';
  return html`<dl class="figures">
    <div><dt>${title(`${ttft}_p95`)}</dt><dd><${Cell} level=${level} metric=${ttft} stat="p95" /></dd></div>
    <div><dt>TPOT p50</dt><dd><${Cell} level=${level} metric="tpot" stat="p50" /></dd></div>
    <div><dt>E2E p95</dt><dd><${Cell} level=${level} metric="e2e" stat="p95" /></dd></div>
    <div><dt>${t('result.output')}</dt><dd>${significant(level.values.output_throughput)}<small>tok/s</small></dd></div>
    <div><dt>${t('result.rate')}</dt><dd>${significant(level.values.request_throughput)}<small>req/s</small></dd></div>
    ${level.goodput && html`<div><dt>Goodput</dt><dd>${percent(level.goodput.ratio)}<small>${significant(level.goodput.rate)} req/s</small></dd></div>`}
    <div class=${level.values.error_rate > 0 ? 'bad' : ''}><dt>${t('result.errors')}</dt><dd>${percent(level.values.error_rate)}<small>${t('result.of', { bad: count(level.offered - level.succeeded), all: count(level.offered) })}</small></dd></div>
  </dl>`;
}

export function Levels({ levels, label, choose }) {
  const goodput = levels.some((level) => level.goodput);
  const failures = levels.some((level) => Object.keys(level.failures).length > 0);
  return html`<div class="scroll" tabindex="0" role="group" aria-label=${t('levels')}><table class="full">
    <caption class="sr">${t('levels')}</caption>
    <thead>
      <tr><th scope="col" rowspan="2">${t('level')}</th>${LATENCIES.map(([metric, stats]) => html`<th key=${metric} scope="colgroup" colspan=${stats.length} class="group">${title(metric)}</th>`)}
        <th scope="col" rowspan="2" class="num">tok/s</th><th scope="col" rowspan="2" class="num">req/s</th>
        <th scope="col" rowspan="2" class="num">${t('live.flight')}</th>${goodput && html`<th scope="col" rowspan="2" class="num">Goodput</th>`}
        <th scope="col" rowspan="2" class="num">${t('result.offered')}</th><th scope="col" rowspan="2" class="num">${t('result.errors')}</th></tr>
      <tr>${LATENCIES.flatMap(([metric, stats]) => stats.map((stat) => html`<th key=${metric + stat} scope="col" class="num">${stat}</th>`))}</tr>
    </thead>
    <tbody>${levels.map((level) => html`<tr key=${level.label} class=${level.label === label ? 'chosen' : ''}>
      <th scope="row">${levels.length > 1 ? html`<button type="button" class="text" aria-pressed=${level.label === label ? 'true' : 'false'} onClick=${() => choose(level.label)}>${level.label}</button>` : level.label}</th>
      ${LATENCIES.flatMap(([metric, stats]) => stats.map((stat) => html`<td key=${metric + stat} class="num"><${Cell} level=${level} metric=${metric} stat=${stat} /></td>`))}
      <td class="num">${significant(level.values.output_throughput)}</td><td class="num">${significant(level.values.request_throughput)}</td>
      <td class="num">${significant(level.concurrency.mean)}</td>${goodput && html`<td class="num">${level.goodput ? percent(level.goodput.ratio) : '–'}</td>`}
      <td class="num">${count(level.offered)}</td><td class="num">${percent(level.values.error_rate)}</td></tr>`)}</tbody>
  </table></div>
  ${failures && html`<p class="fine">${levels.filter((level) => Object.keys(level.failures).length > 0).map((level) => `${level.label}: ${Object.entries(level.failures).map(([name, n]) => `${name} ${count(n)}`).join(', ')}`).join(' · ')}</p>`}`;
}
