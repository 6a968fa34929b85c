/**
 * @file Every message between miners, scorers and the parameter server, each defined once: the TypeScript type, the
 * validator and the API document all come from these schemas. Times are milliseconds since 1970 on the server's clock;
 * bytes are lower-case `0x` hex; money and scores are decimal strings of whole planck and nano-nats.
 */
import { type Static, Type } from '@sinclair/typebox';

const hex = (bytes: number) => Type.String({ pattern: `^0x[0-9a-f]{${2 * bytes}}$` });
export const HashSchema = hex(32);
export const AddressSchema = Type.String({ pattern: '^[1-9A-HJ-NP-Za-km-z]{46,50}$' });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Decimal = Type.String({ pattern: '^\\d{1,39}$' });
const closed = { additionalProperties: false };

/** What a device says about itself. Shown to people, never priced (TASK-2). */
export const DeviceSchema = Type.Object(
  {
    kind: Type.Union([
      Type.Literal('cpu'),
      Type.Literal('cuda'),
      Type.Literal('webgpu'),
      Type.Literal('metal'),
      Type.Literal('wasm'),
    ]),
    name: Type.String({ maxLength: 80 }),
    threads: Type.Integer({ minimum: 1, maximum: 4096 }),
    memoryBytes: Count,
    software: Type.String({ maxLength: 80 }),
  },
  closed,
);
export type Device = Static<typeof DeviceSchema>;

/** A device of an address: lower-case letters, digits and dashes. */
/** Version of all that miners, scorers and servers say to each other, wire formats included. */
export const PROTOCOL = 2;

export const InstanceSchema = Type.String({ pattern: '^[a-z0-9-]{1,32}$' });
export const RoleSchema = Type.Union([Type.Literal('miner'), Type.Literal('scorer')]);
export type ClientRole = Static<typeof RoleSchema>;

export const ChallengeRequestSchema = Type.Object(
  { address: AddressSchema, instance: InstanceSchema, role: RoleSchema, device: DeviceSchema },
  closed,
);
export type ChallengeRequest = Static<typeof ChallengeRequestSchema>;
export const ChallengeSchema = Type.Object({
  challenge: HashSchema,
  networkId: HashSchema,
  serverId: AddressSchema,
  expiresAtMs: Count,
});
export type Challenge = Static<typeof ChallengeSchema>;
export const RegisterRequestSchema = Type.Object(
  { challenge: HashSchema, signature: hex(64), rewardAddress: Type.Optional(AddressSchema) },
  closed,
);
export type RegisterRequest = Static<typeof RegisterRequestSchema>;
export const AccessSchema = Type.Object({
  token: Type.String({ minLength: 32, maxLength: 128 }),
  expiresAtMs: Count,
});
export type Access = Static<typeof AccessSchema>;

/** The model as numbers, so that a miner needs no table of presets to agree with the server. */
export const ModelSchema = Type.Object({
  name: Type.String({ maxLength: 40 }),
  layers: Count,
  width: Count,
  heads: Count,
  kvHeads: Count,
  ffn: Count,
  context: Count,
  vocab: Count,
  ropeTheta: Type.Number(),
  normEps: Type.Number(),
});
export type ModelMessage = Static<typeof ModelSchema>;

export const NetworkSchema = Type.Object({
  protocol: Type.Literal(PROTOCOL),
  /** The chain's genesis hash. */
  networkId: HashSchema,
  /** The parameter server's address. */
  serverId: AddressSchema,
  serverTimeMs: Count,
  model: ModelSchema,
  tokenizer: Type.String({ maxLength: 40 }),
  dataRoot: HashSchema,
  latestVersion: Count,
  latestStateRoot: HashSchema,
  /** Seed of version 0 and of who trains on what: anyone can make the first weights from it. */
  seed: Type.Optional(Type.String({ maxLength: 64 })),
});
export type Network = Static<typeof NetworkSchema>;

/** How a submission must be encoded (WIRE-2); a server takes no other than its task's. */
export const WireFormatSchema = Type.Union([
  Type.Object({ wire: Type.Literal('binary_v2') }),
  Type.Object({
    wire: Type.Literal('binary_v3'),
    valueBits: Type.Union([Type.Literal(2), Type.Literal(4), Type.Literal(8)]),
  }),
]);

/** How to train one task; all of it travels in the task (TRAIN-3). */
export const TaskSettingsSchema = Type.Object({
  optimizer: Type.Union([
    Type.Literal('muon'),
    Type.Literal('adafactor'),
    Type.Literal('adamw'),
    Type.Literal('sgd'),
  ]),
  innerSteps: Type.Integer({ minimum: 1, maximum: 4096 }),
  rowsPerStep: Type.Integer({ minimum: 1, maximum: 4096 }),
  sequenceLength: Type.Integer({ minimum: 2, maximum: 65_536 }),
  /** One learning rate per inner step, already on the network's schedule. */
  learningRates: Type.Array(Type.Number({ minimum: 0, maximum: 10 }), { maxItems: 4096 }),
  weightDecay: Type.Number({ minimum: 0, maximum: 1 }),
  gradientClip: Type.Number({ exclusiveMinimum: 0 }),
  density: Type.Number({ exclusiveMinimum: 0, maximum: 1 }),
  errorFeedbackDecay: Type.Number({ minimum: 0, maximum: 1 }),
  /** Which elements are sent: the largest of every chunk (when left out) or of the whole model. */
  selection: Type.Optional(Type.Union([Type.Literal('chunked'), Type.Literal('global')])),
  /** Left out in tasks of older servers: `binary_v2`. */
  format: Type.Optional(WireFormatSchema),
});
export type TaskSettings = Static<typeof TaskSettingsSchema>;

