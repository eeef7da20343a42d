import { type FileHandle, open } from 'node:fs/promises';
import {
  decodeGraph,
  decodeModel,
  decodeTensor,
  type GraphProto,
  type ModelProto,
  type TensorProto,
} from '../graph/onnx-proto.js';

/** A tensor without its bytes, and where in the file they lie; null if `proto` holds them. */
export type SkimmedTensor = {
  readonly proto: TensorProto;
  readonly raw: { readonly offset: number; readonly bytes: number } | null;
};
export type SkimmedModel = {
  /** The model without its graph's initialisers. */
  readonly model: ModelProto & { readonly graph: GraphProto };
  readonly initializers: readonly SkimmedTensor[];
};

/** Smaller tensors stay in memory: the numbers among them shape the graph. */
const minSkippedBytes = 1024;
/** Size of the reader's buffer. */
const bufferBytes = 64 * 1024;

/** Field numbers of ONNX's protobuf. */
const fieldOf = { graph: 7, initializer: 5, rawData: 9 } as const;

/**
 * Read an ONNX file without its weights, so that memory does not grow with them.
 *
 * @throws {Error} if the file is not protobuf, ends early or holds no graph.
 */
export async function skimOnnx(path: string): Promise<SkimmedModel> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const read = createReader(file);
    const model: Buffer[] = [];
    const graph: Buffer[] = [];
    const initializers: SkimmedTensor[] = [];
    for await (const field of fieldsOf(read, 0, size)) {
      if (field.number !== fieldOf.graph) {
        model.push(await read(field.start, field.end));
        continue;
      }
      for await (const inner of fieldsOf(read, field.content, field.end)) {
        if (inner.number !== fieldOf.initializer) graph.push(await read(inner.start, inner.end));
        else initializers.push(await skimTensor(read, inner.content, inner.end));
      }
    }
    if (graph.length === 0) throw new Error('no graph in the file');
    return {
      model: { ...decodeModel(Buffer.concat(model)), graph: decodeGraph(Buffer.concat(graph)) },
      initializers,
    };
  } finally {
    await file.close();
  }
}

async function skimTensor(read: Read, start: number, end: number): Promise<SkimmedTensor> {
  const parts: Buffer[] = [];
  let raw: SkimmedTensor['raw'] = null;
  for await (const field of fieldsOf(read, start, end)) {
    const bytes = field.end - field.content;
    if (field.number === fieldOf.rawData && bytes >= minSkippedBytes) {
      raw = { offset: field.content, bytes };
    } else parts.push(await read(field.start, field.end));
  }
  return { proto: decodeTensor(Buffer.concat(parts)), raw };
}

/** Reads bytes `[start, end)` of the file into memory of their own. */
type Read = (start: number, end: number) => Promise<Buffer>;

/** Makes a buffered reader: a message has many short fields. */
function createReader(file: FileHandle): Read {
  let buffer: Buffer = Buffer.alloc(0);
  let bufferStart = 0;
  const fill = async (start: number, length: number): Promise<Buffer> => {
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await file.read(bytes, 0, length, start);
    return bytes.subarray(0, bytesRead);
  };
  return async (start, end) => {
    if (end - start > bufferBytes) return fill(start, end - start);
    if (start < bufferStart || end > bufferStart + buffer.length) {
      buffer = await fill(start, bufferBytes);
      bufferStart = start;
    }
    return Buffer.from(buffer.subarray(start - bufferStart, end - bufferStart));
  };
}

/** A field of a message: its tag starts at `start`, what it holds at `content`. */
type Field = {
  readonly number: number;
  readonly start: number;
  readonly content: number;
  readonly end: number;
};

/** Maximum size of a field's tag and length, each a varint of up to ten bytes. */
const maxHeadBytes = 20;

async function* fieldsOf(read: Read, start: number, end: number): AsyncGenerator<Field> {
  let at = start;
  while (at < end) {
    const head = await read(at, Math.min(at + maxHeadBytes, end));
    const [tag, afterTag] = readVarint(head, 0);
    const content = at + afterTag;
    const next = locateEnd(tag & 7, head, afterTag, at);
    if (next.end > end) {
      throw new Error(`a field at byte ${at} ends at byte ${next.end}, beyond byte ${end}`);
    }
    yield { number: tag >>> 3, start: at, content: next.content ?? content, end: next.end };
    at = next.end;
  }
}

/** Locate a field's end, and its content where that follows a length. */
function locateEnd(
  wireType: number,
  head: Buffer,
  afterTag: number,
  start: number,
): { readonly end: number; readonly content?: number } {
  switch (wireType) {
    case 0:
      return { end: start + readVarint(head, afterTag)[1] };
    case 1:
      return { end: start + afterTag + 8 };
    case 2: {
      const [length, afterLength] = readVarint(head, afterTag);
      return { content: start + afterLength, end: start + afterLength + length };
    }
    case 5:
      return { end: start + afterTag + 4 };
    default:
      throw new Error(`wire type ${wireType} at byte ${start}`);
  }
}

/** Decode a base-128 varint. @returns Its value, and the index of the byte after it. */
function readVarint(bytes: Buffer, at: number): [value: number, next: number] {
  let value = 0;
  for (let index = 0; index < 10; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) throw new Error('the file ends within a number');
    value += (byte & 127) * 2 ** (7 * index);
    if (byte < 128) return [value, at + index + 1];
  }
  throw new Error('a number of more than ten bytes');
}
