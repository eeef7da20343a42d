import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Packages import each other by name, and so from dist: build before testing.
    include: [
      'packages/*/src/**/*.test.ts',
      'apps/*/src/**/*.test.ts',
      'test/**/*.test.ts',
      'scripts/**/*.test.mjs',
      'bench/**/*.test.mjs',
    ],
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: ['test/global-setup.mjs'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Native addons (onnxruntime, sharp) are safest in processes of their own. Two, since each of
    // them may run inference on several threads.
    pool: 'forks',
    maxWorkers: 2,
  },
});
