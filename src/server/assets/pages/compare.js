// Results held against one of them: distributions laid over each other, each verdict as the gate words it, differences.
import { html, Answer, Fold, Section, Table, t, useAsk, useMemo, Verdict } from '../ui.js';
import { post } from '../api.js';
import { ago } from '../format.js';
import { quantity, title } from '../metrics.js';
import { Cells } from '../result/verdict.js';
import { Distributions } from '../result/latency.js';

const KEYS = ['ttft_p50', 'ttft_p95', 'tpot_p50', 'tpot_p95', 'itl_p95', 'e2e_p95', 'output_throughput', 'request_throughput', 'goodput', 'error_rate'];

export function Compare({ params }) {
  const baseline = params.get('baseline') ?? '';
  const candidates = (params.get('with') ?? '').split(',').filter(Boolean);
  const answer = useAsk(() => post('benchmarks/compare', { baseline, candidates }), [baseline, candidates.join()]);
  if (!baseline || candidates.length === 0) return html`<div class="empty"><h1>${t('compare')}</h1><p>${t('compare.none')}</p><p><a class="button primary" href="#/">${t('nav.runs')}</a></p></div>`;
  return html`<div class="head run"><div><p class="crumb"><a href="#/">${t('nav.runs')}</a></p><h1>${t('compare')}</h1></div></div>
    <${Answer} of=${answer}>${(found) => html`<${Compared} found=${found} />`}</${Answer}>`;
}

function Compared({ found }) {
  const all = useMemo(() => [{ benchmark: found.baseline, charts: found.charts }, ...found.candidates], [found]);
  const labels = [...new Set(all.flatMap((one) => one.charts.levels.map((level) => level.label)))];
  const shared = labels.filter((label) => all.filter((one) => one.charts.levels.some((level) => level.label === label)).length > 1);
  const names = all.map((one, at) => `${at === 0 ? t('baseline') : all.length > 2 ? `${t('candidate')} ${at}` : t('candidate')}`);
  return html`
    <${Who} all=${all} names=${names} />
    <${Section} id="latency" title=${t('result.latency')}>
      <${Overlays} all=${all} names=${names} shared=${shared} />
    </${Section}>
    ${shared.length > 0 && html`<${Section} id="numbers" title=${t('result.numbers')}><${Numbers} all=${all} names=${names} labels=${shared} /></${Section}>`}
    ${found.candidates.map((one, at) => html`<${Candidate} key=${one.benchmark.id} one=${one} name=${names[at + 1]} at=${at} />`)}`;
}

function Who({ all, names }) {
  const swap = (at) => {
    const ids = all.map((one) => one.benchmark.id);
    return `#/compare?baseline=${ids[at]}&with=${ids.filter((_, place) => place !== at).join(',')}`;
  };
  return html`<${Table} caption=${t('compare.who')} rows=${all.map((one, at) => ({ ...one, at }))} keyOf=${(row) => row.benchmark.id} columns=${[
    { head: t('compare.role'), cell: (row) => names[row.at] },
    { head: t('runs.title'), cell: (row) => html`<a href="#/run/${row.benchmark.id}">${row.benchmark.title}</a>` },
    { head: t('model'), cell: (row) => row.benchmark.model ?? '–' },
    { head: t('hardware'), cell: (row) => row.benchmark.hardware ?? '–' },
    { head: t('runs.when'), cell: (row) => ago(row.benchmark.created) },
    { head: t('runs.result'), cell: (row) => (row.at === 0 ? '–' : row.verdict ? html`<${Verdict} decision=${row.verdict.decision} />` : t('compare.not')) },
    { head: t('baseline'), cell: (row) => (row.at === 0 ? '–' : html`<a href=${swap(row.at)}>${t('compare.swap')}</a>`) },
  ]} />`;
}

// A chart for each level that two results have; where they share none, all their levels in one.
function Overlays({ all, names, shared }) {
  const groups = useMemo(() => {
    const of = (label) => all.map((one, at) => ({ label: names[at], of: one.charts.levels.find((level) => level.label === label)?.distributions })).filter((curve) => curve.of);
    if (shared.length > 0) return shared.map((label) => ({ title: label, curves: of(label) }));
    return [{ curves: all.flatMap((one, at) => one.charts.levels.map((level) => ({ label: `${names[at]} · ${level.label}`, of: level.distributions }))) }];
  }, [all]);
  return html`${shared.length === 0 && html`<p class="fine">${t('compare.apart')}</p>`}<${Distributions} groups=${groups} />`;
}

function Numbers({ all, names, labels }) {
  const rows = labels.flatMap((label) => KEYS.map((key) => ({ label, key, values: all.map((one) => one.benchmark.brief?.levels.find((level) => level.label === label)?.values[key]) }))).filter((row) => row.values.some((value) => value !== undefined));
  const shift = (row, at) => {
    const [from, to] = [row.values[0], row.values[at]];
    if (!Number.isFinite(from) || !Number.isFinite(to) || from === 0 || row.key === 'goodput' || row.key === 'error_rate') return null;
    const points = (to / from - 1) * 100;
    return Math.abs(points) < 0.05 ? '0.0%' : `${points > 0 ? '+' : ''}${points.toFixed(1)}%`;
  };
  return html`<p class="fine">${t('compare.plain')}</p><${Table} caption=${t('levels')} rows=${rows} keyOf=${(row) => `${row.label} ${row.key}`} columns=${[
    { head: t('metric'), cell: (row) => title(row.key) },
    { head: t('level'), cell: (row) => row.label },
    ...all.map((one, at) => ({ head: names[at], num: true, cell: (row) => html`${quantity(row.values[at], row.key)}${at > 0 && shift(row, at) && html`<span class="sub">${shift(row, at)}</span>`}` })),
  ]} />`;
}

function Candidate({ one, name, at }) {
  const { verdict, reasons, findings, differences, benchmark } = one;
  return html`<${Section} id=${`candidate-${at}`} title=${`${name}: ${benchmark.title}`}>
    ${verdict ? html`<p class="headline"><${Verdict} decision=${verdict.decision} /> ${verdict.headline}</p><p class="next">${verdict.next}</p><${Cells} verdict=${verdict} />`
      : html`<p class="headline">${t('compare.not')}</p><ul class="reasons">${reasons.map((reason) => html`<li key=${reason}>${reason}</li>`)}</ul>`}
    ${findings.length > 0 && html`<ul class="reasons">${findings.map((finding, place) => html`<li key=${place}>${finding.message}${finding.hint && html` <span class="fine">${finding.hint}</span>`}</li>`)}</ul>`}
    ${differences.length > 0 && html`<${Fold} title=${t('compare.differences', { n: differences.length })} open=${differences.length <= 6}><${Table} caption=${`${name}: ${t('compare.differences', { n: differences.length })}`} rows=${differences} keyOf=${(row) => row.field} columns=${[
      { head: t('compare.field'), cell: (row) => html`<code>${row.field}</code>` },
      { head: t('baseline'), cell: (row) => row.baseline ?? '–' },
      { head: t('candidate'), cell: (row) => row.candidate ?? '–' },
    ]} /></${Fold}>`}
  </${Section}>`;
}
