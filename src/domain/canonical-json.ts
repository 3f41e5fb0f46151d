/** JSON with the keys of every object in order, so that equal values have equal texts, and equal hashes. */

const inOrder = (_key: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
    : value

/** The canonical JSON of a value that is JSON. */
export const toCanonicalJson = (value: unknown): string => JSON.stringify(value, inOrder) ?? "null"
