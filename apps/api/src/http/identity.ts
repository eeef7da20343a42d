import { defaultTenant } from '@umbra/platform/store/keys';
import { scopes } from '@umbra/platform/tenancy/api-keys';
import { z } from 'zod';

/** Who asks, and by what. */
export const identity = z
  .strictObject({
    tenant: z.string(),
    scopes: z.array(z.enum(scopes)).meta({ description: 'Each includes the ones before it' }),
    authentication: z.enum(['key', 'session', 'none']).meta({
      description: 'What the request showed; `none` where the service asks for no key',
    }),
    keyPrefix: z
      .string()
      .nullable()
      .meta({ description: 'Public part of the key, or of the key of the session' }),
    endsAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'When the session or the key ends; null where it does not' }),
  })
  .meta({ description: 'Who asks, and by what' });
export type Identity = z.output<typeof identity>;

/** Whether somebody runs the service, and may see what all tenants do: an admin of the default tenant. */
export const isOperator = ({
  tenant,
  scopes: given,
}: Pick<Identity, 'tenant' | 'scopes'>): boolean =>
  tenant === defaultTenant && given.includes('admin');
