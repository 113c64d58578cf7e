// What the page shows: the state of the server, the place in the address, the chosen context.

const TABS = ['flags', 'events', 'sdks', 'check'];
const FILTERS = { overridden: 'Overridden', off: 'Off', findings: 'With findings', js: 'JavaScript', mobile: 'Mobile' };

const app = {
  /** The answer of `/state`, or `null` before the first one. */
  state: null,
  env: null,
  tab: 'flags',
  /** What the list shows: `flag` or `segment`. */
  kind: 'flag',
  /** The key of the open item. */
  key: null,
  query: '',
  filters: new Set(),
};

function environment() {
  return app.state?.environments.find((env) => env.name === app.env) ?? null;
}

/** The place as the fragment of an address: `#/shop/flags/theme?q=dark&f=off`. */
function hashOf({ env = app.env, tab = app.tab, kind = app.kind, key = app.key, query = app.query, filters = app.filters }) {
  const path = [env ?? '', tab === 'flags' ? `${kind}s` : tab];
  if (tab === 'flags' && key !== null) path.push(key);
  const search = new URLSearchParams();
  if (tab === 'flags' && query) search.set('q', query);
  if (tab === 'flags' && filters.size > 0) search.set('f', [...filters].join(','));
  const tail = search.toString();
  return `#/${path.map(encodeURIComponent).join('/')}${tail ? `?${tail}` : ''}`;
}

function readHash() {
  const [path, search = ''] = location.hash.replace(/^#\/?/, '').split('?');
  let parts;
  try {
    parts = path.split('/').map(decodeURIComponent);
  } catch {
    parts = [];
  }
  const names = app.state?.environments.map((env) => env.name) ?? [];
  app.env = names.includes(parts[0]) ? parts[0] : names[0] ?? null;
  const section = parts[1] ?? 'flags';
  app.kind = section === 'segments' ? 'segment' : 'flag';
  app.tab = TABS.includes(section) ? section : 'flags';
  app.key = app.tab === 'flags' && parts[2] ? parts[2] : null;
  const values = new URLSearchParams(search);
  app.query = values.get('q') ?? '';
  app.filters = new Set((values.get('f') ?? '').split(',').filter((name) => name in FILTERS));
}

/** Moves to a place. Searching and moving in the list replace the entry of the history. */
function go(change, { replace = false } = {}) {
  const hash = hashOf(change);
  if (hash === location.hash) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', hash);
  show();
}

// Contexts.

const EXAMPLE = { kind: 'user', key: 'ada' };

const contexts = {
  /** `{ name, context, fromSdk }` */
  saved: stored.read('contexts', []),
  chosen: stored.read('context', null) ?? { context: EXAMPLE, fromSdk: false },
  class: stored.read('class', 'server'),

  choose(chosen) {
    this.chosen = chosen;
    stored.write('context', chosen);
  },

  save(name, chosen) {
    this.saved = this.saved.filter((other) => other.name !== name);
    this.saved.push({ name, ...chosen });
    this.saved.sort((a, b) => a.name.localeCompare(b.name));
    stored.write('contexts', this.saved);
  },

  forget(name) {
    this.saved = this.saved.filter((other) => other.name !== name);
    stored.write('contexts', this.saved);
  },

  setClass(name) {
    this.class = name;
    stored.write('class', name);
  },
};

/** The kinds of a context, as `[kind, attributes]`. */
function kindsOf(context) {
  if (context.kind === 'multi') {
    return Object.entries(context).filter(([name]) => name !== 'kind');
  }
  return [[context.kind ?? 'user', context]];
}

/** A context in a few words: `user "ada", org "acme" +2`. Kinds that SDKs add are counted. */
function contextLabel(context) {
  const kinds = kindsOf(context);
  const own = kinds.filter(([kind]) => !kind.startsWith('ld_'));
  const named = own.length > 0 ? own : kinds;
  const text = named.map(([kind, attributes]) => `${kind} "${attributes?.key ?? ''}"`).join(', ');
  const added = kinds.length - named.length;
  return added > 0 ? `${text} +${added}` : text;
}

/** Finds an error that JSON allows and contexts do not. */
function contextFault(context) {
  const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject(context)) return { pointer: '', message: 'a context is a JSON object' };
  if (context.kind === undefined) {
    return typeof context.key === 'string' ? null : { pointer: '', message: 'a context needs a "kind" and a "key"' };
  }
  if (typeof context.kind !== 'string') return { pointer: '/kind', message: '"kind" must be a string' };
  if (context.kind === 'multi' && Object.keys(context).length < 2) {
    return { pointer: '', message: 'a context of several kinds needs at least one kind' };
  }
  const multi = context.kind === 'multi';
  for (const [kind, attributes] of kindsOf(context)) {
    const at = multi ? `/${kind}` : '';
    if (kind === 'kind' || !/^[\w.-]+$/.test(kind)) {
      return { pointer: multi ? at : '/kind', message: 'a kind has letters, digits, ".", "_" and "-", and is not "kind"' };
    }
    if (!isObject(attributes)) return { pointer: at, message: `the kind "${kind}" must be an object` };
    if (typeof attributes.key !== 'string' || attributes.key === '') {
      return { pointer: 'key' in attributes ? `${at}/key` : at, message: '"key" must be a string that is not empty' };
    }
    if ('anonymous' in attributes && typeof attributes.anonymous !== 'boolean') {
      return { pointer: `${at}/anonymous`, message: '"anonymous" must be true or false' };
    }
  }
  return null;
}

// Words for answers.

function reasonText(reason) {
  switch (reason?.kind) {
    case 'OFF': return 'off';
    case 'FALLTHROUGH': return 'fallthrough';
    case 'TARGET_MATCH': return 'target';
    case 'RULE_MATCH': return `rule ${reason.ruleIndex}`;
    case 'PREREQUISITE_FAILED': return `prerequisite ${reason.prerequisiteKey}`;
    case 'ERROR': return `error: ${(reason.errorKind ?? '').toLowerCase().replaceAll('_', ' ')}`;
    default: return '';
  }
}

/** Names the form of an override. */
function formOf(override) {
  if (!override) return 'none';
  if ('include' in override || 'exclude' in override) return 'lists';
  return ['on', 'variation', 'value', 'for', 'item', 'missing'].find((name) => name in override) ?? 'none';
}

function overrideText(override, variations = []) {
  const value = (index) => (index in variations ? ` ${shortened(inline(variations[index]), 40)}` : '');
  switch (formOf(override)) {
    case 'on': return override.on ? 'switched on' : 'switched off';
    case 'variation': return `variation ${override.variation}${value(override.variation)}`;
    case 'value': return `value ${shortened(inline(override.value), 40)}`;
    case 'for': return `for ${counted(override.for.length, 'context')}`;
    case 'item': return 'edited definition';
    case 'missing': return 'as if deleted';
    case 'lists': return `${override.include?.length ?? 0} included, ${override.exclude?.length ?? 0} excluded`;
    default: return 'as defined';
  }
}
