// The GPUs of the server's machine as they are now.
import { html, Answer, Facts, Shape, t, useAsk, useEvery } from '../ui.js';
import { get } from '../api.js';
import { bytes, percent, significant } from '../format.js';

export function Gpu() {
  const found = useAsk((signal) => get('gpus', signal), []);
  useEvery(2, found.again, (found.data?.gpus.length ?? 1) > 0);
  return html`<div class="head"><h1>${t('nav.gpu')}</h1>${found.data?.driver && html`<p class="fine">${t('gpu.driver', { driver: found.data.driver, cuda: found.data.cuda ?? '–' })}</p>`}</div>
    <${Answer} of=${found}>${({ gpus, notes }) => html`
      ${gpus.length === 0 && html`<div class="empty"><h2>${t('gpu.none')}</h2>${notes.map((note) => html`<p key=${note}>${note}</p>`)}<p class="fine">${t('gpu.none.try')}</p></div>`}
      <ul class="cards">${gpus.map((gpu) => html`<${One} key=${gpu.uuid ?? gpu.index} gpu=${gpu} />`)}</ul>
      ${gpus.length > 0 && notes.map((note) => html`<p class="fine" key=${note}>${note}</p>`)}`}</${Answer}>`;
}

const share = (part, whole) => (part === null || !whole ? null : part / whole);

function One({ gpu }) {
  return html`<li><h2>${gpu.index} · ${gpu.name}</h2>
    ${gpu.lost && html`<p class="standing bad"><${Shape} name="fail" />${t('gpu.lost')}</p>`}
    <${Bar} words=${t('gpu.load')} of=${gpu.utilization} shown=${percent(gpu.utilization)} />
    <${Bar} words=${t('gpu.memory')} of=${share(gpu.memory_used_bytes, gpu.memory_total_bytes)} shown=${`${bytes(gpu.memory_used_bytes)} / ${bytes(gpu.memory_total_bytes)}`} />
    <${Bar} words=${t('gpu.power')} of=${share(gpu.power_w, gpu.power_limit_w)} shown=${`${significant(gpu.power_w)} / ${significant(gpu.power_limit_w)} W`} />
    <${Facts} facts=${[
      [t('gpu.temperature'), gpu.temperature_c === null ? null : `${gpu.temperature_c} °C`],
      [t('gpu.clocks'), gpu.sm_clock_mhz === null ? null : `${gpu.sm_clock_mhz} / ${gpu.memory_clock_mhz ?? '–'} MHz`],
      [t('gpu.reasons'), gpu.clock_reasons?.join(', ')], [t('gpu.ecc'), gpu.ecc_errors], ['MIG', gpu.mig === null ? null : t(`switch.${gpu.mig}`)],
      [t('gpu.processes'), gpu.processes?.map((one) => `${one.pid}${one.memory_bytes === null ? '' : ` (${bytes(one.memory_bytes)})`}`).join(', ')], ['UUID', gpu.uuid],
    ]} /></li>`;
}

function Bar({ words, of, shown }) {
  return html`<div class="gauge"><span>${words}</span><meter min="0" max="1" high="0.95" value=${of ?? 0} aria-label=${words}></meter><span class="num">${shown}</span></div>`;
}
