import { z } from 'zod';

/** Whether the client would rather fetch the bytes from the store itself, where it can. */
export const redirectQuery = z.strictObject({
  redirect: z
    .enum(['true', 'false'])
    .default('false')
    .transform((word) => word === 'true'),
});
