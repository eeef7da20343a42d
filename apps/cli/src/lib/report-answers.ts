import type { UmbraClient } from '@umbra/client';
import { jsonAnswer, jsonType, type KeptAnswer } from '@umbra/platform/offline-page';
import type { JobStatus } from '@umbra/shared/contracts/job';
import type { JobReport } from '@umbra/shared/contracts/report';
import { type ImageResult, isResultFile, mediaTypeOf } from '@umbra/shared/contracts/result';
import type { ImageRow } from '@umbra/shared/contracts/row';
import { type ErrorCode, hasCode } from '@umbra/shared/errors';
import { listReportPictures, pagePhotoPx } from '@umbra/shared/offline-page';

/** Fetch a job's rows, at most so many, and how many there are. `query` is as the service takes it. */
export async function fetchRows(
  client: UmbraClient,
  job: string,
  query: { readonly sort: string; readonly where: readonly string[]; readonly images: number },
): Promise<{ readonly rows: readonly ImageRow[]; readonly total: number }> {
  const rows: ImageRow[] = [];
  const { sort, where, images } = query;
  for (let cursor: string | null = '', total = 0; ; ) {
    const asked = new URLSearchParams({
      ...{ sort, limit: String(Math.min(maxPage, images - rows.length)) },
      ...(cursor !== '' && { cursor }),
    });
    for (const filter of where) asked.append('where', filter);
    const response = await client.request(`/v1/jobs/${encodeURIComponent(job)}/rows?${asked}`);
    const page = (await response.json()) as ListedRows;
    rows.push(...page.data.map(withoutPlace));
    ({ total, next_cursor: cursor } = page);
    if (cursor === null || rows.length >= images) return { rows, total };
  }
}

const maxPage = 1_000;
type ListedRows = {
  readonly data: readonly ImageRow[];
  readonly next_cursor: string | null;
  readonly total: number;
};

/** Share of a file that pictures of its report may take. */
const pictureShare = 0.25;

/** Fetch what shows a job's report, as far as pictures fit; nothing where there is none. */
export async function fetchReport(
  client: UmbraClient,
  job: string,
  maxBytes: number,
): Promise<readonly KeptAnswer[]> {
  const base = `/v1/jobs/${job}`;
  const answer = await fetchAnswer(client, `${base}/report.json`, jsonType).catch(ifGone);
  if (answer === null) return [];
  const answers = [answer];
  for (const name of ['report', 'trials']) {
    answers.push(await fetchAnswer(client, `${base}/${name}`, jsonType));
  }
  const report = JSON.parse(answer.body.toString()) as JobReport;
  let bytes = 0;
  for (const { path } of listReportPictures(report)) {
    const picture = await fetchAnswer(client, path, 'image/webp').catch(ifGone);
    if (picture === null) continue;
    bytes += picture.body.length;
    if (bytes > maxBytes * pictureShare) break;
    answers.push(picture);
  }
  return answers;
}

async function fetchAnswer(client: UmbraClient, path: string, type: string): Promise<KeptAnswer> {
  const response = await client.request(path);
  return { path, type, body: Buffer.from(await response.arrayBuffer()) };
}

const arrayName = /^(scores|predicted-classes|winners)[-\d]/;

/** Fetch what the page asks for to show an image that has a result. */
export async function fetchImage(
  client: UmbraClient,
  { id, dataset }: Pick<JobStatus, 'id' | 'dataset'>,
  image: string,
): Promise<readonly KeptAnswer[]> {
  const base = `/v1/jobs/${id}/images/${image}`;
  const answer = await fetchAnswer(client, `${base}/result.json`, jsonType);
  const result = JSON.parse(answer.body.toString()) as ImageResult;
  const answers = [withoutSource(answer, result)];
  for (const file of result.files) {
    if (isResultFile(file) && arrayName.test(file.replace('.npy', '-'))) {
      answers.push(await fetchAnswer(client, `${base}/${file}`, mediaTypeOf(file)));
    }
  }
  const photo = `/v1/datasets/${dataset}/images/${image}/photo?w=${pagePhotoPx}`;
  const others = [
    [`${base}/thumbnail.webp`, 'image/webp'],
    [photo, 'image/webp'],
    ...(result.toPhoto === undefined ? [[`${base}/geometry`, jsonType]] : []),
  ] as const;
  for (const [path = '', type = ''] of others) {
    const other = await fetchAnswer(client, path, type).catch(ifGone);
    if (other !== null) answers.push(other);
  }
  return answers;
}

/** Reasons of failures may name the bucket and the key of a photo. */
function withoutPlace(row: ImageRow): ImageRow {
  if (row.error === null) return row;
  const message = row.error.message
    .replaceAll(/s3:\/\/[^\s'"]+/g, 's3://…')
    .replaceAll(/bucket '[^']*'/g, "bucket '…'");
  return { ...row, error: { ...row.error, message } };
}

/** Where its photo was read is of no use to others, and not their business. */
function withoutSource(answer: KeptAnswer, result: ImageResult): KeptAnswer {
  const { source, ...image } = result.image;
  return source === undefined ? answer : jsonAnswer(answer.path, { ...result, image });
}

/** Photos may be deleted before results, and what is drawn of them is gone with them. */
const goneCodes: readonly ErrorCode[] = ['not_found', 'conflict', 'forbidden'];

function ifGone(error: unknown): null {
  if (goneCodes.some((code) => hasCode(error, code))) return null;
  throw error;
}
