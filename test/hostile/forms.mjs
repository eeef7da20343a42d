// Multipart forms that are broken, or hold what they should not.
import { single } from './case.mjs';
import { damage, oddTexts } from './mutate.mjs';

const boundary = 'trial-boundary';
const formType = `multipart/form-data; boundary=${boundary}`;

/**
 * @param {readonly { name: string, bytes: Buffer }[]} files
 * @returns {{ headers: Record<string, string>, body: Buffer }}
 */
export function formBody(files) {
  const parts = files.flatMap(({ name, bytes }) => [
    part(`form-data; name="images"; filename="${name}"`),
    bytes,
    Buffer.from('\r\n'),
  ]);
  return {
    headers: { 'content-type': formType },
    body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
  };
}

/** @param {string} disposition */
const part = (disposition) =>
  Buffer.from(`--${boundary}\r\nContent-Disposition: ${disposition}\r\n\r\n`);

/** @type {Readonly<Record<string, (chance: import('../trials/chance.mjs').Chance, photo: Buffer) => { type?: string, body: Buffer | string }>>} */
const crafted = {
  'no boundary': (_, photo) => ({
    type: 'multipart/form-data',
    body: formBody([{ name: 'a', bytes: photo }]).body,
  }),
  'another boundary': () => ({
    type: 'multipart/form-data; boundary=other',
    body: `--${boundary}--`,
  }),
  'a boundary of 10,000 characters': () => ({
    type: `multipart/form-data; boundary=${'b'.repeat(10_000)}`,
    body: 'x',
  }),
  'no end': (_, photo) => ({
    body: Buffer.concat([part('form-data; name="images"; filename="a"'), photo]),
  }),
  'no name': (_, photo) => ({ body: Buffer.concat([part('form-data'), photo]) }),
  'no disposition': () => ({ body: `--${boundary}\r\n\r\nx\r\n--${boundary}--` }),
  'an odd file name': (chance, photo) => {
    const name = chance.pick(oddTexts).replaceAll(/["\r\n]/g, '');
    return { body: formBody([{ name, bytes: photo }]).body };
  },
  'a file name in bytes that are no text': (_, photo) => {
    const { body } = formBody([{ name: 'NAME', bytes: photo }]);
    body.write('\xff\xfe\x00\x80', body.indexOf('NAME'), 'latin1');
    return { body };
  },
  'an odd extended file name': () => ({
    body: `--${boundary}\r\nContent-Disposition: form-data; name="images"; filename*=utf-8''%ff%00%2e%2e%2f\r\n\r\nx\r\n--${boundary}--`,
  }),
  'a field in place of a file': () => ({
    body: `--${boundary}\r\nContent-Disposition: form-data; name="images"\r\n\r\nx\r\n--${boundary}--`,
  }),
  'a part header of 100 kB': () => ({
    body: `--${boundary}\r\nX-Long: ${'x'.repeat(100_000)}\r\n\r\nx\r\n--${boundary}--`,
  }),
  '3,000 empty parts': () => ({
    body: `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n`.repeat(3_000),
  }),
  'a form within a form': () => ({
    body: `--${boundary}\r\nContent-Disposition: form-data; name="images"; filename="a"\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n--${boundary}--`,
  }),
  'an odd transfer encoding': () => ({
    body: `--${boundary}\r\nContent-Disposition: form-data; name="images"; filename="a"\r\nContent-Transfer-Encoding: base64\r\n\r\n****\r\n--${boundary}--`,
  }),
  nothing: () => ({ body: '' }),
};

/** @type {import('./case.mjs').Generator} */
export function badForms(chance, { open, photos }) {
  const photo = photos[0]?.bytes ?? Buffer.alloc(1);
  const path = chance.pick([
    '/v1/datasets',
    `/v1/datasets/${open}/images`,
    '/v1/explain?model=tiny&deadlineSeconds=5',
  ]);
  if (chance.next() < 0.4) {
    const { headers, body } = formBody([{ name: 'a.png', bytes: photo }]);
    const damaged = damage(body, chance);
    return single('forms', damaged.name, { path, headers, body: damaged.bytes, mayWait: true });
  }
  const name = chance.pick(Object.keys(crafted));
  const { type = formType, body } = crafted[name]?.(chance, photo) ?? { body: '' };
  return single('forms', name, {
    method: 'POST',
    path,
    headers: { 'content-type': type },
    body,
    mayWait: true,
  });
}
