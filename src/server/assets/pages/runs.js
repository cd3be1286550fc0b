// Every benchmark: what runs and waits on top, what is over below, to look for, to sort and to compare.
import { html, useEffect, useState, Answer, Shape, State, t, useAsk, useEvery, Verdict } from '../ui.js';
import { get, query } from '../api.js';
import { ago, clock, instant, seconds } from '../format.js';
import { quantity, title } from '../metrics.js';
import { Spark } from '../charts/spark.js';

const SHOWN = ['ttft_p95', 'tpot_p50', 'output_throughput', 'error_rate'];
const PAGE = 50;
const FILTERS = ['text', 'state', 'verdict', 'sort', 'order'];

export function Runs({ params }) {
  const wanted = Object.fromEntries(FILTERS.map((name) => [name, params.get(name) ?? '']));
  const [pages, setPages] = useState(['']);
  const [chosen, setChosen] = useState([]);
  const set = (values) => {
    setPages(['']);
    const after = new URLSearchParams(query({ ...wanted, ...values }));
    history.replaceState(null, '', `#/${after.size ? `?${after}` : ''}`);
    dispatchEvent(new HashChangeEvent('hashchange'));
  };
  const after = pages[pages.length - 1];
  const list = useAsk((signal) => get(`benchmarks${query({ ...wanted, after, limit: PAGE })}`, signal), [params.toString(), after]);
  const live = useAsk(async (signal) => {
    const [running, queued] = await Promise.all(['running', 'queued'].map((state) => get(`benchmarks${query({ state, sort: 'created', order: 'asc', limit: 20 })}`, signal)));
    return [...running.items, ...queued.items];
  }, []);
  const busy = (live.data?.length ?? 0) > 0;
  const watched = live.data?.map((one) => `${one.id} ${one.state}`).join(' ') ?? '';
  useEvery(busy ? 2 : 10, live.again);
  useEffect(() => { if (watched !== '' || list.data) list.again(); }, [watched]);
  const toggle = (id) => setChosen((before) => (before.includes(id) ? before.filter((one) => one !== id) : [...before, id]));
  const filtered = wanted.text || wanted.state || wanted.verdict;
  return html`
    <div class="head"><h1>${t('nav.runs')}</h1><a class="button primary" href="#/new">${t('nav.new')}</a></div>
    ${busy && html`<${Under} items=${live.data} />`}
    <${Filter} wanted=${wanted} set=${set} total=${list.data?.total} />
    <${Answer} of=${list}>${(page) => page.items.length === 0 && !filtered && !busy
      ? html`<${Empty} />`
      : html`<${List} items=${page.items} wanted=${wanted} set=${set} chosen=${chosen} toggle=${toggle} />
        ${page.items.length === 0 && html`<p class="none pad">${t('runs.nothing')}</p>`}
        <nav class="paging" aria-label=${t('paging')}>
          ${pages.length > 1 && html`<button type="button" onClick=${() => setPages(pages.slice(0, -1))}>${t('paging.before')}</button>`}
          ${page.next && html`<button type="button" onClick=${() => setPages([...pages, page.next])}>${t('paging.next')}</button>`}
        </nav>`}
    </${Answer}>
    ${chosen.length > 0 && html`<${Tray} chosen=${chosen} clear=${() => setChosen([])} />`}`;
}

function Empty() {
  return html`<div class="empty"><h2>${t('runs.empty')}</h2><p>${t('runs.empty.try')}</p>
    <p><a class="button primary" href="#/new?server=sim:&rate=2,4,8&num-prompts=60">${t('runs.empty.sim')}</a></p>
    <p class="fine">${t('runs.empty.upload')} <code>llm-loadtest run --server … --serve-to ${location.origin}</code></p></div>`;
}

// What is measured now and what waits.
function Under({ items }) {
  return html`<ul class="under" aria-label=${t('runs.under')}>${items.map((one) => html`<li key=${one.id}>
    <${State} state=${one.state} /><a href="#/run/${one.id}">${one.title}</a>
    <span class="fine">${one.target}${one.model ? ` · ${one.model}` : ''}</span>
    <span class="fine end">${one.state === 'queued' ? one.ahead ? t('runs.ahead', { n: one.ahead }) : t('runs.next') : clock(seconds(one.started, new Date().toISOString()))}</span>
  </li>`)}</ul>`;
}

