import type { Readable } from 'node:stream';

/** Destination of an archive's files, one after the other. */
export type Sink = {
  /**
   * Take one file; a bad one is refused, and the rest goes on.
   *
   * @param open Called if the file is wanted; its stream is then read to its end.
   * @param bytes What the archive says of its size.
   */
  add(name: string, open: () => Readable | Promise<Readable>, bytes?: number): Promise<void>;
  refuse(name: string, error: unknown): Promise<void>;
};

/** An archive that lists more is no archive of photos. */
export const maxEntries = 5_000_000;
