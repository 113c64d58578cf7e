// The list of flags or segments: a window of rows over any number of them.

const ROW = 36;
const WINDOW = 50;

const list = {
  total: 0,
  /** Rows by page of 50. */
  pages: new Map(),
  wanted: new Set(),
  generation: 0,
  running: null,
  /** The index of the row that the keyboard acts on. */
  cursor: 0,
  drawn: '',
  nodes: null,

  build() {
    const search = el('input', {
      type: 'search', id: 'search', placeholder: 'Search keys, values, attributes, segments', 'aria-label': 'Search',
      'aria-keyshortcuts': '/', spellcheck: 'false', autocomplete: 'off', oninput: () => this.search(search.value),
      onkeydown: (event) => {
        if (event.key === 'ArrowDown' || event.key === 'Enter') {
          event.preventDefault();
          this.focusCursor();
        }
      },
    });
    const kinds = el('div', { class: 'segmented', role: 'group', 'aria-label': 'What the list shows' });
    const filters = el('div', { class: 'chips', role: 'group', 'aria-label': 'Filters' });
    const context = button('', () => openContexts(), { class: 'context', 'aria-keyshortcuts': 'c', title: 'Choose the context (c)' });
    const head = el('thead');
    const body = el('tbody');
    const table = el('table', { class: 'rows', id: 'rows' }, el('caption', { class: 'hidden-text' }, 'Flags'), head, body);
    const scroller = el('div', { class: 'scroller', onscroll: () => requestAnimationFrame(() => this.draw()) }, table);
    const count = el('p', { class: 'count' });
    const empty = el('div', { class: 'empty', hidden: true });
    this.nodes = { search, kinds, filters, context, head, body, table, scroller, count, empty };
    new ResizeObserver(() => this.draw(true)).observe(scroller);
    return el(
      'div',
      { class: 'list' },
      el('div', { class: 'toolbar list-tools' }, kinds, el('div', { class: 'searchbox' }, search, el('kbd', { 'aria-hidden': 'true' }, '/')), context),
      el('div', { class: 'subbar' }, filters, count),
      scroller,
      empty,
    );
  },

  /** Shows the controls as the state says. */
  controls() {
    const { search, kinds, filters, context, head, table } = this.nodes;
    const env = environment();
    if (search.value !== app.query) search.value = app.query;
    const kind = (name, label, count) => button(
      [label, ' ', el('span', { class: 'number' }, number(count))],
      () => go({ kind: name, key: null }),
      { 'aria-pressed': String(app.kind === name) },
    );
    refill(kinds, kind('flag', 'Flags', env?.flags), kind('segment', 'Segments', env?.segments));
    const names = app.kind === 'flag' ? Object.entries(FILTERS) : [['overridden', FILTERS.overridden]];
    refill(filters, names.map(([name, label]) => button(label, () => {
      const next = new Set(app.filters);
      if (!next.delete(name)) next.add(name);
      go({ filters: next }, { replace: true });
    }, { class: 'chip', 'aria-pressed': String(app.filters.has(name)) })));
    const classes = { js: ' · as JavaScript', mobile: ' · as mobile' };
    fill(context, el('span', { class: 'dim' }, 'Context '), el('b', {}, shortened(contextLabel(contexts.chosen.context), 34)), classes[contexts.class] ?? '');
    context.hidden = app.kind !== 'flag';
    const columns = app.kind === 'flag'
      ? [['Key', ''], ['State', 'state'], [`Value for ${shortened(contextLabel(contexts.chosen.context), 24)}`, 'value'], ['Why', 'why']]
      : [['Key', ''], ['Version', 'state'], ['Override', 'value'], ['Used by', 'why']];
    fill(head, el('tr', {}, columns.map(([text, name]) => el('th', { scope: 'col', class: name }, text))));
    table.classList.toggle('segments', app.kind === 'segment');
    table.caption.textContent = app.kind === 'flag' ? 'Flags' : 'Segments';
  },

  search(query) {
    app.query = query;
    history.replaceState(null, '', hashOf({}));
    this.load();
  },

  /** Loads the list from its start. The old rows stay until the new ones are there. */
  load({ keep = false } = {}) {
    this.generation += 1;
    this.running?.abort();
    this.running = new AbortController();
    this.wanted.clear();
    if (!app.env) return;
    if (keep) {
      const { first, last } = this.range();
      const page = Math.floor(first / WINDOW);
      this.fetch(page, { count: Math.max(1, Math.ceil(last / WINDOW) - page), fresh: true });
    } else {
      this.fetch(0, { fresh: true, top: true });
    }
  },

  /** Loads the rows that are visible and not there yet, when the list has come to rest. */
  loadVisible: calm(() => {
    const { first, last } = list.range();
    for (let page = Math.floor(first / WINDOW); page * WINDOW < last; page += 1) {
      if (!list.pages.has(page)) list.fetch(page);
    }
  }, 40),

  async fetch(page, { count = 1, fresh = false, top = false } = {}) {
    if (this.wanted.has(page)) return;
    this.wanted.add(page);
    const generation = this.generation;
    const query = app.query;
    try {
      const answer = await this.rows(page, count, query);
      if (generation !== this.generation) return;
      if (fresh) this.pages = new Map();
      answer.pages.forEach((rows, index) => this.pages.set(index, rows));
      this.total = answer.total;
      this.cursor = Math.min(this.cursor, Math.max(0, this.total - 1));
      if (top) {
        this.cursor = 0;
        this.nodes.scroller.scrollTop = 0;
      }
      this.draw(true);
      this.nodes.table.dataset.query = query;
    } catch (error) {
      if (error.name === 'AbortError' || generation !== this.generation) return;
      if (error.code !== 'unreachable') fill(this.nodes.count, el('span', { class: 'error' }, error.message));
    } finally {
      if (generation === this.generation) this.wanted.delete(page);
    }
  },

  /** Asks the server for pages of rows. Segments come in one answer. */
  async rows(page, count, query) {
    const { signal } = this.running;
    if (app.kind === 'flag') {
      const answer = await api('POST', inEnv('/flags'), {
        query, filters: [...app.filters], offset: page * WINDOW, limit: count * WINDOW,
        context: contexts.chosen.context, class: contexts.class,
      }, signal);
      return { total: answer.total, pages: inPages(answer.flags, page) };
    }
    const answer = await api('GET', inEnv('/segments'), undefined, signal);
    const words = query.toLowerCase();
    const rows = answer.segments.filter((row) => row.key.toLowerCase().includes(words) && (!app.filters.has('overridden') || row.override));
    return { total: rows.length, pages: inPages(rows, 0) };
  },

  row(index) {
    return this.pages.get(Math.floor(index / WINDOW))?.[index % WINDOW];
  },

  /** The rows to have in the document: those that are visible, and some around them. */
  range() {
    const { scroller } = this.nodes;
    const visible = Math.ceil(scroller.clientHeight / ROW);
    const around = Math.max(5, Math.floor((WINDOW - visible) / 2));
    const first = Math.max(0, Math.floor(scroller.scrollTop / ROW) - around);
    return { first, last: Math.min(this.total, first + visible + 2 * around) };
  },

  draw(force = false) {
    if (!this.nodes || app.tab !== 'flags') return;
    const { body, count, table, scroller, empty } = this.nodes;
    const { first, last } = this.range();
    const drawn = `${first}-${last}`;
    if (!force && drawn === this.drawn) return;
    this.drawn = drawn;
    const focused = body.contains(document.activeElement) ? Number(document.activeElement.closest('tr').dataset.index) : -1;
    const rows = [];
    for (let index = first; index < last; index += 1) {
      const row = this.row(index);
      if (!row) this.loadVisible();
      rows.push(this.tr(index, row));
    }
    fill(body, spacer(first), rows, spacer(this.total - last));
    table.setAttribute('aria-rowcount', this.total + 1);
    if (focused >= first && focused < last) this.button(focused)?.focus({ preventScroll: true });
    const all = environment()?.[`${app.kind}s`] ?? 0;
    fill(count, this.total === all ? counted(all, app.kind) : `${number(this.total)} of ${counted(all, app.kind)}`);
    scroller.hidden = this.total === 0;
    empty.hidden = this.total > 0;
    if (this.total === 0) fill(empty, emptyList(all));
  },

  tr(index, row) {
    const open = row && row.key === app.key;
    const cells = row
      ? (app.kind === 'flag' ? flagCells(row) : segmentCells(row))
      : [el('td', { class: 'state' }), el('td', { class: 'value' }), el('td', { class: 'why' })];
    return el(
      'tr',
      {
        'data-index': index, 'aria-rowindex': index + 2, class: `${open ? 'open' : ''} ${index === this.cursor ? 'cursor' : ''}`,
        onclick: (event) => {
          if (!row || String(getSelection())) return;
          this.cursor = index;
          event.preventDefault();
          this.open(row.key);
        },
      },
      el('th', { scope: 'row' }, row
        ? el('button', { type: 'button', class: 'key', tabindex: index === this.cursor ? 0 : -1, 'aria-current': open ? 'true' : null, title: row.key }, row.key)
        : el('span', { class: 'dim' }, '…')),
      cells,
    );
  },

  button(index) {
    return this.nodes.body.querySelector(`tr[data-index="${index}"] .key`);
  },

  focusCursor() {
    this.move(0);
  },

  /** Moves the cursor; an open detail follows it. */
  move(by) {
    if (this.total === 0) return;
    this.cursor = Math.max(0, Math.min(this.total - 1, this.cursor + by));
    const { scroller } = this.nodes;
    const top = this.cursor * ROW;
    const head = ROW;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + ROW + head > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = top + ROW + head - scroller.clientHeight;
    this.draw(true);
    this.button(this.cursor)?.focus({ preventScroll: true });
    const row = this.row(this.cursor);
    if (by !== 0 && app.key !== null && row) go({ key: row.key }, { replace: true });
  },

  open(key) {
    go({ key }, { replace: app.key !== null });
    detail.focus();
  },

  /** The flag that a key of the keyboard acts on: the open one, else the one of the cursor. */
  current() {
    if (app.kind !== 'flag') return null;
    if (app.key !== null) return detail.document;
    return this.row(this.cursor) ?? null;
  },
};

