// The commands of lines.mjs for the client-side SDKs, which have these methods in common.
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export function commandsOf(client) {
  const values = () => {
    const found = {};
    for (const flag of Object.keys(client.allFlags())) {
      const { value, variationIndex, reason } = client.variationDetail(flag, null);
      found[flag] = { value, variation: variationIndex ?? null, reason };
    }
    return found;
  };
  const commands = {
    values: async ({ context }) => {
      await client.identify(context);
      return values();
    },
    await: async ({ flag, value }) => {
      while ((client.allFlags()[flag] ?? null) !== value) await sleep(2);
    },
    evaluate: ({ flag, times }) => {
      for (let i = 0; i < times; i++) client.variation(flag, null);
    },
    identify: ({ context }) => client.identify(context).then(() => {}),
    track: ({ event }) => client.track(event),
    flush: () => client.flush().then(() => {}),
  };
  return (command) => commands[command.do](command);
}
