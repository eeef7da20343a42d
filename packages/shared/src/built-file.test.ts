import { expect, test } from 'vitest';
import { builtFile } from './built-file.js';

test('a compiled file is beside its compiled caller, or in the build beside the sources', () => {
  const root = 'file:///home/src/umbra/packages/engine';
  const built = `${root}/dist/models/model-process.js`;
  expect(builtFile(`${root}/dist/models/isolate-model.js`, 'model-process').href).toBe(built);
  expect(builtFile(`${root}/src/models/isolate-model.ts`, 'model-process').href).toBe(built);
});
