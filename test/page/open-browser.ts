import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findOnPath } from '../../scripts/lib/run.mjs';

/** Debian's Chromium; undefined where none is installed, and then the tests of the page are skipped. */
export const chromiumPath = findOnPath('chromium');

export const repoRoot = fileURLToPath(new URL('../..', import.meta.url));

/** Open a browser without a window. Its own sandbox needs rights that a container has not. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: String(chromiumPath), args: ['--no-sandbox'] });

/** What the browser says of an answer that passes: on a busy machine Redis may be late, and the page asks again. */
const passing = 'status of 503';

/** Collect what a page reports: errors of scripts and of the console, where broken policies are, too. */
export function collectErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() === 'error' && !text.includes(passing)) errors.push(text);
  });
  return errors;
}
