// Single keys for who is here all day. They are off while one types, and can be switched off for good.
import { useEffect } from './vendor/htm-preact.js';
import { choose, prefs } from './prefs.js';

const PLACES = { r: '#/', h: '#/history', g: '#/gpu', c: '#/recommend', n: '#/new' };

export function useKeys(help) {
  useEffect(() => {
    let goes = 0;
    const hear = (event) => {
      if (!prefs.shortcuts || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.closest('input, textarea, select, [contenteditable]') || document.querySelector('dialog[open]')) return;
      const follows = Date.now() - goes < 1200;
      goes = 0;
      if (follows && PLACES[event.key]) location.hash = PLACES[event.key];
      else if (event.key === 'g') goes = Date.now();
      else if (event.key === 'n') location.hash = PLACES.n;
      else if (event.key === '?') help();
      else if (event.key === 't') choose('theme', prefs.theme === 'dark' ? 'light' : 'dark');
      else if (event.key === '/') document.querySelector('[data-filter]')?.focus();
      else if (event.key === 'j' || event.key === 'k') step(event.key === 'j' ? 1 : -1);
      else if (event.key === 'x') document.activeElement?.closest('tr')?.querySelector('input[type=checkbox]')?.click();
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', hear);
    return () => removeEventListener('keydown', hear);
  }, [help]);
}

// Moves the focus to the link of the next row.
function step(by) {
  const links = [...document.querySelectorAll('[data-row] a')];
  const at = links.findIndex((link) => link.closest('tr').contains(document.activeElement));
  links[Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
}
