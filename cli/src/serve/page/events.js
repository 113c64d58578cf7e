// The events that SDKs sent.

const KINDS = ['summary', 'feature', 'debug', 'identify', 'index', 'custom', 'click', 'pageview', 'migration_op', 'diagnostic-init', 'diagnostic'];

const events = {
  rows: [],
  next: null,
  forgotten: 0,
  limit: 200,
  paused: false,
  waiting: 0,
  filter: { kind: '', sdk: '', query: '' },
  counts: false,
  /** Numbers of the events whose JSON is shown. */
  open: new Set(),
  nodes: null,
  generation: 0,

  build() {
    const kind = el('select', { 'aria-label': 'Kind', onchange: () => this.filterBy({ kind: kind.value }) },
      el('option', { value: '' }, 'All kinds'), KINDS.map((name) => el('option', { value: name }, name)));
    const sdk = el('select', { 'aria-label': 'SDK', onchange: () => this.filterBy({ sdk: sdk.value }) });
    const query = el('input', { type: 'search', placeholder: 'Flag, context or text', 'aria-label': 'Search events', spellcheck: 'false', oninput: calm(() => this.filterBy({ query: query.value }), 100) });
    const pause = button('Pause', () => this.pause(), { 'aria-pressed': 'false' });
    const view = el('div', { class: 'segmented', role: 'group', 'aria-label': 'View' });
    const body = el('div', { class: 'events' });
    const problem = el('div');
    this.nodes = { kind, sdk, query, pause, view, body, problem };
    this.drawView();
    return [
      el('div', { class: 'toolbar' }, view, el('div', { class: 'searchbox' }, query), kind, sdk,
        el('div', { class: 'push' }, pause, button('Download', () => this.download()), button('Clear', () => this.clear()))),
      problem,
      body,
    ];
  },

  drawView() {
    const view = (counts, label) => button(label, () => {
      this.counts = counts;
      this.drawView();
      this.load();
    }, { 'aria-pressed': String(this.counts === counts) });
    fill(this.nodes.view, view(false, 'Events'), view(true, 'Counts'));
    this.nodes.kind.hidden = this.counts;
  },

  filterBy(change) {
    Object.assign(this.filter, change);
    this.limit = 200;
    this.load();
  },

  path(extra) {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries({ ...this.filter, ...extra })) {
      if (value !== '' && value !== null) search.set(name, value);
    }
    return inEnv(`/events?${search}`);
  },

  async load() {
    this.generation += 1;
    const { generation } = this;
    try {
      fill(this.nodes.problem);
      if (this.counts) {
        const answer = await api('GET', inEnv('/events/counts'));
        if (generation === this.generation) this.drawCounts(answer.rows);
        return;
      }
      const answer = await api('GET', this.path({ limit: this.limit }));
      if (generation !== this.generation) return;
      this.rows = answer.events;
      this.take(answer);
      this.waiting = 0;
      this.draw();
    } catch (error) {
      if (error.code !== 'unreachable') fill(this.nodes.problem, errorText(error));
    }
  },

  take(answer) {
    this.next = answer.next;
    this.forgotten = answer.forgotten;
  },

  /** New events arrived at the server. */
  async arrived() {
    if (app.tab !== 'events') return;
    if (this.counts) return this.paused ? undefined : this.load();
    if (this.next === null) return this.load();
    const { generation } = this;
    try {
      const answer = await api('GET', this.path({ after: this.next - 1, limit: 1000 }));
      if (generation !== this.generation) return;
      if (this.paused) {
        this.waiting = answer.events.length;
        this.drawPause();
        return;
      }
      this.rows = [...this.rows, ...answer.events].slice(-Math.max(this.limit, 200));
      this.take(answer);
      this.draw();
    } catch (error) {
      if (error.code !== 'unreachable') fill(this.nodes.problem, errorText(error));
    }
  },

  pause() {
    this.paused = !this.paused;
    this.waiting = 0;
    this.drawPause();
    if (!this.paused) this.load();
  },

  drawPause() {
    const { pause } = this.nodes;
    pause.setAttribute('aria-pressed', String(this.paused));
    pause.textContent = this.paused ? (this.waiting > 0 ? `Resume (${number(this.waiting)} new)` : 'Resume') : 'Pause';
  },

  drawSdks() {
    const { sdk } = this.nodes;
    const names = [...new Set([...this.rows.map((row) => row.sdk), this.filter.sdk].filter(Boolean))].sort();
    fill(sdk, el('option', { value: '' }, 'All SDKs'), names.map((name) => el('option', { value: name, selected: name === this.filter.sdk }, name)));
  },

  draw() {
    this.drawPause();
    if (document.activeElement !== this.nodes.sdk) this.drawSdks();
    if (this.rows.length === 0) {
      const isFiltered = Object.values(this.filter).some((value) => value !== '');
      fill(this.nodes.body, el('div', { class: 'empty' }, isFiltered
        ? [el('h2', {}, 'No event matches'), el('p', {}, 'Events appear here while they arrive.')]
        : [el('h2', {}, 'No events yet'), el('p', {}, 'Server SDKs send every 5 s, JavaScript every 2 s, mobile every 30 s.'), setup()]));
      return;
    }
    const focused = document.activeElement?.dataset?.event;
    fill(
      this.nodes.body,
      el('div', { class: 'scroll-x' }, el('table', { class: 'plain' },
        el('caption', { class: 'hidden-text' }, 'Events, newest first'),
        el('thead', {}, el('tr', {}, ['Time', 'Kind', 'What', 'SDK'].map((text) => el('th', { scope: 'col' }, text)))),
        el('tbody', {}, [...this.rows].reverse().map((row) => this.rowsOf(row))))),
      this.rows.length >= this.limit && button('Show more', () => { this.limit *= 5; this.load(); }),
      this.forgotten > 0 && el('p', { class: 'dim' }, `${counted(this.forgotten, 'older event')} ${this.forgotten === 1 ? 'was' : 'were'} dropped: the server keeps the newest.`),
    );
    if (focused) this.nodes.body.querySelector(`[data-event="${focused}"]`)?.focus({ preventScroll: true });
  },

  rowsOf(row) {
    const isOpen = this.open.has(row.n);
    const kind = row.event.kind ?? 'event';
    const what = button(shortened(eventText(row.event), 140), () => {
      if (!this.open.delete(row.n)) this.open.add(row.n);
      this.draw();
    }, { class: 'what', 'aria-expanded': String(isOpen), 'data-event': row.n });
    return [
      el('tr', {}, el('td', { class: 'time' }, clock(row.at)), el('td', {}, tag(kind)), el('td', { class: 'what-cell' }, what), el('td', { class: 'dim' }, row.sdk ?? '–')),
      isOpen && el('tr', { class: 'details' }, el('td', { colspan: 4 },
        kind === 'summary' && summaryTable(row.event),
        el('div', { class: 'why-line' }, el('span', { class: 'dim' }, row.path), button('Copy', () => copy(pretty(row.event), 'Event'), { class: 'quiet' })),
        el('pre', { class: 'code block', tabindex: '0', 'aria-label': 'Event as JSON' }, pretty(row.event)))),
    ];
  },

  drawCounts(rows) {
    const words = this.filter.query.toLowerCase();
    const shown = rows.filter((row) => (!this.filter.sdk || row.sdk === this.filter.sdk) && row.flag.toLowerCase().includes(words));
    fill(this.nodes.body, shown.length === 0
      ? el('div', { class: 'empty' }, el('h2', {}, 'No counts'), el('p', {}, 'Summary events say how often each variation was served.'))
      : el('div', { class: 'scroll-x' }, countsTable(shown)));
  },

  async download() {
    try {
      const answer = await api('GET', this.path({ limit: 10000 }));
      download('events.ndjson', 'application/x-ndjson', answer.events.map((row) => `${JSON.stringify(row)}\n`).join(''));
    } catch (error) {
      fill(this.nodes.problem, errorText(error));
    }
  },

  clear() {
    confirmDialog('Clear events', el('p', {}, 'The server forgets all events of this environment.'), 'Clear', async () => {
      await api('DELETE', inEnv('/events'));
      this.open.clear();
      await Promise.all([this.load(), loadState()]);
    }, { danger: true });
  },
};

