import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { reportDocsPath } from '@umbra/shared/offline-page';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const folder = fileURLToPath(new URL('dist', import.meta.url));
/** Below this, what a client saves is less than the headers that say so. */
const minBytes = 512;

/** The last two levels take ten times as long for a few percent. */
const brotliParams = { [constants.BROTLI_PARAM_QUALITY]: 9 };

/** Compress each file once, here, and not for each client. */
const compress = (): Plugin => ({
  name: 'umbra-compress',
  closeBundle() {
    for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!/\.(css|html|js|md|svg)$/.test(entry)) continue;
      const path = join(folder, entry);
      const body = readFileSync(path);
      if (body.length < minBytes) continue;
      writeFileSync(`${path}.br`, brotliCompressSync(body, { params: brotliParams }));
      writeFileSync(`${path}.gz`, gzipSync(body, { level: 9 }));
    }
  },
});

/** What defines the numbers of a report, which the page links to. */
const tellDefinitions = (): Plugin => ({
  name: 'umbra-definitions',
  generateBundle() {
    const source = readFileSync(new URL(`../../docs${reportDocsPath}`, import.meta.url));
    this.emitFile({ type: 'asset', fileName: reportDocsPath.slice(1), source });
  },
});

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [react(), tellDefinitions(), compress()],
  build: {
    // The policy of the page forbids what is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: 'licences.md' },
    reportCompressedSize: false,
  },
  server: {
    proxy: { '/v1': 'http://127.0.0.1:8080', '/docs': 'http://127.0.0.1:8080' },
  },
});
