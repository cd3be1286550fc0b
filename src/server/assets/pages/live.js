// A benchmark under way: where it stands, rates and latencies as they come, failures, GPUs and notes.
import { html, useEffect, useMemo, Shape, t, useEvery } from '../ui.js';
import { isOver, useLive } from '../live.js';
import { bytes, clock, count, instant, percent, significant } from '../format.js';
import { quantity } from '../metrics.js';
import { Course } from '../charts/course.js';

export function Live({ benchmark, ended }) {
  const live = useLive(benchmark);
  const over = isOver(live.benchmark);
  useEffect(() => { if (over) ended(); }, [over]);
  // What `state` says of the head of the page (started, model) is asked for again when it changes.
  useEffect(() => { if (live.benchmark.state !== benchmark.state && !over) ended(); }, [live.benchmark.state]);
  // Where no socket gets through, the state is asked for instead.
  useEvery(5, ended, live.link === 'lost' || live.link === 'again');
  const last = live.ticks[live.ticks.length - 1];
  return html`
    ${!over && html`<${Link} link=${live.link} missed=${live.missed} />`}
    ${live.benchmark.state === 'queued' && html`<p class="pad">${live.benchmark.ahead ? t('live.queued', { n: live.benchmark.ahead }) : t('live.next')}</p>`}
    ${live.level && html`<${Progress} level=${live.level} last=${last} />`}
    ${!live.level && live.benchmark.state === 'running' && html`<p class="pad wait" role="status">${t('live.soon')}</p>`}
    ${last && html`<${Figures} last=${last} ticks=${live.ticks} open=${live.level?.open_loop} />`}
    ${last && html`<${Charts} ticks=${live.ticks} open=${live.level?.open_loop} />`}
    ${last && Object.keys(last.failures).length > 0 && html`<${Failures} failures=${last.failures} />`}
    <${Gpus} ticks=${live.ticks} />
    ${live.done.length > 0 && html`<${Done} done=${live.done} />`}
    ${live.notes.length > 0 && html`<section aria-labelledby="notes"><header class="section"><h2 id="notes">${t('live.notes')}</h2></header>
      <ol class="notes">${live.notes.map((note, at) => html`<li key=${at}><time>${instant(note.at).slice(11)}</time><span>${note.text}</span></li>`)}</ol></section>`}`;
}

function Link({ link, missed }) {
  return html`<p class="link ${link}" role="status"><span class="dot" aria-hidden="true"></span>${t(`link.${link}`)}${missed > 0 ? ` · ${t('live.missed', { n: missed })}` : ''}</p>`;
}

// How far a level is: by time where a length was given, by requests otherwise.
function shareOf(level, last) {
  if (!last || last.elapsed_s === null) return 0;
  const answered = last.succeeded + last.failed;
  if (level.duration_s) return Math.min(1, last.elapsed_s / level.duration_s);
  if (level.requests) return Math.min(1, answered / level.requests);
  return 0;
}

function Progress({ level, last }) {
  const at = Math.max(0, level.labels.indexOf(level.label));
  const share = shareOf(level, last);
  const elapsed = last?.elapsed_s ?? null;
  const left = share > 0.02 && elapsed !== null ? (elapsed / share) * (1 - share) : null;
  return html`<section class="progress" aria-label=${t('live.progress')}>
    <ol class="steps">${level.labels.map((label, place) => html`<li key=${label} class=${place === at ? 'now' : place < at ? 'past' : ''} aria-current=${place === at ? 'step' : undefined}>${label}</li>`)}</ol>
    <progress max="1" value=${share} aria-label=${level.label}></progress>
    <p><strong>${level.label}</strong> · ${t('live.level', { at: at + 1, of: level.labels.length || 1 })}${level.rounds > 1 ? ` · ${t('live.round', { at: level.round, of: level.rounds })}` : ''}${level.arm ? ` · ${t(`arm.${level.arm}`)}` : ''}
      <span class="end fine">${elapsed === null ? t('live.warm') : t('live.elapsed', { time: clock(elapsed) })}${left === null ? '' : ` · ${t('live.left', { time: clock(left) })}`}</span></p>
  </section>`;
}

// Rates over the last two seconds: single ticks jump.
function rate(ticks, field) {
  const last = ticks[ticks.length - 1];
  const from = ticks.findLast((tick) => tick.elapsed_s !== null && last.elapsed_s - tick.elapsed_s >= 2) ?? ticks.find((tick) => tick.elapsed_s !== null);
  if (!from || last.elapsed_s === null || last.elapsed_s - from.elapsed_s < 0.2) return null;
  return (last[field] - from[field]) / (last.elapsed_s - from.elapsed_s);
}

