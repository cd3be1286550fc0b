// Asks for a key, which stays in this tab only.
import { html, t, Trouble, useState } from '../ui.js';
import { get, key, setKey } from '../api.js';

export function Key({ welcome }) {
  const [problem, setProblem] = useState(null);
  const enter = async (event) => {
    event.preventDefault();
    const before = key();
    setKey(new FormData(event.currentTarget).get('key').trim());
    try {
      await get('viewer');
      if (location.hash === '#/key') location.hash = '#/';
      welcome();
    } catch (caught) {
      setKey(before);
      setProblem(caught);
    }
  };
  const forget = () => {
    setKey(null);
    welcome();
  };
  return html`<form class="empty" onSubmit=${enter}><h1>${t('key.title')}</h1><p>${t('key.words')}</p>
    <div class="field"><label for="key">${t('key')}</label><input id="key" name="key" type="password" autocomplete="off" required placeholder="llt_…" /></div>
    ${problem && html`<${Trouble} problem=${problem} />`}
    <p class="actions">${key() && html`<button type="button" onClick=${forget}>${t('key.forget')}</button>`}<button type="submit" class="primary">${t('key.enter')}</button></p>
    <p class="fine">${t('key.make')} <code>llm-loadtest serve key create --name me --scope run</code></p></form>`;
}
