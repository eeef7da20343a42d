import type { Dataset, DatasetItem, Refusal } from '@umbra/shared/contracts/dataset';
import { until } from './job-fixture.js';

/** The datasets of a service, as HTTP shows them. */
export function datasetsOf(url: string) {
  const call = async (path: string, init?: RequestInit) => fetch(`${url}/v1/datasets${path}`, init);
  const json = async <T>(response: Response, status: number): Promise<T> => {
    const text = await response.text();
    if (response.status !== status) throw new Error(`${response.status}: ${text}`);
    return JSON.parse(text) as T;
  };
  const get = async (id: string) => json<Dataset>(await call(`/${id}`), 200);
  return {
    call,
    get,
    json,
    async open(body: unknown = {}): Promise<string> {
      return (await json<Dataset>(await call('', post(body)), 201)).id;
    },
    addForm: (id: string, files: readonly { name: string; bytes: Buffer }[], query = '') =>
      call(`/${id}/images${query}`, { method: 'POST', body: formOf(files) }),
    send: (path: string, type: string, body: Buffer | string) =>
      call(path, {
        method: 'POST',
        headers: { 'content-type': type },
        body: typeof body === 'string' ? body : new Uint8Array(body),
      }),
    close: (id: string) => call(`/${id}/close`, { method: 'POST' }),
    settled: (id: string) =>
      until(`dataset ${id} to be ready`, async () => {
        const dataset = await get(id);
        return ['ready', 'failed'].includes(dataset.state) ? dataset : null;
      }),
    async images(id: string, query = ''): Promise<DatasetItem[]> {
      const page = await json<{ data: DatasetItem[] }>(await call(`/${id}/images${query}`), 200);
      return page.data;
    },
    async refusals(id: string): Promise<Refusal[]> {
      const lines = (await (await call(`/${id}/refusals`)).text()).split('\n');
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Refusal);
    },
  };
}

export const post = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

export function formOf(files: readonly { name: string; bytes: Buffer }[]): FormData {
  const form = new FormData();
  for (const { name, bytes } of files)
    form.append('images', new Blob([new Uint8Array(bytes)]), name);
  return form;
}
