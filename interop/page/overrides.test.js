// Overrides, explanations, contexts, and the file of overrides.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, beforeEach, test } from 'node:test';

import { Tab, launch } from './browser.js';
import { SHOP_KEYS } from './flags.js';
import { Server, vexil } from './server.js';

let browser;
let server;
before(async () => {
  browser = await launch();
  server = await Server.start();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});
beforeEach(() => server.reset());

const ADA = { context: { kind: 'user', key: 'ada' }, fromSdk: false };

test('one value for all contexts, and an error in its JSON', async () => {
  const tab = await Tab.open(browser, server, '#/default/flags/items-per-page?q=items');
  await tab.choose('One value');
  await tab.fill('Value as JSON', '[1, 2');
  await tab.click('Apply');
  await tab.shows('.fault', 'Line 1, column 6: expected "," or "]"');
  await tab.fill('Value as JSON', '33');
  await tab.hides('.fault');
  await tab.click('Apply');
  await tab.announces('items-per-page now serves value 33 to all contexts');
  await tab.shows('.tree .outcome', 'items-per-page = 33');
  await tab.shows('#overrides', '1 override');
  await tab.shows('#rows', '33');
  await tab.click('Remove override');
  await tab.announces('items-per-page is served as defined');
  await tab.hides('#overrides');
  await tab.close();
});

test('one context receives a variation, others do not', async () => {
  const tab = await Tab.open(browser, server, '#/default/flags/items-per-page', { storage: { context: ADA } });
  await tab.choose('For some contexts');
  await tab.fill('Key', 'bob');
  await tab.select('.add select', '1');
  await tab.click('Add', '.extra');
  await tab.shows('.people', 'user "bob" → 1: 50');
  await tab.click('Apply');
  await tab.announces('items-per-page is overridden for 1 context');
  const values = await Promise.all(['ada', 'bob'].map(async (key) => {
    const answer = await server.api('POST', '/env/default/evaluate', { context: { kind: 'user', key }, flags: ['items-per-page'] });
    return answer.flags['items-per-page'].value;
  }));
  assert.deepEqual(values, [20, 50]);
  await tab.close();
});

test('a definition can be edited, and a flag can be missing', async () => {
  const tab = await Tab.open(browser, server, '#/default/flags/legacy-search');
  await tab.choose('Edited definition');
  const item = { key: 'legacy-search', on: true, variations: ['older'], fallthrough: { variation: 0 }, offVariation: 0, salt: 'x' };
  await tab.fill('Definition', JSON.stringify(item));
  await tab.click('Apply');
  await tab.shows('.tree .outcome', '"older"');
  await tab.choose('As if deleted');
  await tab.click('Apply');
  await tab.shows('.part-why', 'SDKs do not receive this flag');
  await tab.click('1 override', '#overrides');
  await tab.shows('dialog', 'as if deleted');
  await tab.click('Remove the override of legacy-search', 'dialog');
  await tab.announces('legacy-search is served as defined');
  await tab.hides('dialog');
  await tab.shows('.tree .outcome', 'legacy-search');
  // An explanation may be requested while the flag is deleted.
  await tab.close({ failures: true });
});

test('an override that the server refuses shows why, and nothing changes', async () => {
  const tab = await Tab.open(browser, server, '#/default/flags/legacy-search');
  await tab.choose('For some contexts');
  await tab.click('Add', '.extra');
  await tab.click('Apply');
  await tab.shows('#override-form .error', 'off variation');
  assert.deepEqual(await server.api('GET', '/env/default/overrides'), { flags: {}, segments: {} });
  await tab.close({ failures: true });
});

test('keys are included in a segment', async () => {
  const tab = await Tab.open(browser, server, '#/default/segments/staff');
  await tab.choose('Changed members');
  await tab.fill('Include these keys, one on each line', 'ada');
  await tab.click('Apply');
  await tab.announces('staff has 1 included, 0 excluded');
  await tab.click('theme', '.links');
  await tab.shows('.tree .outcome', 'theme = "contrast"');
  await tab.close();
});

test('the switch and the list show overrides of other programs', async () => {
  const tab = await Tab.open(browser, server, '#/default/flags/theme');
  await tab.shows('.tree', 'fallthrough');
  await server.api('PUT', '/env/default/overrides/flags/theme', { on: false });
  await tab.until(() => document.querySelector('[role=switch]')?.ariaChecked === 'false');
  await tab.shows('.switch-line', 'override: switched off');
  await server.api('DELETE', '/env/default/overrides/flags/theme');
  await tab.until(() => document.querySelector('[role=switch]')?.ariaChecked === 'true');
  await tab.close();
});

/** The words of a tree, without what draws its lines. */
function words(text) {
  return text.replaceAll(/[│├└]/g, ' ').replaceAll(/\s+/g, ' ').trim();
}

