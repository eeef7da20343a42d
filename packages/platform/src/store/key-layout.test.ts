import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  buildKey,
  type FieldsOfKey,
  type KeyName,
  keyLayout,
  matchKey,
  parseKey,
  serviceFolders,
} from './key-layout.js';

const names = Object.keys(keyLayout) as KeyName[];
const segment = fc.stringMatching(/^[A-Za-z0-9_.:-]{1,20}$/);
const arbitraryOf = (kind: string) => {
  if (kind === '#') return fc.nat().map(String);
  return kind === '*'
    ? fc.array(segment, { minLength: 1, maxLength: 3 }).map((path) => path.join('/'))
    : segment;
};
const fieldsOf = (name: KeyName): fc.Arbitrary<FieldsOfKey<KeyName>> => {
  const fields = [...keyLayout[name].matchAll(/\{(\w+)([#*]?)\}/g)];
  const entries = fields.map(([, field = '', kind = '']) => [field, arbitraryOf(kind)]);
  return fc.record(Object.fromEntries(entries)) as fc.Arbitrary<FieldsOfKey<KeyName>>;
};

describe('a key of the layout', () => {
  test.each(names)('%s is parsed into the fields it was built of', (name) => {
    fc.assert(
      fc.property(fieldsOf(name), (fields) => {
        expect(parseKey(name, buildKey(name, fields))).toEqual(fields);
      }),
    );
  });

  test('is no key of another layout', () => {
    expect(matchKey('error', 'tenants/t/jobs/j/errors/i.txt')).toBeNull();
    expect(matchKey('error', 'tenants/t/jobs/j/errors/i/k.json')).toBeNull();
    expect(matchKey('activeJob', 'active/t/')).toBeNull();
    expect(matchKey('rows', 'tenants/t/rows/aa/aab/x-4.json.gz')).toBeNull();
    expect(() => parseKey('part', 'tenants/t/datasets/d/parts/s/x')).toThrowError(
      expect.objectContaining({ code: 'integrity' }),
    );
  });
});

describe('the guard', () => {
  test('knows the folder of every key', () => {
    expect([...serviceFolders].sort()).toEqual(
      [
        '.health',
        'active',
        'api-keys',
        'deletions',
        'ingests',
        'models',
        'reports',
        'retention',
        'tenants',
        'trials',
        'uploads',
        'webhooks',
      ].map((name) => `${name}/`),
    );
  });
});