function countsTable(rows) {
  const hasSdk = rows.some((row) => row.sdk);
  const heads = ['Flag', 'Variation', 'Value', 'Version', 'Count', ...(hasSdk ? ['SDK'] : [])];
  return el('table', { class: 'plain' },
    el('caption', { class: 'hidden-text' }, 'Evaluations by flag and variation'),
    el('thead', {}, el('tr', {}, heads.map((text) => el('th', { scope: 'col', class: text === 'Count' ? 'right' : '' }, text)))),
    el('tbody', {}, rows.map((row) => el('tr', {},
      el('th', { scope: 'row' }, button(row.flag, () => openAt('flag', row.flag), { class: 'link' })),
      el('td', {}, row.variation ?? 'default'), el('td', {}, el('code', {}, shortened(inline(row.value), 60))),
      el('td', {}, row.version ?? '–'), el('td', { class: 'right' }, number(row.count)), hasSdk && el('td', { class: 'dim' }, row.sdk ?? '–')))));
}

function summaryTable(event) {
  const rows = Object.entries(event.features ?? {}).flatMap(([flag, { counters = [] }]) => counters.map((counter) => ({ flag, ...counter })));
  return countsTable(rows);
}

/** An event in a few words. */
function eventText(event) {
  const who = event.context ? ` for ${contextLabel(event.context)}` : event.contextKeys ? ` for ${Object.entries(event.contextKeys).map(([kind, key]) => `${kind} "${key}"`).join(', ')}` : '';
  switch (event.kind) {
    case 'feature':
    case 'debug': return `${event.key} = ${inline(event.value)}${event.variation === undefined || event.variation === null ? '' : ` (variation ${event.variation})`}${who}`;
    case 'summary': {
      const features = Object.values(event.features ?? {});
      const total = features.flatMap(({ counters = [] }) => counters).reduce((sum, { count = 0 }) => sum + count, 0);
      return `${counted(total, 'evaluation')} of ${counted(features.length, 'flag')}: ${Object.keys(event.features ?? {}).join(', ')}`;
    }
    case 'identify':
    case 'index': return event.context ? contextLabel(event.context) : event.user ? `user "${event.user.key}"` : event.key ?? '';
    case 'custom': return `${event.key}${event.metricValue === undefined ? '' : ` ${event.metricValue}`}${event.data === undefined || event.data === null ? '' : ` ${inline(event.data)}`}${who}`;
    case 'click':
    case 'pageview': return event.url ?? event.key ?? '';
    case 'migration_op': return `${event.operation ?? ''} ${event.evaluation?.key ?? ''}${who}`;
    case 'diagnostic-init':
    case 'diagnostic': return [event.sdk?.name, event.sdk?.version, event.platform?.name].filter(Boolean).join(' ');
    default: return inline(event);
  }
}
