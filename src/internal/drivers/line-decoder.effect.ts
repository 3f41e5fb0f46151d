/**
 * A codec at work on one agent's lines. A codec may be anybody's: whatever it throws, and whatever it gives that is not
 * what it promised, fails its own spawn and nothing else, and the agent's output is read on.
 */
import { Result, Schema } from "effect"
import { type AgentExit, AgentOutcome, type Codec, type DriverEvent } from "../../domain/driver.schema.ts"
import { SpawnRefused } from "../../domain/error.schema.ts"

export type LineDecoder = {
  /** What the lines tell. */
  readonly push: (lines: ReadonlyArray<string>) => ReadonlyArray<DriverEvent>
  /** What all of them add up to, or what is wrong with the codec. */
  readonly end: (exit: AgentExit) => Result.Result<AgentOutcome, SpawnRefused>
}

const decodeOutcome = Schema.decodeUnknownResult(AgentOutcome)

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

export const makeLineDecoder = (codec: Codec): LineDecoder => {
  const problem = (what: unknown) =>
    new SpawnRefused({
      cause: "codec",
      message: `the codec ${codec.name} failed: ${what instanceof Error ? what.message : String(what)}`,
    })
  let { decoding } = codec
  let failure: SpawnRefused | undefined

  const decodeLine = (line: string): ReadonlyArray<DriverEvent> => {
    const [next, events] = decoding.decodeEvent(line)
    decoding = next
    return events.filter(
      (event) => isEvent(event) || ((failure ??= problem("it gave an event that is none")), false),
    )
  }
  return {
    push: (lines) => {
      const decoded = Result.try({
        try: () => lines.flatMap((line) => (failure ? [] : decodeLine(line))),
        catch: problem,
      })
      if (Result.isSuccess(decoded)) return decoded.success
      failure ??= decoded.failure
      return []
    },
    end: (exit) => {
      if (failure !== undefined) return Result.fail(failure)
      const outcome = Result.try({ try: (): unknown => decoding.decodeFinal(exit), catch: problem })
      return Result.flatMap(outcome, (value) =>
        Result.mapError(decodeOutcome(value), (error) => problem(error.message.split("\n")[0])),
      )
    },
  }
}