function Filter({ wanted, set, total }) {
  const [text, setText] = useState(wanted.text);
  useEffect(() => {
    const timer = setTimeout(() => text !== wanted.text && set({ text }), 250);
    return () => clearTimeout(timer);
  }, [text]);
  const select = (name, ids, prefix) => html`<select aria-label=${t(`runs.${name}`)} value=${wanted[name]} onChange=${(event) => set({ [name]: event.currentTarget.value })}>
    <option value="">${t(`runs.${name}.all`)}</option>${ids.map((id) => html`<option key=${id} value=${id} selected=${wanted[name] === id}>${t(`${prefix}.${id}`)}</option>`)}</select>`;
  return html`<form class="filter" role="search" onSubmit=${(event) => event.preventDefault()}>
    <input type="search" data-filter placeholder=${t('runs.filter')} aria-label=${t('runs.filter')} value=${text} onInput=${(event) => setText(event.currentTarget.value)} />
    ${select('state', ['finished', 'failed', 'cancelled', 'interrupted', 'running', 'queued'], 'state')}
    ${select('verdict', ['pass', 'fail', 'inconclusive', 'invalid'], 'verdict')}
    <span class="fine end" role="status">${total === undefined ? '' : t('runs.total', { n: total })}</span>
  </form>`;
}

function Head({ id, wanted, set, words, num }) {
  const sorted = (wanted.sort || 'created') === id;
  const order = wanted.order || 'desc';
  const flip = () => set({ sort: id, order: sorted && order === 'desc' ? 'asc' : sorted || id === 'created' ? 'desc' : 'asc' });
  return html`<th scope="col" class=${num ? 'num' : ''} aria-sort=${sorted ? (order === 'asc' ? 'ascending' : 'descending') : undefined}>
    <button type="button" class="sort" onClick=${flip}>${words}<span aria-hidden="true">${sorted ? (order === 'asc' ? ' ↑' : ' ↓') : ''}</span></button></th>`;
}

function List({ items, wanted, set, chosen, toggle }) {
  const head = { wanted, set };
  return html`<div class="scroll" tabindex="0" role="group" aria-label=${t('nav.runs')}><table class="runs full">
    <caption class="sr">${t('nav.runs')}</caption>
    <thead><tr><th scope="col"><span class="sr">${t('compare')}</span></th>
      <${Head} ...${head} id="title" words=${t('runs.title')} />
      <${Head} ...${head} id="verdict" words=${t('runs.result')} />
      <${Head} ...${head} id="model" words=${t('model')} />
      ${SHOWN.map((key) => html`<th scope="col" class="num" key=${key}>${title(key)}</th>`)}
      <th scope="col">${t('runs.spark')}</th>
      <${Head} ...${head} id="created" words=${t('runs.when')} num />
      <th scope="col" class="num">${t('runs.took')}</th></tr></thead>
    <tbody>${items.map((one) => html`<${Row} key=${one.id} one=${one} chosen=${chosen.includes(one.id)} toggle=${toggle} />`)}</tbody>
  </table></div>`;
}

function Row({ one, chosen, toggle }) {
  const levels = one.brief?.levels ?? [];
  const last = levels[levels.length - 1];
  const doubts = (one.brief?.findings.invalid ?? 0) + (one.brief?.findings.doubtful ?? 0) + (one.brief?.findings.warning ?? 0);
  return html`<tr data-row class=${chosen ? 'chosen' : ''}>
    <td class="pick"><input type="checkbox" aria-label=${t('runs.pick', { title: one.title })} checked=${chosen} disabled=${!one.brief} onChange=${() => toggle(one.id)} /></td>
    <th scope="row"><a href="#/run/${one.id}">${one.title}</a><span class="sub" title=${one.target}>${one.target}${one.hardware && one.hardware !== one.target ? ` · ${one.hardware}` : ''}</span></th>
    <td>${one.verdict ? html`<${Verdict} decision=${one.verdict} />` : html`<${State} state=${one.state} />`}
      ${doubts > 0 && html`<span class="sub warn"><${Shape} name="warning" />${t('runs.doubts', { n: doubts })}</span>`}
      ${one.partial && html`<span class="sub">${t('partial')}</span>`}</td>
    <td class="model">${one.model ?? '–'}</td>
    ${SHOWN.map((key, at) => html`<td class="num" key=${key}>${quantity(last?.values[key], key)}${at === 0 && last && html`<span class="sub">${levels.length > 1 ? t('runs.levels', { label: last.label, n: levels.length }) : last.label}</span>`}</td>`)}
    <td>${html`<${Spark} values=${last?.spark} label=${t('runs.spark.of', { title: one.title })} />`}</td>
    <td class="num" title=${instant(one.created)}>${ago(one.created)}</td>
    <td class="num">${clock(seconds(one.started, one.ended))}</td>
  </tr>`;
}

function Tray({ chosen, clear }) {
  const [baseline, ...others] = chosen;
  return html`<div class="tray" role="region" aria-label=${t('compare')}>
    <span>${t('runs.chosen', { n: chosen.length })}</span>
    <span class="fine">${others.length ? t('runs.chosen.first') : t('runs.chosen.more')}</span>
    <span class="end"><button type="button" class="quiet" onClick=${clear}>${t('runs.clear')}</button>
    ${others.length > 0 && html`<a class="button primary" href="#/compare?baseline=${baseline}&with=${others.join(',')}">${t('compare')}</a>`}</span>
  </div>`;
}
