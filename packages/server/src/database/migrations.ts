/**
 * @file The tables, as an append-only list of migrations in plain PostgreSQL. A released migration never changes; what
 * comes later is a new entry. Times are BIGINT milliseconds; scores NUMERIC nano-nats; lists and messages JSONB.
 */

const TABLES = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE members (
  address TEXT NOT NULL, instance TEXT NOT NULL, role TEXT NOT NULL,
  reward_address TEXT NOT NULL, device JSONB NOT NULL,
  first_seen_ms BIGINT NOT NULL, last_seen_ms BIGINT NOT NULL,
  accepted INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0, score NUMERIC NOT NULL DEFAULT 0,
  smoothed_nats DOUBLE PRECISION,
  PRIMARY KEY (address, instance, role)
);

CREATE TABLE access_tokens (
  token_hash TEXT PRIMARY KEY, address TEXT NOT NULL, instance TEXT NOT NULL, role TEXT NOT NULL,
  expires_ms BIGINT NOT NULL
);

CREATE TABLE versions (
  version INTEGER PRIMARY KEY, state_root TEXT NOT NULL, parent_state_root TEXT, created_ms BIGINT NOT NULL,
  master JSONB, snapshot JSONB, set_delta JSONB,
  loss_nats DOUBLE PRECISION, loss_error_nats DOUBLE PRECISION,
  trained_tokens BIGINT NOT NULL, uplink_bytes BIGINT NOT NULL, accepted INTEGER NOT NULL,
  signature TEXT NOT NULL
);

CREATE TABLE rounds (
  round INTEGER PRIMARY KEY, version INTEGER NOT NULL, status TEXT NOT NULL,
  opened_ms BIGINT NOT NULL, closed_ms BIGINT, candidate JSONB, reason TEXT
);

CREATE TABLE tasks (
  task_id TEXT PRIMARY KEY, address TEXT NOT NULL, instance TEXT NOT NULL,
  round INTEGER NOT NULL, version INTEGER NOT NULL, status TEXT NOT NULL,
  issued_ms BIGINT NOT NULL, deadline_ms BIGINT NOT NULL, task JSONB NOT NULL
);
CREATE UNIQUE INDEX tasks_one_open ON tasks (address, instance) WHERE status = 'open';
CREATE INDEX tasks_round ON tasks (round, status);

CREATE TABLE submissions (
  submission_id TEXT PRIMARY KEY, sequence BIGSERIAL UNIQUE, task_id TEXT NOT NULL UNIQUE,
  address TEXT NOT NULL, instance TEXT NOT NULL, reward_address TEXT NOT NULL,
  round INTEGER NOT NULL, version INTEGER NOT NULL, shards TEXT NOT NULL,
  blob_hash TEXT NOT NULL, size_bytes BIGINT NOT NULL, content_hash TEXT NOT NULL,
  steps INTEGER NOT NULL, tokens BIGINT NOT NULL, received_ms BIGINT NOT NULL,
  stage TEXT NOT NULL, status TEXT NOT NULL, code TEXT, reason TEXT NOT NULL,
  gain_nats DOUBLE PRECISION, error_nats DOUBLE PRECISION, scored JSONB, score NUMERIC NOT NULL DEFAULT 0,
  folded_round INTEGER, epoch INTEGER, blob_kept BOOLEAN NOT NULL DEFAULT TRUE
);
CREATE INDEX submissions_stage ON submissions (stage);
CREATE INDEX submissions_round ON submissions (round);
CREATE INDEX submissions_folded ON submissions (folded_round);
CREATE INDEX submissions_content ON submissions (content_hash);
CREATE INDEX submissions_member ON submissions (address, instance, round);

CREATE TABLE jobs (
  job_id TEXT PRIMARY KEY, sequence BIGSERIAL UNIQUE, kind TEXT NOT NULL, subject TEXT NOT NULL,
  version INTEGER NOT NULL, state_root TEXT NOT NULL, batch_id TEXT NOT NULL, batch_index INTEGER NOT NULL,
  blob JSONB, step_fraction DOUBLE PRECISION NOT NULL,
  status TEXT NOT NULL, lease_owner TEXT, lease_until_ms BIGINT NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0, created_ms BIGINT NOT NULL, done_ms BIGINT,
  losses_before JSONB, losses_after JSONB
);
CREATE INDEX jobs_status ON jobs (status, sequence);
CREATE INDEX jobs_subject ON jobs (kind, subject);

CREATE TABLE batches (batch_id TEXT PRIMARY KEY, seed TEXT NOT NULL, row_count INTEGER NOT NULL, version INTEGER NOT NULL);

CREATE TABLE scorer_work (reward_address TEXT PRIMARY KEY, unpaid_rows BIGINT NOT NULL);

CREATE TABLE epochs (
  epoch INTEGER PRIMARY KEY, status TEXT NOT NULL, report JSONB NOT NULL, receipts_hash TEXT NOT NULL,
  fixed_ms BIGINT NOT NULL, settled JSONB, payouts JSONB
);

CREATE TABLE refusals (code TEXT PRIMARY KEY, count BIGINT NOT NULL);
`;

export const migrations: readonly string[] = [TABLES];
