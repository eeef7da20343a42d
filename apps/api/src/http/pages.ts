import { z } from 'zod';

/** One page of a list; `next_cursor` asks for the next one, and is null on the last. */
export type Page<T> = { readonly data: T[]; readonly next_cursor: string | null };

/** Answers of an operation that lists: 200 with a page of items. */
export const pageAnswers = <T extends z.ZodType>(item: T) => ({
  200: {
    description: 'A page',
    content: {
      'application/json': z.strictObject({
        data: z.array(item),
        next_cursor: z.string().nullable(),
      }),
    },
  },
});
