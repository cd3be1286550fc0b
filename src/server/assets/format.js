// Numbers, times and sizes as people read them. Everything is set in tabular figures, so no width depends on the value.
import { t } from './i18n.js';
import { prefs } from './prefs.js';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

// 12,345.
export const count = (value) => (value === null || value === undefined ? '–' : whole.format(value));

// Three significant digits without an exponent: 412, 10.4, 1.03, 0.004.
export function significant(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const rounded = Number(value.toPrecision(3));
  const size = Math.abs(rounded);
  if (size >= 100) return whole.format(rounded);
  if (size >= 10) return rounded.toFixed(1);
  if (size >= 1) return rounded.toFixed(2);
  if (size >= 0.001) return rounded.toFixed(3);
  return size > 0 ? '<0.001' : '0';
}

export const number = significant;

// A share as 87.0%; 99.953% where one decimal would claim a whole hundred or a whole nothing.
export function percent(share) {
  if (share === null || share === undefined) return '–';
  const value = share * 100;
  const lost = (share < 1 && value >= 99.95) || (share > 0 && value < 0.05);
  return `${value.toFixed(lost ? 3 : 1)}%`;
}

// A relative change as +22.1%, one of a share as -1.3 pp.
export function change(value, absolute) {
  if (value === null || value === undefined) return '–';
  const points = value * 100;
  const digits = Math.abs(points).toFixed(Math.abs(points) < 100 ? 1 : 0);
  const sign = Number(digits) === 0 ? '' : points > 0 ? '+' : '-';
  return `${sign}${digits}${absolute ? ' pp' : '%'}`;
}

export function interval(effect) {
  if (!effect) return '';
  const end = (value, open) => (value === null || value === undefined ? open : change(value, effect.absolute));
  return `[${end(effect.low, '-∞')}, ${end(effect.high, '+∞')}]`;
}

// 1:05, 12:40, 1:02:03.
export function clock(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
  const all = Math.max(0, Math.round(seconds));
  const two = (part) => String(part).padStart(2, '0');
  const hours = Math.floor(all / 3600);
  const minutes = Math.floor((all % 3600) / 60);
  return hours ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
}

export const seconds = (from, to) => (from && to ? (Date.parse(to) - Date.parse(from)) / 1000 : null);

// 24.0 GB, 512 MB: decimal units, as vendors of memory print them.
export function bytes(value) {
  if (value === null || value === undefined) return '–';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let at = 0;
  let rest = value;
  for (; rest >= 1000 && at < units.length - 1; at += 1) rest /= 1000;
  return at === 0 ? `${rest} B` : `${significant(rest)} ${units[at]}`;
}

// 2026-02-13 14:05, in the viewer's time zone.
export function instant(text) {
  if (!text) return '–';
  const at = new Date(text);
  const two = (part) => String(part).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

// 5 min ago, 3 h ago; the date when it is longer ago than a week.
export function ago(text, now = Date.now()) {
  if (!text) return '–';
  const gone = (now - Date.parse(text)) / 1000;
  if (gone < 45) return t('time.now');
  if (gone < 3600) return t('time.minutes', { n: Math.max(1, Math.round(gone / 60)) });
  if (gone < 86400) return t('time.hours', { n: Math.round(gone / 3600) });
  if (gone < 7 * 86400) return t('time.days', { n: Math.round(gone / 86400) });
  return instant(text).slice(0, 10);
}

export const short = (commit) => (commit && /^[0-9a-f]{12,}$/.test(commit) ? commit.slice(0, 9) : commit);

// Names in the order that people of the chosen language expect.
export const byName = (left, right) => left.localeCompare(right, prefs.language, { numeric: true });
