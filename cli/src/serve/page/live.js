// The stream of changes. It is read with fetch rather than EventSource, which cannot send a token.

const HIDDEN_LIMIT = 30_000;
const SILENCE_LIMIT = 45_000;

const live = {
  /** connecting, live, lost, or paused while the tab is hidden. */
  state: 'connecting',
  run: 0,
  stop: null,
  wake: null,

  async start() {
    this.run += 1;
    const run = this.run;
    let wait = 500;
    while (run === this.run) {
      this.stop = new AbortController();
      try {
        const response = await send('GET', '/changes', { signal: this.stop.signal, accept: 'text/event-stream' });
        wait = 500;
        await this.read(response.body.getReader());
      } catch (error) {
        if (!(error instanceof ApiError) && error.name !== 'AbortError' && error.name !== 'TypeError') throw error;
      }
      if (run !== this.run) return;
      this.become('lost');
      await new Promise((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, wait);
      });
      wait = Math.min(wait * 2, 5000);
    }
  },

  async read(reader) {
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
      const silence = setTimeout(() => this.stop.abort(), SILENCE_LIMIT);
      const { value, done } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop();
      blocks.forEach((block) => this.receive(block));
    }
  },

  receive(block) {
    let name = 'message';
    const data = [];
    for (const line of block.split('\n')) {
      if (line.startsWith('event:')) name = line.slice(6).trim();
      else if (line.startsWith('data:')) data.push(line.slice(5));
    }
    if (data.length > 0) handleChange(name, JSON.parse(data.join('\n')));
  },

  /** Ends the stream on purpose. */
  pause() {
    this.run += 1;
    this.stop?.abort();
    this.become('paused');
  },

  /** A request failed: the stream notices a lost server by itself, but perhaps later. */
  suspect() {
    if (this.state === 'live') {
      this.become('lost');
      this.stop?.abort();
    }
  },

  retry() {
    this.wake?.();
  },

  become(state) {
    if (this.state === state) return;
    this.state = state;
    const isLost = state === 'lost';
    byId('overrides').inert = isLost;
    document.body.classList.toggle('offline', isLost);
    if (detail.parts) for (const name of ['state', 'override']) detail.parts[name].inert = isLost;
    renderTop();
    renderBanners();
  },
};

let hiddenTimer;
document.addEventListener('visibilitychange', () => {
  clearTimeout(hiddenTimer);
  if (document.visibilityState === 'hidden') {
    hiddenTimer = setTimeout(() => live.pause(), HIDDEN_LIMIT);
  } else if (live.state === 'paused') {
    live.become('connecting');
    live.start();
  }
});
