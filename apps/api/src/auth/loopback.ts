import { isIPv4 } from 'node:net';

/** Whether a host is a loopback address, which only this machine reaches. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
