// The SDKs that asked for flags.

const sdks = {
  rows: [],
  nodes: null,

  build() {
    const body = el('div');
    const problem = el('div');
    this.nodes = { body, problem };
    const resend = button('Send everything again', async () => {
      try {
        const answer = await api('POST', inEnv('/resend'), {});
        announce(`Everything was sent again on ${counted(answer.streams, 'stream')}`);
      } catch (error) {
        fill(problem, errorText(error));
      }
    });
    return [
      el('div', { class: 'toolbar' }, el('h2', {}, 'Connected SDKs'), el('div', { class: 'push' }, resend)),
      problem,
      body,
    ];
  },

  async load() {
    try {
      this.rows = (await api('GET', inEnv('/sdks'))).sdks;
      fill(this.nodes.problem);
      this.draw();
    } catch (error) {
      if (error.code !== 'unreachable') fill(this.nodes.problem, errorText(error));
    }
  },

  draw() {
    if (this.rows.length === 0) {
      fill(this.nodes.body, el('div', { class: 'empty' }, el('h2', {}, 'No SDK yet'), el('p', {}, 'Point an SDK at this server.'), setup()));
      return;
    }
    const classes = { server: 'server', js: 'JavaScript', mobile: 'mobile' };
    const protocols = { fdv1: 'FDv1', fdv2: 'FDv2' };
    const cut = (row) => button('Cut stream', async () => {
      try {
        await api('POST', inEnv(`/sdks/${encodeURIComponent(row.id)}/cut`), {});
        announce(`The stream of ${row.agent} was cut`);
      } catch (error) {
        fill(this.nodes.problem, errorText(error));
      }
    }, { disabled: row.streams === 0, 'aria-label': `Cut stream of ${row.agent}` });
    const heads = ['SDK', 'Family', 'Protocol', 'Context', 'Streams', 'Requests', 'Sent', 'Since', 'Last request', ''];
    refill(
      this.nodes.body,
      el('div', { class: 'scroll-x' }, el('table', { class: 'plain' },
        el('caption', { class: 'hidden-text' }, 'SDKs'),
        el('thead', {}, el('tr', {}, heads.map((text) => (text
          ? el('th', { scope: 'col', class: ['Streams', 'Requests', 'Sent'].includes(text) ? 'right' : '' }, text)
          : el('td', {}))))),
        el('tbody', {}, this.rows.map((row) => el('tr', {},
          el('th', { scope: 'row' }, row.agent || 'unknown'),
          el('td', {}, tag(classes[row.class] ?? row.class)),
          el('td', {}, protocols[row.protocol] ?? '–'),
          el('td', {}, row.context ? `${row.context.kinds.join(', ')} "${shortened(row.context.key ?? '', 24)}"` : el('span', { class: 'dim' }, '–')),
          el('td', { class: 'right' }, number(row.streams)),
          el('td', { class: 'right' }, number(row.requests)),
          el('td', { class: 'right' }, size(row.bytes)),
          el('td', {}, clock(row.since)),
          el('td', {}, ago(row.last)),
          el('td', {}, cut(row))))))),
      el('details', { class: 'more' }, el('summary', {}, 'Connect another SDK'), setup()),
    );
  },
};
