// The dialog that chooses the context of values and explanations.

function openContexts() {
  if (document.querySelector('dialog[open]')) return;
  let fromSdk = contexts.chosen.fromSdk;
  const list = el('ul', { class: 'picks' });
  const seen = el('ul', { class: 'picks' }, el('li', { class: 'dim' }, 'Loading…'));
  const form = el('div', { class: 'kinds' });
  const name = el('input', { placeholder: 'Name', autocomplete: 'off' });
  const problem = el('div');
  const editor = jsonEditor('Context as JSON', pretty(contexts.chosen.context), {
    rows: 9,
    check: contextFault,
    onchange: (context) => {
      fromSdk = false;
      if (context !== undefined) drawForm(context);
    },
  });
  const as = el(
    'select', {},
    Object.entries({ server: 'a server SDK', js: 'a JavaScript SDK', mobile: 'a mobile SDK' })
      .map(([value, label]) => el('option', { value, selected: value === contexts.class }, label)),
  );

  const load = (pick) => {
    editor.set(pretty(pick.context));
    fromSdk = pick.fromSdk ?? false;
    drawForm(pick.context);
    fill(problem);
  };
  const drawSaved = () => fill(list, contexts.saved.length === 0
    ? el('li', { class: 'dim' }, 'None yet. Name a context and save it.')
    : contexts.saved.map((pick) => el('li', {},
      button([el('b', {}, pick.name), el('span', { class: 'dim' }, ` ${contextLabel(pick.context)}`)], () => load(pick), { class: 'pick' }),
      button('×', () => { contexts.forget(pick.name); drawSaved(); }, { class: 'quiet', 'aria-label': `Remove ${pick.name}` }))));

  const change = (context) => {
    editor.set(pretty(context));
    editor.read();
    fromSdk = false;
  };
  const drawForm = (context) => {
    if (contextFault(context)) return;
    fill(form, kindsOf(context).map(([kind, attributes]) => kindForm(kind, attributes, context, change, drawForm)),
      button('Add a kind', () => {
        const next = withKind(context, freeKind(context), { key: 'key' });
        change(next);
        drawForm(next);
      }));
  };

  const use = async () => {
    const context = editor.read();
    if (context === undefined) return;
    try {
      await api('POST', inEnv('/evaluate'), { context, flags: [], class: as.value });
      contexts.setClass(as.value);
      contexts.choose({ context, fromSdk });
      dialog.close();
      contextChanged();
    } catch (error) {
      if (error.status === 400) editor.refuse(error, 'context');
      else fill(problem, errorText(error));
    }
  };
  const confirm = button('Use this context', () => once(confirm, use), { class: 'primary' });
  const dialog = openDialog('Context', el(
    'div',
    { class: 'contexts' },
    el('div', { class: 'side' },
      el('h3', {}, 'Saved'), list,
      el('h3', {}, 'Taken from SDKs'), seen),
    el('div', { class: 'stack' },
      editor.node,
      el('details', { class: 'as-form' }, el('summary', {}, 'Edit as a form'), form),
      field('Values as received by', as),
      problem,
      el('div', { class: 'actions' },
        el('div', { class: 'save-as' }, field('Save as', name), button('Save', () => {
          const context = editor.read();
          if (context === undefined) return;
          contexts.save(name.value.trim() || contextLabel(context), { context, fromSdk });
          name.value = '';
          drawSaved();
        })),
        button('Cancel', () => dialog.close()), confirm)),
  ), { wide: true });
  drawSaved();
  drawForm(contexts.chosen.context);
  editor.area.focus();
  drawSeen(seen, load);
}

