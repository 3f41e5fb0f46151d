/** Decodes the argument of `mill.spawn`. An invalid field rejects only that spawn, with a message that names every invalid field. */
import { Effect } from "effect"
import { SpawnFailure } from "../../domain/host-protocol.schema.ts"
import { checkSpawnInput, formatProblems } from "../../domain/spawn-input.ts"

export const decodeSpawnInput = (input: unknown) =>
  Effect.mapError(
    Effect.fromResult(checkSpawnInput(input)),
    (problems) =>
      new SpawnFailure({ cause: "invalid-input", message: `mill.spawn: ${formatProblems(problems)}` }),
  )
