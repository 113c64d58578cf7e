// An explanation as nested lists. The text of the tree is the one that `vexil explain` prints.

/** Reads the lines of the tree: `{ title, context, nodes: [{ sign, text, remarks, children }] }`. */
function readTree(text) {
  const lines = text.replace(/\n$/, '').split('\n');
  const root = { children: [] };
  const open = [root];
  const head = [];
  for (const line of lines) {
    const depth = /^(?:│ {2}| {3})*/.exec(line)[0].length / 3;
    const node = /^(?:│ {2}| {3})*[├└] (?:([✓✗·]) )?(.*)$/.exec(line);
    if (node) {
      const [first, ...remarks] = node[2].split(/ {2,}/);
      const next = { sign: node[1] ?? '', text: first, remarks, children: [] };
      open.length = Math.min(open.length, depth + 1);
      open.at(-1).children.push(next);
      open.push(next);
    } else if (open.length === 1) {
      head.push(line);
    } else {
      open.at(-1).remarks.push(line.replace(/^[│ ]+/, ''));
    }
  }
  const [title, ...remark] = (head[0] ?? '').split(/ {2,}/);
  return { title, remark: remark.join(' '), more: head.slice(1), nodes: root.children };
}

const SIGNS = { '✓': ['yes', 'matched'], '✗': ['no', 'not matched'], '·': ['fact', ''] };

function treeOf(text) {
  const tree = readTree(text);
  const line = ({ sign, text: words, remarks }) => [
    sign && el('span', SIGNS[sign][1] ? { class: `sign ${SIGNS[sign][0]}`, role: 'img', 'aria-label': SIGNS[sign][1] } : { class: 'sign fact', 'aria-hidden': 'true' }, sign), ' ',
    el('span', { class: 'step' }, words),
    remarks.map((remark) => [' ', el('span', { class: 'remark' }, remark)]).flat(),
  ];
  const nodes = (children) => el('ul', {}, children.map((node) => el(
    'li',
    { class: node.sign === '✓' ? 'matched' : '' },
    node.children.length > 0
      ? el('details', { open: true }, el('summary', {}, line(node)), nodes(node.children))
      : el('div', { class: 'leaf' }, line(node)),
  )));
  return el(
    'div',
    { class: 'tree', 'data-tree': 'explanation' },
    el('p', { class: 'outcome' }, el('b', {}, tree.title), tree.remark && [' ', el('span', { class: 'remark' }, tree.remark)]),
    tree.more.map((more) => el('p', { class: 'dim' }, more)),
    tree.nodes.length > 0 && nodes(tree.nodes),
  );
}
