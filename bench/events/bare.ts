/** The bare database: the same file and the same safety, with one index, by the same driver; a commit for each event, and one for every five hundred. */
import { findDriver } from '../../src/events/sqlite-drivers.js';
import { data, type Rig, streamOf, type Subject } from './subject.js';

const schema = `
PRAGMA synchronous = FULL;
PRAGMA fullfsync = ON;
PRAGMA checkpoint_fullfsync = ON;
CREATE TABLE events(position INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX events_by_stream ON events(stream);
`;
const batch = 500;

export const bareSubject: Subject = {
  name: 'bare',
  open: async (path): Promise<Rig> => {
    const driver = (await findDriver())(path);
    driver.prepare('PRAGMA journal_mode = WAL').all();
    driver.exec(schema);
    const insert = driver.prepare('INSERT INTO events(stream, type, data) VALUES (?, ?, ?)');
    const page = driver.prepare('SELECT position, data FROM events WHERE stream = ? AND position > ? ORDER BY position LIMIT 100');
    let n = 0;
    const put = (): unknown => insert.run(streamOf(n++), 'measured', JSON.stringify(data));
    return {
      oneByOne: async (count) => {
        for (let i = 0; i < count; i++) put();
      },
      atOnce: async (count) => {
        for (let i = 0; i < count; i += batch) {
          driver.exec('BEGIN IMMEDIATE');
          for (let j = i; j < Math.min(count, i + batch); j++) put();
          driver.exec('COMMIT');
        }
      },
      readStream: async (stream) => {
        let count = 0;
        for (let after = 0; ; ) {
          const rows = page.all(stream, after);
          for (const row of rows) JSON.parse(row['data'] as string);
          count += rows.length;
          if (rows.length < 100) return count;
          after = rows.at(-1)?.['position'] as number;
        }
      },
      close: () => driver.close(),
    };
  },
};
