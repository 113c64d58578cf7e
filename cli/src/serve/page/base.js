// Elements, texts and numbers.

const PROPERTIES = new Set(['value', 'checked', 'disabled', 'hidden', 'indeterminate', 'open', 'selected']);

/** Makes an element. Text enters the page only as text nodes. */
function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (PROPERTIES.has(key)) node[key] = value;
    else if (value !== false) node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...shown(children));
  return node;
}

function shown(children) {
  return children.flat(2).filter((child) => child !== null && child !== undefined && child !== false);
}

function fill(node, ...children) {
  node.replaceChildren(...shown(children));
  return node;
}

const FOCUSABLE = 'a, button, input, select, textarea, summary, [tabindex]';

/** Replaces the contents of an element. A control that had the focus has it afterwards too. */
function refill(node, ...children) {
  const focused = node.contains(document.activeElement) ? document.activeElement : null;
  const place = focused ? [...node.querySelectorAll(FOCUSABLE)].indexOf(focused) : -1;
  fill(node, ...children);
  if (place >= 0) {
    const control = node.querySelectorAll(FOCUSABLE)[place];
    if (control?.localName === focused.localName) control.focus({ preventScroll: true });
  }
  return node;
}

/** Whether the contents of an element were made from the same data. Remembers the data. */
function isShown(node, data) {
  const text = JSON.stringify(data);
  const same = node.shownText === text && node.hasChildNodes();
  node.shownText = text;
  return same;
}

/**
 * Runs an action of a control, not twice at the same time. The control is not disabled, because it
 * would lose the focus.
 */
async function once(control, action) {
  if (control.getAttribute('aria-busy') === 'true') return;
  control.setAttribute('aria-busy', 'true');
  try {
    await action();
  } finally {
    control.removeAttribute('aria-busy');
  }
}

function byId(id) {
  return document.getElementById(id);
}

function button(text, onclick, attributes = {}) {
  return el('button', { type: 'button', onclick, ...attributes }, text);
}

let ids = 0;
function freshId(stem) {
  ids += 1;
  return `${stem}-${ids}`;
}

/** A label above its control. */
function field(text, control, ...after) {
  control.id ||= freshId('field');
  return el('div', { class: 'field' }, el('label', { for: control.id }, text), control, after);
}

function tag(text, tone = '') {
  return el('span', { class: `tag ${tone}` }, text);
}

const NUMBERS = new Intl.NumberFormat('en');
function number(value) {
  return NUMBERS.format(value ?? 0);
}

function counted(count, one, many = `${one}s`) {
  return `${number(count)} ${count === 1 ? one : many}`;
}

function size(bytes) {
  if (bytes < 1024) return `${number(bytes)} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

function clock(milliseconds) {
  const date = new Date(milliseconds);
  const two = (part) => String(part).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function ago(milliseconds) {
  const seconds = Math.max(0, Math.round((Date.now() - milliseconds) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return `${Math.floor(seconds / 3600)} h ago`;
}

/** A value on one line. */
function inline(value) {
  return value === undefined || value === null ? 'null' : JSON.stringify(value);
}

function shortened(text, length = 60) {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

function pretty(value) {
  return JSON.stringify(value, null, 2);
}

/** Announces a change to screen readers, and shows it for some seconds. */
let noticeTimer;
function announce(text) {
  byId('spoken').textContent = text;
  const notice = byId('notice');
  notice.textContent = text;
  notice.hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => { notice.hidden = true; }, 4000);
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    announce(`${what} copied`);
  } catch {
    announce('The browser did not allow copying');
  }
}

function download(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = el('a', { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

/** Returns a function that calls `action` once, `wait` milliseconds after the last call. */
function calm(action, wait) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, wait);
  };
}

/** Storage of the browser, which may be refused. */
const stored = {
  read(key, otherwise) {
    try {
      return JSON.parse(localStorage.getItem(`vexil.${key}`)) ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  write(key, value) {
    try {
      localStorage.setItem(`vexil.${key}`, JSON.stringify(value));
    } catch {
      // The setting lasts as long as the page.
    }
  },
};
