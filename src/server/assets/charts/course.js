// The course of something over seconds: a few lines on one axis, with a cursor that all charts of a group share.
import { html, useMemo } from '../ui.js';
import { axis, dash, Plot, thinned, timeAxis } from './plot.js';
import { clock, significant } from '../format.js';
import { t } from '../i18n.js';

// `lines`: [{ label, values, colour (index or name), value }]; `bars` draws the first as steps that are filled.
export function Course({ title, label, at, lines, unit, group, height = 150, filled = false }) {
  const data = useMemo(() => [at, ...lines.map((line) => line.values)], [at, ...lines.map((line) => line.values)]);
  const colour = (line, place) => (colours) => (typeof line.colour === 'string' ? colours[line.colour] : colours.series[line.colour ?? place]);
  const build = useMemo(() => (colours) => ({
    scales: { x: { time: false }, y: { range: (_, low, high) => [0, (high ?? 0) > 0 ? high * 1.08 : 1] } },
    axes: [
      timeAxis(colours),
      axis(colours, { label: unit }),
    ],
    cursor: { sync: group ? { key: group } : undefined, drag: { x: true, y: false } },
    series: [{}, ...lines.map((line, place) => ({
      stroke: colour(line, place)(colours),
      fill: filled && place === 0 ? `${colour(line, place)(colours)}22` : undefined,
      width: 1.5,
      dash: dash(place),
      points: { show: false },
      spanGaps: line.spanGaps ?? false,
    }))],
  }), [label, unit, group, filled, lines.map((line) => line.label).join('\n')]);
  const rows = useMemo(() => thinned(at.map((second, place) => ({ second, place }))), [at]);
  return html`<${Plot} title=${title} label=${label ?? title} build=${build} data=${data} height=${height}
    series=${lines.map((line, place) => ({ label: line.label, colour: colour(line, place), dash: dash(place), value: line.value }))}
    table=${{
      columns: [
        { head: t('chart.time'), num: true, cell: (row) => clock(row.second) },
        ...lines.map((line) => ({ head: line.label, num: true, cell: (row) => (line.value ?? significant)(line.values[row.place]) })),
      ],
      rows,
    }} />`;
}
