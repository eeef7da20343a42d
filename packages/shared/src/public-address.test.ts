import { expect, test } from 'vitest';
import { assertPublicUrl, isPublicAddress } from './public-address.js';

test.each([
  ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.9.9.9', '169.254.169.254'],
  ...['172.16.0.1', '172.31.255.255', '192.168.1.1', '198.18.0.1', '224.0.0.1', '255.255.255.255'],
  ...['::', '::1', 'fe80::1', 'fc00::1', 'fd12::1', 'ff02::1', '::ffff:127.0.0.1', '::127.0.0.1'],
  ...['64:ff9b::7f00:1', '2002:7f00:1::', '2001:0:7f00:1::', '2001:db8::1', 'nonsense', ''],
])('%s is not public', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each(['1.1.1.1', '8.8.8.8', '172.32.0.1', '2606:4700::1111', '2a00:1450:4001::1'])(
  '%s is public',
  (address) => {
    expect(isPublicAddress(address)).toBe(true);
  },
);

test.each([
  ...['http://127.0.0.1/', 'http://2130706433/', 'http://0x7f.1/', 'http://[::1]:80/'],
  ...['http://localhost/', 'http://a.localhost./', 'http://user:word@example.org/'],
  ...['http://[::ffff:10.0.0.1]/', 'http://169.254.169.254/latest/meta-data'],
])('%s is refused', (url) => {
  expect(() => assertPublicUrl(url)).toThrow(/webhook\.url/);
});

test('names are taken: what they stand for is known when they are asked', () => {
  expect(() => assertPublicUrl('https://example.org:8443/hooks?x=1')).not.toThrow();
});
