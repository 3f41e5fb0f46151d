/** JSON with sorted keys, so that equal values have equal texts and equal hashes. */
import { Predicate } from "effect"

const sortKeys = (_key: string, value: unknown): unknown =>
  Predicate.isObject(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
    : value

/** The canonical JSON of a JSON value. */
export const toCanonicalJson = (value: unknown): string => JSON.stringify(value, sortKeys) ?? "null"
