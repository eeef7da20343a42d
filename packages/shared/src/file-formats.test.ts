import { expect, test } from 'vitest';
import { formatOf } from './file-formats.js';

const at = (offset: number, hex: string): Buffer =>
  Buffer.concat([Buffer.alloc(offset), Buffer.from(hex, 'hex'), Buffer.alloc(600)]);

test.each([
  ['zip', at(0, '504b0304')],
  ['gzip', at(0, '1f8b08')],
  ['tar', at(257, '7573746172')],
  ['bzip2', Buffer.from('BZh9')],
  ['7z', at(0, '377abcaf271c')],
  ['RAR', Buffer.from('Rar!\x1a\x07\x00')],
  ['HEIC', at(0, '00000018667479706865696300000000')],
  ['DICOM', at(128, '4449434d')],
])('%s is known by its beginning', (name, head) => {
  expect(formatOf(head)?.name).toBe(name);
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['text', Buffer.from('hello')],
  ['JPEG', Buffer.from('ffd8ffe0', 'hex')],
  ['AVIF', at(0, '0000001c667479706176696600000000')],
])('%s is none of them', (_, head) => {
  expect(formatOf(head)).toBeNull();
});
