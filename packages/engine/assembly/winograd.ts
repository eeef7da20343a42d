// Winograd's F(2x2, 3x3), compiled to WebAssembly by AssemblyScript: a 3x3 convolution of stride 1
// as 16 matrix products with 2.25 times fewer multiplications. The products are the runtime's;
// here are the transforms around them. All pointers are bytes into the module's memory; maps have
// channels last, and channels are a multiple of 4.
// See Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015.

/**
 * Transform the 4x4 tiles of a window, 2 px apart.
 *
 * @param source float32 [2 * tilesY + 2, 2 * tilesX + 2, channels]
 * @param target float32 [16, rows, channels]; the window's tiles go to rows from `row` on.
 */
export function transformInput(
  source: usize,
  channels: i32,
  tilesY: i32,
  tilesX: i32,
  target: usize,
  rows: i32,
  row: i32,
): void {
  const pixel: usize = (channels as usize) << 2;
  const pitch: usize = pixel * ((2 * tilesX + 2) as usize);
  const plane: usize = pixel * (rows as usize);
  for (let ty = 0; ty < tilesY; ty++) {
    for (let tx = 0; tx < tilesX; tx++) {
      const tile: usize = source + ((2 * ty) as usize) * pitch + ((2 * tx) as usize) * pixel;
      const out: usize = target + ((row + ty * tilesX + tx) as usize) * pixel;
      for (let at: usize = 0; at < pixel; at += 16) {
        const p0 = tile + at;
        const p1 = p0 + pitch;
        const p2 = p1 + pitch;
        const p3 = p2 + pitch;
        let o = out + at;
        // Rows of the transform, one at a time: each combines two rows of the tile.
        o = column(p0, p2, 0, pixel, o, plane);
        o = column(p1, p2, 1, pixel, o, plane);
        o = column(p2, p1, 0, pixel, o, plane);
        column(p1, p3, 0, pixel, o, plane);
      }
    }
  }
}

/** One row of the transformed tile from the sum or difference of two of its rows. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function column(a: usize, b: usize, add: i32, pixel: usize, out: usize, plane: usize): usize {
  const d0 = both(a, b, add);
  const d1 = both(a + pixel, b + pixel, add);
  const d2 = both(a + 2 * pixel, b + 2 * pixel, add);
  const d3 = both(a + 3 * pixel, b + 3 * pixel, add);
  v128.store(out, f32x4.sub(d0, d2));
  v128.store(out + plane, f32x4.add(d1, d2));
  v128.store(out + 2 * plane, f32x4.sub(d2, d1));
  v128.store(out + 3 * plane, f32x4.sub(d1, d3));
  return out + 4 * plane;
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function both(a: usize, b: usize, add: i32): v128 {
  return add ? f32x4.add(v128.load(a), v128.load(b)) : f32x4.sub(v128.load(a), v128.load(b));
}

/**
 * Transform products back to a window of the output, add, and clamp.
 *
 * @param source float32 [16, rows, channels]; the window's tiles are rows from `row` on.
 * @param bias float32 [channels]
 * @param other float32 [height, width, channels] to add, or 0.
 * @param target float32 [height, width, channels]; tiles may reach beyond it.
 */
export function transformOutput(
  source: usize,
  rows: i32,
  row: i32,
  channels: i32,
  height: i32,
  width: i32,
  bias: usize,
  other: usize,
  low: f32,
  high: f32,
  target: usize,
): void {
  const pixel: usize = (channels as usize) << 2;
  const pitch: usize = pixel * (width as usize);
  const plane: usize = pixel * (rows as usize);
  const tilesX = (width + 1) >> 1;
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      const tile: usize = source + ((row + (y >> 1) * tilesX + (x >> 1)) as usize) * pixel;
      const place: usize = (y as usize) * pitch + (x as usize) * pixel;
      const right = x + 1 < width;
      const below = y + 1 < height;
      for (let at: usize = 0; at < pixel; at += 16) {
        const b = v128.load(bias + at);
        let p = tile + at;
        const a0 = upper(p, plane);
        const c0 = lower(p, plane);
        p += plane;
        const a1 = upper(p, plane);
        const c1 = lower(p, plane);
        p += plane;
        const a2 = upper(p, plane);
        const c2 = lower(p, plane);
        p += plane;
        const a3 = upper(p, plane);
        const c3 = lower(p, plane);
        const o = place + at;
        put(f32x4.add(f32x4.add(a0, a1), a2), b, other, o, lows, highs, target);
        if (right) {
          put(f32x4.sub(f32x4.sub(a1, a2), a3), b, other, o + pixel, lows, highs, target);
        }
        if (below) {
          put(f32x4.add(f32x4.add(c0, c1), c2), b, other, o + pitch, lows, highs, target);
          if (right) {
            put(f32x4.sub(f32x4.sub(c1, c2), c3), b, other, o + pitch + pixel, lows, highs, target);
          }
        }
      }
    }
  }
}

/** Products 0, 4 and 8 rows of four apart: the sum for the upper outputs. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function upper(p: usize, plane: usize): v128 {
  return f32x4.add(
    f32x4.add(v128.load(p), v128.load(p + 4 * plane)),
    v128.load(p + 8 * plane),
  );
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function lower(p: usize, plane: usize): v128 {
  return f32x4.sub(
    f32x4.sub(v128.load(p + 4 * plane), v128.load(p + 8 * plane)),
    v128.load(p + 12 * plane),
  );
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function put(
  value: v128,
  bias: v128,
  other: usize,
  at: usize,
  low: v128,
  high: v128,
  target: usize,
): void {
  let sum = f32x4.add(value, bias);
  if (other != 0) sum = f32x4.add(sum, v128.load(other + at));
  v128.store(target + at, f32x4.min(f32x4.max(sum, low), high));
}
