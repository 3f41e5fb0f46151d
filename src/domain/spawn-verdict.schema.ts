/**
 * What becomes of a spawn. It is complete only when its codec saw a final answer without an error and the process
 * exited with 0; everything else is an error or a cancellation, with whatever is known.
 */
import { Schema } from "effect"
import { AgentExit, AgentOutcome } from "./driver.schema.ts"
import type { EventBody } from "./event.schema.ts"
import { SpawnId } from "./ids.schema.ts"
import { type FailedSpawnResult, SpawnErrorCause, SpawnOptions } from "./spawn.schema.ts"

/** A spawn that has come to an end. `durationMs` is what its agent took. */
export const EndedSpawn = Schema.Struct({
  spawnId: SpawnId,
  input: SpawnOptions,
  driver: Schema.String,
  /** What names the conversation when the agent has no name for it. */
  fallbackSessionRef: Schema.NonEmptyString,
  durationMs: Schema.Finite,
})
export type EndedSpawn = typeof EndedSpawn.Type

/** What the driver reports of an agent that has ended. */
export const AgentReport = Schema.Struct({
  outcome: AgentOutcome,
  exit: AgentExit,
  /** The last 8 KiB. */
  stderr: Schema.String,
  /** Why the driver gave the agent up, when it did; what is known all the same is in `outcome`. */
  failure: Schema.optional(Schema.Struct({ cause: SpawnErrorCause, message: Schema.String })),
})
export type AgentReport = typeof AgentReport.Type

/** A spawn's one terminal event. */
export type SpawnTerminal = Extract<
  EventBody,
  { readonly type: "spawn:complete" | "spawn:error" | "spawn:cancelled" }
>

/** The terminal event of a spawn whose agent has ended. */
export const judgeSpawn = (spawn: EndedSpawn, report: AgentReport): SpawnTerminal => {
  const { spawnId } = spawn
  const { exit, outcome } = report
  const failure = failureOf(spawn.driver, report)
  if (failure === undefined) {
    const sessionRef = outcome.sessionRef ?? spawn.fallbackSessionRef
    const result = { ...common(spawn, outcome), sessionRef, exitCode: exit.code ?? 0 }
    return { type: "spawn:complete", payload: { spawnId, result } }
  }
  const { cause, message } = failure
  const result: FailedSpawnResult = {
    ...common(spawn, outcome),
    errorMessage: message,
    ...(outcome.sessionRef === undefined ? {} : { sessionRef: outcome.sessionRef }),
    ...(exit.code === undefined ? {} : { exitCode: exit.code }),
    ...(exit.signal === undefined ? {} : { signal: exit.signal }),
    ...(report.stderr === "" ? {} : { stderr: report.stderr }),
  }
  return { type: "spawn:error", payload: { spawnId, cause, message, result } }
}

const nothing: AgentOutcome = { final: false, text: "" }

/** The terminal event of a spawn whose agent could not be asked. */
export const makeSpawnRefusal = (
  spawn: EndedSpawn,
  cause: SpawnErrorCause,
  message: string,
): SpawnTerminal => ({
  type: "spawn:error",
  payload: {
    spawnId: spawn.spawnId,
    cause,
    message,
    result: { ...common(spawn, nothing), errorMessage: message },
  },
})

/** The terminal event of a spawn that was ended before its agent had. */
export const makeSpawnCancellation = (
  spawn: EndedSpawn,
  reason: string | undefined,
  sessionRef: string | undefined,
): SpawnTerminal => ({
  type: "spawn:cancelled",
  payload: {
    spawnId: spawn.spawnId,
    ...(reason === undefined ? {} : { reason }),
    result: { ...common(spawn, nothing), ...(sessionRef === undefined ? {} : { sessionRef }) },
  },
})

const common = ({ driver, durationMs, input }: EndedSpawn, outcome: AgentOutcome) => ({
  text: outcome.text,
  agent: input.agent,
  model: input.model,
  driver,
  ...(outcome.stopReason === undefined ? {} : { stopReason: outcome.stopReason }),
  ...(outcome.usage === undefined ? {} : { usage: outcome.usage }),
  durationMs,
})

const failureOf = (driver: string, { exit, failure, outcome, stderr }: AgentReport) => {
  const failed = (cause: SpawnErrorCause, message: string) => ({ cause, message })
  if (failure !== undefined) return failure
  if (outcome.errorMessage !== undefined) return failed("agent-error", outcome.errorMessage)
  const complaint = lastLine(stderr)
  const because = complaint === "" ? "" : `: ${complaint}`
  if (exit.signal !== undefined) return failed("signal", `${driver} was killed by ${exit.signal}${because}`)
  if (exit.code !== 0) return failed("exit", `${driver} exited with code ${exit.code ?? "unknown"}${because}`)
  if (outcome.final) return undefined
  const overlong =
    exit.overlongLines === 0 ? "" : `; ${exit.overlongLines} of its lines exceeded maxLineBytes`
  return failed("codec", `${driver} exited without a final answer${overlong}${because}`)
}

/** The last line that says something, as one short line without control characters. */
const lastLine = (text: string): string => {
  const lines = text.split("\n").map((line) => line.replace(/\p{Cc}+/gu, " ").trim())
  const last = lines.findLast((line) => line !== "") ?? ""
  return last.length > 300 ? `${last.slice(0, 300)}…` : last
}
