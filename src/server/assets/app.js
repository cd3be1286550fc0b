// The frame around every page: which page an address names, the bar on top, keys, theme and language.
import { html, render, useCallback, useEffect, useRef, useState, Dialog, Shape, t, useAsk } from './ui.js';
import { get } from './api.js';
import { useKeys } from './keys.js';
import { choose, listen, prefs } from './prefs.js';
import { Runs } from './pages/runs.js';
import { New } from './pages/new.js';
import { Run } from './pages/run.js';
import { Compare } from './pages/compare.js';
import { History, Workload } from './pages/history.js';
import { Gpu } from './pages/gpu.js';
import { Recommend } from './pages/recommend.js';
import { Key } from './pages/key.js';

const ROUTES = [
  [/^\/$/, Runs, 'runs'],
  [/^\/new$/, New, 'new'],
  [/^\/run\/([^/]+)$/, Run, 'runs'],
  [/^\/compare$/, Compare, 'runs'],
  [/^\/history$/, History, 'history'],
  [/^\/history\/(.+)$/, Workload, 'history'],
  [/^\/gpu$/, Gpu, 'gpu'],
  [/^\/recommend$/, Recommend, 'recommend'],
  [/^\/key$/, Key, ''],
];
const MENU = [['runs', '#/'], ['new', '#/new'], ['history', '#/history'], ['gpu', '#/gpu'], ['recommend', '#/recommend']];

// `#/run/7?level=a` → the page, its arguments and the parameters behind the question mark.
function here() {
  const [path, search = ''] = (location.hash.slice(1) || '/').split('?');
  for (const [form, page, tab] of ROUTES) {
    const found = form.exec(path);
    if (found) return { page, tab, args: found.slice(1).map(decodeURIComponent), params: new URLSearchParams(search), path };
  }
  return { page: Nowhere, tab: '', args: [], params: new URLSearchParams(), path };
}

const Nowhere = () => html`<div class="empty"><h1>${t('nowhere')}</h1><p><a href="#/">${t('nav.runs')}</a></p></div>`;

function App() {
  const [place, setPlace] = useState(here);
  const [, setTurn] = useState(0);
  const [help, setHelp] = useState(false);
  const main = useRef(null);
  useEffect(() => listen(() => setTurn((turn) => turn + 1)), []);
  useEffect(() => {
    const go = () => setPlace((before) => {
      const after = here();
      if (after.path !== before.path) {
        scrollTo(0, 0);
        main.current?.focus({ preventScroll: true });
      }
      return after;
    });
    addEventListener('hashchange', go);
    return () => removeEventListener('hashchange', go);
  }, []);
  useKeys(useCallback(() => setHelp((open) => !open), []));
  const viewer = useAsk((signal) => get('viewer', signal), []);
  const locked = viewer.problem?.status === 401;
  const Page = locked ? Key : place.page;
  useEffect(() => {
    document.title = `${t(`nav.${place.tab || 'runs'}`)} · llm-loadtest`;
  }, [place.path, prefs.language]);
  return html`
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); main.current.focus(); }}>${t('skip')}</a>
    <${Bar} tab=${place.tab} viewer=${viewer.data} help=${() => setHelp(true)} />
    <main id="main" tabindex="-1" ref=${main}>
      <${Page} key=${`${place.path} ${prefs.language}`} args=${place.args} params=${place.params} viewer=${viewer.data} welcome=${viewer.again} refused=${viewer.problem} />
    </main>
    ${help && html`<${Help} viewer=${viewer.data} close=${() => setHelp(false)} />`}`;
}

function Bar({ tab, viewer, help }) {
  const dark = prefs.theme === 'dark';
  return html`<header class="bar">
    <a class="mark" href="#/"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="M1 12.5h3.5l2-9 3 7 1.5-3.5H15" /></svg>llm-loadtest</a>
    <nav aria-label=${t('nav')}>${MENU.map(([id, href]) => html`<a key=${id} href=${href} aria-current=${id === tab ? 'page' : undefined}>${t(`nav.${id}`)}</a>`)}</nav>
    <div class="tools">
      ${viewer?.key && html`<a href="#/key" class="fine">${t('key.as', { name: viewer.key, scope: viewer.scope })}</a>`}
      <button type="button" class="quiet" lang=${prefs.language === 'ko' ? 'en' : 'ko'} onClick=${() => choose('language', prefs.language === 'ko' ? 'en' : 'ko')}>${prefs.language === 'ko' ? 'English' : '한국어'}</button>
      <button type="button" class="quiet icon" aria-label=${t(dark ? 'theme.light' : 'theme.dark')} title=${t(dark ? 'theme.light' : 'theme.dark')} onClick=${() => choose('theme', dark ? 'light' : 'dark')}><${Shape} name=${dark ? 'sun' : 'moon'} /></button>
      <button type="button" class="quiet icon" aria-label=${t('keys')} title=${t('keys')} onClick=${help}>?</button>
    </div>
  </header>`;
}

const KEYS = [['/', 'keys.filter'], ['n', 'keys.new'], ['g r', 'nav.runs'], ['g h', 'nav.history'], ['g g', 'nav.gpu'], ['g c', 'nav.recommend'], ['j k', 'keys.rows'], ['x', 'keys.select'], ['t', 'keys.theme'], ['?', 'keys']];

// A link carries no key, so the numbers behind one are not offered where keys are needed.
function Help({ viewer, close }) {
  return html`<${Dialog} title=${t('keys')} close=${close}>
    <dl class="keys">${KEYS.map(([key, words]) => html`<div key=${key}><dt>${key.split(' ').map((one) => html`<kbd>${one}</kbd> `)}</dt><dd>${t(words)}</dd></div>`)}</dl>
    <label class="check"><input type="checkbox" checked=${prefs.shortcuts} onChange=${(event) => choose('shortcuts', event.currentTarget.checked)} />${t('keys.on')}</label>
    <p class="fine"><a href="api/v1/openapi.json">${t('api')}</a>${viewer && !viewer.keys_needed && html` · <a href="metrics">${t('metrics')}</a>`}</p>
  </${Dialog}>`;
}

render(html`<${App} />`, document.getElementById('app'));
