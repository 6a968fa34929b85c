/**
 * @file Notices between the nodes of one database (LISTEN, NOTIFY) over a connection of their own, which is made again
 * when it breaks. A notice that is lost meanwhile costs nothing but time: whoever waits also looks again by itself.
 */
import pg from 'pg';

export interface NoticeListener {
  readonly channel: string;
  start(handle: (topic: string) => void): void;
  close(): Promise<void>;
}

const RECONNECT_MS = 1_000;

export function listenTo(config: pg.ClientConfig): NoticeListener {
  const channel = 'alice_notices';
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const open = async (handle: (topic: string) => void): Promise<void> => {
    const next = new pg.Client(config);
    client = next;
    const again = (): void => {
      if (isClosed || client !== next) return;
      client = undefined;
      timer = setTimeout(() => void open(handle), RECONNECT_MS);
    };
    next.on('error', again);
    next.on('end', again);
    next.on('notification', ({ payload }) => handle(payload ?? ''));
    try {
      await next.connect();
      await next.query(`LISTEN ${channel}`);
    } catch {
      again();
      await next.end().catch(() => undefined);
    }
  };

  return {
    channel,
    start: (handle) => void open(handle),
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}
