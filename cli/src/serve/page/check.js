// Findings in the flags and segments.

const check = {
  findings: [],
  query: '',
  nodes: null,

  build() {
    const body = el('div');
    const query = el('input', { type: 'search', placeholder: 'Search findings', 'aria-label': 'Search findings', spellcheck: 'false', oninput: () => { this.query = query.value.toLowerCase(); this.draw(); } });
    const counts = el('p', { class: 'count' });
    this.nodes = { body, counts };
    return [el('div', { class: 'toolbar' }, el('h2', {}, 'Findings'), el('div', { class: 'searchbox' }, query), counts), body];
  },

  async load() {
    try {
      this.findings = (await api('GET', inEnv('/findings'))).findings;
      // The server counts them in the background.
      environment().findings = this.findings.length;
      renderTabs();
      this.draw();
    } catch (error) {
      if (error.code !== 'unreachable') fill(this.nodes.body, errorText(error));
    }
  },

  draw() {
    const { body, counts } = this.nodes;
    const order = ['error', 'warning', 'info'];
    const shown = this.findings
      .filter((finding) => `${finding.key} ${finding.id} ${finding.message}`.toLowerCase().includes(this.query))
      .sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
    fill(counts, order.map((severity) => [severity, this.findings.filter((finding) => finding.severity === severity).length])
      .filter(([, count]) => count > 0).map(([severity, count]) => counted(count, severity, severity === 'info' ? 'infos' : `${severity}s`)).join(', '));
    if (shown.length === 0) {
      fill(body, el('div', { class: 'empty' }, this.findings.length === 0
        ? [el('h2', {}, 'No findings'), el('p', {}, 'The flags and segments have no known faults.')]
        : el('h2', {}, 'No finding matches')));
      return;
    }
    fill(
      body,
      el('div', { class: 'scroll-x' }, el('table', { class: 'plain' },
        el('caption', { class: 'hidden-text' }, 'Findings'),
        el('thead', {}, el('tr', {}, ['Severity', 'Item', 'Message', 'Finding'].map((text) => el('th', { scope: 'col' }, text)))),
        el('tbody', {}, shown.slice(0, 500).map((finding) => el('tr', {},
          el('td', {}, tag(finding.severity, finding.severity)),
          el('td', {}, finding.key
            ? button(finding.key, () => openAt(finding.kind, finding.key, finding.pointer ?? null), { class: 'link mono' })
            : el('span', { class: 'dim' }, '–')),
          el('td', { class: 'message' }, finding.message),
          el('td', { class: 'dim mono' }, finding.id)))))),
      shown.length > 500 && el('p', { class: 'dim' }, `500 of ${number(shown.length)} are shown. Search for the others, or run "vexil check".`),
    );
  },
};
