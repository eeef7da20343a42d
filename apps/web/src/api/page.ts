/** A page of a list of the service. */
export type ListPage<T> = {
  readonly data: readonly T[];
  /** Asks for the next page; null at the last. */
  readonly next_cursor: string | null;
};
