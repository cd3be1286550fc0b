// The verdict as the gate gives it: its sentence, its next step, and each judged number. No number is judged here.
import { html, Fold, Section, Shape, Table, t, Verdict } from '../ui.js';
import { change, interval, percent } from '../format.js';
import { isHigherBetter, parse, quantity, title, unit, METRICS } from '../metrics.js';

export function VerdictSection({ verdict, name }) {
  return html`<${Section} id=${name ? `verdict-${name}` : 'verdict'} title=${t('verdict')} aside=${html`<span class="fine">${basis(verdict)}</span>`}>
    <p class="headline"><${Verdict} decision=${verdict.decision} /> ${verdict.headline}</p>
    <p class="next">${verdict.next}</p>
    ${verdict.broken_rules.length > 0 && html`<ul class="rules">${verdict.broken_rules.map((rule) => html`<li key=${rule}><${Shape} name="failed" />${rule}</li>`)}</ul>`}
    <${Cells} verdict=${verdict} />
  </${Section}>`;
}

function basis(verdict) {
  const { kind, sessions, pairs } = verdict.basis;
  return t(`basis.${kind}`, { sessions, pairs, rounds: verdict.rounds, noise: percent(verdict.basis.assumed_noise ?? 0), alpha: percent(verdict.alpha) });
}

export function Cells({ verdict }) {
  const many = new Set(verdict.cells.map((cell) => cell.level)).size > 1;
  const judged = verdict.cells.filter((cell) => cell.rule.kind !== 'report');
  const reported = verdict.cells.filter((cell) => cell.rule.kind === 'report');
  const reach = reachOf(verdict.cells);
  const looks = new Set(verdict.worth_a_look.map((look) => `${look.level} ${look.metric}`));
  const columns = (reporting) => [
    { head: t('metric'), cell: (cell) => html`${title(cell.metric)}${cell.rule.kind === 'objective' ? ` ${t('objective')}` : ''}` },
    ...(many ? [{ head: t('level'), cell: (cell) => cell.level }] : []),
    { head: t('baseline'), num: true, cell: (cell) => (cell.rule.kind === 'objective' ? '–' : quantity(cell.baseline, cell.metric)) },
    { head: t('now'), num: true, cell: (cell) => quantity(cell.now, cell.metric) },
    { head: t('change'), num: true, cell: (cell) => (cell.effect ? change(cell.effect.change, cell.effect.absolute) : '–') },
    { head: t('interval'), num: true, cell: (cell) => html`<${Range} cell=${cell} reach=${reach} /><span class="ends">${interval(cell.effect)}</span>` },
    ...(reporting
      ? [{ head: '', plain: true, cell: (cell) => (looks.has(`${cell.level} ${cell.metric}`) ? t('worth') : '') }]
      : [
        { head: t('limit'), num: true, cell: limit },
        { head: t('standing'), cell: (cell) => html`<span class="standing ${mark(cell.status)}"><${Shape} name=${SHAPE[mark(cell.status)]} />${words(cell)}</span>` },
      ]),
  ].filter((column) => column.head !== '' || looks.size > 0).map((column) => (column.head === '' ? { ...column, head: t('note') } : column));
  const keyOf = (cell) => `${cell.level} ${cell.metric} ${cell.rule.kind}`;
  return html`
    ${judged.length > 0 && html`<${Table} caption=${t('verdict.cells')} columns=${columns(false)} rows=${judged} keyOf=${keyOf} rowClass=${(cell) => mark(cell.status)} />`}
    ${reported.length > 0 && html`<${Fold} title=${t('verdict.reported', { n: reported.length })}><${Table} caption=${t('verdict.reported', { n: reported.length })} columns=${columns(true)} rows=${reported} keyOf=${keyOf} /></${Fold}>`}`;
}

const SHAPE = { good: 'pass', bad: 'fail', open: 'inconclusive', silent: 'info' };

function mark({ kind }) {
  if (kind === 'pass' || kind === 'pass_slower') return 'good';
  if (kind === 'fail') return 'bad';
  return kind === 'reported' ? 'silent' : 'open';
}

function direction(cell) {
  const up = (cell.effect?.change ?? 0) > 0;
  const { metric } = parse(cell.metric);
  if (!METRICS[metric] || unit(cell.metric) === '%') return t(up ? 'moved.higher' : 'moved.lower');
  return t(up !== isHigherBetter(cell.metric) ? 'moved.slower' : 'moved.faster');
}

// The gate's words for a status, as its own tables have them.
function words(cell) {
  const { status } = cell;
  const objective = cell.rule.kind === 'objective';
  switch (status.kind) {
    case 'pass': return t(objective ? 'status.met' : 'status.within');
    case 'pass_slower': return t('status.pass_slower', { moved: direction(cell) });
    case 'fail': return objective ? t('status.missed') : t('status.beyond', { moved: direction(cell) });
    case 'undecided': return t(status.above ? 'status.above' : 'status.below');
    case 'not_judged': return t('status.not_judged', { reason: status.reason });
    default: return '';
  }
}

function limit(cell) {
  const { rule, metric } = cell;
  if (rule.kind === 'tolerance') {
    const points = unit(metric) === '%';
    return `${isHigherBetter(metric) ? '-' : '+'}${Number((rule.tolerance * 100).toFixed(4))}${points ? ' pp' : '%'}`;
  }
  if (rule.kind !== 'objective') return '';
  return `${rule.objective.bound === 'at_least' ? '≥' : '≤'} ${quantity(rule.objective.limit, metric)}`;
}

// How far the bars of a table reach to each side: as far as its widest interval or limit, half at most.
function reachOf(cells) {
  const ends = cells.flatMap(({ effect, rule }) => [effect?.low, effect?.high, effect?.change, rule.tolerance]).filter(Number.isFinite).map(Math.abs);
  return Math.min(0.5, Math.max(0.02, ...ends)) * 1.1;
}

// The interval as a bar: zero in the middle, the limit as a dashed tick; all bars of a table have one scale.
function Range({ cell, reach }) {
  const { effect, rule } = cell;
  if (!effect) return null;
  const tolerance = rule.kind === 'tolerance' ? rule.tolerance : null;
  const x = (value) => 64 + (Math.max(-reach, Math.min(reach, value)) / reach) * 62;
  const low = effect.low ?? -reach;
  const high = effect.high ?? reach;
  const worse = isHigherBetter(cell.metric) ? -1 : 1;
  return html`<svg class="range" viewBox="0 0 128 14" aria-hidden="true">
    <line class="zero" x1="64" x2="64" y1="1" y2="13" />
    ${tolerance !== null && html`<line class="limit" x1=${x(worse * tolerance)} x2=${x(worse * tolerance)} y1="1" y2="13" />`}
    <line class="span" x1=${x(low)} x2=${x(high)} y1="7" y2="7" /><circle cx=${x(effect.change)} cy="7" r="2.5" />
  </svg>`;
}
