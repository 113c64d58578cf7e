// What stands around the views: the top line, tabs, banners, the bar of overrides, the colours.

const LABELS = { flags: 'Flags', events: 'Events', sdks: 'SDKs', check: 'Check' };
const COLOURS = { auto: 'Auto', light: 'Light', dark: 'Dark' };
const DARK = matchMedia('(prefers-color-scheme: dark)');

function renderTop() {
  const env = environment();
  const names = app.state?.environments.map(({ name }) => name) ?? [];
  const select = el('select', { 'aria-label': 'Environment', onchange: () => go({ env: select.value, key: null }) },
    names.map((name) => el('option', { value: name, selected: name === app.env }, name)));
  const where = byId('where');
  // An open list of environments would close.
  if (document.activeElement !== where.querySelector('select')) {
    refill(
      where,
      names.length > 1 ? select : env && el('b', {}, env.name),
      env && el('span', { class: 'source', title: env.source }, env.source),
      env && el('span', { class: 'revision' }, `revision ${number(env.revision)}`),
      env && !env.followed && button('Refresh', () => openRefresh(), { class: 'quiet' }),
    );
  }
  const words = { connecting: 'connecting', live: 'live', lost: 'disconnected', paused: 'paused' };
  fill(byId('status'), el('span', { class: `live ${live.state}` }, el('i', { 'aria-hidden': 'true' }), words[live.state]));
}

function renderTabs() {
  const env = environment();
  const counts = { flags: env?.flags, events: env?.events, sdks: env?.streams, check: env?.findings };
  refill(byId('tabs'), TABS.map((tab) => el(
    'a',
    {
      href: hashOf({ tab, key: null, query: '', filters: new Set() }), 'aria-current': app.tab === tab ? 'page' : null,
      onclick: (event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        openTab(tab);
      },
    },
    LABELS[tab], counts[tab] !== undefined && el('span', { class: 'number' }, number(counts[tab])),
  )));
  document.title = env ? `${LABELS[app.tab]} · ${env.name} · vexil serve` : 'vexil serve';
}

function openTab(tab) {
  go({ tab, key: null });
}

function banner(tone, title, text, ...actions) {
  return el('div', { class: `banner ${tone}`, role: tone === 'error' ? 'alert' : 'note' },
    el('p', {}, el('b', {}, title), text && ` ${text}`), actions);
}

function renderBanners() {
  const env = environment();
  const source = env?.sourceState ?? {};
  const overrides = env?.overridesState ?? {};
  const wanted = [
    live.state === 'lost' && ['error', 'Connection lost, trying again.', 'The page shows what it last knew.', button('Try now', () => live.retry())],
    source.state === 'broken' && ['error', 'The source has an error; the last good flags are served.', source.message],
    source.state === 'unreachable' && ['warning', 'The source is unreachable; the last flags are served.', source.message],
    overrides.state === 'broken' && ['error', 'The file of overrides has an error; the last good overrides are served.', overrides.message],
    env?.production && ['warning', 'This server shows production data.', 'It can contain keys of real users.'],
  ].filter(Boolean);
  const text = JSON.stringify(wanted.map((row) => row.slice(0, 3)));
  const node = byId('banners');
  if (node.dataset.shown === text) return;
  node.dataset.shown = text;
  fill(node, wanted.map((row) => banner(...row)));
}

function renderBar() {
  const env = environment();
  const bar = byId('overrides');
  const state = env?.overridesState?.state;
  bar.hidden = !env || (env.overrides === 0 && !env.unsaved && state !== 'changed-on-disk');
  if (bar.hidden) return;
  const saved = {
    saved: 'saved', unsaved: 'not saved', broken: 'the file has an error', 'changed-on-disk': 'the file changed on disk',
  }[state] ?? (env.unsaved ? 'not saved' : 'kept until the server ends');
  refill(
    bar,
    button(counted(env.overrides, 'override'), () => openOverrides(), { class: 'link strong' }),
    el('span', { class: 'dim' }, env.overridesFile ? saved : 'kept until the server ends'),
    el('div', { class: 'push' },
      env.overridesFile && button(['Save', el('span', { class: 'wide-only' }, ` to ${env.overridesFile.split('/').at(-1)}`)], () => saveOverrides(false), { class: 'primary', disabled: !env.unsaved && state !== 'changed-on-disk' }),
      button('Download', () => attempt(downloadOverrides)),
      button('Remove all', () => removeOverrides(env.overrides))),
  );
}

