import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import { collectErrors } from './collect-errors.js';

export const repoRoot = fileURLToPath(new URL('../..', import.meta.url));
export const photo = join(repoRoot, 'samples', 'photos', 'cat.jpg');

/** A busy machine takes a while to load a model; nothing here is measured. */
export const patienceMs = 120_000;

/** Open a page of its own, and fail if it reported anything. */
export async function visit(
  browser: Browser,
  options: BrowserContextOptions,
  use: (page: Page, errors: string[]) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(patienceMs);
    const errors = collectErrors(page);
    await use(page, errors);
    expect(errors).toEqual([]);
  } finally {
    await context.close();
  }
}

/** How far the page reaches beyond the window's width, px. */
export async function beyondWidth(page: Page): Promise<number> {
  const beyond = await page.evaluate(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
  return Math.max(0, Number(beyond));
}

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

type AxeViolation = { readonly id: string; readonly impact: string; readonly nodes: unknown[] };

/** Serious and critical faults, by axe-core. Evaluated and not added as a script, which the policy forbids. */
export async function findFaults(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(axe, 'utf8'));
  const { violations } = (await page.evaluate('axe.run()')) as { violations: AxeViolation[] };
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${JSON.stringify(nodes).slice(0, 300)}`);
}
