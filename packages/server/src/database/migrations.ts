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

/** Work tests: what a batch is drawn from, the control rows of a job, what probed rows showed and vouch for. */
const WORK_TESTS = `
ALTER TABLE batches ADD COLUMN source TEXT NOT NULL DEFAULT 'validation';
ALTER TABLE batches ADD COLUMN submission_id TEXT;
ALTER TABLE jobs ADD COLUMN control_batch_id TEXT;
ALTER TABLE submissions ADD COLUMN gaps JSONB;
ALTER TABLE submissions ADD COLUMN covered DOUBLE PRECISION;
ALTER TABLE submissions ADD COLUMN verified_tokens DOUBLE PRECISION;
CREATE INDEX submissions_work ON submissions (sequence) WHERE gaps IS NOT NULL AND stage = 'merged';
`;

/** Many nodes and many miners: what API nodes share, counters instead of scans, and indexes of every hot query. */
const NODES = `
CREATE TABLE challenges (challenge TEXT PRIMARY KEY, request JSONB NOT NULL, expires_ms BIGINT NOT NULL);
CREATE INDEX challenges_expiry ON challenges (expires_ms);
CREATE TABLE bans (address TEXT PRIMARY KEY, reason TEXT NOT NULL, source TEXT NOT NULL, banned_ms BIGINT NOT NULL);
CREATE TABLE audit_log (
  entry BIGSERIAL PRIMARY KEY, at_ms BIGINT NOT NULL, action TEXT NOT NULL, subject TEXT, details JSONB
);
CREATE TABLE leaders (role TEXT PRIMARY KEY, term BIGINT NOT NULL, node TEXT NOT NULL);
CREATE TABLE shared_facts (key TEXT PRIMARY KEY, value JSONB NOT NULL, updated_ms BIGINT NOT NULL);

CREATE INDEX jobs_next ON jobs ((kind = 'submission'), sequence) WHERE status = 'queued';
CREATE INDEX jobs_lease ON jobs (lease_until_ms) WHERE status = 'leased';
CREATE INDEX jobs_blob ON jobs ((blob ->> 'hash'));
CREATE INDEX tasks_deadline ON tasks (deadline_ms) WHERE status = 'open';
CREATE INDEX submissions_live ON submissions (sequence) WHERE stage <> 'merged' AND status <> 'refused';
CREATE INDEX submissions_unpaid ON submissions (sequence) WHERE stage = 'merged' AND epoch IS NULL;
CREATE INDEX submissions_reward ON submissions (address, sequence);
CREATE INDEX members_seen ON members (last_seen_ms);
CREATE INDEX tokens_expiry ON access_tokens (expires_ms);

CREATE TABLE submission_totals (status TEXT, code TEXT, n BIGINT NOT NULL, PRIMARY KEY (status, code));
INSERT INTO submission_totals SELECT status, COALESCE(code, ''), COUNT(*) FROM submissions GROUP BY 1, 2;
CREATE FUNCTION count_new_submissions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO submission_totals SELECT status, COALESCE(code, ''), COUNT(*) FROM now_rows GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (status, code) DO UPDATE SET n = submission_totals.n + EXCLUDED.n;
  RETURN NULL;
END $$;
CREATE FUNCTION count_changed_submissions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO submission_totals
    SELECT status, code, SUM(d) FROM (
      SELECT status, COALESCE(code, '') AS code, 1 AS d FROM now_rows
      UNION ALL SELECT status, COALESCE(code, ''), -1 FROM old_rows
    ) AS changes GROUP BY status, code HAVING SUM(d) <> 0 ORDER BY status, code
    ON CONFLICT (status, code) DO UPDATE SET n = submission_totals.n + EXCLUDED.n;
  RETURN NULL;
END $$;
CREATE TRIGGER submissions_counted AFTER INSERT ON submissions REFERENCING NEW TABLE AS now_rows
  FOR EACH STATEMENT EXECUTE FUNCTION count_new_submissions();
CREATE TRIGGER submissions_recounted AFTER UPDATE ON submissions
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS now_rows
  FOR EACH STATEMENT EXECUTE FUNCTION count_changed_submissions();
`;

/** What pay looks at besides the gain: the size of a delta, which updates it is like, rates in units of the round. */
const PAY = `
ALTER TABLE submissions ADD COLUMN norm_l2 DOUBLE PRECISION;
ALTER TABLE submissions ADD COLUMN lean DOUBLE PRECISION;
ALTER TABLE members ADD COLUMN smoothed_rate DOUBLE PRECISION;
`;

/** Receipts, and what each version was made of. */
const RECEIPTS = `
CREATE TABLE receipts (
  submission_id TEXT PRIMARY KEY, address TEXT NOT NULL, sequence BIGINT NOT NULL, receipt JSONB NOT NULL,
  signature TEXT NOT NULL
);
CREATE INDEX receipts_address ON receipts (address, sequence);
ALTER TABLE submissions ADD COLUMN has_receipt BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX submissions_unsigned ON submissions (sequence) WHERE NOT has_receipt;
ALTER TABLE rounds ADD COLUMN fold JSONB;
`;

/** Receipts are signed at once and shown later. Those there are already have been shown. */
const RECEIPT_TREES = `
ALTER TABLE receipts ADD COLUMN public_version INTEGER NOT NULL DEFAULT 0;
`;

/** Regional servers: what an upstream holds of its regions, and how far a region is with its contribution. */
const REGIONS = `
CREATE TABLE contributions (task_id TEXT PRIMARY KEY, receipts INTEGER NOT NULL, audits JSONB NOT NULL);
CREATE TABLE region_receipts (
  task_id TEXT NOT NULL, submission_id TEXT NOT NULL, address TEXT NOT NULL, instance TEXT NOT NULL,
  round INTEGER NOT NULL, receipt JSONB NOT NULL, PRIMARY KEY (task_id, submission_id)
);
CREATE INDEX region_receipts_device ON region_receipts (address, instance, round);
ALTER TABLE tasks ADD COLUMN region_task_id TEXT;
CREATE INDEX tasks_member ON tasks (address, instance, round);
CREATE TABLE consents (
  address TEXT NOT NULL, instance TEXT NOT NULL, reward_address TEXT NOT NULL, challenge TEXT NOT NULL,
  signature TEXT NOT NULL, PRIMARY KEY (address, instance)
);
CREATE TABLE region_rounds (
  round INTEGER PRIMARY KEY, stage TEXT NOT NULL, ticket JSONB NOT NULL, closes_ms BIGINT NOT NULL, audits JSONB,
  blob JSONB, residual JSONB
);
`;

/** What a submission was paid by besides what it did, so that receipts can say it. */
const RATES = `
ALTER TABLE submissions ADD COLUMN previous_rate DOUBLE PRECISION;
ALTER TABLE submissions ADD COLUMN smoothed_rate DOUBLE PRECISION;
`;

export const migrations: readonly string[] = [
  TABLES,
  WORK_TESTS,
  NODES,
  PAY,
  RECEIPTS,
  RECEIPT_TREES,
  REGIONS,
  RATES,
];
