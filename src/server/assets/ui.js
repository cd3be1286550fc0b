// Small parts that every page uses: words with shapes, notes, dialogs, tables, and asking the server.
import { html, useCallback, useEffect, useRef, useState } from './vendor/htm-preact.js';
import { Problem } from './api.js';
import { t, tOr } from './i18n.js';

export * from './vendor/htm-preact.js';
export { t, tOr };

const SHAPES = {
  pass: 'M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM4.8 8.2l2.2 2.2 4.2-4.6',
  fail: 'M2 2h12v12H2zM5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2',
  inconclusive: 'M8 1l7 7-7 7-7-7zM5.8 8h4.4',
  invalid: 'M8 1.5L15 14.5H1zM8 6v4M8 11.8v.6',
  queued: 'M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM8 4.5V8l2.5 1.5',
  running: 'M3 2.5l10 5.5-10 5.5z',
  finished: 'M2.5 8.5l3.5 3.5 7.5-8',
  failed: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  cancelled: 'M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM3.5 3.5l9 9',
  interrupted: 'M5 3v10M11 3v10',
  info: 'M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM8 7v4.5M8 4.5v.6',
  warning: 'M8 1.5L15 14.5H1zM8 6v4M8 11.8v.6',
  sun: 'M8 5a3 3 0 1 0 0 6a3 3 0 0 0 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z',
};

// A shape of 14 pixels; words beside it carry the meaning for who cannot see it.
export const Shape = ({ name }) => html`<svg class="shape" viewBox="0 0 16 16" aria-hidden="true"><path d=${SHAPES[name] ?? SHAPES.info} /></svg>`;

export const Verdict = ({ decision }) =>
  decision ? html`<span class="verdict ${decision}"><${Shape} name=${decision} />${t(`verdict.${decision}`)}</span>` : html`<span class="none">–</span>`;

export const State = ({ state }) => html`<span class="state ${state}"><${Shape} name=${state} />${t(`state.${state}`)}</span>`;

// What a promise that `ask` makes says: again whenever `deps` change, and on `again()`. `signal` ends what is out of date.
export function useAsk(ask, deps) {
  const [answer, setAnswer] = useState({ data: null, problem: null, busy: true });
  const [turn, setTurn] = useState(0);
  const again = useCallback(() => setTurn((before) => before + 1), []);
  useEffect(() => {
    const stop = new AbortController();
    setAnswer((before) => ({ ...before, busy: true }));
    ask(stop.signal)
      .then((data) => stop.signal.aborted || setAnswer({ data, problem: null, busy: false }))
      .catch((problem) => stop.signal.aborted || setAnswer((before) => ({ data: before.data, problem, busy: false })));
    return () => stop.abort();
  }, [...deps, turn]);
  return { ...answer, again };
}

export function useEvery(seconds, call, on = true) {
  const last = useRef(call);
  last.current = call;
  useEffect(() => {
    if (!on) return undefined;
    const timer = setInterval(() => document.hidden || last.current(), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds, on]);
}

// The page or its problem; what was shown before stays while a newer answer is on its way.
export function Answer({ of, children }) {
  if (of.data === null && of.problem) return html`<${Trouble} problem=${of.problem} again=${of.again} />`;
  if (of.data === null) return html`<p class="wait" role="status">${t('wait')}</p>`;
  return html`${of.problem && html`<${Trouble} problem=${of.problem} again=${of.again} />`}${children(of.data)}`;
}

// What went wrong, and the next step.
export function Trouble({ problem, again }) {
  const isProblem = problem instanceof Problem;
  const words = isProblem && problem.status === 0 ? t('problem.lost') : (problem.detail ?? String(problem.message ?? problem));
  return html`<div class="trouble" role="alert">
    <${Shape} name="warning" />
    <div>
      <p>${words}</p>
      ${problem.hint && html`<p class="hint">${problem.hint}</p>`}
      ${isProblem && problem.status === 403 && html`<p class="hint">${t('problem.scope')} <a href="#/key">${t('key.other')}</a></p>`}
      ${problem.request && html`<p class="fine">${t('problem.request', { id: problem.request })}</p>`}
      ${again && html`<button type="button" class="quiet" onClick=${again}>${t('again')}</button>`}
    </div>
  </div>`;
}

// A modal that the browser itself keeps the focus in.
export function Dialog({ title, close, children }) {
  const box = useRef(null);
  useEffect(() => {
    box.current.showModal();
  }, []);
  return html`<dialog ref=${box} onClose=${close} onCancel=${close} aria-labelledby="dialog-title"
    onClick=${(event) => event.target === box.current && close()}>
    <div class="dialog">
      <header><h2 id="dialog-title">${title}</h2><button type="button" class="quiet" onClick=${close}>${t('close')}</button></header>
      ${children}
    </div>
  </dialog>`;
}

// Asks before something that cannot be undone.
export function Confirm({ title, words, act, go, close }) {
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const sure = async () => {
    setBusy(true);
    try {
      await go();
      close();
    } catch (caught) {
      setProblem(caught);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${title} close=${close}>
    <p>${words}</p>
    ${problem && html`<${Trouble} problem=${problem} />`}
    <p class="actions"><button type="button" onClick=${close}>${t('cancel')}</button>
    <button type="button" class="danger" disabled=${busy} onClick=${sure}>${act}</button></p>
  </${Dialog}>`;
}

// A line of a shell, with a button that copies it.
export function Command({ line, label }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await copyText(line);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return html`<div class="command"><code tabindex="0" aria-label=${label ?? t('command')}>${line}</code>
    <button type="button" class="quiet" onClick=${copy}>${done ? t('copied') : t('copy')}</button></div>`;
}

async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  // Plain HTTP from elsewhere has no clipboard: the old way still works there.
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
  return undefined;
}

// A table whose columns are { head, cell(row), num, sort }. It scrolls by itself where the window is narrow.
export function Table({ caption, columns, rows, keyOf, rowClass }) {
  return html`<div class="scroll" tabindex="0" role="group" aria-label=${caption}>
    <table><caption class="sr">${caption}</caption>
      <thead><tr>${columns.map((column) => html`<th scope="col" class=${column.num ? 'num' : ''}>${column.head}</th>`)}</tr></thead>
      <tbody>${rows.map(
        (row, at) => html`<tr key=${keyOf ? keyOf(row) : at} class=${rowClass?.(row) ?? ''}>
          ${columns.map((column, place) =>
            place === 0 && !column.plain
              ? html`<th scope="row" class=${column.num ? 'num' : ''}>${column.cell(row)}</th>`
              : html`<td class=${column.num ? 'num' : ''}>${column.cell(row)}</td>`)}
        </tr>`)}</tbody>
    </table></div>`;
}

export function Fold({ title, open, children }) {
  const [isOpen, setOpen] = useState(Boolean(open));
  return html`<details open=${isOpen} onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary>${title}</summary>${isOpen && children}</details>`;
}

// A group of which one is chosen, as buttons.
export function Choice({ label, options, value, choose }) {
  return html`<div class="choice" role="group" aria-label=${label}>
    ${options.map(([id, words]) => html`<button type="button" key=${id} aria-pressed=${id === value ? 'true' : 'false'} onClick=${() => choose(id)}>${words}</button>`)}
  </div>`;
}

export const Section = ({ id, title, aside, children }) => html`<section id=${id} aria-labelledby="${id}-title">
  <header class="section"><h2 id="${id}-title">${title}</h2>${aside}</header>${children}</section>`;

export const Facts = ({ facts }) => html`<dl class="facts">
  ${facts.filter(([, value]) => value !== null && value !== undefined && value !== '').map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
</dl>`;
