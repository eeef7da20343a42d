import { expect, test } from 'vitest';
import { formatComparison, parseComparison } from './compare-state.js';

const read = (text: string) => parseComparison(new URLSearchParams(text));

test.each([
  '',
  'a=job_1&b=job_2',
  'a=job_1&b=job_2&image=img_00000003&sort=moved&show=lost&at=12.5%2C7&target=1&patch=1&view=map&smooth=1&opacity=40',
])("'%s' is read and written as it is", (text) => {
  expect(String(formatComparison(read(text)))).toBe(text);
});

test.each(['sort=name', 'show=none', 'at=1', 'at=-1,2', 'a=', 'view=none', 'patch=x'])(
  'what is no such value is as by default: %s',
  (text) => {
    expect(read(text)).toEqual(read(''));
  },
);
