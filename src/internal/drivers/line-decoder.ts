/**
 * Decodes the lines of one agent with its codec. A codec may be a user's: one that throws or returns values of the wrong
 * type fails its own spawn, and the agent's output is still read to the end.
 */
import { Result } from "effect"
import { type AgentExit, AgentOutcome, type Codec, type DriverEvent } from "../../domain/driver.schema.ts"
import { SpawnRefused } from "../../domain/error.schema.ts"
import { decodeUntrusted } from "../../domain/untrusted.ts"

const decodeOutcome = decodeUntrusted(AgentOutcome, { whole: "the outcome", unknownKeys: "ignore" })

const isEvent = (event: DriverEvent): boolean => {
  switch (event._tag) {
    case "Session":
      return typeof event.sessionRef === "string" && event.sessionRef !== ""
    case "Milestone":
      return typeof event.message === "string"
    case "ToolCall":
      return (
        typeof event.toolName === "string" && (event.input === undefined || typeof event.input === "string")
      )
  }
}

export const makeLineDecoder = (codec: Codec) => {
  const toFailure = (error: unknown) =>
    new SpawnRefused({
      cause: "codec",
      message: `codec ${codec.name} failed: ${error instanceof Error ? error.message : String(error)}`,
    })
  let { decoding } = codec
  let failure: SpawnRefused | undefined

  const decodeLine = (line: string): ReadonlyArray<DriverEvent> => {
    const [next, events] = decoding.decodeEvent(line)
    decoding = next
    return events.filter(
      (event) => isEvent(event) || ((failure ??= toFailure("decodeEvent returned an invalid event")), false),
    )
  }
  return {
    /** The events in the lines. */
    push: (lines: ReadonlyArray<string>): ReadonlyArray<DriverEvent> => {
      const decoded = Result.try({
        try: () => lines.flatMap((line) => (failure ? [] : decodeLine(line))),
        catch: toFailure,
      })
      if (Result.isSuccess(decoded)) return decoded.success
      failure ??= decoded.failure
      return []
    },
    /** The outcome of all lines, or why the codec failed. */
    end: (exit: AgentExit): Result.Result<AgentOutcome, SpawnRefused> => {
      if (failure !== undefined) return Result.fail(failure)
      const outcome = Result.try({ try: (): unknown => decoding.decodeFinal(exit), catch: toFailure })
      return Result.flatMap(outcome, (value) =>
        Result.mapError(decodeOutcome(value), ({ message }) => toFailure(`decodeFinal: ${message}`)),
      )
    },
  }
}