/** All overrides, also those of items that the source no longer has. */
async function openOverrides() {
  const rows = el('div', { class: 'stack' });
  const dialog = openDialog('Overrides', rows, { wide: true });
  const draw = async () => {
    try {
      const all = await api('GET', inEnv('/overrides'));
      const entries = ['flag', 'segment'].flatMap((kind) => Object.entries(all[`${kind}s`] ?? {}).map(([key, override]) => ({ kind, key, override })));
      if (entries.length === 0) {
        dialog.close();
        return;
      }
      fill(rows, el('div', { class: 'scroll-x' }, el('table', { class: 'plain' },
        el('caption', { class: 'hidden-text' }, 'Overrides'),
        el('tbody', {}, entries.map(({ kind, key, override }) => el('tr', {},
          el('th', { scope: 'row' }, button(key, () => { dialog.close(); openAt(kind, key); }, { class: 'link mono' }), el('span', { class: 'dim' }, ` ${kind}`)),
          el('td', {}, overrideText(override)),
          el('td', { class: 'right' }, button('Remove', async () => {
            await attempt(() => setOverride(kind, key, null));
            await draw();
            rows.querySelector('button')?.focus();
          }, { 'aria-label': `Remove the override of ${key}` }))))))));
    } catch (error) {
      fill(rows, errorText(error));
    }
  };
  await draw();
}

async function downloadOverrides() {
  const response = await send('GET', inEnv('/overrides?format=yaml'), { accept: 'application/yaml' });
  download(`overrides-${app.env}.yaml`, 'application/yaml', await response.text());
}

function removeOverrides(count) {
  confirmDialog('Remove all overrides', el('p', {}, `${counted(count, 'override')} will be removed. All items are served as defined.`), 'Remove all', async () => {
    await api('DELETE', inEnv('/overrides'));
    announce('All overrides were removed');
    detail.edited = false;
    await refresh();
  }, { danger: true });
}

async function saveOverrides(force) {
  try {
    const answer = await api('POST', inEnv('/overrides/save'), force ? { force: true } : {});
    announce(`Saved to ${answer.file}`);
    await loadState();
  } catch (error) {
    if (error.code !== 'changed-on-disk') {
      openDialog('Not saved', errorText(error));
      return;
    }
    openConflict(error);
  }
}

/** The file changed since it was read: shows both, and asks which one stays. */
function openConflict(error) {
  const problem = el('div');
  const decide = (action) => async () => {
    try {
      await action();
      dialog.close();
    } catch (failure) {
      fill(problem, errorText(failure));
    }
  };
  const dialog = openDialog('The file changed', [
    el('p', {}, 'The file of overrides was changed by another program since it was read. Nothing was saved.'),
    error.diff && [el('p', { class: 'dim' }, 'Lines with “-” are in the file, lines with “+” are served now.'), diffText(error.diff)],
    problem,
    el('div', { class: 'actions' },
      button('Cancel', () => dialog.close()),
      button('Use the file', decide(async () => {
        await api('POST', inEnv('/overrides/reload'), {});
        announce('The overrides of the file are served');
        detail.edited = false;
        await refresh();
      })),
      button('Overwrite the file', decide(() => saveOverrides(true)), { class: 'danger' })),
  ], { wide: true });
}

/** Reads a snapshot again: shows what would change first. */
async function openRefresh() {
  const body = el('div', { class: 'stack' }, el('p', { class: 'dim' }, 'Reading the source…'));
  const dialog = openDialog('Refresh from the source', body, { wide: true });
  try {
    const answer = await api('POST', inEnv('/refresh'), { apply: false });
    if (answer.changed === 0) {
      fill(body, el('p', {}, 'Nothing changed in the source.'), el('div', { class: 'actions' }, button('Close', () => dialog.close(), { class: 'primary' })));
      return;
    }
    const problem = el('div');
    const apply = button('Apply', () => once(apply, async () => {
      try {
        await api('POST', inEnv('/refresh'), { apply: true });
        announce(`${counted(answer.changed, 'change')} applied`);
        dialog.close();
        await refresh();
      } catch (error) {
        fill(problem, errorText(error));
      }
    }), { class: 'primary' });
    fill(body, el('p', {}, `${counted(answer.changed, 'item')} changed in the source. Overrides stay.`), diffText(answer.text), problem,
      el('div', { class: 'actions' }, button('Cancel', () => dialog.close()), apply));
    apply.focus();
  } catch (error) {
    fill(body, errorText(error), el('div', { class: 'actions' }, button('Close', () => dialog.close(), { class: 'primary' })));
  }
}

// Colours.

function applyColours() {
  const choice = stored.read('colours', 'auto');
  const root = document.documentElement;
  root.classList.toggle('dark', choice === 'dark' || (choice === 'auto' && DARK.matches));
  const control = byId('theme');
  fill(control, el('span', { class: 'half', 'aria-hidden': 'true' }), COLOURS[choice]);
  control.setAttribute('aria-label', `Colours: ${COLOURS[choice]}`);
  control.title = 'Colours: automatic, light or dark';
}

function nextColours() {
  const names = Object.keys(COLOURS);
  const now = stored.read('colours', 'auto');
  stored.write('colours', names[(names.indexOf(now) + 1) % names.length]);
  applyColours();
}
