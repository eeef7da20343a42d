import { expect, test } from 'vitest';
import { chooseLayer, formatModelView, type ModelView, parseModelView } from './model-view.js';

const view: ModelView = {
  ...{ layer: '/features/0/Conv', find: 'conv', size: '256x192', unit: { row: 4, column: 6 } },
  ...{ job: `job_${'a'.repeat(20)}`, image: 'img_00000003' },
  ...{ mode: 'rgb', scale: 'own', cell: 12, page: 2, maps: 3 },
};

test('a view is the same after it was written into an address', () => {
  expect(parseModelView(new URLSearchParams(String(formatModelView(view))))).toEqual(view);
});

test('an address has nothing that is as by default, and what is no value is as by default', () => {
  const plain = parseModelView(new URLSearchParams());
  expect(String(formatModelView(plain))).toBe('');
  const odd = 'size=0x9&unit=a,b&job=../x&image=7&mode=all&scale=big&cell=65&page=-1&maps=1e9';
  expect(parseModelView(new URLSearchParams(odd))).toEqual(plain);
});

test('another layer is seen on the same photo, from its first page', () => {
  expect(chooseLayer(view, 'b')).toEqual({
    ...view,
    ...{ layer: 'b', unit: null, mode: null, cell: null, page: 1, maps: 1 },
  });
});
