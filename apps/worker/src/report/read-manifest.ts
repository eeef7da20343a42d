import { readJsonLines } from '@umbra/platform/store/json';
import type { ObjectStore } from '@umbra/platform/store/store';
import { type DatasetItem, datasetItem } from '@umbra/shared/contracts/dataset';

/** Items of a manifest, and where their lines begin and end, bytes. */
export type ManifestPart = {
  readonly items: readonly DatasetItem[];
  readonly offset: { readonly start: number; readonly end: number };
};

/** Reads parts of a manifest; what follows the last one is not asked for anew. */
export type ManifestPartReader = {
  /** Read the items from an offset on, at most so many. */
  read(offset: number, count: number): Promise<ManifestPart>;
  close(): Promise<void>;
};

export function openPartReader(
  store: ObjectStore,
  key: string,
  signal: AbortSignal,
): ManifestPartReader {
  let lines: AsyncGenerator<{ value: DatasetItem; bytes: number }> | undefined;
  let position = 0;
  const close = async (): Promise<void> => {
    await lines?.return(undefined);
    lines = undefined;
  };
  const open = async (offset: number) => {
    await close();
    position = offset;
    const { body } = await store.stream(
      key,
      { start: offset, end: Number.MAX_SAFE_INTEGER },
      signal,
    );
    return readJsonLines(body, datasetItem);
  };
  return {
    close,
    async read(start, count) {
      if (lines === undefined || position !== start) lines = await open(start);
      const items: DatasetItem[] = [];
      while (items.length < count) {
        const { done, value: line } = await lines.next();
        if (done) break;
        items.push(line.value);
        position += line.bytes;
      }
      return { items, offset: { start, end: position } };
    },
  };
}
