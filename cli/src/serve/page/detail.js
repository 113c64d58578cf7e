// The open flag or segment.

const detail = {
  /** The answer of the server, with `on` and `override` as rows of the list have them. */
  document: null,
  shownFor: null,
  generation: 0,
  /** Whether the form of the override was edited since it was built. */
  edited: false,
  beyond: false,
  parts: null,

  node: null,

  build() {
    this.node = el('aside', { class: 'detail', 'aria-label': 'Detail', hidden: true });
    return this.node;
  },

  /** Shows the item that the address names. */
  async show() {
    const view = byId('view-flags');
    this.node.hidden = app.key === null;
    view.classList.toggle('has-detail', app.key !== null);
    if (app.key === null) {
      this.document = null;
      this.shownFor = null;
      this.parts = null;
      this.node.replaceChildren();
      return;
    }
    const place = `${app.env} ${app.kind} ${app.key}`;
    if (this.shownFor !== place) {
      this.shownFor = place;
      this.document = null;
      this.edited = false;
      this.frame();
    }
    await this.load();
  },

  /** The parts that stay while their contents change. */
  frame() {
    const names = ['problem', 'state', 'override', 'why', 'definition', 'links', 'findings'];
    this.parts = Object.fromEntries(names.map((name) => [name, el('div', { class: `part-${name}` })]));
    this.parts.title = el('h2', { tabindex: '-1' }, app.key);
    this.parts.facts = el('p', { class: 'facts' });
    fill(
      this.node,
      el('div', { class: 'detail-head' },
        button('←', () => this.close(), { class: 'quiet back', 'aria-label': 'Back to the list' }),
        el('div', { class: 'detail-title' }, this.parts.title, this.parts.facts),
        button('Copy key', () => copy(app.key, 'Key'), { class: 'quiet' }),
        button('×', () => this.close(), { class: 'quiet close', 'aria-label': 'Close', title: 'Close (Esc)' })),
      el('div', { class: 'detail-body' }, names.map((name) => this.parts[name])),
    );
  },

  focus() {
    this.parts?.title.focus({ preventScroll: true });
  },

  close() {
    go({ key: null });
    list.focusCursor();
  },

  async load() {
    this.generation += 1;
    const generation = this.generation;
    try {
      const document = await api('GET', inEnv(itemPath(app.kind, app.key)));
      if (generation !== this.generation) return;
      document.on = document.served?.on ?? false;
      this.document = document;
      this.render();
    } catch (error) {
      if (generation !== this.generation || error.code === 'unreachable') return;
      this.document = null;
      ['state', 'override', 'why', 'definition', 'links', 'findings'].forEach((name) => fill(this.parts[name]));
      fill(this.parts.problem, errorText(error));
    }
  },

  render() {
    const { document, parts } = this;
    fill(parts.problem, document.problem && el('p', { class: 'error' }, document.problem));
    const base = document.base?.version;
    fill(
      parts.facts,
      `${document.kind} · version ${document.version ?? '–'}`,
      base !== undefined && base !== document.version && ` (${base} in the source)`,
      document.base === null && tag(`no such ${document.kind} in the source`, 'warning'),
      ...visibility(document),
    );
    renderState(document, parts.state);
    if (!this.edited) renderOverride(document, parts.override);
    renderWhy(document, parts.why);
    renderDefinition(document, parts.definition);
    renderLinks(document, parts.links);
    renderFindings(document, parts.findings);
  },

  /** Evaluates again, for another context. */
  contextChanged() {
    if (this.document) renderWhy(this.document, this.parts.why);
  },
};

function visibility(document) {
  if (document.kind !== 'flag' || !document.served) return [];
  const client = document.served.clientSideAvailability;
  const js = client ? client.usingEnvironmentId : document.served.clientSide;
  const mobile = client ? client.usingMobileKey : true;
  return [js && tag('JavaScript'), mobile && tag('mobile')];
}

function section(title, ...content) {
  return sectionWith(title, null, ...content);
}

/** A section with a button beside its title. */
function sectionWith(title, action, ...content) {
  const heading = el('h3', { id: freshId('part') }, title);
  return el('section', { 'aria-labelledby': heading.id }, el('div', { class: 'section-head' }, heading, action), content);
}

// The switch.

function renderState(document, into) {
  if (document.kind !== 'flag') return fill(into);
  const id = freshId('switch');
  if (isShown(into, [document.key, document.on, document.override, document.effect])) return into;
  const problem = el('div');
  const control = el('button', {
    type: 'button', role: 'switch', id, class: 'switch', 'aria-checked': String(document.on), 'aria-keyshortcuts': 't',
    disabled: !document.served,
    'aria-label': 'Flag is on',
    onclick: () => once(control, async () => {
      try {
        await toggle(document);
      } catch (error) {
        fill(problem, errorText(error));
      }
    }),
  }, el('span', { class: 'knob', 'aria-hidden': 'true' }));
  const { override } = document;
  return refill(
    into,
    el('div', { class: 'switch-line' },
      control,
      el('span', {}, el('b', {}, document.on ? 'On' : 'Off'), el('span', { class: 'dim' }, override ? '' : ' as defined')),
      override && tag(`override: ${overrideText(override, variationsOf(document))}`, 'override'),
      override && document.effect === false && tag('no effect')),
    problem,
  );
}

