// The form that starts a benchmark, with the line of a shell that does the same.
import { html, useEffect, useMemo, useRef, useState, Answer, Choice, Command, t, tOr, Trouble, useAsk } from '../ui.js';
import { get, post, query } from '../api.js';
import { askOf, settingsOf } from '../shell.js';

const LOADS = ['rate', 'concurrency', 'find-max-rate', 'find-max-concurrency'];
const LENGTHS = ['num-prompts', 'duration'];
const MAIN = ['server', 'model', 'api', 'input-len', 'output-len', 'goodput', ...LOADS, ...LENGTHS];

export function New({ params, viewer }) {
  const from = params.get('from');
  const ready = useAsk(async (signal) => {
    const [settings, old] = await Promise.all([get('settings', signal), from ? get(`benchmarks/${encodeURIComponent(from)}?result=false`, signal) : null]);
    return { rows: settings.settings, old: old?.benchmark ?? null };
  }, [from]);
  return html`<div class="head"><h1>${t('nav.new')}</h1></div>
    <${Answer} of=${ready}>${({ rows, old }) => html`<${Form} rows=${rows} start=${initial(rows, old, params)} viewer=${viewer} />`}</${Answer}>`;
}

function initial(rows, old, params) {
  if (old) return { title: old.title, commit: '', ...settingsOf(old.command, rows) };
  const asked = [...params].filter(([key]) => rows.some((row) => row.key === key));
  const settings = { server: '', rate: '', 'num-prompts': '', ...Object.fromEntries(asked) };
  return { purpose: params.get('purpose') === 'gate' ? 'gate' : 'run', title: '', commit: '', settings };
}

function Form({ rows, start, viewer }) {
  const [form, setForm] = useState(start);
  const [load, setLoad] = useState(() => LOADS.findLast((key) => start.settings[key]) ?? 'rate');
  const [length, setLength] = useState(() => (start.settings.duration ? 'duration' : 'num-prompts'));
  const [sent, setSent] = useState({ busy: false, problem: null });
  const ask = useMemo(() => askOf(form, rows), [form, rows]);
  const check = useCheck(ask);
  const problem = sent.problem ?? check.problem;
  const row = (key) => rows.find((one) => one.key === key);
  const set = (key, value) => {
    setSent({ busy: false, problem: null });
    setForm((before) => ({ ...before, settings: { ...before.settings, [key]: value } }));
  };
  const swap = (keys, key) => setForm((before) => {
    const settings = { ...before.settings };
    // Rate and concurrency also say where their search begins, so both go when the kind of load changes.
    for (const other of keys) delete settings[other];
    if (key.startsWith('find-')) settings[key] = 'true';
    return { ...before, settings };
  });
  const send = async (event) => {
    event.preventDefault();
    setSent({ busy: true, problem: null });
    try {
      location.hash = `#/run/${(await post('benchmarks', ask)).id}`;
    } catch (caught) {
      setSent({ busy: false, problem: caught });
      requestAnimationFrame(() => document.querySelector('[aria-invalid=true]')?.focus());
    }
  };
  const field = (key, more) => html`<${Field} row=${row(key)} label=${t(`new.${key}`)} value=${form.settings[key] ?? ''} set=${(value) => set(key, value)} problem=${problem} ...${more} />`;
  const more = Object.keys(form.settings).filter((key) => !MAIN.includes(key) && row(key));
  return html`<form class="new" onSubmit=${send}>
    <div class="fields">
      <fieldset><legend>${t('new.what')}</legend>
        ${field('server', { list: ['sim:', 'sim:h100-8b', ...(viewer?.targets ?? []).filter((target) => /^[\w.:-]+$/.test(target) && target !== 'sim:')], required: true, focus: true })}
        <${Models} server=${form.settings.server} field=${field} />
        ${row('api') && field('api')}
        <${Text} id="title" label=${t('runs.title')} value=${form.title} set=${(title) => setForm({ ...form, title })} hint=${t('new.title.hint')} problem=${problem} />
        <${Text} id="commit" label=${t('commit')} value=${form.commit} set=${(commit) => setForm({ ...form, commit })} problem=${problem} />
        <div class="field"><span class="label">${t('new.purpose')}</span>
          <${Choice} label=${t('new.purpose')} value=${form.purpose} choose=${(purpose) => setForm({ ...form, purpose })} options=${[['run', t('purpose.run')], ['gate', t('purpose.gate')]]} />
          <small>${t(`purpose.${form.purpose}.hint`)}</small></div>
      </fieldset>
      <fieldset><legend>${t('new.load')}</legend>
        <${Choice} label=${t('new.load')} value=${load} choose=${(key) => { setLoad(key); swap(LOADS, key); }} options=${LOADS.map((key) => [key, t(`new.load.${key}`)])} />
        ${field(load.endsWith('rate') ? 'rate' : 'concurrency', { label: t(load.startsWith('find-') ? 'new.search.from' : `new.${load}`) })}
        <${Choice} label=${t('new.length')} value=${length} choose=${(key) => { setLength(key); swap(LENGTHS, key); }} options=${LENGTHS.map((key) => [key, t(`new.length.${key}`)])} />
        ${field(length)}
      </fieldset>
      <fieldset><legend>${t('new.requests')}</legend>
        ${['input-len', 'output-len', 'goodput'].map((key) => row(key) && field(key))}
      </fieldset>
      <fieldset><legend>${t('new.more')}</legend>
        ${more.map((key) => html`<${Field} key=${key} row=${row(key)} label=${`--${key}`} value=${form.settings[key]} set=${(value) => set(key, value)} problem=${problem}
          drop=${() => setForm((before) => ({ ...before, settings: Object.fromEntries(Object.entries(before.settings).filter(([one]) => one !== key)) }))} />`)}
        <${Others} rows=${rows.filter((one) => !MAIN.includes(one.key) && !more.includes(one.key))} add=${(one) => { set(one.key, one.switch ? String(one.default !== 'true') : ''); requestAnimationFrame(() => document.getElementById(`f-${one.key}`)?.focus()); }} />
      </fieldset>
    </div>
    <aside class="check-out" aria-label=${t('command')}>
      <h2>${t('new.same')}</h2>
      ${check.answer ? html`<${Command} line=${check.answer.command} />` : (!problem || !form.settings.server) && html`<p class="none">${t(form.settings.server ? 'new.checking' : 'new.server.first')}</p>`}
      ${check.answer && html`<p class="fine">${check.answer.levels.length ? t('new.levels', { levels: check.answer.levels.join(', ') }) : t('new.search.levels')}</p>`}
      ${problem && form.settings.server && html`<${Trouble} problem=${problem} />`}
      <p class="actions"><button type="submit" class="primary" disabled=${sent.busy || !form.settings.server}>${t('new.start')}</button></p>
      ${viewer?.targets && html`<p class="fine">${t('new.targets', { targets: viewer.targets.join(', ') })}</p>`}
    </aside>
  </form>`;
}

