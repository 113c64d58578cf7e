// Starts the page, and brings changes into it.

/** Shows the place that the address names. */
function show() {
  const before = { env: app.env, kind: app.kind, query: app.query, filters: [...app.filters].join() };
  readHash();
  for (const tab of TABS) byId(`view-${tab}`).hidden = tab !== app.tab;
  renderTop();
  renderTabs();
  renderBanners();
  renderBar();
  if (!app.env) return;
  if (app.tab === 'flags') {
    list.controls();
    const isSame = list.pages.size > 0 && before.env === app.env && before.kind === app.kind
      && before.query === app.query && before.filters === [...app.filters].join();
    if (isSame) list.draw(true);
    else list.load();
    detail.show();
  }
  if (app.tab === 'events') {
    if (before.env !== app.env) events.next = null;
    events.load();
  }
  if (app.tab === 'sdks') sdks.load();
  if (app.tab === 'check') check.load();
}

async function loadState() {
  app.state = await api('GET', '/state');
  if (!environment()) readHash();
  renderTop();
  renderTabs();
  renderBanners();
  renderBar();
  if (app.tab === 'flags') list.controls();
}

/** Reads again what is shown, after a change. */
async function refresh() {
  await loadState();
  if (app.tab === 'flags') {
    list.load({ keep: true });
    if (app.key !== null) await detail.load();
  }
  if (app.tab === 'check') await check.load();
}

const refreshSoon = calm(() => refresh().catch(report), 60);
const stateSoon = calm(() => loadState().catch(report), 200);
const sdksSoon = calm(() => { if (app.tab === 'sdks') sdks.load(); }, 200);
const eventsSoon = calm(() => events.arrived(), 200);

/** An error that no control shows. A lost connection has its banner. */
function report(error) {
  if (error.code !== 'unreachable') announce(error.message);
}

function handleChange(name, data) {
  if (name === 'hello') {
    const isFirst = live.state === 'connecting' && app.state.environments.every((env) => data.environments[env.name] === env.revision);
    live.become('live');
    if (isFirst) return;
    refresh().then(() => {
      if (app.tab === 'events') return events.load();
      if (app.tab === 'sdks') return sdks.load();
      return undefined;
    }).catch(report);
    return;
  }
  if (data.env !== app.env) {
    stateSoon();
    return;
  }
  if (name === 'flags' || name === 'overrides' || name === 'source') refreshSoon();
  if (name === 'events') {
    const env = environment();
    if (env) env.events = Math.max(env.events, data.upTo ?? 0);
    eventsSoon();
    stateSoon();
  }
  if (name === 'sdks') {
    sdksSoon();
    stateSoon();
  }
}

async function begin() {
  takeToken();
  applyColours();
  DARK.addEventListener('change', applyColours);
  byId('theme').addEventListener('click', nextColours);
  byId('help').addEventListener('click', openHelp);
  byId('skip').addEventListener('click', () => byId('main').focus());
  byId('view-flags').append(list.build(), detail.build());
  byId('view-events').append(...events.build());
  byId('view-sdks').append(...sdks.build());
  byId('view-check').append(...check.build());
  document.addEventListener('keydown', onKey);
  addEventListener('popstate', show);
  renderTop();
  renderTabs();
  for (;;) {
    try {
      app.state = await api('GET', '/state');
      break;
    } catch (error) {
      fill(byId('banners'), banner('error', 'The server does not answer.', error.message));
      await new Promise((resolve) => { setTimeout(resolve, 1000); });
    }
  }
  app.env = null;
  show();
  live.start();
}

begin();
