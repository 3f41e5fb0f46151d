/**
 * Decides how a spawn has ended. A spawn is complete only if its codec saw a final answer without an error and the process
 * exited with code 0. Otherwise it is an error or a cancellation, with all that is known of its result.
 */
import { Schema } from "effect"
import { findComplaint } from "./complaint.ts"
import { AgentExit, AgentOutcome } from "./driver.schema.ts"
import type { EventBody } from "./event.schema.ts"
import { SpawnId } from "./ids.schema.ts"
import {
  type FailedSpawnResult,
  keepValidUsage,
  SpawnErrorCause,
  SpawnOptions,
  unknownModel,
} from "./spawn.schema.ts"

/** A spawn that has ended. `durationMs` is the time that its agent took. */
export const EndedSpawn = Schema.Struct({
  spawnId: SpawnId,
  input: Schema.Struct({ agent: SpawnOptions.fields.agent, model: SpawnOptions.fields.model }),
  driver: Schema.String,
  /** The driver's default model, if the spawn used it. */
  defaultModel: Schema.optional(Schema.NonEmptyString),
  /** The name of the conversation, if the agent does not name it. */
  fallbackSessionRef: Schema.NonEmptyString,
  durationMs: Schema.Finite,
})
export type EndedSpawn = typeof EndedSpawn.Type

/** The driver's report on an agent that has ended. */
export const AgentReport = Schema.Struct({
  outcome: AgentOutcome,
  exit: AgentExit,
  /** The last 8 KiB of standard error. */
  stderr: Schema.String,
  /** Why the driver gave up on the agent, if it did. `outcome` still has what is known. */
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
  const failure = findFailure(spawn.driver, report)
  if (failure === undefined) {
    const sessionRef = outcome.sessionRef ?? spawn.fallbackSessionRef
    const result = { ...makeResult(spawn, outcome), sessionRef, exitCode: exit.code ?? 0 }
    return { type: "spawn:complete", payload: { spawnId, result } }
  }
  const { cause, message } = failure
  const result = { ...makeFailedResult(spawn, report), errorMessage: message }
  return { type: "spawn:error", payload: { spawnId, cause, message, result } }
}

/** The report on an agent that has reported nothing. */
export const emptyReport: AgentReport = {
  outcome: { final: false, text: "" },
  exit: { overlongLines: 0 },
  stderr: "",
}

/** The terminal event of a spawn that could not be carried out. `known` is what its agent had reported. */
export const makeSpawnRefusal = (
  spawn: EndedSpawn,
  cause: SpawnErrorCause,
  message: string,
  known: AgentReport = emptyReport,
): SpawnTerminal => ({
  type: "spawn:error",
  payload: {
    spawnId: spawn.spawnId,
    cause,
    message,
    result: { ...makeFailedResult(spawn, known), errorMessage: message },
  },
})

/** The terminal event of a spawn that was cancelled before its agent ended. `known` is what its agent had reported. */
export const makeSpawnCancellation = (
  spawn: EndedSpawn,
  reason: string | undefined,
  known: AgentReport = emptyReport,
): SpawnTerminal => ({
  type: "spawn:cancelled",
  payload: { spawnId: spawn.spawnId, reason, result: makeFailedResult(spawn, known) },
})

/** Everything that is known about a spawn without an answer. Leaves out the error of an agent that was cancelled. */
const makeFailedResult = (spawn: EndedSpawn, { exit, outcome, stderr }: AgentReport): FailedSpawnResult => ({
  ...makeResult(spawn, outcome),
  sessionRef: outcome.sessionRef ?? spawn.fallbackSessionRef,
  exitCode: exit.code ?? null,
  signal: exit.signal,
  stderr: stderr || undefined,
})

const makeResult = ({ defaultModel, driver, durationMs, input }: EndedSpawn, outcome: AgentOutcome) => ({
  text: outcome.text,
  agent: input.agent,
  model: outcome.model ?? input.model ?? defaultModel ?? unknownModel,
  driver,
  stopReason: outcome.stopReason,
  usage: keepValidUsage(outcome.usage),
  durationMs,
})

const findFailure = (driver: string, { exit, failure, outcome, stderr }: AgentReport) => {
  const fail = (cause: SpawnErrorCause, message: string) => ({ cause, message })
  if (failure !== undefined) return failure
  if (outcome.errorMessage !== undefined) return fail("agent-error", outcome.errorMessage)
  const complaint = findComplaint(stderr) || findComplaint(outcome.complaint ?? "")
  const because = complaint === "" ? "" : `: ${complaint}`
  if (exit.signal !== undefined) return fail("signal", `${driver} was killed by ${exit.signal}${because}`)
  if (exit.code !== 0) return fail("exit", `${driver} exited with code ${exit.code ?? "unknown"}${because}`)
  if (outcome.final) return undefined
  const overlong =
    exit.overlongLines === 0
      ? ""
      : `; mill dropped ${exit.overlongLines} ${exit.overlongLines === 1 ? "line" : "lines"} longer than maxLineBytes`
  return fail("codec", `${driver} exited without a final answer${overlong}${because}`)
}
