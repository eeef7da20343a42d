import { ListMultipartUploadsCommand, ListPartsCommand, type S3Client } from '@aws-sdk/client-s3';
import { expect, test, vi } from 'vitest';
import { createUnfinishedUploads } from './s3-unfinished.js';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));

test('an upload is at work while parts come, however long ago it began', async () => {
  // As AWS tells times: the test's server moves an upload's beginning with each part.
  const parts: Record<string, Date[][]> = { old: [[at(1)]], long: [[at(2)], [at(50)]], none: [[]] };
  const send = vi.fn(async (command: unknown) => {
    if (command instanceof ListMultipartUploadsCommand) {
      const ids = ['old', 'long', 'none', 'young', 'gone'];
      const keyOf = (id: string) => ({ Key: 'umbra/tenants/t/x', UploadId: id });
      const begun = (id: string) => ({ Initiated: id === 'young' ? at(40) : at(1) });
      return { Uploads: ids.map((id) => ({ ...keyOf(id), ...begun(id) })), IsTruncated: false };
    }
    if (!(command instanceof ListPartsCommand)) throw new Error('Expected no other command');
    const { UploadId = '', PartNumberMarker = '0' } = command.input;
    const pages = parts[UploadId];
    if (pages === undefined) throw Object.assign(new Error(), { name: 'NoSuchUpload' });
    const next = Number(PartNumberMarker) + 1;
    return {
      Parts: (pages[next - 1] ?? []).map((LastModified) => ({ LastModified })),
      IsTruncated: next < pages.length,
      NextPartNumberMarker: String(next),
    };
  });
  const { listUnfinished } = createUnfinishedUploads(
    { send } as unknown as S3Client,
    { Bucket: 'b', root: 'umbra/' },
    (_operation, _key, work) => work(),
  );
  const found: string[] = [];
  for await (const { id } of listUnfinished(at(30).getTime())) found.push(id);
  expect(found).toEqual(['old umbra/tenants/t/x', 'none umbra/tenants/t/x']);
});
