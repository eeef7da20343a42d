import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** What tests need of an operation that the API declares. */
export type DeclaredOperation = {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly scope: 'read' | 'submit' | 'admin' | null;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly streams?: unknown;
};

/** Every operation that any module of routes declares, so that no new one is forgotten. */
export async function declaredOperations(): Promise<DeclaredOperation[]> {
  const folder = new URL('../../apps/api/dist/', import.meta.url);
  const files = (await readdir(fileURLToPath(folder), { recursive: true })).filter((name) =>
    name.endsWith('-routes.js'),
  );
  const modules = await Promise.all(files.map((name) => import(new URL(name, folder).href)));
  return modules
    .flatMap((module) => Object.entries(module as Record<string, unknown>))
    .filter(([name]) => name.endsWith('Operations'))
    .flatMap(([, group]) => Object.values(group as Record<string, DeclaredOperation>));
}
