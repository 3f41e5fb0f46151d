/** Turns the progress and end of a spawn into events of the log and into the answer to the program. */
import { Cause, Effect, Exit, Option } from "effect"
import { cutBytes } from "../../domain/cut-text.ts"
import { defined } from "../../domain/defined.ts"
import type { DriverEvent } from "../../domain/driver.schema.ts"
import type { SpawnRefused } from "../../domain/error.schema.ts"
import type { EventBody } from "../../domain/event.schema.ts"
import { SpawnFailure } from "../../domain/host-protocol.schema.ts"
import { parseSessionRef, type SpawnId } from "../../domain/ids.schema.ts"
import {
  type AgentReport,
  type EndedSpawn,
  judgeSpawn,
  makeSpawnCancellation,
  makeSpawnRefusal,
  type SpawnTerminal,
} from "../../domain/spawn-verdict.schema.ts"
import type { FailedSpawnResult, SpawnResult } from "../../domain/spawn.schema.ts"

/** Maximum size of a tool's input in an event, in bytes. */
const toolInputLimit = 2048

/** The events of a spawn that the log keeps for an event of its driver. */
export const toSpawnEvents = (spawnId: SpawnId, event: DriverEvent): ReadonlyArray<EventBody> => {
  switch (event._tag) {
    case "Session":
      return []
    case "Milestone":
      return [{ type: "spawn:milestone", payload: { spawnId, message: event.message } }]
    case "ToolCall": {
      const input = event.input === undefined ? undefined : cutBytes(event.input, toolInputLimit)
      return [{ type: "spawn:tool_call", payload: { spawnId, toolName: event.toolName, input } }]
    }
  }
}

/**
 * The terminal event of a spawn whose driver has ended. `reason` is why it was cancelled, if it was, and `known` is what
 * its agent had reported by then.
 */
export const toTerminalEvent = (
  spawn: EndedSpawn,
  exit: Exit.Exit<AgentReport, SpawnRefused>,
  reason: string | undefined,
  known: AgentReport | undefined,
): SpawnTerminal => {
  if (Exit.isSuccess(exit)) return judgeSpawn(spawn, exit.value)
  const refused = Option.getOrUndefined(Exit.findErrorOption(exit))
  if (refused !== undefined) return makeSpawnRefusal(spawn, refused.cause, refused.message, known)
  return Exit.hasDies(exit)
    ? makeSpawnRefusal(
        spawn,
        "codec",
        `internal error in mill or a codec: ${Cause.pretty(exit.cause)}`,
        known,
      )
    : makeSpawnCancellation(spawn, reason, known)
}

/** The answer of `mill.spawn` for a terminal event. It is sent as JSON, where a key without a value must be absent. */
export const answerSpawn = ({ payload, type }: SpawnTerminal): Effect.Effect<SpawnResult, SpawnFailure> => {
  if (type === "spawn:complete") return Effect.succeed(defined(payload.result))
  const { result, spawnId } = payload
  const [cause, message] =
    type === "spawn:error"
      ? ([payload.cause, payload.message] as const)
      : (["cancelled", `the spawn was cancelled: ${payload.reason ?? "the run is ending"}`] as const)
  return Effect.fail(
    new SpawnFailure(defined({ spawnId, cause, message, result: result && omitUnknown(result) })),
  )
}

/** Programs get neither a null nor a name that mill made up for a conversation which cannot be continued. */
const omitUnknown = ({ exitCode, sessionRef = "", ...result }: FailedSpawnResult): FailedSpawnResult => ({
  ...result,
  exitCode: exitCode ?? undefined,
  sessionRef: Option.isSome(parseSessionRef(sessionRef)) ? undefined : sessionRef || undefined,
})
