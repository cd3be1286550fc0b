// The course of one level: throughput, requests in flight, time to the first token, failures. Rounds are chosen.
import { html, Section, t, useMemo, useState } from '../ui.js';
import { quantity } from '../metrics.js';
import { Course } from '../charts/course.js';

export function Over({ result, label }) {
  const rounds = result.rounds.filter((round) => round.levels.some((level) => level.label === label && level.series));
  const [chosen, setChosen] = useState(null);
  const round = rounds.find((one) => one.round === chosen) ?? rounds[0];
  const series = round?.levels.find((level) => level.label === label)?.series;
  if (!series) return null;
  const aside = rounds.length > 1 && html`<label class="pick-level">${t('round')} <select value=${round.round} onChange=${(event) => setChosen(Number(event.currentTarget.value))}>
    ${rounds.map((one) => html`<option key=${one.round} value=${one.round} selected=${one.round === round.round}>${one.round}</option>`)}</select></label>`;
  return html`<${Section} id="over" title=${t('result.over')} aside=${aside}><${Charts} series=${series} /></${Section}>`;
}

// Slices wide enough for a picture: at most 120 points, each a sum or mean of whole slices.
function folded(series) {
  const by = Math.max(1, Math.ceil(series.sent.length / 120));
  const groups = Array.from({ length: Math.ceil(series.sent.length / by) }, (_, at) => [at * by, Math.min(series.sent.length, (at + 1) * by)]);
  const sum = (values) => groups.map(([from, to]) => values.slice(from, to).reduce((left, right) => left + right, 0));
  const worst = (values) => groups.map(([from, to]) => {
    const known = values.slice(from, to).filter((value) => value !== null);
    return known.length ? Math.max(...known) : null;
  });
  const width = series.width_s * by;
  return {
    at: groups.map(([from]) => from * series.width_s),
    tokens: sum(series.output_tokens).map((value) => value / width),
    sent: sum(series.sent).map((value) => value / width),
    done: sum(series.succeeded).map((value) => value / width),
    failed: sum(series.failed).map((value) => value / width),
    flight: sum(series.in_flight).map((value, at) => value / (groups[at][1] - groups[at][0])),
    p50: worst(series.ttft_p50_ms),
    p95: worst(series.ttft_p95_ms),
    stall: worst(series.max_stall_ms),
  };
}

function Charts({ series }) {
  const of = useMemo(() => folded(series), [series]);
  const ms = (value) => quantity(value, 'ttft');
  const failed = of.failed.some((value) => value > 0);
  return html`<div class="charts">
    <div><${Course} group="over" title=${t('live.tokens')} unit="tok/s" at=${of.at} filled lines=${[{ label: t('live.tokens'), values: of.tokens, colour: 0 }]} /></div>
    <div><${Course} group="over" title="TTFT" unit="ms" at=${of.at} lines=${[{ label: 'p50', values: of.p50, value: ms, spanGaps: true }, { label: 'p95', values: of.p95, value: ms, spanGaps: true }]} /></div>
    <div><${Course} group="over" title=${t('live.flight')} at=${of.at} lines=${[{ label: t('live.flight'), values: of.flight, colour: 0 }]} /></div>
    <div><${Course} group="over" title=${t('live.rate')} unit="req/s" at=${of.at} lines=${[{ label: t('live.answered'), values: of.done, colour: 2 }, { label: t('live.sent'), values: of.sent, colour: 0 }, ...(failed ? [{ label: t('live.failed'), values: of.failed, colour: 'bad' }] : [])]} /></div>
    <div><${Course} group="over" title=${t('result.stall')} unit="ms" at=${of.at} lines=${[{ label: t('result.stall'), values: of.stall, colour: 3, value: ms, spanGaps: true }]} /></div>
  </div>`;
}