test('explanations are those of the command', async () => {
  const people = [
    { kind: 'user', key: 'ada' },
    { kind: 'user', key: 'bob', plan: 'gold' },
    { kind: 'multi', user: { key: 'eve', email: 'eve@staff.com' }, org: { key: 'acme' } },
  ];
  for (const context of people) {
    const tab = await Tab.open(browser, server, '', { storage: { context: { context, fromSdk: false } } });
    for (const key of SHOP_KEYS) {
      await tab.page.evaluate((hash) => { location.hash = hash; }, `#/default/flags/${key}`);
      for (const beyond of [false, true]) {
        if (beyond) await tab.tap('.part-why input[type=checkbox]');
        const expected = words(await vexil('explain', server.source, key, '--context', JSON.stringify(context), ...(beyond ? ['--beyond'] : [])));
        const shown = () => tab.page.evaluate(() => document.querySelector('.tree')?.innerText ?? '');
        for (let tries = 0; words(await shown()) !== expected && tries < 100; tries += 1) await new Promise((resolve) => { setTimeout(resolve, 50); });
        assert.equal(words(await shown()), expected, `${key} for ${JSON.stringify(context)}`);
        if (beyond) {
          await tab.tap('.part-why input[type=checkbox]');
          await tab.until(() => document.querySelector('.part-why input[type=checkbox]').checked === false);
        }
      }
    }
    await tab.close();
  }
});

test('the context editor shows an error at its place, and keeps contexts', async () => {
  await server.sendEvents([{ kind: 'identify', creationDate: Date.now(), context: { kind: 'user', key: 'grace', plan: 'gold' } }]);
  const tab = await Tab.open(browser, server, '#/default/flags/items-per-page');
  await tab.press('c');
  await tab.shows('dialog h2', 'Context');
  await tab.fill('Context as JSON', '{\n  "kind": "user",\n  "key": ada\n}');
  await tab.shows('.fault', 'Line 3, column 10: expected a JSON value');
  assert.equal(await tab.page.$eval('dialog textarea', (node) => node.ariaInvalid ?? node.getAttribute('aria-invalid')), 'true');
  await tab.click('Use this context');
  await tab.shows('dialog h2', 'Context');
  await tab.fill('Context as JSON', '{"kind": "us er", "key": "ada"}');
  await tab.shows('.fault', 'Line 1, column 10: a kind has letters');
  await tab.fill('Context as JSON', '{"kind": "user", "key": "hal", "plan": "gold"}');
  await tab.hides('.fault');
  await tab.fill('Save as', 'Hal');
  await tab.click('Save', '.save-as');
  await tab.shows('.picks', 'Hal');
  await tab.click('Use this context');
  await tab.hides('dialog');
  await tab.shows('#rows thead', 'Value for user "hal"');
  await tab.shows('.tree .outcome', 'items-per-page = 100');
  await tab.page.reload();
  await tab.live();
  await tab.shows('.tree .outcome', 'items-per-page = 100');
  await tab.press('c');
  await tab.shows('.picks', 'Hal');
  await tab.shows('.picks', 'user "grace"');
  assert.doesNotMatch(await tab.text('dialog .side'), /gold/);
  await tab.click('user "grace"', 'dialog');
  await tab.click('Use this context');
  await tab.shows('.part-why', 'Private attributes of a context from an SDK are hidden.');
  await tab.close();
});

test('overrides are saved, and a changed file is not overwritten silently', async () => {
  const tab = await Tab.open(browser, server, '#/default/flags/theme');
  await server.api('PUT', '/env/default/overrides/flags/theme', { variation: 1 });
  await tab.shows('#overrides', 'not saved');
  await tab.click('Save', '#overrides');
  await tab.announces('Saved to');
  await tab.until(() => document.querySelector('#overrides').innerText.includes('saved') && !document.querySelector('#overrides').innerText.includes('not saved'));
  assert.match(await readFile(server.overrides, 'utf8'), /theme/);

  await server.api('PUT', '/env/default/overrides/flags/theme', { variation: 2 });
  await tab.shows('#overrides', 'not saved');
  await writeFile(server.overrides, 'flags:\n  legacy-search: { on: true }\n');
  await tab.click('Save', '#overrides');
  await tab.shows('dialog h2', 'The file changed');
  await tab.shows('dialog', 'legacy-search');
  await tab.accessible('conflict dialog');
  await tab.click('Overwrite the file', 'dialog');
  await tab.hides('dialog');
  assert.match(await readFile(server.overrides, 'utf8'), /theme/);

  await server.api('PUT', '/env/default/overrides/flags/theme', { variation: 0 });
  await tab.shows('#overrides', 'not saved');
  await writeFile(server.overrides, 'flags:\n  legacy-search: { on: true }\n');
  await tab.click('Save', '#overrides');
  await tab.shows('dialog h2', 'The file changed');
  await tab.click('Use the file', 'dialog');
  await tab.hides('dialog');
  assert.deepEqual(await server.api('GET', '/env/default/overrides'), { flags: { 'legacy-search': { on: true } }, segments: {} });

  await tab.click('Remove all', '#overrides');
  await tab.click('Remove all', 'dialog');
  await tab.announces('All overrides were removed');
  await tab.close({ failures: true });
});