export const TaskRequestSchema = Type.Object(
  { waitMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 30_000 })) },
  closed,
);
export const TaskSchema = Type.Object({
  taskId: hex(16),
  nonce: HashSchema,
  round: Count,
  version: Count,
  stateRoot: HashSchema,
  objective: Type.Literal('lm'),
  /** Runs of training tokens: `count` tokens of a shard from position `from`. */
  ranges: Type.Array(Type.Object({ shard: Count, from: Count, count: Count }), {
    minItems: 1,
    maxItems: 4096,
  }),
  /** Seed for the order of the rows. */
  seed: Type.String({ maxLength: 120 }),
  settings: TaskSettingsSchema,
  deadlineMs: Count,
  /** Stop starting new inner steps after this long, so that the upload still meets the deadline. */
  windowMs: Count,
});
export type Task = Static<typeof TaskSchema>;

export const SubmissionStatusSchema = Type.Union([
  Type.Literal('queued'),
  Type.Literal('accepted'),
  Type.Literal('refused'),
]);
/** One submission, as its miner may read it: what became of it and why (not) paid. */
export const SubmissionSchema = Type.Object({
  submissionId: Type.String({ maxLength: 64 }),
  taskId: hex(16),
  version: Count,
  status: SubmissionStatusSchema,
  /** Refusal code; null while queued or when accepted. */
  code: Type.Union([Type.String(), Type.Null()]),
  /** A sentence for a person. */
  reason: Type.String(),
  /** Paired gain at the quarter step and its standard error, nats; null until scored. */
  gainNats: Type.Union([Type.Number(), Type.Null()]),
  standardErrorNats: Type.Union([Type.Number(), Type.Null()]),
  /** Verified score, nano-nats. */
  score: Decimal,
  /** Epoch that pays it; null until one closes. */
  epoch: Type.Union([Count, Type.Null()]),
  sizeBytes: Count,
  receivedAtMs: Count,
});
export type Submission = Static<typeof SubmissionSchema>;

export const ChunkSchema = Type.Object({ hash: HashSchema, sizeBytes: Count });
/** Canonical FP16 bytes in fixed-size chunks. */
const SnapshotSchema = Type.Object({
  sizeBytes: Count,
  chunkBytes: Count,
  chunks: Type.Array(ChunkSchema),
});

/** A published model version (AGG-4). `signature` is the server's over the canonical JSON of all other fields. */
export const VersionSchema = Type.Object({
  version: Count,
  stateRoot: HashSchema,
  parentStateRoot: Type.Union([HashSchema, Type.Null()]),
  createdAtMs: Count,
  /** Null once a version's snapshot has been pruned. */
  snapshot: Type.Union([SnapshotSchema, Type.Null()]),
  /** Set-delta from the parent; null for version 0, where more changed than the format can say, or once pruned. */
  setDelta: Type.Union([ChunkSchema, Type.Null()]),
  heldOutLossNats: Type.Union([Type.Number(), Type.Null()]),
  standardErrorNats: Type.Union([Type.Number(), Type.Null()]),
  /** Tokens trained on by accepted submissions, all versions so far. */
  trainedTokens: Count,
  /** Bytes of accepted submissions, all versions so far. */
  uplinkBytes: Count,
  acceptedSubmissions: Count,
  signature: hex(64),
});
export type VersionManifest = Static<typeof VersionSchema>;

export const ShardListSchema = Type.Object({
  dataRoot: HashSchema,
  tokenizer: Type.String(),
  vocab: Count,
  /** Training shards only: validation shards never leave the server (DATA-1). */
  shards: Type.Array(
    Type.Object({
      shard: Count,
      tokens: Count,
      sizeBytes: Count,
      hash: HashSchema,
      /** Merkle root over the hashes of its 64 KiB blocks, for fetching parts of it. */
      blocks: Type.Optional(HashSchema),
    }),
  ),
});
export type ShardList = Static<typeof ShardListSchema>;

/** Work for a scorer. Tokens come from `/v1/scorer/batches/:batchId`, blobs by hash. */
export const ScoringJobSchema = Type.Object({
  jobId: Type.String({ maxLength: 64 }),
  /** `submission`: a miner's delta; `work`: the same on rows of its own task; `candidate`: a set-delta to the next version; `baseline`: the version itself. */
  kind: Type.Union([
    Type.Literal('submission'),
    Type.Literal('work'),
    Type.Literal('candidate'),
    Type.Literal('baseline'),
  ]),
  version: Count,
  stateRoot: HashSchema,
  batchId: HashSchema,
  /** Evaluated after the rows of `batchId`, and reported after them: what the assigned rows are compared with. */
  controlBatchId: Type.Optional(HashSchema),
  rowLength: Count,
  /** Null for a baseline, and for a candidate that changed more than a set-delta can say. */
  blob: Type.Union([ChunkSchema, Type.Null()]),
  /** All of such a candidate. */
  snapshot: Type.Optional(SnapshotSchema),
  /** The part of the delta to apply (SCORE-4); 1 for candidates. */
  stepFraction: Type.Number(),
  leaseUntilMs: Count,
});
export type ScoringJob = Static<typeof ScoringJobSchema>;
const Losses = Type.Array(Type.Number({ minimum: 0, maximum: 1e6 }), { maxItems: 65_536 });
/** Mean loss of each row in nats; `lossesAfter` is null when applying the delta gave a loss that is not finite. */
export const ScoringResultSchema = Type.Object(
  { lossesBefore: Losses, lossesAfter: Type.Union([Losses, Type.Null()]), elapsedMs: Count },
  closed,
);
export type ScoringResult = Static<typeof ScoringResultSchema>;

/** Body of every error answer. */
export const ErrorSchema = Type.Object({
  code: Type.String(),
  message: Type.String(),
  info: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
export type ErrorMessage = Static<typeof ErrorSchema>;
