/** Numbers of a lattice of cells, row-major; NaN where nothing is known. */
export type Lattice = {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
};

/**
 * Read a lattice of base64.
 *
 * @param cells Little-endian float32, row-major.
 * @throws {Error} If it has another number of cells.
 */
export function readLattice(
  cells: string,
  { rows, columns }: Pick<Lattice, 'rows' | 'columns'>,
): Lattice {
  const bytes = Uint8Array.from(atob(cells), (character) => character.charCodeAt(0));
  if (bytes.length !== rows * columns * 4) {
    throw new Error(`Expected ${rows} x ${columns} cells, got ${bytes.length / 4}`);
  }
  const view = new DataView(bytes.buffer);
  const values = Float32Array.from({ length: rows * columns }, (_, at) =>
    view.getFloat32(at * 4, true),
  );
  return { rows, columns, values };
}

/** The largest size of any of the numbers, which ends their colour scale; 0 where none is known. */
export const latticeLimit = (lattices: readonly Lattice[]): number =>
  lattices.reduce(
    (limit, { values }) =>
      values.reduce((most, value) => (Math.abs(value) > most ? Math.abs(value) : most), limit),
    0,
  );

export type Peak = { readonly value: number; readonly place: string };

/** The largest number, and where it lies, in words; null where nothing is known. */
export function peakOf({ rows, columns, values }: Lattice): Peak | null {
  let best = -1;
  for (const [at, value] of values.entries()) {
    if (!Number.isNaN(value) && (best < 0 || value > (values[best] ?? 0))) best = at;
  }
  if (best < 0) return null;
  const third = (at: number, count: number): number => Math.floor((3 * (at + 0.5)) / count);
  const y = ['top', 'middle', 'bottom'][third(Math.floor(best / columns), rows)];
  const x = ['left', 'middle', 'right'][third(best % columns, columns)];
  return { value: values[best] ?? 0, place: y === x ? 'middle' : `${y} ${x}` };
}