function variationsOf(document) {
  return document.base?.variations ?? document.served?.variations ?? document.variations ?? [];
}

// The explanation.

async function renderWhy(document, into) {
  if (document.kind !== 'flag') return fill(into);
  const chosen = contexts.chosen;
  const turn = (into.turn ?? 0) + 1;
  into.turn = turn;
  if (!document.served) {
    fill(into, section('Why', el('p', {}, 'SDKs do not receive this flag: they return the default of the application.')));
    return;
  }
  let answer;
  try {
    answer = await api('POST', inEnv('/explain'), { context: chosen.context, flag: document.key, beyond: detail.beyond, mask: chosen.fromSdk });
  } catch (error) {
    answer = { error };
  }
  if (into.turn !== turn) return;
  const beyond = el('input', {
    type: 'checkbox', checked: detail.beyond,
    onchange: () => { detail.beyond = beyond.checked; renderWhy(document, into); },
  });
  beyond.id = freshId('beyond');
  refill(into, sectionWith(
    'Why',
    answer.text && button('Copy', () => copy(answer.text, 'Explanation'), { class: 'quiet', 'aria-label': 'Copy the explanation' }),
    el('div', { class: 'why-line' },
      button([el('span', { class: 'dim' }, 'Context '), el('b', {}, contextLabel(chosen.context))], () => openContexts(), { class: 'context' }),
      el('span', { class: 'check' }, beyond, el('label', { for: beyond.id }, 'Steps behind the decision'))),
    chosen.fromSdk && el('p', { class: 'dim' }, 'Private attributes of a context from an SDK are hidden.'),
    answer.error ? errorText(answer.error) : treeOf(answer.text),
  ));
}


// The definition.

let definitionShown = 'served';
let definitionPointer = null;

function renderDefinition(document, into) {
  const which = document[definitionShown] ? definitionShown : document.served ? 'served' : 'base';
  const item = document[which];
  if (!item) return fill(into, section('Definition', el('p', { class: 'dim' }, 'SDKs do not receive this item.')));
  const text = pretty(item);
  if (isShown(into, [which, text, definitionPointer, document.override !== null])) return into;
  const choice = (name, label) => button(label, () => {
    definitionShown = name;
    renderDefinition(document, into);
  }, { 'aria-pressed': String(which === name), disabled: !document[name] });
  let content = [text];
  if (definitionPointer !== null) {
    const { places } = readJson(text);
    if (places.has(definitionPointer)) {
      const start = text.lastIndexOf('\n', places.get(definitionPointer)) + 1;
      const next = text.indexOf('\n', start);
      const end = next < 0 ? text.length : next;
      content = [text.slice(0, start), el('mark', {}, text.slice(start, end)), text.slice(end)];
    }
  }
  return refill(into, sectionWith(
    'Definition',
    button('Copy', () => copy(text, 'Definition'), { class: 'quiet', 'aria-label': 'Copy the definition' }),
    document.override && el('div', { class: 'why-line' },
      el('div', { class: 'segmented small', role: 'group', 'aria-label': 'Which definition' }, choice('served', 'As served'), choice('base', 'In the source'))),
    el('pre', { class: 'code block', tabindex: '0', 'aria-label': 'Definition as JSON' }, content),
  ));
}

/** Opens an item with a place of its definition marked. */
function openAt(kind, key, pointer = null) {
  definitionPointer = pointer;
  go({ tab: 'flags', kind, key, query: '', filters: new Set() });
  detail.focus();
}

// Links and findings.

function renderLinks(document, into) {
  const links = (items) => el('ul', { class: 'links' }, items.map(({ kind, key }) => el('li', {},
    button([key, el('span', { class: 'dim' }, ` ${kind}`)], () => openAt(kind, key), { class: 'link' }))));
  fill(
    into,
    document.usedBy?.length > 0 && section('Used by', links(document.usedBy)),
    document.uses?.length > 0 && section('Uses', links(document.uses)),
  );
}

function renderFindings(document, into) {
  if (!document.findings?.length) return fill(into);
  fill(into, section('Findings', el('ul', { class: 'findings' }, document.findings.map((finding) => el('li', {},
    tag(finding.severity, finding.severity), ' ', finding.message,
    finding.pointer && button(finding.pointer, () => {
      definitionPointer = finding.pointer;
      renderDefinition(document, detail.parts.definition);
      detail.parts.definition.querySelector('mark')?.scrollIntoView({ block: 'center' });
    }, { class: 'link mono' }))))));
}
