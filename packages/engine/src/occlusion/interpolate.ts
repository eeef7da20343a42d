// Hot: loops over places read `as number`; all arrays have one number a place.

type Extent = { readonly rows: number; readonly columns: number };

/** Relative size of the remainder at which a solution is good enough for float32. */
const tolerance = 1e-7;
const maxIterations = 500;

/**
 * Fill the gaps of a map with a discrete thin-plate spline: the surface whose squared second
 * differences have the smallest sum. Known places keep their value.
 *
 * @param values float32 [rows, columns]; what stands at unknown places does not count.
 * @param known uint8 [rows, columns], 1 where a value is known; at least one is.
 */
export function interpolate(extent: Extent, values: Float32Array, known: Uint8Array): Float32Array {
  const total = known.reduce((sum, one) => sum + one, 0);
  const mean = values.reduce((sum, value, at) => sum + (known[at] ? value : 0), 0) / total;
  const surface = Float64Array.from(values, (value, at) => (known[at] ? value : mean));
  solve(extent, surface, known);
  return Float32Array.from(surface);
}

/** Conjugate gradients over the unknown places, in place. */
function solve(extent: Extent, surface: Float64Array, known: Uint8Array): void {
  const remainder = bend(extent, surface, known).map((value) => -value);
  const direction = remainder.slice();
  let size = dot(remainder, remainder);
  const enough = tolerance ** 2 * size;
  for (let iteration = 0; iteration < maxIterations && size > enough; iteration++) {
    const bent = bend(extent, direction, known);
    const step = size / dot(direction, bent);
    for (let at = 0; at < surface.length; at++) {
      surface[at] = (surface[at] as number) + step * (direction[at] as number);
      remainder[at] = (remainder[at] as number) - step * (bent[at] as number);
    }
    const next = dot(remainder, remainder);
    for (let at = 0; at < surface.length; at++) {
      direction[at] = (remainder[at] as number) + (next / size) * (direction[at] as number);
    }
    size = next;
  }
}

/** Gradient of the bending energy with regard to the unknown places; 0 at the known ones. */
function bend({ rows, columns }: Extent, surface: Float64Array, known: Uint8Array): Float64Array {
  const gradient = new Float64Array(surface.length);
  const add = (taps: readonly (readonly [place: number, weight: number])[], scale: number) => {
    let difference = 0;
    for (const [place, weight] of taps) difference += weight * (surface[place] as number);
    for (const [place, weight] of taps) {
      gradient[place] = (gradient[place] as number) + scale * weight * difference;
    }
  };
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column;
      const [across, down] = [column + 1 < columns, row + 1 < rows];
      if (column > 0 && across) add(line(at, 1), 1);
      if (row > 0 && down) add(line(at, columns), 1);
      if (across && down) add(square(at, columns), 2);
    }
  }
  for (let at = 0; at < gradient.length; at++) if (known[at]) gradient[at] = 0;
  return gradient;
}

const line = (at: number, step: number) =>
  [
    [at - step, 1],
    [at, -2],
    [at + step, 1],
  ] as const;

const square = (at: number, columns: number) =>
  [
    [at, 1],
    [at + 1, -1],
    [at + columns, -1],
    [at + columns + 1, 1],
  ] as const;

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] as number) * (b[at] as number);
  return sum;
}
