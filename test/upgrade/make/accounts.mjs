// Who uses the service, and who hears of it.
import { once } from 'node:events';
import { createServer } from 'node:http';

export const tenant = 'acme';

/**
 * A tenant with limits, and keys: some that hold, one that is revoked, one that was replaced.
 *
 * @param {any} shared
 * @param {any} store
 */
export async function addTenant(shared, store) {
  const quotas = { images: 10_000, bytes: 1_000_000_000, positionsInFlight: 100_000_000 };
  const record = { version: 1, weight: 2, quotas, requestsPerMinute: 1_000_000 };
  await shared.writeTenantRecord(store, tenant, record);
  const asked = { tenant, scopes: ['read', 'submit'], name: 'fixture' };
  const key = await shared.createApiKey(store, asked);
  const revoked = await shared.createApiKey(store, { ...asked, name: 'revoked' });
  await shared.revokeApiKey(store, revoked.record.prefix);
  const old = await shared.createApiKey(store, { ...asked, scopes: ['read'], name: 'rotated' });
  const rotated = await shared.rotateApiKey(store, old.record.prefix, 0);
  return { submit: key.text, revoked: revoked.text, replaced: old.text, read: rotated.text };
}

/** A receiver of webhooks that takes the first event, and no other. */
export async function startReceiver() {
  let events = 0;
  const receiver = createServer((request, response) => {
    request.resume();
    events += 1;
    response.writeHead(events === 1 ? 204 : 500).end();
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (receiver.address());
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
  return {
    hook: { url: `http://127.0.0.1:${port}/hook`, secret },
    stop: () => void receiver.close(),
  };
}
