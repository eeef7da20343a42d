/** A file and its name: its path in the folder that was chosen with it, or its own. */
export type NamedFile = { readonly name: string; readonly file: File };

export type ChosenFiles = {
  readonly files: readonly NamedFile[];
  /** Names of what could not be read. */
  readonly unread: readonly string[];
};

/** Most files of one drop: more is work for `umbra submit`. */
const maxFiles = 20_000;

/** Files and bytes of one request, unless a single file is larger. */
const maxBatch = { files: 200, bytes: 32 * 1024 ** 2 };

/** Bytes of files together. */
export const sizeOf = (files: readonly NamedFile[]): number =>
  files.reduce((sum, { file }) => sum + file.size, 0);

/** How many of the first files are whole in so many bytes. */
export function countWithin(files: readonly NamedFile[], bytes: number): number {
  let end = 0;
  const after = files.findIndex(({ file }) => {
    end += file.size;
    return end > bytes;
  });
  return after === -1 ? files.length : after;
}

/** Cut files into what one request has, in their order. */
export function batchesOf(files: readonly NamedFile[]): readonly (readonly NamedFile[])[] {
  const batches: NamedFile[][] = [];
  let room = { files: 0, bytes: 0 };
  for (const one of files) {
    if (room.files < 1 || room.bytes < one.file.size) {
      batches.push([]);
      room = maxBatch;
    }
    batches.at(-1)?.push(one);
    room = { files: room.files - 1, bytes: room.bytes - one.file.size };
  }
  return batches;
}

/** Files as a file dialog gives them. */
export const filesOfList = (list: Iterable<File>): ChosenFiles => ({
  files: [...list].map((file) => ({ name: file.webkitRelativePath || file.name, file })),
  unread: [],
});

/** Files that were dropped, with those of folders. Call it in the event itself: what it has is gone after it. */
export function filesOfDrop({ items, files }: DataTransfer): Promise<ChosenFiles> {
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  return entries.length === 0 ? Promise.resolve(filesOfList(files)) : filesOfEntries(entries);
}

/** Files of entries and of the folders among them, in the order of the folders. */
export async function filesOfEntries(entries: readonly FileSystemEntry[]): Promise<ChosenFiles> {
  const files: NamedFile[] = [];
  const unread: string[] = [];
  const waiting = [...entries];
  for (let entry = waiting.shift(); entry !== undefined; entry = waiting.shift()) {
    const name = entry.fullPath.replace(/^\//, '');
    if (files.length === maxFiles) {
      unread.push(`everything after ${maxFiles} files`);
      break;
    }
    try {
      if (isFolder(entry)) waiting.unshift(...(await readFolder(entry)));
      else files.push({ name, file: await readEntry(entry as FileSystemFileEntry) });
    } catch {
      unread.push(name);
    }
  }
  return { files, unread };
}

const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;

const readEntry = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject));

/** A reader gives some entries at a time, and none at the end. */
async function readFolder(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return found;
    found.push(...some);
  }
}
