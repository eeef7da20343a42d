import { noAnswer, problemOf } from './http.js';

export type SendOptions = {
  readonly signal: AbortSignal;
  /** Told while it is sent, with the bytes of the whole body, its frame included. */
  readonly onSent: (bytes: number) => void;
};

/**
 * Post a form and tell how much of it is on its way, which `fetch` does not.
 *
 * @throws {ServiceError} For every answer but one that is fine, and where there is none.
 * @throws The signal's reason.
 */
export function sendForm<T>(
  path: string,
  form: FormData,
  { signal, onSent }: SendOptions,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal.addEventListener('abort', abort, { once: true });
    request.upload.onprogress = ({ loaded }) => onSent(loaded);
    request.onabort = () => reject(signal.reason);
    request.onerror = () => reject(noAnswer());
    request.onload = () => {
      const { status, responseText } = request;
      const response = new Response(responseText, { status });
      if (response.ok) resolve(response.json() as Promise<T>);
      else void problemOf(response).then(reject);
    };
    request.onloadend = () => signal.removeEventListener('abort', abort);
    request.open('POST', path);
    request.send(form);
  });
}
