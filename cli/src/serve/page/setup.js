// How to point SDKs at this server.

const EXAMPLE_FILE = `flags:
  new-checkout:
    key: new-checkout
    version: 1
    on: true
    variations: [true, false]
    offVariation: 1
    fallthrough: { variation: 0 }
    clientSideAvailability: { usingEnvironmentId: true, usingMobileKey: true }
segments: {}
`;

let setupShown = stored.read('setup', 'Node');

function snippets() {
  const env = environment();
  const credentials = env?.credentials ?? {};
  const address = `${app.state?.address ?? location.origin}${credentials.prefix ?? ''}`;
  const emulator = address.replace(/\/\/(127\.0\.0\.1|localhost)/, '//10.0.2.2');
  const keyed = (text, otherwise) => (!text || text === 'any' || text.includes('…') ? otherwise : text);
  const key = keyed(credentials.sdkKey, 'sdk-key');
  const mobile = keyed(credentials.mobileKey, 'mob-key');
  const id = keyed(credentials.environmentId, env?.name ?? 'default');
  return {
    Node: `import { init } from '@launchdarkly/node-server-sdk';

const client = init('${key}', {
  baseUri: '${address}',
  streamUri: '${address}',
  eventsUri: '${address}',
});
await client.waitForInitialization({ timeout: 5 });`,
    Python: `import ldclient
from ldclient.config import Config

ldclient.set_config(Config(
    '${key}',
    base_uri='${address}',
    stream_uri='${address}',
    events_uri='${address}',
))
client = ldclient.get()`,
    Go: `config := ld.Config{
	ServiceEndpoints: ldcomponents.RelayProxyEndpoints("${address}"),
}
client, err := ld.MakeCustomClient("${key}", config, 5*time.Second)`,
    Java: `LDConfig config = new LDConfig.Builder()
    .serviceEndpoints(Components.serviceEndpoints().relayProxy("${address}"))
    .build();
LDClient client = new LDClient("${key}", config);`,
    Rust: `let client = vexil::Client::builder("${key}")
    .service_endpoints(ServiceEndpoints::relay("${address}"))
    .start()?;`,
    JavaScript: `import { createClient } from '@launchdarkly/js-client-sdk';

const client = createClient('${id}', { kind: 'user', key: 'ada' }, {
  baseUri: '${address}',
  streamUri: '${address}',
  eventsUri: '${address}',
});
await client.start();`,
    Android: `// 10.0.2.2 is the host's loopback in the emulator: start with --allow-host 10.0.2.2
LDConfig config = new LDConfig.Builder(AutoEnvAttributes.Disabled)
    .mobileKey("${mobile}")
    .serviceEndpoints(Components.serviceEndpoints().relayProxy("${emulator}"))
    .build();
LDClient client = LDClient.init(getApplication(), config, context, 5);`,
  };
}

function snippet(text, label) {
  return el('div', { class: 'snippet' },
    el('div', { class: 'snippet-head' }, el('span', { class: 'dim' }, label), button('Copy', () => copy(text, label), { class: 'quiet', 'aria-label': `Copy ${label}` })),
    el('pre', { class: 'code', tabindex: '0', 'aria-label': label }, text));
}

/** The choice of an SDK and its lines. */
function setup() {
  const all = snippets();
  const node = el('div', { class: 'setup' });
  const draw = () => fill(
    node,
    el('div', { class: 'chips', role: 'group', 'aria-label': 'SDK' }, Object.keys(all).map((name) => button(name, () => {
      setupShown = name;
      stored.write('setup', name);
      draw();
      node.querySelector('[aria-pressed="true"]').focus();
    }, { class: 'chip', 'aria-pressed': String(name === setupShown) }))),
    snippet(all[setupShown] ?? all.Node, `${setupShown} setup`),
  );
  draw();
  return node;
}
