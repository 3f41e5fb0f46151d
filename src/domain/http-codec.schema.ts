/**
 * What a codec of an HTTP API is: it turns a spawn into one request, and folds the events of the streamed answer into
 * what mill tells of it. Like the codecs of commands it is pure; sending, waiting and trying again are the driver's.
 */
import type { Result } from "effect"
import { Schema } from "effect"
import type { AgentOutcome, DriverEvent } from "./driver.schema.ts"
import type { SpawnRefused } from "./error.schema.ts"
import { SpawnOptions } from "./spawn.schema.ts"

/** One thing that was said in a conversation. */
export const SessionMessage = Schema.Struct({
  role: Schema.Literals(["user", "assistant"]),
  content: Schema.String,
})
export type SessionMessage = typeof SessionMessage.Type

const { sessionRef: _, ...asked } = SpawnOptions.fields

/** What a codec is given to encode: a spawn, and what was said before it in the same conversation. */
export const HttpInput = Schema.Struct({ ...asked, history: Schema.Array(SessionMessage) })
export type HttpInput = typeof HttpInput.Type

/** One request, by POST, to the endpoint that the codec names. */
export const HttpCall = Schema.Struct({
  /** Besides `content-type`, and what the driver's configuration adds. */
  headers: Schema.Record(Schema.String, Schema.String),
  body: Schema.Record(Schema.String, Schema.Json),
})
export type HttpCall = typeof HttpCall.Type

/** A fold over the events of one answer. Each step gives a new one and leaves the old as it was. */
export type AnswerDecoding = {
  /** Whether the answer has ended: nothing that follows counts. */
  readonly ended: boolean
  /** Whether anything of it has been understood. */
  readonly begun: boolean
  /** One event of a stream: its `data`. One of no meaning changes nothing. */
  readonly decodeEvent: (data: string) => readonly [AnswerDecoding, ReadonlyArray<DriverEvent>]
  /** The whole answer, from a server that does not stream. */
  readonly decodeWhole: (body: string) => readonly [AnswerDecoding, ReadonlyArray<DriverEvent>]
  /** What it all adds up to, when the server has closed the answer. */
  readonly decodeFinal: () => AgentOutcome
}

/** How a codec is written. */
export type HttpCodecDefinition<State extends { readonly ended: boolean }> = {
  readonly name: string
  readonly modelFormat: string
  readonly models: ReadonlyArray<string>
  readonly options?: Schema.Json | undefined
  readonly problem?: string | undefined
  /** The URL to post to, from the one that a configuration names. */
  readonly endpoint: (url: URL) => URL
  /** The header that carries the key, unless a configuration names another one. */
  readonly keyHeader: string
  readonly encodeRequest: (input: HttpInput) => Result.Result<HttpCall, SpawnRefused>
  readonly initial: State
  readonly decodeEvent: (state: State, data: string) => readonly [State, ReadonlyArray<DriverEvent>]
  readonly decodeWhole: (state: State, body: string) => readonly [State, ReadonlyArray<DriverEvent>]
  readonly decodeFinal: (state: State) => AgentOutcome
}

/** The dialect of one HTTP API. */
export type HttpCodec = {
  readonly name: string
  readonly modelFormat: string
  readonly models: ReadonlyArray<string>
  /** The options that it was made with, as a run's plan keeps them. */
  readonly options: Schema.Json
  /** What is wrong with these options. Such a codec refuses every spawn. */
  readonly problem?: string | undefined
  readonly endpoint: (url: URL) => URL
  readonly keyHeader: string
  readonly encodeRequest: (input: HttpInput) => Result.Result<HttpCall, SpawnRefused>
  /** A fold that has seen nothing yet. */
  readonly answer: AnswerDecoding
}

/** A codec from its definition; the type of its state stays its own affair. */
export const defineHttpCodec = <State extends { readonly ended: boolean }>(
  definition: HttpCodecDefinition<State>,
): HttpCodec => {
  const answerFrom = (state: State): AnswerDecoding => {
    const after = ([next, events]: readonly [State, ReadonlyArray<DriverEvent>]) =>
      [answerFrom(next), events] as const
    return {
      ended: state.ended,
      begun: state !== definition.initial,
      decodeEvent: (data) => after(definition.decodeEvent(state, data)),
      decodeWhole: (body) => after(definition.decodeWhole(state, body)),
      decodeFinal: () => definition.decodeFinal(state),
    }
  }
  const { encodeRequest, endpoint, keyHeader, modelFormat, models, name, problem } = definition
  return {
    name,
    modelFormat,
    models,
    options: definition.options ?? {},
    ...(problem === undefined ? {} : { problem }),
    endpoint,
    keyHeader,
    encodeRequest,
    answer: answerFrom(definition.initial),
  }
}
