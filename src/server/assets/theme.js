// Sets the theme before anything is drawn, so that no page flashes white: the stored choice, or the system's.
{
  let chosen = null;
  try {
    chosen = localStorage.getItem('llt.theme');
  } catch {
    // Storage is switched off: the system's theme it is.
  }
  const dark = chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
}
