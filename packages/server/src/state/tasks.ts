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

export interface NewTask {
  readonly who: Instance;
  readonly task: Task;
}

export async function insertTasks(db: Queryable, tasks: readonly NewTask[], nowMs: number): Promise<void> {
  if (tasks.length === 0) return;
  const rows = tasks.map(({ who, task }) => ({
    task_id: task.taskId,
    address: who.address,
    instance: who.instance,
    round: task.round,
    version: task.version,
    deadline_ms: task.deadlineMs,
    task,
  }));
  await db.query(
    `INSERT INTO tasks (task_id, address, instance, round, version, status, issued_ms, deadline_ms, task)
     SELECT task_id, address, instance, round, version, 'open', $2, deadline_ms, task
     FROM jsonb_populate_recordset(NULL::tasks, $1::jsonb)`,
    [JSON.stringify(rows), nowMs],
  );
}

/** Of each: the task, if it is that device's. */
export async function findTasks(
  db: Queryable,
  asked: readonly { readonly taskId: string; readonly who: Instance }[],
): Promise<(TaskRow | undefined)[]> {
  const ids = [...new Set(asked.map(({ taskId }) => taskId))];
  const tasks = new Map((await tasksById(db, ids)).map((task) => [task.task_id, task]));
  return asked.map(({ taskId, who }) => {
    const task = tasks.get(taskId);
    return task?.address === who.address && task.instance === who.instance ? task : undefined;
  });
}

export async function findTask(db: Queryable, taskId: string, who: Instance): Promise<TaskRow | undefined> {
  const [task] = await findTasks(db, [{ taskId, who }]);
  return task;
}

export async function taskById(db: Queryable, taskId: string): Promise<TaskRow | undefined> {
  const [row] = await db.query<TaskRow>('SELECT * FROM tasks WHERE task_id = $1', [taskId]);
  return row;
}

export function tasksById(db: Queryable, taskIds: readonly string[]): Promise<TaskRow[]> {
  return db.query<TaskRow>('SELECT * FROM tasks WHERE task_id = ANY($1)', [taskIds]);
}

export function openTasksOf(db: Queryable, devices: readonly Instance[]): Promise<TaskRow[]> {
  return db.query<TaskRow>(
    `SELECT * FROM tasks WHERE status = 'open'
       AND (address, instance) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
    [devices.map(({ address }) => address), devices.map(({ instance }) => instance)],
  );
}

/** Moves open tasks on; returns the ids of those that were open. */
export async function closeTasks(
  db: Queryable,
  taskIds: readonly string[],
  status: 'answered' | 'expired',
): Promise<string[]> {
  if (taskIds.length === 0) return [];
  const rows = await db.query<{ task_id: string }>(
    `UPDATE tasks SET status = $2 WHERE task_id = ANY($1) AND status = 'open' RETURNING task_id`,
    [taskIds, status],
  );
  return rows.map(({ task_id }) => task_id);
}

/** Moves an open task on; false when it was not open any more. */
export async function closeTask(
  db: Queryable,
  taskId: string,
  status: 'answered' | 'expired',
): Promise<boolean> {
  return (await closeTasks(db, [taskId], status)).length === 1;
}

/**
 * Expires what passed its deadline, and what was issued after `latestMs`: by a clock that has been set back since. Returns
 * how many.
 */
export async function expireTasks(
  db: Queryable,
  { nowMs, latestMs }: { nowMs: number; latestMs: number },
): Promise<number> {
  const rows = await db.query(
    `UPDATE tasks SET status = 'expired' WHERE status = 'open' AND (deadline_ms <= $1 OR issued_ms > $2)
     RETURNING task_id`,
    [nowMs, latestMs],
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
