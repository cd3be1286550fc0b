// What one does with a result: download it, have it explained, keep it as a baseline, compare it.
import { html, Command, Dialog, Shape, t, Trouble, useState } from '../ui.js';
import { address, download, key, post } from '../api.js';
import { prefs } from '../prefs.js';
import { percent, significant } from '../format.js';

const REPORTS = [['json', 'json', 'JSON'], ['html', 'html', 'HTML'], ['markdown', 'md', 'Markdown'], ['csv', 'csv', 'CSV'], ['junit', 'xml', 'JUnit XML']];
const ROWS = [['jsonl', 'jsonl', 'JSONL'], ['parquet', 'parquet', 'Parquet']];

export function Actions({ benchmark, result, analysis: [analysis, setAnalysis] }) {
  const [dialog, setDialog] = useState(false);
  const [kept, setKept] = useState(null);
  const [problem, setProblem] = useState(null);
  const path = `benchmarks/${encodeURIComponent(benchmark.id)}`;
  const explain = () => {
    setAnalysis({ busy: true });
    explained(benchmark.id, false).then((document) => setAnalysis({ document })).catch((caught) => setAnalysis({ problem: caught }));
  };
  return html`
    <button type="button" disabled=${analysis?.busy} onClick=${explain}>${t('result.analyze')}</button>
    <button type="button" onClick=${() => setDialog(true)} disabled=${result.partial}>${t('result.keep')}</button>
    <details class="menu"><summary>${t('result.download')}</summary><ul>
      ${REPORTS.map(([format, end, words]) => html`<li key=${format}><${Get} path=${`${path}/report?format=${format}`} name=${`${benchmark.id}.${end}`} words=${words} fail=${setProblem} /></li>`)}
      ${benchmark.rows > 0 && ROWS.map(([format, end, words]) => html`<li key=${format}><${Get} path=${`${path}/requests?format=${format}`} name=${`${benchmark.id}-requests.${end}`} words=${t('result.rows', { format: words })} fail=${setProblem} /></li>`)}
    </ul></details>
    ${kept && html`<span class="fine" role="status">${t('result.kept')} <a href="#/history">${t('nav.history')}</a></span>`}
    ${problem && html`<${Trouble} problem=${problem} />`}
    ${dialog && html`<${Keep} benchmark=${benchmark} close=${() => setDialog(false)} done=${setKept} />`}`;
}

// A plain link where no key is needed; with one the bytes go through the page, which knows the key.
function Get({ path, name, words, fail }) {
  if (!key()) return html`<a href=${address(path)} download=${name}>${words}</a>`;
  return html`<button type="button" class="text" onClick=${() => download(path, name).catch(fail)}>${words}</button>`;
}

// The rows of a benchmark that has no result: what was finished before the server went.
export function Rows({ benchmark }) {
  const [problem, setProblem] = useState(null);
  if (!benchmark.rows) return null;
  return html`<p class="actions">${ROWS.map(([format, end, words]) => html`<${Get} key=${format} path=${`benchmarks/${encodeURIComponent(benchmark.id)}/requests?format=${format}`} name=${`${benchmark.id}-requests.${end}`} words=${t('result.rows', { format: words })} fail=${setProblem} />`)}
    ${problem && html`<${Trouble} problem=${problem} />`}</p>`;
}

function Keep({ benchmark, close, done }) {
  const [problem, setProblem] = useState(null);
  const save = async (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const ask = { benchmark: benchmark.id };
    for (const name of ['session', 'commit']) if (form.get(name)) ask[name] = form.get(name);
    try {
      done(await post('baselines', ask));
      close();
    } catch (caught) {
      setProblem(caught);
    }
  };
  return html`<${Dialog} title=${t('result.keep')} close=${close}><form onSubmit=${save}>
    <p>${t('result.keep.words')}</p>
    <div class="field"><label for="keep-session">${t('keep.session')}</label><input id="keep-session" name="session" /><small>${t('keep.session.hint')}</small></div>
    <div class="field"><label for="keep-commit">${t('commit')}</label><input id="keep-commit" name="commit" defaultValue=${benchmark.commit ?? ''} /></div>
    ${problem && html`<${Trouble} problem=${problem} />`}
    <p class="actions"><button type="button" onClick=${close}>${t('cancel')}</button><button type="submit" class="primary">${t('save')}</button></p>
  </form></${Dialog}>`;
}

const explained = (id, model) => post(`benchmarks/${encodeURIComponent(id)}/analyze`, { language: prefs.language, model });

// The report in words, every claim with the figures that it rests on.
export function Analysis({ id, analysis: [analysis, setAnalysis], viewer }) {
  if (!analysis) return null;
  if (analysis.busy) return html`<p class="wait pad" role="status">${t('wait')}</p>`;
  const { document, problem } = analysis;
  if (!document) return html`<${Trouble} problem=${problem} />`;
  // The report by rules stays where the model fails.
  const ask = () => {
    setAnalysis({ document, asking: true });
    explained(id, true).then((answer) => setAnalysis({ document: answer })).catch((caught) => setAnalysis({ document, problem: caught }));
  };
  return html`<section class="analysis" aria-labelledby="analysis"><header class="section"><h2 id="analysis">${t('result.analyze')}</h2>
    <button type="button" class="quiet" onClick=${() => setAnalysis(null)}>${t('close')}</button></header>
    ${document.sections.map((section) => html`<div key=${section.id}><h3>${section.title}</h3>${section.claims.map((claim, place) => html`<${Claim} key=${place} claim=${claim} />`)}</div>`)}
    <${Command} line=${document.command} label=${t('analysis.next')} />
    ${document.analyst && html`<h3>${t('analysis.model', { model: document.analyst.model })}</h3><p class="said">${document.analyst.text}</p>
      <p class="fine">${t('analysis.checked', { checked: document.analyst.figures_checked, unfounded: document.analyst.figures_unfounded })}</p>`}
    ${!document.analyst && viewer?.analyst && html`<button type="button" disabled=${analysis.asking} onClick=${ask}>${t(analysis.asking ? 'wait' : 'analysis.ask')}</button>`}
    ${problem && html`<${Trouble} problem=${problem} />`}
    ${document.notes.map((note) => html`<p class="fine" key=${note}>${note}</p>`)}
  </section>`;
}

const MARKS = { fact: 'finished', concern: 'warning', missing: 'inconclusive' };

function Claim({ claim }) {
  return html`<div class="claim ${claim.kind}"><p><${Shape} name=${MARKS[claim.kind]} /> <span class="sr">${t(`analysis.${claim.kind}`)}: </span>${claim.claim}</p>
    ${claim.figures.length > 0 && html`<details><summary>${t('analysis.figures', { n: claim.figures.length })}</summary>
      ${claim.rule && html`<p class="hint">${claim.rule}</p>`}
      <ul class="classes">${claim.figures.map((figure, at) => html`<li key=${at}><span>${figure.name}</span><code>${figure.path}</code><span class="end">${figure.unit === '%' ? percent(figure.value) : `${significant(figure.value)} ${figure.unit}`}</span></li>`)}</ul></details>`}</div>`;
}
