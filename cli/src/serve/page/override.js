// Overrides of one item: the form in the detail, and the actions of the keyboard.


/** Sets or removes an override, and announces what the item serves then. */
async function setOverride(kind, key, override, variations = []) {
  const path = inEnv(`/overrides${itemPath(kind, key)}`);
  if (override === null) await api('DELETE', path);
  else await api('PUT', path, override);
  detail.edited = false;
  await refresh();
  const words = {
    none: () => 'is served as defined',
    on: () => (override.on ? 'is on for all contexts' : 'is off for all contexts'),
    variation: () => `now serves ${overrideText(override, variations)} to all contexts`,
    value: () => `now serves ${overrideText(override)} to all contexts`,
    for: () => `is overridden ${overrideText(override)}`,
    item: () => 'is served with an edited definition',
    missing: () => 'is served as if it did not exist',
    lists: () => `has ${overrideText(override)}`,
  };
  announce(`${key} ${words[formOf(override)]()}`);
}

/** Switches a flag. A second time removes the override. */
async function toggle(row) {
  const isSwitch = formOf(row.override) === 'on';
  await setOverride('flag', row.key, isSwitch ? null : { on: !row.on });
}

async function attempt(action) {
  try {
    await action();
  } catch (error) {
    announce(error.message);
  }
}

function renderOverride(document, into) {
  const { kind, key, override, base } = document;
  if (isShown(into, [override, base, document.served])) return;
  const variations = variationsOf(document);
  const problem = el('div');
  const name = freshId('override');
  const forms = kind === 'flag' ? flagForms(document, variations) : segmentForms(document);
  const applied = formOf(override);
  let chosen = forms.some((form) => form.name === applied) ? applied : 'none';
  const extras = new Map();
  const apply = el('button', { class: 'primary' }, 'Apply');
  const update = () => {
    for (const [form, extra] of extras) extra.hidden = form !== chosen;
    apply.disabled = chosen === 'none' && override === null;
  };
  const radios = forms.map((form) => {
    const radio = el('input', {
      type: 'radio', name, value: form.name, id: freshId('form'), checked: form.name === chosen,
      onchange: () => {
        chosen = form.name;
        detail.edited = true;
        update();
      },
    });
    if (form.extra) extras.set(form.name, el('div', { class: 'extra' }, form.extra));
    return el('div', { class: 'radio' },
      radio,
      el('label', { for: radio.id }, form.name === applied ? [el('b', {}, form.label), el('span', { class: 'hidden-text' }, ' (active)')] : form.label));
  });
  const form = el(
    'form',
    {
      class: 'override', id: 'override-form', novalidate: true,
      oninput: () => { detail.edited = true; },
      onsubmit: (event) => {
        event.preventDefault();
        fill(problem);
        const used = forms.find((candidate) => candidate.name === chosen);
        const next = used.read();
        if (next === undefined) return;
        once(apply, async () => {
          try {
            await setOverride(kind, key, next, variations);
          } catch (error) {
            if (used.refuse && error.status === 400) used.refuse(error, used.name);
            else fill(problem, errorText(error));
          }
        });
      },
    },
    el('fieldset', {},
      el('legend', {}, kind === 'flag' ? 'What is served' : 'Members'),
      el('div', { class: 'radios' }, radios),
      [...extras.values()]),
    problem,
    el('div', { class: 'actions start' },
      apply,
      override && button('Remove override', () => attempt(() => setOverride(kind, key, null)), { 'aria-keyshortcuts': 'u' }),
      base === null && el('span', { class: 'dim' }, `The source has no such ${kind}.`)),
  );
  update();
  const hadFocus = into.contains(window.document.activeElement);
  fill(into, section('Override', form));
  if (hadFocus) form.querySelector('input:checked').focus({ preventScroll: true });
}

function flagForms(document, variations) {
  const { override, base, served } = document;
  const item = jsonEditor('Definition', pretty(override?.item ?? served ?? base ?? {}), { rows: 14 });
  const value = jsonEditor('Value as JSON', override && 'value' in override ? pretty(override.value) : '', { rows: 3 });
  const variation = variationSelect(variations, override?.variation ?? 0);
  const people = contextList(override?.for ?? [], variations);
  const isOn = base?.on ?? false;
  return [
    { name: 'none', label: 'As defined', read: () => null },
    { name: 'on', label: isOn ? 'Switched off' : 'Switched on', read: () => ({ on: !isOn }) },
    variations.length > 0 && {
      name: 'variation', label: 'One variation', extra: field('Variation', variation),
      read: () => ({ variation: Number(variation.value) }),
    },
    {
      name: 'value', label: 'One value', extra: value.node, refuse: value.refuse,
      read: () => wrapped('value', value.read()),
    },
    { name: 'for', label: 'For some contexts', extra: people.node, read: people.read },
    { name: 'item', label: 'Edited definition', extra: item.node, read: () => wrapped('item', item.read()), refuse: item.refuse },
    { name: 'missing', label: 'As if deleted', read: () => ({ missing: true }) },
  ].filter(Boolean);
}

