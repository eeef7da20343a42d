import { z } from 'zod';

const maxFilters = 16;
const filter = z.string().max(500);

/** What rows are filtered by. */
export const where = z
  .union([z.array(filter).max(maxFilters), filter])
  .default([])
  .describe(
    '`FIELD OP VALUE` without spaces, OP one of `= != < <= > >= ~` (contains, in any case); of several, all must hold',
  );

/** What rows are sorted by. @param byDefault A field, with `-` before it for the largest first. */
export const sortBy = (byDefault: string) =>
  z
    .string()
    .max(64)
    .default(byDefault)
    .describe('A field, with `-` before it for the largest first; rows without a value come last');

/** Which page of a list of rows. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  cursor: z.string().min(1).max(4_000).optional(),
};

/** A page of rows. */
export const pageOf = <T extends z.ZodType>(row: T) =>
  z.strictObject({
    data: z.array(row),
    next_cursor: z.string().nullable(),
    /** Rows that fit the filter now, on all pages. */
    total: z.int().min(0),
  });

/** A parameter that is given once is no list. */
export const filtersOf = (given: string | readonly string[]): readonly string[] =>
  typeof given === 'string' ? [given] : given;
