/** Reads the time in a run id. Imports nothing, because the program host imports it. */

const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

/** The time of a run's creation in milliseconds since 1970, from the first ten characters of its ULID. */
export const readCreatedAt = (runId: string): number => {
  let millis = 0
  for (const character of runId.slice(4, 14)) millis = millis * 32 + Math.max(0, crockford.indexOf(character))
  return millis
}