/** Contexts that SDKs sent. Their attributes are not shown before one is chosen. */
async function drawSeen(into, load) {
  try {
    const answer = await api('GET', inEnv('/contexts'));
    fill(into, answer.contexts.length === 0
      ? el('li', { class: 'dim' }, 'None yet. Contexts of identify and index events and of client-side SDKs are listed here.')
      : answer.contexts.slice(0, 50).map((entry) => {
        const count = kindsOf(entry.context).reduce((sum, [, attributes]) => sum + Object.keys(attributes).filter((key) => !['kind', 'key'].includes(key)).length, 0);
        return el('li', {}, button(
          [el('b', {}, shortened(contextLabel(entry.context), 40)), el('span', { class: 'dim' }, ` ${counted(count, 'attribute')} · ${entry.sdk ?? 'SDK'} · ${ago(entry.at)}`)],
          () => load({ context: entry.context, fromSdk: true }),
          { class: 'pick' },
        ));
      }));
  } catch (error) {
    fill(into, el('li', {}, errorText(error)));
  }
}

function freeKind(context) {
  const used = kindsOf(context).map(([kind]) => kind);
  const usual = ['user', 'org', 'device'].find((kind) => !used.includes(kind));
  return usual ?? `kind-${used.length + 1}`;
}

/** The context with one kind replaced, added or (attributes `null`) removed. */
function withKind(context, kind, attributes, renamed = kind) {
  const kinds = kindsOf(context).map(([name, value]) => {
    const { kind: _, ...rest } = value;
    return [name, rest];
  });
  const at = kinds.findIndex(([name]) => name === kind);
  if (attributes === null) kinds.splice(at, 1);
  else if (at >= 0) kinds[at] = [renamed, attributes];
  else kinds.push([kind, attributes]);
  if (kinds.length === 1) return { kind: kinds[0][0], ...kinds[0][1] };
  return { kind: 'multi', ...Object.fromEntries(kinds) };
}

/** One kind of a context as a form. Values of attributes are JSON, or else text. */
function kindForm(kind, attributes, context, change, redraw) {
  const { kind: _, key, ...others } = attributes;
  const kindInput = el('input', { value: kind, spellcheck: 'false', autocapitalize: 'off' });
  const keyInput = el('input', { value: key ?? '', spellcheck: 'false', autocapitalize: 'off' });
  const rows = Object.entries(others).map(([name, value]) => [
    el('input', { value: name, 'aria-label': 'Attribute', spellcheck: 'false', autocapitalize: 'off' }),
    el('input', { value: typeof value === 'string' ? value : JSON.stringify(value), 'aria-label': 'Value', spellcheck: 'false', autocapitalize: 'off' }),
    typeof value === 'string',
  ]);
  const read = () => {
    const next = { key: keyInput.value };
    for (const [name, value, isText] of rows) {
      if (name.value !== '') next[name.value] = looseValue(value.value, isText);
    }
    return withKind(context, kind, next, kindInput.value || kind);
  };
  const apply = () => {
    const next = read();
    change(next);
    return next;
  };
  return el(
    'fieldset',
    { onchange: () => redraw(apply()) },
    el('legend', {}, kind),
    el('div', { class: 'pair' }, field('Kind', kindInput), field('Key', keyInput)),
    rows.map(([name, value]) => el('div', { class: 'pair' }, name, value)),
    el('div', { class: 'actions start' },
      button('Add an attribute', () => {
        const next = withKind(context, kind, { ...attributes, kind: undefined, [freeName(attributes)]: '' });
        const clean = JSON.parse(JSON.stringify(next));
        change(clean);
        redraw(clean);
      }),
      kindsOf(context).length > 1 && button('Remove this kind', () => {
        const next = withKind(context, kind, null);
        change(next);
        redraw(next);
      })),
  );
}

function freeName(attributes) {
  for (let index = 1; ; index += 1) {
    const name = index === 1 ? 'attribute' : `attribute${index}`;
    if (!(name in attributes)) return name;
  }
}

function looseValue(text, wasText) {
  if (wasText && !/^(true|false|null|-?\d|[[{])/.test(text)) return text;
  const result = readJson(text);
  return result.fault ? text : result.value;
}

function contextChanged() {
  list.controls();
  list.load({ keep: true });
  detail.contextChanged();
}
