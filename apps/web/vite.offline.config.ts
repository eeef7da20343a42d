import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { licencesPath, reportDocsPath } from '@umbra/shared/offline-page';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

// The page as one file, `dist/offline.html`, into which `umbra report --html` writes a job's answers. Built after
// the page itself, whose files it takes the documents from.

const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const readText = (file: string): string => readFileSync(pathOf(file), 'utf8');
const base64Of = (file: string): string => readFileSync(pathOf(file)).toString('base64');

const hashOf = (text: string): string =>
  `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** A script's text, as an element may hold it. @throws {Error} If something in it has another meaning there. */
function inElement(script: string): string {
  const safe = script.replaceAll(/<\/(script)/gi, '<\\/$1');
  if (safe.includes('<!--')) throw new Error("Expected a script without '<!--', got one with it");
  return safe;
}

/** A document of the page's build, as an answer is kept. */
const keptDocument = (path: string): string =>
  `<script type="text/plain" data-path="${path}" data-type="text/markdown">${base64Of(`dist${path}`)}</script>`;

/** Put a script, a style and what goes with them into the page. */
function compose(app: string, style: string): string {
  const scripts = { theme: inElement(readText('public/theme.js')), script: inElement(app) };
  const policy = [
    "default-src 'none'",
    `script-src ${Object.values(scripts).map(hashOf).join(' ')}`,
    `style-src ${hashOf(style)}`,
    'img-src data: blob:',
    "connect-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const parts: Readonly<Record<string, string>> = {
    policy: `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    icon: `<link rel="icon" href="data:image/svg+xml;base64,${base64Of('public/favicon.svg')}">`,
    style: `<style>${style}</style>`,
    theme: `<script>${scripts.theme}</script>`,
    documents: [licencesPath, reportDocsPath].map(keptDocument).join('\n'),
    script: `<script>${scripts.script}</script>`,
  };
  return readText('offline.html').replaceAll(
    /<!--(\w+)-->/g,
    (mark, name: string) => parts[name] ?? mark,
  );
}

/** In place of what was bundled: one page that holds it. */
const asOneFile = (): Plugin => ({
  name: 'umbra-one-file',
  enforce: 'post',
  generateBundle(_, bundle) {
    const texts: Record<string, string> = { js: '', css: '' };
    for (const [name, output] of Object.entries(bundle)) {
      const kind = name.split('.').at(-1) ?? '';
      if (!(kind in texts) || texts[kind] !== '') {
        throw new Error(`Expected one script and one style, got ${name} as well`);
      }
      texts[kind] = output.type === 'chunk' ? output.code : String(output.source);
      delete bundle[name];
    }
    const { js = '', css = '' } = texts;
    this.emitFile({ type: 'asset', fileName: 'offline.html', source: compose(js, css) });
  },
});

export default defineConfig({
  root: pathOf('.'),
  publicDir: false,
  plugins: [react(), asOneFile()],
  build: {
    emptyOutDir: false,
    cssCodeSplit: false,
    modulePreload: false,
    reportCompressedSize: false,
    rolldownOptions: {
      input: pathOf('src/main-offline.tsx'),
      output: { format: 'iife', codeSplitting: false },
    },
  },
});
