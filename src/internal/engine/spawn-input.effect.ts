/** What a program passed to `mill.spawn`, judged: a bad field rejects that spawn alone, with a message that names it. */
import { Effect, Schema } from "effect"
import { SpawnFailure } from "../../domain/host-protocol.schema.ts"
import { SpawnOptions } from "../../domain/spawn.schema.ts"

const decode = Schema.decodeUnknownEffect(SpawnOptions)
const { sessionRef: _, ...needed } = SpawnOptions.fields
const fields = Object.keys(needed)

const kindOf = (value: unknown): string =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "an array"
      : value === undefined
        ? "nothing"
        : `${typeof value === "object" ? "an" : "a"} ${typeof value}`

/** The first thing that is wrong with it, in one line. */
const problemOf = (input: unknown): string => {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    return `mill.spawn takes an object with ${fields.join(", ")}; it got ${kindOf(input)}`
  }
  const given = new Map(Object.entries(input))
  for (const field of [...fields, "sessionRef"]) {
    const value = given.get(field)
    if (field === "sessionRef" && value === undefined) continue
    if (value === "") return `mill.spawn: ${field} is empty`
    if (typeof value !== "string") return `mill.spawn: ${field} must be a string; it is ${kindOf(value)}`
  }
  return "mill.spawn: the input is not valid"
}

/** The options of a spawn. Keys that mill does not know are left out. */
export const decodeSpawnInput = (input: unknown) =>
  Effect.mapError(
    decode(input),
    () => new SpawnFailure({ cause: "invalid-input", message: problemOf(input) }),
  )
