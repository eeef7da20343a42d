/**
 * Awaited between pieces of the work, of which many patches take a minute: what it lets through is done meanwhile, and
 * what it throws ends the work.
 */
export type Rest = () => Promise<void>;

/** Items between two rests: projecting a patch of 1,000 numbers takes some 0.1 ms. */
const pieceItems = 64;

/** Map items in their order, with a rest before every 64 of them. */
export async function mapRested<T, Mapped>(
  items: readonly T[],
  map: (item: T) => Mapped,
  rest: Rest,
): Promise<Mapped[]> {
  const mapped: Mapped[] = [];
  for (const [index, item] of items.entries()) {
    if (index % pieceItems === 0) await rest();
    mapped.push(map(item));
  }
  return mapped;
}
