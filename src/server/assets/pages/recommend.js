// How many of which GPU a load needs: the question, and the answer with its formulas.
import { html, Facts, Fold, Section, Table, t, tOr, Trouble, useState } from '../ui.js';
import { post } from '../api.js';
import { bytes, count, percent, significant } from '../format.js';
import { quantity } from '../metrics.js';

const FIELDS = [
  ['model', 'text', 'Qwen/Qwen2.5-7B-Instruct'], ['users', 'number', ''], ['think_time_s', 'number', '10'], ['rate', 'number', ''],
  ['input_len', 'number', ''], ['output_len', 'number', ''], ['ttft', 'number', ''], ['tpot', 'number', ''],
  ['images', 'number', ''], ['max_gpus', 'number', ''], ['gpus', 'text', ''],
];
const PRECISIONS = ['auto', 'bf16', 'fp8', 'int8', 'int4'];

function askOf(form) {
  const number = (name) => (form.get(name) ? Number(form.get(name)) : undefined);
  const ask = { model: form.get('model'), precision: form.get('precision') };
  for (const name of ['users', 'think_time_s', 'rate', 'input_len', 'output_len', 'images', 'max_gpus']) if (number(name) !== undefined) ask[name] = number(name);
  const goodput = ['ttft', 'tpot'].filter((name) => number(name) !== undefined).map((metric) => ({ metric, limit_ms: number(metric) }));
  if (goodput.length) ask.goodput = goodput;
  const gpus = String(form.get('gpus') ?? '').split(/[\s,]+/).filter(Boolean);
  if (gpus.length) ask.gpus = gpus;
  if (form.get('measured')) ask.measured = String(form.get('measured')).split(/[\s,]+/).filter(Boolean);
  if (form.get('config_json')) ask.config_json = form.get('config_json');
  return ask;
}

export function Recommend() {
  const [state, setState] = useState({ busy: false, answer: null, problem: null });
  const send = async (event) => {
    event.preventDefault();
    const ask = askOf(new FormData(event.currentTarget));
    setState({ ...state, busy: true });
    try {
      setState({ busy: false, answer: await post('recommend', ask), problem: null });
    } catch (problem) {
      setState({ busy: false, answer: null, problem });
    }
  };
  return html`<div class="head"><div><h1>${t('nav.recommend')}</h1><p class="meta">${t('recommend.words')}</p></div></div>
    <form class="ask" onSubmit=${send}>
      ${FIELDS.map(([name, type, value]) => html`<div class="field" key=${name}><label for="r-${name}">${t(`recommend.${name}`)}</label>
        <input id="r-${name}" name=${name} type=${type} step="any" min="0" defaultValue=${value} required=${name === 'model'} placeholder=${name === 'gpus' ? 'h100-sxm, l40s' : ''} aria-invalid=${state.problem?.field === name ? 'true' : undefined} /></div>`)}
      <div class="field"><label for="r-precision">${t('recommend.precision')}</label><select id="r-precision" name="precision">${PRECISIONS.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select></div>
      <details class="wide"><summary>${t('recommend.more')}</summary>
        <div class="field"><label for="r-measured">${t('recommend.measured')}</label><input id="r-measured" name="measured" /><small>${t('recommend.measured.hint')}</small></div>
        <div class="field"><label for="r-config_json">config.json</label><textarea id="r-config_json" name="config_json" rows="4" spellcheck=${false}></textarea><small>${t('recommend.config.hint')}</small></div></details>
      <p class="actions wide"><button type="submit" class="primary" disabled=${state.busy}>${t('recommend.go')}</button></p>
    </form>
    ${state.problem && html`<${Trouble} problem=${state.problem} />`}
    ${state.answer && html`<${Reply} answer=${state.answer} />`}`;
}

const span = (range, words) => html`<strong>${words(range.expected)}</strong><span class="sub">${[range.worst, range.best].map((end) => (end === null ? '–' : words(end))).join(' … ')}</span>${range.bound !== null && html`<span class="sub">${t('recommend.bound', { value: words(range.bound) })}</span>`}`;
const money = (value) => (value === null ? '–' : `$${value >= 100 ? count(value) : value.toFixed(2)}`);
const ms = (value) => quantity(value, 'ttft');

