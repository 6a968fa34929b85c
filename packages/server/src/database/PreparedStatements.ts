/**
 * @file The embedded database's statements, each parsed once: after that its values are bound and it runs in one message.
 * PGlite's own `query` parses anew and sends five, which takes five times as long. Plans are made anew every time, since the
 * sizes of tables and the values decide them and a plan made while a table was empty would stay.
 */
import { type PGlite, protocol } from '@electric-sql/pglite';
import { databaseStopped } from './databaseStopped.js';

const { serialize } = protocol;
type Message = Awaited<ReturnType<PGlite['execProtocol']>>['messages'][number];

/** All statements of this package are far fewer: more would mean that values are written into their text. */
const MOST = 512;

interface Statement {
  readonly name: string;
  readonly parameterTypes: readonly number[];
  readonly columns: readonly { readonly name: string; readonly dataTypeID: number }[];
}

export class PreparedStatements {
  readonly #engine: PGlite;
  readonly #known = new Map<string, Statement>();
  #named = 0;

  static async of(engine: PGlite): Promise<PreparedStatements> {
    await engine.exec('SET plan_cache_mode = force_custom_plan');
    return new PreparedStatements(engine);
  }

  private constructor(engine: PGlite) {
    this.#engine = engine;
  }

  /** Its rows. One call at a time. Throws PostgreSQL's errors, and `DATABASE_STOPPED` when there is no answer. */
  async run(sql: string, values: readonly unknown[]): Promise<Record<string, unknown>[]> {
    const { name, parameterTypes, columns } = this.#known.get(sql) ?? (await this.#prepare(sql));
    const bound = values.map((value, i) => this.#text(value, parameterTypes[i]!));
    const messages = await this.#say([
      serialize.bind({ statement: name, values: bound }),
      serialize.execute({}),
      serialize.sync(),
    ]);
    if (!messages.some((message) => message.name === 'commandComplete'))
      throw databaseStopped('a statement ended without an answer', false);
    return messages
      .filter(isRow)
      .map(({ fields }) =>
        Object.fromEntries(columns.map((column, i) => [column.name, this.#value(fields[i]!, column)])),
      );
  }

  /** To be called when tables have changed: what a statement returns may be something else now. */
  async forget(): Promise<void> {
    this.#known.clear();
    await this.#engine.exec('DEALLOCATE ALL');
  }

  async #prepare(sql: string): Promise<Statement> {
    if (this.#known.size === MOST) await this.forget();
    const name = `s${this.#named++}`;
    const messages = await this.#say([
      serialize.parse({ name, text: sql }),
      serialize.describe({ type: 'S', name }),
      serialize.sync(),
    ]);
    const statement: Statement = {
      name,
      parameterTypes: messages.find(isParameters)?.dataTypeIDs ?? [],
      columns: messages.find(isColumns)?.fields ?? [],
    };
    this.#known.set(sql, statement);
    return statement;
  }

  async #say(parts: readonly Uint8Array[]): Promise<Message[]> {
    return (await this.#engine.execProtocol(new Uint8Array(Buffer.concat(parts)))).messages;
  }

  #text(value: unknown, type: number): string | null {
    if (value === null || value === undefined) return null;
    const serializer = this.#engine.serializers[type];
    return serializer ? serializer(value) : String(value);
  }

  #value(text: string | null, { dataTypeID }: Statement['columns'][number]): unknown {
    if (text === null) return null;
    const parser = this.#engine.parsers[dataTypeID];
    return parser ? parser(text, dataTypeID) : text;
  }
}

const isRow = (message: Message): message is Message & { fields: (string | null)[] } =>
  message.name === 'dataRow';
const isParameters = (message: Message): message is Message & { dataTypeIDs: number[] } =>
  message.name === 'parameterDescription';
const isColumns = (message: Message): message is Message & { fields: Statement['columns'] } =>
  message.name === 'rowDescription';
