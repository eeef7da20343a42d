export { chromiumPath, startChromium } from '../../scripts/lib/chromium.mjs';