// Asks the server what it makes of the form, a moment after the last change.
function useCheck(ask) {
  const [state, setState] = useState({ answer: null, problem: null });
  const text = JSON.stringify(ask);
  useEffect(() => {
    if (!ask.settings.server) return undefined;
    let over = false;
    const timer = setTimeout(() => post(`benchmarks${query({ dry_run: 'true' })}`, ask)
      .then((answer) => over || setState({ answer, problem: null }))
      .catch((problem) => over || setState({ answer: null, problem })), 350);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [text]);
  return state;
}

// The models that the server says it serves, as suggestions.
function Models({ server, field }) {
  const [models, setModels] = useState([]);
  useEffect(() => {
    setModels([]);
    if (!server || server.startsWith('sim:')) return undefined;
    const stop = new AbortController();
    const timer = setTimeout(() => get(`models${query({ server })}`, stop.signal).then((answer) => setModels(answer.models)).catch(() => {}), 600);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [server]);
  return field('model', { list: models });
}

function useWrong(id, problem) {
  return problem?.field && [id, `settings.${id}`, `--${id}`].includes(problem.field) ? problem : null;
}

function Text({ id, label, value, set, hint, problem }) {
  const wrong = useWrong(id, problem);
  return html`<div class="field"><label for="f-${id}">${label}</label>
    <input id="f-${id}" value=${value} aria-invalid=${wrong ? 'true' : undefined} aria-describedby="h-${id}" onInput=${(event) => set(event.currentTarget.value)} />
    <small id="h-${id}">${wrong ? wrong.detail : hint ?? ''}</small></div>`;
}

function Field({ row, label, value, set, problem, list, required, drop, focus }) {
  const box = useRef(null);
  useEffect(() => { if (focus && !value) box.current?.focus({ preventScroll: true }); }, []);
  const wrong = useWrong(row?.key, problem);
  if (!row) return null;
  const id = `f-${row.key}`;
  const shared = { id, ref: box, 'aria-invalid': wrong ? 'true' : undefined, 'aria-describedby': `h-${row.key}` };
  const change = (event) => set(event.currentTarget.value);
  const options = row.switch ? ['true', 'false'] : row.choices;
  return html`<div class="field ${wrong ? 'wrong' : ''}"><label for=${id}>${label}</label>
    ${options.length
      ? html`<select ...${shared} value=${value} onChange=${change}><option value="">${row.default ? t('new.default', { value: row.default }) : ''}</option>${options.map((one) => html`<option key=${one} value=${one} selected=${one === value}>${row.switch ? t(`switch.${one}`) : one}</option>`)}</select>`
      : row.repeats && String(value).includes('\n')
        ? html`<textarea ...${shared} rows="3" value=${value} onInput=${change}></textarea>`
        : html`<input ...${shared} value=${value} required=${required} list=${list?.length ? `l-${row.key}` : undefined} placeholder=${row.default ?? ''} autocomplete="off" spellcheck=${false} onInput=${change} />`}
    ${list?.length > 0 && html`<datalist id="l-${row.key}">${list.map((one) => html`<option key=${one} value=${one} />`)}</datalist>`}
    ${drop && html`<button type="button" class="quiet drop" aria-label=${t('new.drop', { name: row.key })} onClick=${drop}>×</button>`}
    <small id="h-${row.key}">${wrong ? wrong.detail : tOr(`help.${row.key}`, row.help)}</small></div>`;
}

// Every other setting, to be looked for by name or by what its help says.
function Others({ rows, add }) {
  const [text, setText] = useState('');
  const found = useMemo(() => {
    const all = text.toLowerCase().split(/\s+/).filter(Boolean);
    return rows.filter((row) => all.every((word) => `${row.key} ${row.group} ${row.help}`.toLowerCase().includes(word)));
  }, [text, rows]);
  return html`<details class="others"><summary>${t('new.others', { n: rows.length })}</summary>
    <input type="search" data-filter aria-label=${t('new.find')} placeholder=${t('new.find')} value=${text} onInput=${(event) => setText(event.currentTarget.value)}
      onKeyDown=${(event) => event.key === 'Enter' && event.preventDefault()} />
    <ul tabindex="0" aria-label=${t('new.find')}>${found.map((row) => html`<li key=${row.key}><button type="button" onClick=${() => { setText(''); add(row); }}>--${row.key}</button>
      <span class="fine">${row.group}</span><small>${row.help}</small></li>`)}</ul>
    ${found.length === 0 && html`<p class="none">${t('runs.nothing')}</p>`}
  </details>`;
}
