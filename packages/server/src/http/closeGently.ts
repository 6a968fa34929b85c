/** @file Ends the serving of HTTP: requests under way get their answers, what hangs longer than the grace is cut. */
import type { FastifyInstance } from 'fastify';

const CLOSING_GRACE_MS = 10_000;

export async function closeGently(app: FastifyInstance): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), CLOSING_GRACE_MS);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
  }
}
