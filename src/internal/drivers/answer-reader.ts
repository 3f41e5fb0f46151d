/**
 * Reads the body of an HTTP answer as it arrives: server-sent events, or one JSON value from a server that ignores the
 * request to stream. The first character decides which, because not every server sets a content type, and no event stream
 * begins with a brace.
 */
import { makeParser } from "effect/encoding/Sse"
import type { AgentOutcome, DriverEvent } from "../../domain/driver.schema.ts"
import type { HttpCodec } from "../../domain/http-codec.schema.ts"

/** The result of reading a chunk of the body. */
export type AnswerPiece = {
  /** The data of each event, for watchers. */
  readonly lines: ReadonlyArray<string>
  readonly events: ReadonlyArray<DriverEvent>
  /** Whether the answer has ended, so that the rest need not be read. */
  readonly ended: boolean
}

/** Makes a reader for a codec. An event, or a body that is one JSON value, may have `maxLength` characters. */
export const makeAnswerReader = (codec: HttpCodec, maxLength: number) => {
  let answer = codec.answer
  let kind: "unknown" | "events" | "json" = "unknown"
  let body = ""
  let overflow = false
  let lines: Array<string> = []
  let events: Array<DriverEvent> = []
  const decoder = new TextDecoder()

  const accept = ([next, decoded]: ReturnType<typeof answer.decodeEvent>) => {
    answer = next
    events.push(...decoded)
  }
  const parser = makeParser(
    (event) => {
      if (event._tag !== "Event" || answer.ended) return
      // The parser's own limit covers only the part that is carried over between chunks.
      if (overflow || event.data.length > maxLength) {
        overflow = true
        return
      }
      lines.push(event.data)
      accept(answer.decodeEvent(event.data))
    },
    { maxEventSize: maxLength },
  )
  const takePiece = (): AnswerPiece => {
    const piece = { lines, events, ended: answer.ended || overflow }
    lines = []
    events = []
    return piece
  }
  const feed = (text: string) => {
    if (kind === "unknown") {
      const first = text.trimStart()[0]
      if (first === undefined) return
      kind = first === "{" ? "json" : "events"
    }
    if (kind === "events") {
      if (parser.feed(text) !== undefined) overflow = true
    } else if (body.length + text.length > maxLength) overflow = true
    else body += text
  }
  return {
    push: (chunk: Uint8Array) => {
      if (!overflow) feed(decoder.decode(chunk, { stream: true }))
      return takePiece()
    },
    /** Reads the end of the body. */
    close: () => {
      // Some servers omit the empty line after their last event.
      if (kind === "events" && !overflow) feed("\n\n")
      if (kind === "json" && !overflow) {
        lines.push(body)
        accept(answer.decodeWhole(body))
      }
      return takePiece()
    },
    /** The outcome of the answer; `interruption` says why it is incomplete, if it is. */
    outcome: (interruption?: string): AgentOutcome => {
      const outcome = answer.decodeFinal()
      const problem = overflow ? "an event in the answer exceeds the driver's maxLineBytes" : interruption
      if (outcome.errorMessage !== undefined || (answer.ended && !overflow)) return outcome
      if (problem !== undefined) return { ...outcome, final: false, errorMessage: problem }
      if (outcome.final) return outcome
      const errorMessage = answer.begun
        ? "the server closed the connection before the answer was complete"
        : "unrecognized response; check the driver's url"
      return { ...outcome, errorMessage }
    },
  }
}
