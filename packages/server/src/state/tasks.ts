/**
 * @file Tasks as stored: `open`, `answered` or `expired`. The nonce lives in the task message; a task is answered at
 * most once, by the UPDATE that moves it out of `open` (TASK-1).
 */
import type { Task } from '@alice/protocol';
import type { Queryable } from '../database/Database.js';

export interface TaskRow {
  readonly task_id: string;
  readonly address: string;
  readonly instance: string;
  readonly round: number;
  readonly version: number;
  readonly status: 'open' | 'answered' | 'expired';
  readonly issued_ms: number;
  readonly deadline_ms: number;
  readonly task: Task;
}

export interface Instance {
  readonly address: string;
  readonly instance: string;
}

export async function insertTask(db: Queryable, who: Instance, task: Task, nowMs: number): Promise<void> {
  await db.query(
    `INSERT INTO tasks (task_id, address, instance, round, version, status, issued_ms, deadline_ms, task)
     VALUES ($1, $2, $3, $4, $5, 'open', $6, $7, $8)`,
    [
      task.taskId,
      who.address,
      who.instance,
      task.round,
      task.version,
      nowMs,
      task.deadlineMs,
      JSON.stringify(task),
    ],
  );
}

export async function findTask(db: Queryable, taskId: string, who: Instance): Promise<TaskRow | undefined> {
  const [row] = await db.query<TaskRow>(
    'SELECT * FROM tasks WHERE task_id = $1 AND address = $2 AND instance = $3',
    [taskId, who.address, who.instance],
  );
  return row;
}

export async function taskById(db: Queryable, taskId: string): Promise<TaskRow | undefined> {
  const [row] = await db.query<TaskRow>('SELECT * FROM tasks WHERE task_id = $1', [taskId]);
  return row;
}

export async function openTaskOf(db: Queryable, who: Instance): Promise<TaskRow | undefined> {
  const [row] = await db.query<TaskRow>(
    `SELECT * FROM tasks WHERE address = $1 AND instance = $2 AND status = 'open'`,
    [who.address, who.instance],
  );
  return row;
}

/** Moves an open task on; false when it was not open any more. */
export async function closeTask(
  db: Queryable,
  taskId: string,
  status: 'answered' | 'expired',
): Promise<boolean> {
  const rows = await db.query(
    `UPDATE tasks SET status = $2 WHERE task_id = $1 AND status = 'open' RETURNING task_id`,
    [taskId, status],
  );
  return rows.length === 1;
}

/** Expires what passed its deadline; returns how many. */
export async function expireTasks(db: Queryable, nowMs: number): Promise<number> {
  const rows = await db.query(
    `UPDATE tasks SET status = 'expired' WHERE status = 'open' AND deadline_ms <= $1 RETURNING task_id`,
    [nowMs],
  );
  return rows.length;
}

export interface RoundTasks {
  readonly open: number;
  readonly firstIssuedMs: number | null;
}

export async function tasksOfRound(db: Queryable, round: number): Promise<RoundTasks> {
  const [row] = await db.query<{ open: number; first: number | null }>(
    `SELECT COUNT(*) FILTER (WHERE status = 'open') AS open, MIN(issued_ms) AS first FROM tasks WHERE round = $1`,
    [round],
  );
  return { open: row?.open ?? 0, firstIssuedMs: row?.first ?? null };
}