function Reply({ answer }) {
  const { options, rejected, model, load, calibration } = answer;
  return html`<div role="status" class="sr">${t('recommend.answered', { n: options.length })}</div>
    <${Section} id="options" title=${t('recommend.options')} aside=${html`<span class="fine">${answer.prices}</span>`}>
      ${options.length === 0 && html`<p class="headline">${t('recommend.no')}</p>`}
      ${options.length > 0 && html`<${Table} caption=${t('recommend.options')} rows=${options} keyOf=${(option) => `${option.gpu} ${option.gpus_per_replica} ${option.precision}`} columns=${[
        { head: 'GPU', cell: (option) => html`${option.gpu_name}<span class="sub">${option.precision} · KV ${option.kv_precision}</span>` },
        { head: t('recommend.count'), num: true, cell: (option) => html`<strong>${option.gpus}</strong><span class="sub">${t('recommend.layout', { replicas: option.replicas.expected, each: option.gpus_per_replica })}</span>` },
        { head: t('recommend.capacity'), num: true, cell: (option) => span(option.capacity_rps, (value) => `${significant(value)} req/s`) },
        { head: 'TTFT', num: true, cell: (option) => span(option.served.ttft_ms, ms) },
        { head: 'TPOT', num: true, cell: (option) => span(option.served.tpot_ms, ms) },
        { head: t('recommend.used'), num: true, cell: (option) => html`${percent(option.served.utilization)}<span class="sub">${t('recommend.limited', { by: tOr(`bound.${option.limited_by}`, option.limited_by) })}</span>` },
        { head: t('recommend.cost'), num: true, cell: (option) => html`${money(option.usd_per_hour)}/h<span class="sub">${t('recommend.million', { usd: money(option.usd_per_million_output_tokens) })}</span>` },
        { head: t('gpu.energy'), num: true, cell: (option) => html`${significant(option.kwh_per_million_output_tokens)} kWh<span class="sub">${t('recommend.energy')}</span>` },
      ]} />`}
      ${rejected.length > 0 && html`<${Fold} title=${t('recommend.rejected', { n: rejected.length })} open=${options.length === 0}><ul class="classes">${rejected.map((one) => html`<li key=${one.gpu}><strong>${one.gpu_name}</strong><span>${one.reason}</span>${one.physics && html`<span class="tag">${t('recommend.physics')}</span>`}</li>`)}</ul></${Fold}>`}
    </${Section}>
    ${options.map((option) => html`<${Detail} key=${`${option.gpu} ${option.gpus_per_replica}`} option=${option} />`)}
    <${Section} id="taken" title=${t('recommend.assumed')}>
      <${Facts} facts=${[[t('model'), `${model.name} (${model.source})`], [t('recommend.parameters'), `${significant(model.parameters / 1e9)} B${model.active_parameters < model.parameters ? ` · ${t('recommend.active', { n: significant(model.active_parameters / 1e9) })}` : ''}`], [t('recommend.attention'), model.attention],
        [t('recommend.rate'), load.rate === null ? null : significant(load.rate)], [t('recommend.users'), load.users], [t('recommend.input_len'), significant(load.input_tokens)], [t('recommend.output_len'), significant(load.output_tokens)]]} />
      <${Table} caption=${t('recommend.assumed')} rows=${answer.assumptions} keyOf=${(row) => row.name} columns=${[{ head: t('recommend.what'), cell: (row) => row.name }, { head: t('recommend.value'), cell: (row) => row.value }, { head: t('recommend.source'), cell: (row) => row.source }]} />
      ${calibration && html`<p>${t('recommend.calibrated', { n: calibration.observations, before: percent(calibration.error_before), after: percent(calibration.error_after) })}</p>`}
      ${answer.notes.map((note) => html`<p class="fine" key=${note}>${note}</p>`)}
    </${Section}>`;
}

function Detail({ option }) {
  const { memory } = option;
  return html`<${Fold} title=${t('recommend.how', { gpu: `${option.gpus} × ${option.gpu_name}` })}>
    <${Facts} facts=${[[t('recommend.memory'), bytes(memory.total_bytes)], [t('recommend.weights'), bytes(memory.weights_bytes)], [t('recommend.overhead'), bytes(memory.overhead_bytes)], [t('recommend.kv'), `${bytes(memory.kv_bytes)} · ${t('recommend.kv.token', { size: bytes(memory.kv_bytes_per_token) })}`], [t('recommend.sequences'), count(memory.sequences)]]} />
    <${Table} caption=${t('recommend.formulas')} rows=${option.formulas} columns=${[
      { head: t('recommend.what'), cell: (row) => row.name },
      { head: t('recommend.formula'), cell: (row) => html`<code>${row.formula}</code><span class="sub">${row.inputs.map((input) => `${input.name} = ${scaled(input.value)} ${input.unit}`.trim()).join(', ')}</span>` },
      { head: t('recommend.value'), num: true, cell: (row) => `${scaled(row.value)} ${row.unit}` },
      { head: t('recommend.source'), cell: (row) => row.source },
    ]} /></${Fold}>`;
}

const scaled = (value) => (Math.abs(value) >= 1e6 ? value.toExponential(2) : significant(value));
