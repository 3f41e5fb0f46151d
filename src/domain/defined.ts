/** A copy of an object without the keys whose value is `undefined`, for where a key must be absent: merges, JSON schemas. */
export const defined = <Fields extends object>(fields: Fields): Fields => {
  const copy = { ...fields }
  for (const [key, value] of Object.entries(copy)) if (value === undefined) Reflect.deleteProperty(copy, key)
  return copy
}
