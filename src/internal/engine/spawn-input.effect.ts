/** Decodes the argument of `mill.spawn`. An invalid field rejects only that spawn, with a message that names the field. */
import { Effect } from "effect"
import { SpawnFailure } from "../../domain/host-protocol.schema.ts"
import { SpawnOptions } from "../../domain/spawn.schema.ts"
import { decodeUntrusted, formatProblem } from "../../domain/untrusted.ts"

const decode = decodeUntrusted(SpawnOptions, { whole: "the argument", unknownKeys: "ignore" })

/** The options of a spawn, without the keys that mill does not know. */
export const decodeSpawnInput = (input: unknown) =>
  Effect.mapError(
    Effect.fromResult(decode(input)),
    (problem) =>
      new SpawnFailure({ cause: "invalid-input", message: `mill.spawn: ${formatProblem(problem)}` }),
  )
