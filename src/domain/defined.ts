import { Predicate } from "effect"

/**
 * A copy of an object without the keys whose value is `undefined`, also in objects inside it. For where a key must be
 * absent: merges, JSON schemas, and the JSON of Effect's RPC, which writes `undefined` as null.
 */
export const defined = <Fields extends object>(fields: Fields): Fields => {
  const copy = { ...fields }
  for (const [key, value] of Object.entries(copy)) {
    if (value === undefined) Reflect.deleteProperty(copy, key)
    else if (Predicate.isObject(value)) Reflect.set(copy, key, defined(value))
  }
  return copy
}
