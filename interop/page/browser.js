// Chromium, and the page in it.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

import puppeteer from 'puppeteer-core';

/** Generous: the machine may be busy. */
export const TIMEOUT = 30_000;

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export function launch(...args) {
  return puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run', ...args],
    protocolTimeout: 4 * TIMEOUT,
  });
}

/** A tab with the page of a server. It records what it logs and requests. */
export class Tab {
  static async open(browser, server, hash = '', { width = 1280, height = 800, scheme = 'light', storage = {} } = {}) {
    const context = await browser.createBrowserContext();
    const tab = new Tab();
    tab.context = context;
    tab.server = server;
    tab.page = await context.newPage();
    tab.logged = [];
    tab.requested = [];
    tab.page.setDefaultTimeout(TIMEOUT);
    tab.page.on('console', (message) => tab.logged.push(`${message.type()}: ${message.text()}`));
    tab.page.on('pageerror', (error) => tab.logged.push(`error: ${error.message}`));
    tab.page.on('request', (request) => tab.requested.push(request.url()));
    await tab.page.setViewport({ width, height });
    await tab.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' }]);
    await tab.page.evaluateOnNewDocument((entries) => {
      if (sessionStorage.getItem('seeded')) return;
      sessionStorage.setItem('seeded', '1');
      for (const [key, value] of Object.entries(entries)) localStorage.setItem(`vexil.${key}`, JSON.stringify(value));
    }, storage);
    await tab.go(hash);
    return tab;
  }

  async go(hash) {
    await this.page.goto(`${this.server.address}/${hash}`);
    await this.live();
  }

  /** Waits until the page follows the server. */
  async live() {
    await this.until(() => document.querySelector('.live.live') !== null);
  }

  /** Waits for a condition in the page. */
  async until(condition, ...args) {
    await this.page.waitForFunction(condition, { timeout: TIMEOUT, polling: 50 }, ...args);
  }

  /** Waits until the list has counted exactly so. "1 of 212 flags" shows "212 flags" too. */
  async counts(text) {
    await this.until((wanted) => document.querySelector('.count').innerText === wanted, text);
  }

  /** Waits until an element has a text. */
  async shows(selector, text) {
    try {
      await this.until((query, part) => [...document.querySelectorAll(query)].some((node) => node.checkVisibility() && node.innerText.includes(part)), selector, text);
    } catch (error) {
      const texts = await this.page.$$eval(selector, (nodes) => nodes.map((node) => node.innerText.slice(0, 300)));
      throw new Error(`no ${selector} shows ${JSON.stringify(text)}, but ${JSON.stringify(texts)}`, { cause: error });
    }
  }

  /** Waits until an element is absent or hidden. */
  async hides(selector) {
    await this.until((query) => ![...document.querySelectorAll(query)].some((node) => node.checkVisibility()), selector);
  }

  /** Waits for the text of the live region. */
  async announces(text) {
    await this.until((part) => document.getElementById('spoken').textContent.includes(part), text);
  }

  async press(...keys) {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  async type(text) {
    await this.page.keyboard.type(text);
  }

  // The page may replace an element at any moment. What follows therefore finds an element and acts
  // on it in one call.

  /** Clicks the first visible element of a selector. */
  async tap(selector) {
    await this.until((query) => {
      const element = [...document.querySelectorAll(query)].find((node) => node.checkVisibility());
      element?.click();
      return element !== undefined;
    }, selector);
  }

  /** Clicks the visible button with this text. */
  async click(text, within = 'body') {
    await this.until((part, root) => {
      const element = [...document.querySelectorAll(`${root} button, ${root} a`)]
        .find((node) => node.checkVisibility() && !node.disabled && (node.innerText.trim().startsWith(part) || node.getAttribute('aria-label') === part));
      element?.click();
      return element !== undefined;
    }, text, within);
  }

  /** Chooses the radio button with this label. */
  async choose(label) {
    await this.until((text) => {
      const element = [...document.querySelectorAll('.radio label')].find((node) => node.innerText.startsWith(text));
      element?.click();
      return element !== undefined;
    }, label);
  }

  /** Chooses the option with this value in a list. */
  async select(selector, value) {
    await this.until((query, wanted) => {
      const list = document.querySelector(query);
      if (![...list?.options ?? []].some((option) => option.value === wanted)) return false;
      list.value = wanted;
      list.dispatchEvent(new Event('input', { bubbles: true }));
      list.dispatchEvent(new Event('change', { bubbles: true }));
      return true;
    }, selector, value);
  }

  /** Moves the focus to the element of a selector. */
  async focus(selector) {
    await this.until((query) => {
      const element = document.querySelector(query);
      element?.focus();
      return element !== null && document.activeElement === element;
    }, selector);
  }

  /** Replaces the text of the control with this label. */
  async fill(label, text) {
    await this.until((wanted) => {
      const control = [...document.querySelectorAll('label')].find((node) => node.innerText === wanted && node.checkVisibility())?.control;
      control?.focus();
      control?.select();
      return control !== undefined;
    }, label);
    await this.press('Backspace');
    await this.type(text);
  }

  text(selector) {
    return this.page.$eval(selector, (node) => node.innerText);
  }

  /** The element that has the focus, as `tag: text`. */
  focused() {
    return this.page.evaluate(() => `${document.activeElement.localName}: ${document.activeElement.innerText ?? ''}`);
  }

  /** Requires that no accessibility rule is violated. */
  async accessible(name) {
    await this.page.evaluate(AXE);
    const { violations, passes } = await this.page.evaluate(async () => {
      const results = await window.axe.run(document);
      return {
        violations: results.violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.target} ${node.any[0]?.message ?? ''}`).join('; ')}`),
        passes: results.passes.map(({ id }) => id),
      };
    });
    assert.deepEqual(violations, [], name);
    for (const rule of ['button-name', 'color-contrast']) assert.ok(passes.includes(rule), `${name}: ${rule} was not checked`);
  }

  /** Requires that nothing is wider than the window but what scrolls by itself. */
  async fits(name) {
    const width = await this.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(width[0] <= width[1], `${name}: ${width}`);
  }

  /** Requires that the page requested nothing from elsewhere. `failures` allows logged failed requests. */
  async close({ failures = false } = {}) {
    const elsewhere = this.requested.filter((url) => !url.startsWith(`${this.server.address}/`) && !url.startsWith('data:') && !url.startsWith('blob:'));
    assert.deepEqual(elsewhere, []);
    const logged = failures ? this.logged.filter((line) => !line.includes('Failed to load resource')) : this.logged;
    assert.deepEqual(logged, []);
    await this.context.close();
  }
}
