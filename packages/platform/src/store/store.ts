import type { Readable } from 'node:stream';

export type ObjectInfo = {
  readonly key: string;
  readonly bytes: number;
  /** When it was written, by the store's clock, ms since the epoch. */
  readonly modifiedMs: number;
};

/** A write that has begun and not ended: its process is at it, or died. */
export type UnfinishedWrite = {
  /** The driver's own name of it. */
  readonly id: string;
  /** When bytes last came, by the store's clock, ms since the epoch. */
  readonly activeMs: number;
};
export type StoredObject = { readonly body: Readable; readonly bytes: number };

/** What a client sends to the store by itself: these headers, and no others that are signed. */
export type PresignedPut = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
};

/**
 * The object store: every fact that must outlive a process is here.
 *
 * Keys are relative paths of `/`-separated segments (see `keys.ts`); a key that could leave the
 * root is refused with `invalid_input`. Writes replace whole objects: a reader sees the old or the
 * new bytes, never a mix. A fault of the store itself is `unavailable`.
 */
export type ObjectStore = {
  readonly kind: 'fs' | 's3';
  /**
   * @param signal Ends the read once nobody needs it.
   * @throws {AppError} `not_found`
   * @throws The signal's reason.
   */
  get(key: string, signal?: AbortSignal): Promise<Buffer>;
  /**
   * @param range Half-open byte range, cut at the end of the object; all of it when left out.
   * @param signal Ends the wait for the body, and the body, once nobody needs it.
   * @throws {AppError} `not_found`
   * @throws The signal's reason.
   */
  stream(
    key: string,
    range?: { start: number; end: number },
    signal?: AbortSignal,
  ): Promise<StoredObject>;
  /** @param signal As of `get`. @returns null when there is no such object. */
  head(key: string, signal?: AbortSignal): Promise<ObjectInfo | null>;
  put(key: string, body: Buffer | string): Promise<void>;
  /** Store a stream of unknown length in bounded memory. An error in the stream stores nothing. */
  putStream(key: string, body: Readable): Promise<{ bytes: number }>;
  /** Deleting what is not there is no error. */
  delete(key: string): Promise<void>;
  /** All objects under a prefix (a whole number of segments, ending in `/`), in ascending key order. */
  list(
    prefix: string,
    options?: { readonly after?: string; readonly signal?: AbortSignal },
  ): AsyncIterable<ObjectInfo>;
  /**
   * Writes of any process that have not ended and got no bytes since a time. A listing shows none of
   * them, and only `abortUnfinished` takes what they hold.
   *
   * @param beforeMs Milliseconds since the epoch.
   */
  listUnfinished(beforeMs: number): AsyncIterable<UnfinishedWrite>;
  /** Take away what an unfinished write holds; none is no error. Its process could not end it. */
  abortUnfinished(write: UnfinishedWrite): Promise<void>;
  /** @throws {AppError} `unavailable` unless the store can be written and read back. */
  check(): Promise<void>;
  /**
   * A URL under which anybody may read an object for a while, whether or not it is there. Only stores
   * that clients can reach have it.
   *
   * @param options `fileName` has browsers save it under that name; `mediaType` is what it is sent as.
   */
  presignGet?(
    key: string,
    options: {
      readonly expiresSeconds: number;
      readonly fileName?: string;
      readonly mediaType?: string;
    },
  ): Promise<string>;
  /** Leave for anybody to write one object for a while: exactly these bytes, which the store checks. */
  presignPut?(
    key: string,
    options: { readonly expiresSeconds: number; readonly bytes: number; readonly sha256: string },
  ): Promise<PresignedPut>;
};
