import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, quote, type RowDatabase } from './database.js';

let folder: string;
let database: RowDatabase;
const stay = new AbortController().signal;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-database-'));
  const parent = join(folder, 'rows');
  database = await openDatabase({ parent, memoryMb: 64, spillMb: 16, threads: 1 });
});
afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const run = (sql: string) => database.within(stay, (session) => session.read(sql));

describe('a database of rows', () => {
  test('reads and writes within its folder alone', async () => {
    const [inside, outside] = [join(database.folder, 'a.csv'), join(folder, 'a.csv')];
    for (const file of [inside, outside]) await writeFile(file, 'x\n1\n');
    expect(await run(`SELECT x FROM read_csv(${quote(inside)})`)).toEqual([[1n]]);
    await run(`COPY (SELECT 1) TO ${quote(join(database.folder, 'b.parquet'))}`);
    for (const sql of [
      `SELECT * FROM read_csv(${quote(outside)})`,
      `SELECT * FROM read_text(${quote(`${database.folder}/../../a.csv`)})`,
      `COPY (SELECT 1) TO ${quote(join(folder, 'b.csv'))}`,
      `ATTACH ${quote(join(folder, 'b.duckdb'))} AS b`,
    ]) {
      await expect(run(sql), sql).rejects.toThrow(/Permission Error/);
    }
    expect((await readdir(folder)).sort()).toEqual(['a.csv', 'rows']);
  });

  test('takes no extension and no other setting', async () => {
    for (const sql of [
      'INSTALL httpfs',
      'LOAD httpfs',
      "SET memory_limit = '8GB'",
      'SET enable_external_access = true',
      "SELECT * FROM read_csv('https://example.org/a.csv')",
    ]) {
      await expect(run(sql), sql).rejects.toThrow(/Permission|Invalid Input|IO|Missing Extension/);
    }
  });

  test('ends what runs once nobody waits for it, and begins nothing more', async () => {
    const leaving = new AbortController();
    const asked = database.within(leaving.signal, async (session) => {
      setTimeout(() => leaving.abort(new Error('left')), 20);
      return session.read(
        'SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range <> b.range',
      );
    });
    await expect(asked).rejects.toThrow('left');
    await expect(database.within(leaving.signal, () => run('SELECT 1'))).rejects.toThrow('left');
    expect(await run('SELECT 1')).toEqual([[1]]);
  });

  test('that has too little memory and disk says so as an outage', async () => {
    const asked = run('SELECT len(list(md5(range::VARCHAR))) FROM range(3000000)');
    await expect(asked).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('leaves nothing', async () => {
    const { folder: own } = database;
    await database.close();
    expect(await readdir(join(own, '..'))).toEqual([]);
  });
});
