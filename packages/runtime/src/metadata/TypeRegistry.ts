/**
 * @file Numbers the types that metadata refers to (scale-info's PortableRegistry). Equal descriptions get one number,
 * however often they were declared, so the registry is a function of the declarations alone.
 */
import type { ScaleType, TypeDescription } from '../scale/ScaleType.js';

export interface RegisteredType extends TypeDescription {
  readonly id: number;
  readonly docs: string[];
}

/** Holds the place of a type that contains itself until its description is complete. */
const PLACEHOLDER: Omit<RegisteredType, 'id'> = {
  path: [],
  params: [],
  def: { tag: 'tuple', value: [] },
  docs: [],
};

export class TypeRegistry {
  readonly types: RegisteredType[] = [];
  /** Types being described; a number once something inside them has asked for it. */
  readonly #open = new Map<ScaleType<unknown>, number | undefined>();
  readonly #ids = new Map<ScaleType<unknown>, number>();
  readonly #idsByShape = new Map<string, number>();

  /** The number of a type, registering it and everything it is made of first. */
  readonly idOf = (type: ScaleType<unknown>): number => {
    const known = this.#ids.get(type);
    if (known !== undefined) return known;
    if (this.#open.has(type)) return this.#reserve(type);
    this.#open.set(type, undefined);
    const description = type.describe(this.idOf);
    const reserved = this.#open.get(type);
    this.#open.delete(type);
    const id = reserved === undefined ? this.#register(description) : this.#fill(reserved, description);
    this.#ids.set(type, id);
    return id;
  };

  #reserve(type: ScaleType<unknown>): number {
    const known = this.#open.get(type);
    if (known !== undefined) return known;
    const id = this.types.length;
    this.types.push({ id, ...PLACEHOLDER });
    this.#open.set(type, id);
    return id;
  }

  #fill(id: number, description: TypeDescription): number {
    this.types[id] = { id, ...description, docs: [] };
    this.#idsByShape.set(JSON.stringify(description), id);
    return id;
  }

  #register(description: TypeDescription): number {
    const shape = JSON.stringify(description);
    const known = this.#idsByShape.get(shape);
    if (known !== undefined) return known;
    const id = this.types.length;
    this.types.push({ id, ...description, docs: [] });
    this.#idsByShape.set(shape, id);
    return id;
  }
}
