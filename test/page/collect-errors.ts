import type { Page } from 'playwright-core';

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