function Figures({ last, ticks, open }) {
  const of = (percentiles, name) => (percentiles ? quantity(percentiles[name], 'ttft') : '–');
  return html`<dl class="figures">
    <div><dt>${t('live.tokens')}</dt><dd>${significant(rate(ticks, 'tokens'))}<small>tok/s</small></dd></div>
    <div><dt>${t('live.rate')}</dt><dd>${significant(rate(ticks, 'succeeded'))}<small>req/s</small></dd></div>
    <div><dt>${t(open ? 'live.ttft.due' : 'live.ttft')}</dt><dd>${of(last.ttft_ms, 'p95')}</dd></div>
    <div><dt>ITL p95</dt><dd>${of(last.itl_ms, 'p95')}</dd></div>
    <div><dt>${t('live.flight')}</dt><dd>${count(last.in_flight)}${last.queued > 0 && html`<small>${t('live.waiting', { n: last.queued })}</small>`}</dd></div>
    <div><dt>${t('live.answered')}</dt><dd>${count(last.succeeded)}${last.due !== null && html`<small>${t('live.due', { n: count(last.due) })}</small>`}</dd></div>
    <div class=${last.failed > 0 ? 'bad' : ''}><dt>${t('live.failed')}</dt><dd>${count(last.failed)}</dd></div>
  </dl>`;
}

function Charts({ ticks, open }) {
  const rows = useMemo(() => ticks.filter((tick) => tick.elapsed_s !== null), [ticks]);
  const at = useMemo(() => rows.map((tick) => tick.elapsed_s), [rows]);
  const rates = (field) => rows.map((tick, place) => {
    const before = rows[Math.max(0, place - 4)];
    return tick.elapsed_s - before.elapsed_s > 0.1 ? (tick[field] - before[field]) / (tick.elapsed_s - before.elapsed_s) : null;
  });
  const lines = useMemo(() => ({
    tokens: rates('tokens'),
    sent: rates('sent'),
    done: rates('succeeded'),
    flight: rows.map((tick) => tick.in_flight),
    queued: rows.map((tick) => tick.queued),
    ttft: ['p50', 'p95', 'p99'].map((name) => rows.map((tick) => tick.ttft_ms?.[name] ?? null)),
    itl: ['p50', 'p95', 'p99'].map((name) => rows.map((tick) => tick.itl_ms?.[name] ?? null)),
  }), [rows]);
  if (rows.length < 3) return null;
  const of = (values) => ['p50', 'p95', 'p99'].map((label, place) => ({ label, values: values[place], value: (value) => quantity(value, 'ttft') }));
  return html`<h2 class="sr">${t('part.over')}</h2><div class="charts">
    <div><${Course} group="live" title=${t('live.tokens')} unit="tok/s" at=${at} filled lines=${[{ label: t('live.tokens'), values: lines.tokens, colour: 0 }]} /></div>
    <div><${Course} group="live" title=${t('live.rate')} unit="req/s" at=${at} lines=${[{ label: t('live.answered'), values: lines.done, colour: 2 }, { label: t('live.sent'), values: lines.sent, colour: 0 }]} /></div>
    <div><${Course} group="live" title=${t(open ? 'live.ttft.due.all' : 'live.ttft.all')} unit="ms" at=${at} lines=${of(lines.ttft)} /></div>
    <div><${Course} group="live" title=${t('live.itl.all')} unit="ms" at=${at} lines=${of(lines.itl)} /></div>
    <div><${Course} group="live" title=${t('live.flight')} at=${at} lines=${[{ label: t('live.flight'), values: lines.flight, colour: 0 }, { label: t('live.queue'), values: lines.queued, colour: 1 }]} /></div>
  </div>`;
}

function Failures({ failures }) {
  const rows = Object.entries(failures).sort((left, right) => right[1] - left[1]);
  return html`<section aria-labelledby="failures"><header class="section"><h2 id="failures">${t('live.failures')}</h2></header>
    <ul class="classes">${rows.map(([name, n]) => html`<li key=${name}><${Shape} name="failed" /><code>${name}</code><span class="end">${count(n)}</span></li>`)}</ul></section>`;
}

function Gpus({ ticks }) {
  const gpus = ticks.findLast((tick) => tick.gpus?.length)?.gpus ?? [];
  if (gpus.length === 0) return null;
  return html`<section aria-labelledby="gpus"><header class="section"><h2 id="gpus">GPU</h2></header>
    <ul class="gpus">${gpus.map((gpu) => html`<li key=${gpu.index}><span>${gpu.index} · ${gpu.name}</span>
      <meter min="0" max="1" value=${gpu.utilization ?? 0} aria-label=${t('gpu.load')}></meter>
      <span>${percent(gpu.utilization)}</span><span>${bytes(gpu.memory_used_bytes)} / ${bytes(gpu.memory_total_bytes)}</span>
      <span>${significant(gpu.power_w)} W</span><span>${significant(gpu.temperature_c)} °C</span></li>`)}</ul></section>`;
}

function Done({ done }) {
  return html`<section aria-labelledby="done"><header class="section"><h2 id="done">${t('live.done')}</h2></header>
    <ul class="classes">${done.map(({ level, last }, at) => html`<li key=${at}><span>${level?.label ?? ''}${level && level.rounds > 1 ? ` · ${t('live.round', { at: level.round, of: level.rounds })}` : ''}</span>
      <span class="end">${t('live.done.row', { ok: count(last.succeeded), bad: count(last.failed), ttft: quantity(last.ttft_ms?.p95, 'ttft') })}</span></li>`)}</ul></section>`;
}
