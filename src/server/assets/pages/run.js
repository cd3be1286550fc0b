// One benchmark: live while it runs, its result when it is over, without a reload between the two.
import { html, useEffect, useState, Answer, Command, Confirm, Shape, State, t, useAsk, Verdict } from '../ui.js';
import { del, get } from '../api.js';
import { clock, instant, seconds, short } from '../format.js';
import { isOver } from '../live.js';
import { Live } from './live.js';
import { Rows } from '../result/actions.js';
import { Result } from '../result/result.js';

export function Run({ args: [id], params, viewer }) {
  const detail = useAsk((signal) => get(`benchmarks/${encodeURIComponent(id)}`, signal), [id]);
  return html`<${Answer} of=${detail}>${({ benchmark, result }) => html`<${One} benchmark=${benchmark} result=${result} again=${detail.again} params=${params} viewer=${viewer} />`}</${Answer}>`;
}

function One({ benchmark, result, again, params, viewer }) {
  const [asked, setAsked] = useState(null);
  const path = `benchmarks/${encodeURIComponent(benchmark.id)}`;
  const over = isOver(benchmark);
  useEffect(() => { document.title = `${over ? '' : '▶ '}${benchmark.title} · llm-loadtest`; }, [benchmark.title, over]);
  return html`
    <${Head} benchmark=${benchmark} ask=${setAsked} />
    ${benchmark.failure && html`<div class="trouble" role="alert"><${Shape} name="warning" /><div><p>${benchmark.failure.message}</p>${benchmark.failure.hint && html`<p class="hint">${benchmark.failure.hint}</p>`}</div></div>`}
    ${over
      ? result ? html`<${Result} benchmark=${benchmark} result=${result} params=${params} viewer=${viewer} />` : html`<p class="none pad">${t('run.no.result')}</p><${Rows} benchmark=${benchmark} />`
      : html`<${Live} key=${benchmark.id} benchmark=${benchmark} ended=${again} />`}
    ${(!over || !result) && html`<${Command} line=${benchmark.command} />`}
    ${asked === 'stop' && html`<${Confirm} title=${t('run.stop')} words=${t(benchmark.state === 'queued' ? 'run.stop.queued' : 'run.stop.words')} act=${t('run.stop')} close=${() => setAsked(null)} go=${async () => { await del(path); again(); }} />`}
    ${asked === 'delete' && html`<${Confirm} title=${t('run.delete')} words=${t('run.delete.words', { title: benchmark.title })} act=${t('run.delete')} close=${() => setAsked(null)} go=${async () => { await del(path); location.hash = '#/'; }} />`}`;
}

function Head({ benchmark, ask }) {
  const { id, title, state, verdict, partial, target, model, hardware, commit, created, started, ended, origin } = benchmark;
  const over = isOver(benchmark);
  return html`<div class="head run">
    <div><p class="crumb"><a href="#/">${t('nav.runs')}</a></p>
      <h1>${title} ${verdict ? html`<${Verdict} decision=${verdict} />` : html`<${State} state=${state} />`}${partial && html`<span class="tag">${t('partial')}</span>`}</h1>
      <p class="meta">${[model, hardware !== target ? hardware : null, target].filter(Boolean).map((one, at) => html`${at > 0 && ' · '}<span>${one}</span>`)}</p>
      <p class="meta fine">${[instant(started ?? created), over && started && ended ? clock(seconds(started, ended)) : null, commit ? `${t('commit')} ${short(commit)}` : null, origin === 'api' ? null : t(`origin.${origin}`)].filter(Boolean).join(' · ')}</p>
    </div>
    <div class="actions">
      <a class="button" href="#/new?from=${id}">${t('run.clone')}</a>
      ${over ? html`<button type="button" class="danger" onClick=${() => ask('delete')}>${t('run.delete')}</button>`
        : html`<button type="button" class="danger" onClick=${() => ask('stop')}>${t('run.stop')}</button>`}
    </div>
  </div>`;
}
