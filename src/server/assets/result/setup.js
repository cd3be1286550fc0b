// What the result rests on: the plan, the machine, and the line of a shell that measures the same.
import { html, Command, Facts, Fold, Section, t } from '../ui.js';
import { bytes, instant } from '../format.js';
import { title } from '../metrics.js';

export function Setup({ benchmark, result }) {
  const { environment, plan, fingerprint } = result;
  const { workload } = plan;
  return html`<${Section} id="setup" title=${t('result.setup')}>
    <${Command} line=${benchmark.command} />
    <div class="two"><div><h3>${t('setup.plan')}</h3><${Facts} facts=${[
      [t('setup.server'), [plan.target.url, ...(plan.target.more_urls ?? [])].join(', ')], [t('model'), fingerprint.model], [t('setup.workload'), `${fingerprint.workload} · ${fingerprint.workload_hash}`],
      ['API', `${workload.api}${workload.stream ? '' : ` · ${t('setup.no.stream')}`}`], [t('setup.input'), workload.input_tokens], [t('setup.output'), workload.output_tokens ?? t('setup.auto')],
      [t('setup.dataset'), workload.dataset], [t('setup.cache'), workload.cache], ['SLO', workload.slos.map((slo) => `${title(slo.metric)} ≤ ${slo.limit_ms} ms`).join(', ')],
      [t('setup.rounds'), result.rounds.length], [t('setup.seed'), Number.isSafeInteger(plan.seed) ? String(plan.seed) : null], [t('setup.warmup'), workload.warmup_requests],
    ]} /></div>
    <div><h3>${t('setup.machine')}</h3><${Facts} facts=${[
      [t('hardware'), environment.hardware], ['GPU', environment.gpus.map((gpu) => `${gpu.name} ${bytes(gpu.memory_bytes)}`).join(', ')], [t('setup.driver'), environment.gpu_driver],
      [t('setup.engine'), environment.server], [t('setup.image'), environment.image], [t('setup.path'), environment.network_path], [t('setup.client'), `${environment.cpu}, ${environment.cpu_cores} × CPU, ${bytes(environment.memory_bytes)}`],
      [t('setup.os'), `${environment.os}${environment.container ? ` · ${t('setup.container')}` : ''}`], [t('setup.tool'), `llm-loadtest ${result.tool}`], [t('setup.created'), instant(result.created)],
      ...(result.imported ? [[t('setup.imported'), `${result.imported.source} ${result.imported.version ?? ''}`], [t('setup.unsaid'), result.imported.unsaid.join(', ')]] : []),
    ]} /></div></div>
    <${Fold} title=${t('setup.raw')}><pre tabindex="0">${JSON.stringify({ plan, environment, fingerprint }, null, 2)}</pre></${Fold}>
  </${Section}>`;
}
