import { BlockList, isIP } from 'node:net';
import { invalidInput } from './errors.js';

const notPublic = new BlockList();
const ranges: [string, number, 'ipv4' | 'ipv6'][] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.88.99.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  // Whatever carries an IPv4 address within, Teredo and 6to4, and documentation.
  ['2001::', 23, 'ipv6'],
  ['2001:db8::', 32, 'ipv6'],
  ['2002::', 16, 'ipv6'],
  ['3fff::', 20, 'ipv6'],
];
for (const [address, bits, family] of ranges) notPublic.addSubnet(address, bits, family);
/** Global unicast: everything outside is local, mapped, or not given out. */
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

/** Whether an IP address is one of the Internet, and none of this network or machine. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !notPublic.check(address, 'ipv4');
  return family === 6 && globalUnicast.check(address, 'ipv6') && !notPublic.check(address, 'ipv6');
}

/**
 * What a URL says by itself of where it leads; a name may still stand for any address.
 *
 * @throws {AppError} `invalid_input` for an address that is not public, `localhost`, or a password.
 */
export function assertPublicUrl(text: string): void {
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    throw invalidInput('webhook.url: Expected a URL without a user or password');
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isLocal = /(^|\.)localhost\.?$/i.test(host);
  if (isLocal || (isIP(host) !== 0 && !isPublicAddress(host))) {
    throw invalidInput('webhook.url: Expected a public address');
  }
}
