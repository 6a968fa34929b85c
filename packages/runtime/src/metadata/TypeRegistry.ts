/**
 * @file Numbers the types that metadata refers to (scale-info's PortableRegistry). Equal descriptions get one number,
 * however often they were declared, so the registry is a function of the declarations alone.
 */
import type { ScaleType, TypeDescription } from '../scale/ScaleType.js';

export interface RegisteredType extends TypeDescription {
  readonly id: number;
  readonly docs: string[];
}

export class TypeRegistry {
  readonly types: RegisteredType[] = [];
  readonly #ids = new Map<ScaleType<unknown>, number>();
  readonly #idsByShape = new Map<string, number>();

  /** The number of a type, registering it and everything it is made of first. */
  readonly idOf = (type: ScaleType<unknown>): number => {
    const known = this.#ids.get(type);
    if (known !== undefined) return known;
    const id = this.#register(type.describe(this.idOf));
    this.#ids.set(type, id);
    return id;
  };

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
