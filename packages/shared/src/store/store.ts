import type { Readable } from 'node:stream';

export type ObjectInfo = { readonly key: string; readonly bytes: number };
export type StoredObject = { readonly body: Readable; readonly bytes: number };

/**
 * The object store: every fact that must outlive a process is here.
 *
 * Keys are relative paths of `/`-separated segments (see `keys.ts`); a key that could leave the
 * root is refused with `invalid_input`. Writes replace whole objects: a reader sees the old or the
 * new bytes, never a mix. A fault of the store itself is `unavailable`.
 */
export type ObjectStore = {
  readonly kind: 'fs' | 's3';
  /** @throws {AppError} `not_found` */
  get(key: string): Promise<Buffer>;
  /**
   * @param range Half-open byte range, cut at the end of the object; all of it when left out.
   * @throws {AppError} `not_found`
   */
  stream(key: string, range?: { start: number; end: number }): Promise<StoredObject>;
  /** @returns null when there is no such object. */
  head(key: string): Promise<ObjectInfo | null>;
  put(key: string, body: Buffer | string): Promise<void>;
  /** Store a stream of unknown length in bounded memory. An error in the stream stores nothing. */
  putStream(key: string, body: Readable): Promise<{ bytes: number }>;
  /** Deleting what is not there is no error. */
  delete(key: string): Promise<void>;
  /** All objects under a prefix (a whole number of segments, ending in `/`), in ascending key order. */
  list(prefix: string, options?: { after?: string }): AsyncIterable<ObjectInfo>;
  /** @throws {AppError} `unavailable` unless the store can be written and read back. */
  check(): Promise<void>;
};
