/**
 * The body of an HTTP answer, read as it comes: server-sent events, or one JSON value from a server that does not stream
 * though it was asked to. Which of the two it is, its first character tells: no stream of events begins with a brace, and
 * not every server labels what it sends.
 */
import { makeParser } from "effect/encoding/Sse"
import type { AgentOutcome, DriverEvent } from "../../domain/driver.schema.ts"
import type { HttpCodec } from "../../domain/http-codec.schema.ts"

/** What a piece of the body brought. */
export type AnswerPiece = {
  /** The data of each event, for those who watch. */
  readonly lines: ReadonlyArray<string>
  readonly events: ReadonlyArray<DriverEvent>
  /** Whether the answer has ended, so that nothing more needs to be read. */
  readonly ended: boolean
}

export type AnswerReader = {
  readonly push: (chunk: Uint8Array) => AnswerPiece
  /** What the body's end brings. */
  readonly close: () => AnswerPiece
  /** Whether anything has been understood: an answer has begun, and the request must not be sent again. */
  readonly begun: () => boolean
  /** What it adds up to; `trouble` is what cut it off, if it was. */
  readonly outcome: (trouble?: string) => AgentOutcome
}

/** Reads with a codec; an event, or a body that is one JSON value, may have `maxLength` characters. */
export const makeAnswerReader = (codec: HttpCodec, maxLength: number): AnswerReader => {
  let answer = codec.answer
  let kind: "unknown" | "events" | "json" = "unknown"
  let body = ""
  let overflow = false
  let lines: Array<string> = []
  let events: Array<DriverEvent> = []
  const decoder = new TextDecoder()

  const take = ([next, told]: ReturnType<typeof answer.decodeEvent>) => {
    answer = next
    events.push(...told)
  }
  const parser = makeParser(
    (event) => {
      if (event._tag !== "Event" || answer.ended) return
      // The parser counts what is left over from one chunk to the next only.
      if (overflow || event.data.length > maxLength) {
        overflow = true
        return
      }
      lines.push(event.data)
      take(answer.decodeEvent(event.data))
    },
    { maxEventSize: maxLength },
  )
  const piece = (): AnswerPiece => {
    const brought = { lines, events, ended: answer.ended || overflow }
    lines = []
    events = []
    return brought
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
    push: (chunk) => {
      if (!overflow) feed(decoder.decode(chunk, { stream: true }))
      return piece()
    },
    close: () => {
      // Some servers forget the empty line after their last event.
      if (kind === "events" && !overflow) feed("\n\n")
      if (kind === "json" && !overflow) {
        lines.push(body)
        take(answer.decodeWhole(body))
      }
      return piece()
    },
    begun: () => answer.begun,
    outcome: (trouble) => {
      const outcome = answer.decodeFinal()
      const problem = overflow
        ? "the answer has an event that is longer than the driver's maxLineBytes"
        : trouble
      if (outcome.errorMessage !== undefined || (answer.ended && !overflow)) return outcome
      if (problem !== undefined) return { ...outcome, final: false, errorMessage: problem }
      if (outcome.final) return outcome
      const errorMessage = answer.begun
        ? "the server closed the connection before the answer was complete"
        : "the server's answer is none that the codec knows: is the driver's url right?"
      return { ...outcome, errorMessage }
    },
  }
}
