// Workloads over the nights: which there are, and each one's numbers with changes, alarms and the promoted session.
import { html, Answer, Section, Shape, Table, t, Trouble, useAsk, useMemo, useState } from '../ui.js';
import { get, post, query } from '../api.js';
import { ago, change, instant, short } from '../format.js';
import { title } from '../metrics.js';
import { Trend } from '../charts/trend.js';

const path = (name) => `#/history/${encodeURIComponent(name)}`;

export function History() {
  const index = useAsk((signal) => get('history', signal), []);
  const [text, setText] = useState('');
  return html`<div class="head"><h1>${t('nav.history')}</h1></div>
    <${Answer} of=${index}>${({ items }) => {
      const shown = items.filter((item) => `${item.name} ${item.key.workload} ${item.key.model} ${item.key.hardware}`.toLowerCase().includes(text.toLowerCase()));
      return items.length === 0
        ? html`<div class="empty"><h2>${t('history.empty')}</h2><p>${t('history.empty.try')}</p></div>`
        : html`<form class="filter" role="search" onSubmit=${(event) => event.preventDefault()}><input type="search" data-filter aria-label=${t('history.filter')} placeholder=${t('history.filter')} value=${text} onInput=${(event) => setText(event.currentTarget.value)} /></form>
          <${Table} caption=${t('nav.history')} rows=${shown} keyOf=${(item) => `${item.source} ${item.name}`} columns=${[
            { head: t('setup.workload'), cell: (item) => html`<a href=${path(item.name)}>${item.key.workload}</a>` },
            { head: t('model'), cell: (item) => item.key.model },
            { head: t('hardware'), cell: (item) => item.key.hardware },
            { head: t('history.source'), cell: (item) => t(`source.${item.source}`) },
            { head: t('history.sessions'), num: true, cell: (item) => item.sessions },
            { head: t('history.newest'), num: true, cell: (item) => html`<span title=${instant(item.newest)}>${ago(item.newest)}</span>` },
          ]} />`;
    }}</${Answer}>`;
}

export function Workload({ args: [name] }) {
  const found = useAsk(async (signal) => {
    const [history, index] = await Promise.all([get(`history${query({ name })}`, signal), get('history', signal)]);
    const entry = index.items.find((item) => item.name === name) ?? null;
    const stored = entry?.source === 'baseline' ? await get(`baselines/${encodeURIComponent(name)}`, signal).catch(() => null) : null;
    return { history, entry, promoted: stored?.promoted ?? null };
  }, [name]);
  return html`<div class="head run"><div><p class="crumb"><a href="#/history">${t('nav.history')}</a></p><h1>${found.data?.history.key.workload ?? name}</h1>
    ${found.data && html`<p class="meta">${found.data.history.key.model} · ${found.data.history.key.hardware} · ${t('history.nights', { n: found.data.history.nights.length })}</p>`}</div></div>
    <${Answer} of=${found}>${(all) => html`<${One} name=${name} ...${all} again=${found.again} />`}</${Answer}>`;
}

function One({ name, history, entry, promoted, again }) {
  const levels = useMemo(() => [...new Set(history.trends.map((trend) => trend.level))], [history]);
  const [level, setLevel] = useState(levels[0]);
  const trends = history.trends.filter((trend) => trend.level === level && trend.values.some((value) => value !== null));
  const events = history.trends.flatMap((trend) => [
    ...(trend.alarm ? [{ trend, kind: 'alarm', at: trend.alarm.since, of: trend.alarm.change, worse: true }] : []),
    ...trend.changes.map((one) => ({ trend, kind: 'change', at: one.first, of: one.change, worse: one.is_worse, between: [one.earliest, one.latest] })),
  ]).sort((left, right) => (left.kind === right.kind ? right.at - left.at : left.kind === 'alarm' ? -1 : 1));
  const pick = levels.length > 1 && html`<label class="pick-level">${t('level')} <select value=${level} onChange=${(event) => setLevel(event.currentTarget.value)}>${levels.map((one) => html`<option key=${one} value=${one} selected=${one === level}>${one}</option>`)}</select></label>`;
  return html`
    ${events.length > 0 && html`<${Section} id="events" title=${t('history.events')}><ul class="findings">${events.map((event, at) => html`<li key=${at} class=${event.worse ? 'invalid' : 'info'}>
      <span class="severity"><${Shape} name=${event.kind === 'alarm' ? 'warning' : event.worse ? 'fail' : 'pass'} />${t(event.kind === 'alarm' ? 'history.alarm' : event.worse ? 'history.worse' : 'history.better')}</span>
      <div><p>${title(event.trend.metric)} · ${event.trend.level}: ${change(event.of, event.trend.absolute)} ${t('history.since', { night: instant(history.nights[event.at].created).slice(0, 10) })}${history.nights[event.at].commit ? html` <code>${short(history.nights[event.at].commit)}</code>` : ''}</p>
        ${event.between && event.between[0] !== event.between[1] && html`<p class="hint">${t('history.between', { from: instant(history.nights[event.between[0]].created).slice(0, 10), to: instant(history.nights[event.between[1]].created).slice(0, 10) })}</p>`}</div></li>`)}</ul></${Section}>`}
    <${Section} id="trends" title=${t('history.trends')} aside=${pick}>
      <p class="fine">${t('history.legend')}</p>
      <div class="charts two">${trends.map((trend) => html`<div key=${`${trend.metric} ${trend.level}`}><${Trend} trend=${trend} nights=${history.nights} promoted=${promoted} />
        ${trend.needed > 0 && html`<p class="fine">${t('history.needed', { n: trend.needed })}</p>`}</div>`)}</div>
      ${trends.length === 0 && html`<p class="none">${t('chart.none')}</p>`}
    </${Section}>
    <${Sessions} name=${name} history=${history} entry=${entry} promoted=${promoted} again=${again} />`;
}

function Sessions({ name, history, entry, promoted, again }) {
  const [problem, setProblem] = useState(null);
  const stored = entry?.source === 'baseline';
  const promote = async (session) => {
    try {
      await post(`baselines/${encodeURIComponent(name)}/promote`, { session });
      setProblem(null);
      again();
    } catch (caught) {
      setProblem(caught);
    }
  };
  return html`<${Section} id="sessions" title=${t('history.sessions')} aside=${stored && promoted && html`<button type="button" class="quiet" onClick=${() => promote(null)}>${t('history.promote.none')}</button>`}>
    ${problem && html`<${Trouble} problem=${problem} />`}
    ${stored && html`<p class="fine">${t('history.promote.words')}</p>`}
    <${Table} caption=${t('history.nights', { n: history.nights.length })} rows=${[...history.nights].reverse()} keyOf=${(night) => night.id} rowClass=${(night) => (night.id === promoted ? 'chosen' : '')} columns=${[
      { head: t('trend.night'), cell: (night) => instant(night.created) },
      { head: t('keep.session'), cell: (night) => (stored ? night.id : html`<a href="#/run/${night.id}">${night.id}</a>`) },
      { head: t('commit'), cell: (night) => (night.commit ? html`<code>${short(night.commit)}</code>` : '–') },
      ...(stored ? [{ head: t('history.promoted'), cell: (night) => (night.id === promoted ? html`<span class="standing good"><${Shape} name="pass" />${t('history.promoted')}</span>` : html`<button type="button" class="text" onClick=${() => promote(night.id)} aria-label=${t('history.promote.one', { session: night.id })}>${t('history.promote')}</button>`) }] : []),
    ]} />
  </${Section}>`;
}
