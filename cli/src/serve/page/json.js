// JSON that a person types: where its first error is, and where each value stands.

/** Returns `{ value, places }`, or `{ fault: { offset, message } }`. `places` has offsets by pointer. */
function readJson(text) {
  const places = new Map();
  let at = 0;
  const fail = (message, offset = at) => { throw { offset, message }; };
  const space = () => { while (' \n\r\t'.includes(text[at]) && at < text.length) at += 1; };
  const escaped = (name) => String(name).replaceAll('~', '~0').replaceAll('/', '~1');
  const string = () => {
    const start = at;
    for (at += 1; text[at] !== '"'; at += 1) {
      if (at >= text.length || text[at] === '\n') fail('the string has no closing quote', start);
      if (text[at] < ' ') fail('a control character in a string must be escaped');
      if (text[at] !== '\\') continue;
      at += 1;
      if (text[at] === 'u' && /^[0-9a-fA-F]{4}$/.test(text.slice(at + 1, at + 5))) at += 4;
      else if (!'"\\/bfnrt'.includes(text[at] ?? ' ')) fail('this escape is not JSON');
    }
    at += 1;
    return JSON.parse(text.slice(start, at));
  };
  const members = (pointer, close, one) => {
    at += 1;
    space();
    if (text[at] === close) { at += 1; return; }
    for (let index = 0; ; index += 1) {
      one(pointer, index);
      space();
      if (text[at] === close) { at += 1; return; }
      if (text[at] !== ',') fail(`expected "," or "${close}"`);
      const comma = at;
      at += 1;
      space();
      if (text[at] === close) fail(`no "," before "${close}"`, comma);
    }
  };
  const value = (pointer) => {
    space();
    places.set(pointer, at);
    const first = text[at];
    if (first === '"') return string();
    if (first === '[') {
      const array = [];
      members(pointer, ']', (parent, index) => array.push(value(`${parent}/${index}`)));
      return array;
    }
    if (first === '{') {
      const entries = new Map();
      members(pointer, '}', (parent) => {
        space();
        if (text[at] !== '"') fail('expected a name in double quotes');
        const start = at;
        const name = string();
        if (entries.has(name)) fail(`"${name}" is there twice`, start);
        space();
        if (text[at] !== ':') fail('expected ":"');
        at += 1;
        entries.set(name, value(`${parent}/${escaped(name)}`));
      });
      return Object.fromEntries(entries);
    }
    const literal = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/.exec(text.slice(at, at + 400));
    if (!literal) fail(at >= text.length ? 'the text ends too early' : 'expected a JSON value');
    at += literal[0].length;
    return JSON.parse(literal[0]);
  };
  try {
    const result = value('');
    space();
    if (at < text.length) fail('more text after the value');
    return { value: result, places };
  } catch (fault) {
    if (fault instanceof Error) throw fault;
    return { fault };
  }
}

/** Returns the line and column of an offset, from 1, and the text of the line. */
function placeOf(text, offset) {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: before.at(-1).length + 1, text: text.split('\n')[before.length - 1] };
}

/** Finds the offset of a pointer, or of its nearest parent that exists. */
function offsetOf(places, pointer) {
  for (let path = pointer; ; path = path.slice(0, path.lastIndexOf('/'))) {
    if (places.has(path)) return places.get(path);
    if (path === '' || !path.includes('/')) return 0;
  }
}

/**
 * A text area for JSON that shows an error at its place. `check(value)` may return
 * `{ pointer, message }`.
 */
function jsonEditor(label, text, { rows = 8, check = () => null, onchange = () => {} } = {}) {
  const frame = el('div', { class: 'fault', id: freshId('fault'), role: 'alert', hidden: true });
  const area = el('textarea', {
    class: 'code', rows, spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', value: text,
    'aria-describedby': frame.id,
  });
  const editor = {
    node: el('div', { class: 'editor' }, field(label, area), frame),
    area,
    /** Returns the value, or `undefined` after the error was shown. */
    read() {
      const result = readJson(area.value);
      if (result.fault) return editor.fault(result.fault.offset, result.fault.message);
      const problem = check(result.value);
      if (problem) return editor.fault(offsetOf(result.places, problem.pointer ?? ''), problem.message);
      editor.clear();
      return result.value;
    },
    /** Shows an error of the server. The text was the member `name` of the request. */
    refuse(error, name) {
      const { places } = readJson(area.value);
      const pointer = error.pointer ?? '';
      const inside = pointer.startsWith(`/${name}/`) ? pointer.slice(name.length + 1) : '';
      editor.fault(places ? offsetOf(places, inside) : 0, error.message);
    },
    fault(offset, message) {
      const place = placeOf(area.value, offset);
      const from = Math.max(0, place.column - 40);
      const line = place.text.slice(from, from + 60).replaceAll('\t', ' ');
      area.setAttribute('aria-invalid', 'true');
      fill(
        frame,
        el('p', {}, el('strong', {}, `Line ${place.line}, column ${place.column}: `), message),
        el('pre', { 'aria-hidden': 'true' }, `${line}\n${' '.repeat(place.column - 1 - from)}^`),
        button('Go to the error', () => { area.focus(); area.setSelectionRange(offset, offset + 1); }, { class: 'link' }),
      );
      frame.hidden = false;
    },
    clear() {
      area.removeAttribute('aria-invalid');
      frame.hidden = true;
    },
    set(next) {
      area.value = next;
      editor.clear();
    },
  };
  area.addEventListener('input', () => onchange(editor.read()));
  return editor;
}
