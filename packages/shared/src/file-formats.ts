/** A file's format, by its beginning. */
export type FileFormat = {
  readonly name: string;
  /** What makes a file of it that is taken; undefined where it is an archive that is. */
  readonly remedy?: string;
};

/** Longest beginning that a format needs, bytes. */
export const formatHeadBytes = 512;

const repack = 'pack the images as zip, tar or tar.gz';
const convert = 'convert it to PNG or JPEG';

export const formats = {
  zip: { name: 'zip' },
  gzip: { name: 'gzip' },
  tar: { name: 'tar' },
  bzip2: { name: 'bzip2', remedy: repack },
  xz: { name: 'xz', remedy: repack },
  zstd: { name: 'Zstandard', remedy: repack },
  sevenZip: { name: '7z', remedy: repack },
  rar: { name: 'RAR', remedy: repack },
  heic: {
    name: 'HEIC',
    remedy: `${convert}, as with 'heif-convert photo.heic photo.jpg' or 'sips -s format jpeg' of macOS`,
  },
  bmp: { name: 'BMP', remedy: convert },
  psd: { name: 'a Photoshop document', remedy: convert },
  jpegXl: { name: 'JPEG XL', remedy: convert },
  jpeg2000: { name: 'JPEG 2000', remedy: convert },
  dicom: { name: 'DICOM', remedy: `${convert}, with the window that the model expects` },
  numpy: { name: 'an array of NumPy', remedy: convert },
  pdf: { name: 'PDF', remedy: convert },
} as const satisfies Record<string, FileFormat>;

type FormatName = keyof typeof formats;

const signatures: readonly (readonly [format: FormatName, offset: number, hex: string])[] = [
  ['zip', 0, '504b0304'],
  ['zip', 0, '504b0506'],
  ['gzip', 0, '1f8b'],
  ['tar', 257, '7573746172'],
  ['bzip2', 0, '425a68'],
  ['xz', 0, 'fd377a585a00'],
  ['zstd', 0, '28b52ffd'],
  ['sevenZip', 0, '377abcaf271c'],
  ['rar', 0, '526172211a07'],
  ...['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx'].map(
    (brand) => ['heic', 4, `66747970${Buffer.from(brand).toString('hex')}`] as const,
  ),
  ['psd', 0, '38425053'],
  ['jpegXl', 0, 'ff0a'],
  ['jpegXl', 0, '0000000c4a584c20'],
  ['jpeg2000', 0, '0000000c6a502020'],
  ['jpeg2000', 0, 'ff4fff51'],
  ['dicom', 128, '4449434d'],
  ['numpy', 0, '934e554d5059'],
  ['pdf', 0, '255044462d'],
  ['bmp', 0, '424d'],
];

/**
 * Name the format of an archive, or of a file that is often taken for an image.
 *
 * @param head The file's first `formatHeadBytes`, or all of it.
 * @returns null for images that are taken, and for what is unknown.
 */
export function formatOf(head: Uint8Array): FileFormat | null {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, formatHeadBytes));
  const found = signatures.find(
    ([, offset, hex]) => text.subarray(offset, offset + hex.length / 2).toString('hex') === hex,
  );
  return found === undefined ? null : formats[found[0]];
}
