// Keys of the keyboard. They act unless the focus is in a control that takes text.

const HELP = [
  ['/', 'search'],
  ['j  k', 'next and previous row; also ↓ ↑'],
  ['Enter', 'open the row'],
  ['t', 'switch the flag on or off'],
  ['e', 'explain: go to the explanation'],
  ['o', 'go to the override'],
  ['u', 'remove the override'],
  ['c', 'choose the context'],
  ['g f', 'Flags'],
  ['g e', 'Events'],
  ['g s', 'SDKs'],
  ['g c', 'Check'],
  ['?', 'this list'],
  ['Esc', 'close'],
];

let leader = -Infinity;

function openHelp() {
  openDialog('Keyboard', el('table', { class: 'plain keys' },
    el('caption', { class: 'hidden-text' }, 'Keyboard shortcuts'),
    el('tbody', {}, HELP.map(([keys, text]) => el('tr', {},
      el('th', { scope: 'row' }, keys.split(/ +/).map((key) => [el('kbd', {}, key), ' ']).flat()),
      el('td', {}, text))))));
}

function takesText(node) {
  return node.matches('textarea, select, input:not([type=checkbox]):not([type=radio])');
}

/** Opens the flag of the cursor, if none is open, and moves the focus into a part of its detail. */
async function intoDetail(selector) {
  if (app.key === null) {
    const row = list.row(list.cursor);
    if (!row) return;
    go({ key: row.key });
  }
  for (let tries = 0; tries < 50; tries += 1) {
    const target = detail.node.querySelector(selector);
    if (target) {
      target.scrollIntoView({ block: 'nearest' });
      target.focus();
      return;
    }
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

function onFlag(action) {
  const flag = list.current();
  if (flag) attempt(() => action(flag));
}

const FLAG_KEYS = {
  '/': () => { list.nodes.search.focus(); list.nodes.search.select(); },
  j: () => list.move(1),
  k: () => list.move(-1),
  ArrowDown: () => list.move(1),
  ArrowUp: () => list.move(-1),
  t: () => onFlag(toggle),
  u: () => onFlag((flag) => flag.override && setOverride('flag', flag.key, null)),
  e: () => intoDetail('.part-why button'),
  o: () => intoDetail('#override-form input:checked'),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.querySelector('dialog[open]')) return;
  const { key, target } = event;
  if (key === 'Escape') {
    if (takesText(target)) target.blur();
    if (app.tab === 'flags' && app.key !== null) {
      event.preventDefault();
      detail.close();
    } else if (target === list.nodes.search && app.query) {
      list.search('');
    }
    return;
  }
  if (takesText(target)) return;
  const isLed = event.timeStamp - leader < 1500;
  leader = -Infinity;
  let action;
  if (isLed) action = { f: () => openTab('flags'), e: () => openTab('events'), s: () => openTab('sdks'), c: () => openTab('check') }[key];
  else if (key === 'g') leader = event.timeStamp;
  else if (key === '?') action = openHelp;
  else if (key === 'c') action = openContexts;
  else if (key === '/' && app.tab !== 'flags') action = () => byId(`view-${app.tab}`).querySelector('input[type=search]')?.focus();
  else if (app.tab === 'flags' && !(key.startsWith('Arrow') && target.matches('input, summary, pre'))) action = FLAG_KEYS[key];
  if (!action) return;
  event.preventDefault();
  action();
}
