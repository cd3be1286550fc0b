// The catalogue of metrics, as docs/METRICS.md names them: title, unit, and which way is better.
import { number, percent, significant } from './format.js';

const ms = (title) => ({ title, unit: 'ms', higher: false });
const perToken = (title) => ({ title, unit: 'ms', higher: false });

export const METRICS = {
  send_lag: ms('Send lag'),
  ttft: ms('TTFT'),
  ttft_from_due: ms('TTFT from due'),
  ttfo: ms('TTFO'),
  ttst: ms('TTST'),
  tpot: perToken('TPOT'),
  tpot_exact: perToken('TPOT exact'),
  icl: ms('ICL'),
  itl: perToken('ITL'),
  max_stall: ms('Max stall'),
  e2e: ms('E2E'),
  e2e_from_due: ms('E2E from due'),
  ttlb: ms('TTLB'),
  tokens_per_user: { title: 'Tokens/s per user', unit: 'tok/s', higher: true },
  request_throughput: { title: 'Request throughput', unit: 'req/s', higher: true },
  output_throughput: { title: 'Output throughput', unit: 'tok/s', higher: true },
  total_throughput: { title: 'Total throughput', unit: 'tok/s', higher: true },
  goodput: { title: 'Goodput', unit: '%', higher: true },
  goodput_rate: { title: 'Goodput rate', unit: 'req/s', higher: true },
  success_rate: { title: 'Success rate', unit: '%', higher: true },
  error_rate: { title: 'Error rate', unit: '%', higher: false },
  gpu_util: { title: 'GPU utilisation', unit: '%', higher: true },
  gpu_memory: { title: 'GPU memory', unit: 'GB', higher: false },
  gpu_power: { title: 'GPU power', unit: 'W', higher: false },
  energy_per_token: { title: 'Energy per token', unit: 'J/token', higher: false },
  tokens_per_joule: { title: 'Tokens per joule', unit: 'tokens/J', higher: true },
  tokens_per_watt: { title: 'Tokens/s per watt', unit: 'tok/s/W', higher: true },
};

// Distributions that are shown first, in this order.
export const MAIN = ['ttft', 'ttft_from_due', 'tpot', 'itl', 'e2e', 'e2e_from_due', 'max_stall'];

// `ttft_p95` → { metric: 'ttft', stat: 'p95' }; a value without a statistic has none.
export function parse(key) {
  if (key in METRICS) return { metric: key, stat: '' };
  const cut = key.lastIndexOf('_');
  return { metric: key.slice(0, cut), stat: key.slice(cut + 1) };
}

// `TTFT p95`; a name that is not known stays as it is.
export function title(key) {
  const { metric, stat } = parse(key);
  const known = METRICS[metric];
  return known ? `${known.title} ${stat}`.trim() : key;
}

export const unit = (key) => METRICS[parse(key).metric]?.unit ?? '';
export const isHigherBetter = (key) => METRICS[parse(key).metric]?.higher ?? false;

// A value in its unit: `412 ms`, `10.4 s`, `3,910 tok/s`, `87.0%`.
export function quantity(value, key) {
  if (value === null || value === undefined) return '–';
  const of = unit(key);
  if (of === 'ms') return Math.abs(value) >= 10000 ? `${significant(value / 1000)} s` : `${significant(value)} ms`;
  if (of === '%') return percent(value);
  return of ? `${significant(value)} ${of}` : number(value);
}