function inPages(rows, first) {
  const pages = new Map();
  for (let index = 0; index * WINDOW < rows.length; index += 1) pages.set(first + index, rows.slice(index * WINDOW, (index + 1) * WINDOW));
  return pages;
}

function spacer(rows) {
  if (rows <= 0) return null;
  const row = el('tr', { class: 'spacer', 'aria-hidden': 'true' }, el('td'));
  row.style.height = `${rows * ROW}px`;
  return row;
}

function flagCells(row) {
  const hasValue = row.reason !== null && row.reason !== undefined;
  return [
    el('td', { class: 'state' }, stateMark(row.on)),
    el(
      'td',
      { class: 'value' },
      el('div', { class: 'cell' },
        hasValue ? el('code', { title: inline(row.value) }, shortened(inline(row.value), 80)) : el('span', { class: 'dim' }, '–'),
        row.override && tag(row.effect === false ? 'override, no effect' : 'override', 'override')),
    ),
    el(
      'td',
      { class: 'why' },
      el('div', { class: 'cell' },
        el('span', {}, reasonText(row.reason)),
        row.findings > 0 && tag(counted(row.findings, 'finding'))),
    ),
  ];
}

function segmentCells(row) {
  return [
    el('td', { class: 'state' }, String(row.version ?? '–')),
    el('td', { class: 'value' }, row.override ? tag(overrideText(row.override), 'override') : el('span', { class: 'dim' }, '–')),
    el('td', { class: 'why' }, counted(typeof row.usedBy === 'number' ? row.usedBy : row.usedBy?.length ?? 0, 'item')),
  ];
}

function stateMark(on) {
  return el('span', { class: `mark-state ${on ? 'on' : 'off'}` }, el('i', { 'aria-hidden': 'true' }), on ? 'on' : 'off');
}

function emptyList(all) {
  if (all > 0) {
    return [
      el('h2', {}, `No ${app.kind} matches`),
      el('p', {}, 'Nothing has this text in its key, values, attributes or segments.'),
      button('Clear search and filters', () => go({ query: '', filters: new Set() })),
    ];
  }
  if (app.kind === 'segment') return [el('h2', {}, 'No segments'), el('p', {}, 'The source has no segments.')];
  return [
    el('h2', {}, 'No flags yet'),
    el('p', {}, 'Create ', el('code', {}, 'flags.yaml'), ' in the folder where the server runs. The server reads it again whenever it changes.'),
    snippet(EXAMPLE_FILE, 'flags.yaml'),
    setup(),
  ];
}
