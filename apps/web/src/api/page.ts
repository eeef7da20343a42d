/** A page of a list of the service. */
export type ListPage<T> = {
  readonly data: readonly T[];
  /** Asks for the next page; null at the last. */
  readonly next_cursor: string | null;
};

/** Most pages that are asked for one after the other. */
const maxPages = 20;

/** Ask for the pages of a list, the first `maxRows` of its rows, as far as so many pages reach. */
export async function collectPages<T>(
  readPage: (cursor: string | undefined) => Promise<ListPage<T>>,
  maxRows: number,
): Promise<readonly T[]> {
  const rows: T[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < maxPages; page++) {
    const { data, next_cursor } = await readPage(cursor);
    rows.push(...data);
    if (next_cursor === null || rows.length >= maxRows) break;
    cursor = next_cursor;
  }
  return rows.slice(0, maxRows);
}
