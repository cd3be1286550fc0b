// One chart: uPlot inside, a legend of buttons around it, and its numbers as a table for who reads rather than looks.
import { html, useEffect, useMemo, useRef, useState, Fold, Table, t } from '../ui.js';
import { listen, prefs } from '../prefs.js';
import { clock, significant } from '../format.js';

const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3], [12, 4], [4, 2]];

// Colours of the theme that is on, read from the style sheet.
export function paint() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: of('muted'),
    line: of('line'),
    strong: of('text'),
    good: of('good'),
    bad: of('bad'),
    warn: of('warn'),
    faint: of('faint'),
    back: of('back'),
    series: [1, 2, 3, 4, 5, 6].map((at) => of(`c${at}`)),
  };
}

export const dash = (at) => DASHES[at % DASHES.length];

export function axis(colours, more) {
  return {
    stroke: colours.text,
    font: '11px system-ui, sans-serif',
    grid: { stroke: colours.line, width: 1 },
    ticks: { stroke: colours.line, width: 1, size: 4 },
    labelFont: '11px system-ui, sans-serif',
    labelSize: 18,
    size: wide,
    gap: 4,
    space: 34,
    values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : axisNumber(tick))),
    ...more,
  };
}

// As wide as its longest label: uPlot asks again whenever the labels change.
function wide(_, labels) {
  const longest = Math.max(0, ...(labels ?? []).map((label) => String(label).length));
  return Math.max(32, Math.ceil(longest * 6.4) + 14);
}

// Seconds below an axis: 1:05, or 0.4 where the ticks stand closer than a second.
export const timeAxis = (colours) => axis(colours, {
  size: 28,
  space: 56,
  values: (_, ticks, _axis, _space, step) => ticks.map((tick) => (step < 1 ? `${Number(tick.toFixed(3))} s` : clock(tick))),
});

const axisNumber = (value) => {
  if (Math.abs(value) >= 10000) return `${Number((value / 1000).toPrecision(4))}k`;
  return String(Number(value.toPrecision(6)));
};

export function useTheme() {
  const [theme, setTheme] = useState(prefs.theme);
  useEffect(() => listen((name) => name === 'theme' && setTheme(prefs.theme)), []);
  return theme;
}

// `title` stands above. `build(colours)` gives uPlot's options without a size; `series` [{ label, colour, dash, value }] the legend. `table` is
// { columns, rows } of the numbers behind the chart. `onPlot` gets the chart itself.
export function Plot({ title, label, build, data, height = 220, series = [], table }) {
  const box = useRef(null);
  const plot = useRef(null);
  const shown = useRef([]);
  const theme = useTheme();
  const [hidden, setHidden] = useState(new Set());
  const colours = useMemo(paint, [theme]);

  useEffect(() => {
    const made = new window.uPlot(options(build(colours), box.current, height, shown), data, box.current);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: box.current.clientWidth, height }));
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [build, colours, height]);

  const first = useRef(true);
  useEffect(() => {
    if (!first.current) plot.current?.setData(data);
    first.current = false;
  }, [data]);

  useEffect(() => {
    series.forEach((_, at) => {
      const show = !hidden.has(at);
      if (plot.current && plot.current.series[at + 1]?.show !== show) plot.current.setSeries(at + 1, { show });
    });
  }, [hidden, build, colours]);

  const toggle = (at) => setHidden((before) => {
    const after = new Set(before);
    if (!after.delete(at)) after.add(at);
    return after;
  });

  return html`<figure class="chart">
    ${(title || series.length > 0) && html`<figcaption class="legend">
      ${title && html`<h3>${title}</h3>`}
      ${series.length === 1 && title ? html`<output aria-live="off" ref=${(element) => { shown.current[0] = element && { element, value: series[0].value ?? significant }; }}></output>` : series.map((one, at) => html`<button type="button" key=${one.label} aria-pressed=${hidden.has(at) ? 'false' : 'true'} onClick=${() => toggle(at)}>
        <svg viewBox="0 0 20 6" aria-hidden="true"><line x1="0" y1="3" x2="20" y2="3" stroke=${one.colour(colours)} stroke-width="2" stroke-dasharray=${(one.dash ?? []).join(' ')} /></svg>
        <span>${one.label}</span><output aria-live="off" ref=${(element) => { shown.current[at] = element && { element, value: one.value ?? significant }; }}></output>
      </button>`)}
    </figcaption>`}
    <div class="plot" ref=${box} role="img" aria-label=${label}></div>
    ${table && html`<${Fold} title=${t('chart.numbers')}><${Table} caption=${label} columns=${table.columns} rows=${table.rows} /></${Fold}>`}
  </figure>`;
}

function options(built, element, height, shown) {
  const { hooks = {}, ...rest } = built;
  const values = (made) => shown.current.forEach((one, at) => {
    if (!one) return;
    const place = made.cursor.idxs?.[at + 1];
    const value = place === null || place === undefined ? null : made.data[at + 1]?.[place];
    one.element.textContent = value === null || value === undefined ? '' : one.value(value);
  });
  return {
    width: Math.max(80, element.clientWidth),
    height,
    legend: { show: false },
    ...rest,
    cursor: { points: { size: 6 }, ...rest.cursor },
    hooks: { ...hooks, setCursor: [...(hooks.setCursor ?? []), values] },
  };
}

// Every so many rows, so that a table of a chart stays readable.
export function thinned(rows, most = 60) {
  if (rows.length <= most) return rows;
  const step = rows.length / most;
  return Array.from({ length: most }, (_, at) => rows[Math.floor(at * step)]);
}
