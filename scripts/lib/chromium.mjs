// The Chromium that tests and measurements of the page run: one that is installed, and none that is downloaded.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A browser that is installed (Debian: chromium), unless another is named; undefined where there is none. */
export const chromiumPath = process.env.TEST_CHROMIUM ?? places.find((path) => existsSync(path));

/** Start it without a window. @param {readonly string[]} [args] more of its flags */
export const startChromium = (args = []) =>
  chromium.launch({
    executablePath: chromiumPath ?? '',
    // Root has no sandbox, nor has a container without user namespaces; what is visited is the service under test.
    args: ['--no-sandbox', ...args],
  });
