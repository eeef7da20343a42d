import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { at } from '@umbra/shared/assert';
import { type DatasetItem, datasetItem } from '@umbra/shared/contracts/dataset';
import type { Reference } from '@umbra/shared/contracts/reference';
import { integrity } from '@umbra/shared/errors';
import { imageIndexOf } from '@umbra/shared/ids';

/** Bytes read at once: some dozens of lines, and more than the longest. */
const windowBytes = 64 * 1024;
const newline = 0x0a;

/** Lines `[index, end)` lie in the bytes `[start, stop)`. */
type LineSpan = {
  readonly index: number;
  readonly end: number;
  readonly start: number;
  readonly stop: number;
};

/**
 * Find an image in its dataset's manifest, whose lines are in the order of their ids, by a search that reads
 * a few windows of it, however large it is.
 *
 * @param dataset With the number of its images.
 * @returns null where there is none, or no manifest.
 * @throws {AppError} `integrity` if the manifest is not in that order.
 */
export async function findItem(
  store: ObjectStore,
  dataset: Reference & { readonly images: number },
  image: string,
): Promise<DatasetItem | null> {
  const index = imageIndexOf(image);
  const key = keys.manifest(dataset.tenant, dataset.id);
  const stop = (await store.head(key))?.bytes ?? 0;
  if (index >= dataset.images || stop === 0) return null;
  let span: LineSpan = { index: 0, end: dataset.images, start: 0, stop };
  for (let step = 0; ; step++) {
    const start = guess(span, index, step);
    const items = await readWindow(store, key, { start, stop: span.stop });
    const [first, last] = [items.at(0), items.at(-1)];
    if (first === undefined || last === undefined) break;
    const [from, to] = [imageIndexOf(first.item.id), imageIndexOf(last.item.id)];
    if (index >= from && index <= to) {
      const { item } = at(items, index - from);
      if (item.id === image) return item;
      break;
    }
    const next: LineSpan =
      index < from
        ? { ...span, end: from, stop: first.start }
        : { ...span, index: to + 1, start: last.stop };
    if (next.start >= next.stop) break;
    span = next;
  }
  throw integrity(`Expected the manifest of dataset '${dataset.id}' to list '${image}' in order`);
}

/** Where a line may begin: in proportion and in the middle in turns, so that uneven lines cost little. */
function guess({ index, end, start, stop }: LineSpan, wanted: number, step: number): number {
  const share = step % 2 === 0 ? (wanted - index) / (end - index) : 0.5;
  const middle = start + Math.floor(share * (stop - start)) - windowBytes / 2;
  return Math.max(start, Math.min(middle, stop - windowBytes));
}

type FoundLine = { readonly item: DatasetItem; readonly start: number; readonly stop: number };

/** Read the whole lines of a window; one that begins within a line begins after it. */
async function readWindow(
  store: ObjectStore,
  key: string,
  { start, stop }: Pick<LineSpan, 'start' | 'stop'>,
): Promise<FoundLine[]> {
  // A byte before it shows whether a line begins there.
  const from = Math.max(0, start - 1);
  const { body } = await store.stream(key, {
    start: from,
    end: Math.min(stop, from + windowBytes),
  });
  const bytes = Buffer.concat(await body.toArray());
  const lines: FoundLine[] = [];
  let begin = start === 0 ? 0 : bytes.indexOf(newline) + 1;
  for (let end = bytes.indexOf(newline, begin); end !== -1; end = bytes.indexOf(newline, begin)) {
    const item = datasetItem.parse(JSON.parse(bytes.toString('utf8', begin, end)));
    lines.push({ item, start: from + begin, stop: from + end + 1 });
    begin = end + 1;
  }
  return lines;
}
