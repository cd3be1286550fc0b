// The result of one benchmark, top to bottom: the answer, what to doubt, the numbers, their course, and what they rest on.
import { html, Facts, Fold, Section, Shape, t, useAsk, useState } from '../ui.js';
import { get } from '../api.js';
import { VerdictSection } from './verdict.js';
import { Figures, Levels } from './levels.js';
import { Latency } from './latency.js';
import { Over } from './over.js';
import { Requests } from './requests.js';
import { Goodput, ServerSide } from './server.js';
import { Setup } from './setup.js';
import { Actions, Analysis } from './actions.js';

export function Result({ benchmark, result, params, viewer }) {
  const labels = result.levels.map((level) => level.label);
  const asked = params.get('level');
  const [label, setLabel] = useState(labels.includes(asked) ? asked : labels[labels.length - 1]);
  const charts = useAsk((signal) => get(`benchmarks/${encodeURIComponent(benchmark.id)}/charts`, signal), [benchmark.id]);
  const analysis = useState(null);
  const level = result.levels.find((one) => one.label === label);
  if (!level) return html`<p class="none pad">${t('run.no.result')}</p>`;
  const server = result.levels.some((one) => one.observed);
  const parts = [result.verdict && 'verdict', result.findings.length > 0 && 'findings', 'levels', 'latency', 'over', 'requests', server && 'server', 'setup'].filter(Boolean);
  return html`
    <div class="toolbar"><${Actions} benchmark=${benchmark} result=${result} analysis=${analysis} />
      <nav class="jump" aria-label=${t('result.parts')}>${parts.map((part) => html`<button type="button" class="quiet" key=${part} onClick=${() => jump(part)}>${t(`part.${part}`)}</button>`)}</nav>
      ${labels.length > 1 && html`<${Pick} labels=${labels} label=${label} choose=${setLabel} />`}</div>
    <${Analysis} id=${benchmark.id} analysis=${analysis} viewer=${viewer} />
    ${result.verdict && html`<${VerdictSection} verdict=${result.verdict} />`}
    ${result.search && html`<${Search} search=${result.search} />`}
    ${result.findings.length > 0 && html`<${Findings} findings=${result.findings} />`}
    <${Section} id="levels" title=${t('result.numbers')} >
      <${Figures} level=${level} />
      <${Levels} levels=${result.levels} label=${label} choose=${setLabel} />
    </${Section}>
    <${Latency} charts=${charts} levels=${result.levels} />
    <${Over} result=${result} label=${label} />
    <${Requests} benchmark=${benchmark} result=${result} label=${label} />
    <${Goodput} levels=${result.levels} />
    <${ServerSide} levels=${result.levels} label=${label} />
    <${Setup} benchmark=${benchmark} result=${result} />`;
}

// To a part of the page; the focus goes there, too, for who does not see it scroll.
function jump(part) {
  const heading = document.getElementById(`${part}-title`);
  heading?.closest('section').scrollIntoView({ behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
  heading?.setAttribute('tabindex', '-1');
  heading?.focus({ preventScroll: true });
}

// A level is chosen once and holds for every section below.
export function Pick({ labels, label, choose }) {
  return html`<label class="pick-level">${t('level')} <select value=${label} onChange=${(event) => choose(event.currentTarget.value)}>
    ${labels.map((one) => html`<option key=${one} value=${one} selected=${one === label}>${one}</option>`)}</select></label>`;
}

const ORDER = ['invalid', 'doubtful', 'warning', 'info'];

// Findings of one kind at several levels are one line with all its places.
function Findings({ findings }) {
  const kinds = new Map();
  for (const one of findings) {
    const key = `${one.severity}\n${one.code}\n${one.message}\n${one.hint}`;
    const place = [one.level, one.round ? t('round.n', { n: one.round }) : null].filter(Boolean).join(', ');
    kinds.set(key, { ...one, places: [...(kinds.get(key)?.places ?? []), ...(place ? [place] : [])] });
  }
  const all = [...kinds.values()].sort((left, right) => ORDER.indexOf(left.severity) - ORDER.indexOf(right.severity));
  return html`<${Section} id="findings" title=${t('findings')}><ul class="findings">${all.map((one) => html`<li class=${one.severity} key=${one.code + one.message}>
    <span class="severity"><${Shape} name=${one.severity === 'info' ? 'info' : 'warning'} />${t(`severity.${one.severity}`)}</span>
    <div><p>${one.message}${one.places.length > 0 && html` <span class="fine">${one.places.join(' · ')}</span>`}</p>${one.hint && html`<p class="hint">${one.hint}</p>`}</div></li>`)}</ul></${Section}>`;
}

function Search({ search }) {
  const { answer } = search;
  const unit = search.goal === 'rate' ? 'req/s' : t('search.clients');
  return html`<${Section} id="search" title=${t('search')}>
    <p class="headline">${answer.value === null ? t(`search.${answer.outcome}`) : t(`search.${answer.outcome}.n`, { value: answer.value, unit, above: answer.above ?? '–' })}</p>
    <${Facts} facts=${[[t('search.attainment'), `${search.attainment * 100}%`], [t('search.confidence'), `${search.confidence * 100}%`], [t('search.stopped'), search.stopped]]} />
    <${Fold} title=${t('search.steps', { n: search.levels.length })}><ul class="classes">${search.levels.map((level) => html`<li key=${level.label}><span>${level.label}</span><span class="end">${t(`standing.${level.standing}`)} · ${level.good} / ${level.offered} · ${(level.low * 100).toFixed(1)}–${(level.high * 100).toFixed(1)}%</span></li>`)}</ul></${Fold}>
  </${Section}>`;
}