function segmentForms(document) {
  const { override, base, served } = document;
  const item = jsonEditor('Definition', pretty(override?.item ?? served ?? base ?? {}), { rows: 14 });
  const lines = (keys) => el('textarea', { class: 'code', rows: 3, value: (keys ?? []).join('\n'), spellcheck: 'false', autocapitalize: 'off' });
  const include = lines(override?.include);
  const exclude = lines(override?.exclude);
  const keys = (area) => [...new Set(area.value.split('\n').map((line) => line.trim()).filter(Boolean))];
  return [
    { name: 'none', label: 'As defined', read: () => null },
    {
      name: 'lists', label: 'Changed members',
      extra: [
        field('Include these keys, one on each line', include),
        field('Exclude these keys', exclude),
        chosenKey(include),
      ],
      read: () => ({ include: keys(include), exclude: keys(exclude) }),
    },
    { name: 'item', label: 'Edited definition', extra: item.node, read: () => wrapped('item', item.read()), refuse: item.refuse },
    { name: 'missing', label: 'As if deleted', read: () => ({ missing: true }) },
  ];
}

function chosenKey(area) {
  const key = kindsOf(contexts.chosen.context).find(([kind]) => kind === 'user')?.[1]?.key;
  if (typeof key !== 'string') return null;
  return button(`Include "${shortened(key, 30)}"`, () => {
    area.value = [area.value.trimEnd(), key].filter(Boolean).join('\n');
    area.dispatchEvent(new Event('input', { bubbles: true }));
  });
}

function wrapped(name, value) {
  return value === undefined ? undefined : { [name]: value };
}

function variationSelect(variations, chosen) {
  return el('select', {}, variations.map((value, index) => el(
    'option', { value: index, selected: index === chosen }, `${index}: ${shortened(inline(value), 60)}`,
  )));
}

/** The list of contexts with what each receives, and the line that adds one. */
function contextList(start, variations) {
  const entries = structuredClone(start);
  const rows = el('ul', { class: 'people' });
  const [[kind, attributes]] = kindsOf(contexts.chosen.context);
  const kindInput = el('input', { value: kind, autocapitalize: 'off', spellcheck: 'false' });
  const keyInput = el('input', { value: attributes?.key ?? '', autocapitalize: 'off', spellcheck: 'false' });
  const select = variationSelect(variations, 0);
  select.append(el('option', { value: 'json' }, 'a value as JSON'));
  if (variations.length === 0) select.value = 'json';
  const value = jsonEditor('Value as JSON', '', { rows: 2 });
  const isJson = () => select.value === 'json';
  const update = () => { value.node.hidden = !isJson(); };
  select.addEventListener('change', update);
  update();
  const problem = el('div');
  const draw = () => fill(rows, entries.map((entry, index) => el('li', {},
    el('span', {}, `${entry.kind} "${entry.key}" → `, el('code', {}, 'variation' in entry ? `${entry.variation}: ${shortened(inline(variations[entry.variation]), 40)}` : shortened(inline(entry.value), 40))),
    button('×', () => {
      entries.splice(index, 1);
      detail.edited = true;
      draw();
    }, { class: 'quiet', 'aria-label': `Remove ${entry.kind} ${entry.key}` }))));
  const add = () => {
    fill(problem);
    const next = { kind: kindInput.value.trim() || 'user', key: keyInput.value };
    if (next.key === '') {
      fill(problem, el('p', { class: 'error', role: 'alert' }, 'A key must not be empty.'));
      return false;
    }
    if (isJson()) {
      next.value = value.read();
      if (next.value === undefined) return false;
    } else {
      next.variation = Number(select.value);
    }
    const same = entries.findIndex((entry) => entry.kind === next.kind && entry.key === next.key);
    if (same >= 0) entries[same] = next;
    else entries.push(next);
    detail.edited = true;
    draw();
    return true;
  };
  draw();
  return {
    node: [
      rows,
      el('div', { class: 'add' }, field('Kind', kindInput), field('Key', keyInput), field('Receives', select)),
      value.node,
      problem,
      button('Add', add),
    ],
    read: () => {
      if (entries.length === 0 && !add()) return undefined;
      return { for: entries };
    },
  };
}
