/**
 * Codecs of HTTP APIs. A codec encodes a spawn as one request, and folds the events of the streamed answer into events and
 * an outcome. Like command codecs they are pure; the driver sends, waits and retries.
 */
import type { Result } from "effect"
import { Schema } from "effect"
import type { AgentOutcome, CodecFacts, DriverEvent } from "./driver.schema.ts"
import type { SpawnRefused } from "./error.schema.ts"
import { SpawnOptions } from "./spawn.schema.ts"

/** One message of a conversation. */
export const SessionMessage = Schema.Struct({
  role: Schema.Literals(["user", "assistant"]),
  content: Schema.String,
})
export type SessionMessage = typeof SessionMessage.Type

const { sessionRef: _, ...promptFields } = SpawnOptions.fields

/** The spawn that a codec encodes, with its model and the earlier messages of its conversation. */
export const HttpInput = Schema.Struct({
  ...promptFields,
  model: Schema.NonEmptyString,
  history: Schema.Array(SessionMessage),
})
export type HttpInput = typeof HttpInput.Type

/** One POST request to the codec's endpoint. */
export const HttpCall = Schema.Struct({
  /** Headers besides `content-type` and those of the driver's configuration. */
  headers: Schema.Record(Schema.String, Schema.String),
  body: Schema.Record(Schema.String, Schema.Json),
})
export type HttpCall = typeof HttpCall.Type

/** A fold over the events of one answer. Each step returns a new fold and leaves the old one unchanged. */
export type AnswerDecoding = {
  /** Whether the answer has ended. Later events are ignored. */
  readonly ended: boolean
  /** Whether the codec has understood any event. */
  readonly begun: boolean
  /** Decodes the `data` of one event of a stream. Unknown events change nothing. */
  readonly decodeEvent: (data: string) => readonly [AnswerDecoding, ReadonlyArray<DriverEvent>]
  /** Decodes the whole answer of a server that does not stream. */
  readonly decodeWhole: (body: string) => readonly [AnswerDecoding, ReadonlyArray<DriverEvent>]
  /** The outcome, when the server has closed the answer. */
  readonly decodeFinal: () => AgentOutcome
}

type ApiFacts = CodecFacts & {
  /** The URL to post to, derived from the configured one. */
  readonly endpoint: (url: URL) => URL
  /** The header that carries the API key, unless the configuration names another. */
  readonly keyHeader: string
  readonly encodeRequest: (input: HttpInput) => Result.Result<HttpCall, SpawnRefused>
}

/** The definition of a codec. */
export type HttpCodecDefinition<State extends { readonly ended: boolean }> = ApiFacts & {
  readonly options?: Schema.Json | undefined
  readonly initial: State
  readonly decodeEvent: (state: State, data: string) => readonly [State, ReadonlyArray<DriverEvent>]
  readonly decodeWhole: (state: State, body: string) => readonly [State, ReadonlyArray<DriverEvent>]
  readonly decodeFinal: (state: State) => AgentOutcome
}

/** The dialect of one HTTP API. */
export type HttpCodec = ApiFacts & {
  /** The codec's options as recorded in a run's plan. */
  readonly options: Schema.Json
  /** The fold before the first event. */
  readonly answer: AnswerDecoding
}

/** Makes a codec from its definition and hides the type of its state. */
export const defineHttpCodec = <State extends { readonly ended: boolean }>(
  definition: HttpCodecDefinition<State>,
): HttpCodec => {
  const startAnswer = (state: State): AnswerDecoding => {
    const advance = ([next, events]: readonly [State, ReadonlyArray<DriverEvent>]) =>
      [startAnswer(next), events] as const
    return {
      ended: state.ended,
      begun: state !== definition.initial,
      decodeEvent: (data) => advance(definition.decodeEvent(state, data)),
      decodeWhole: (body) => advance(definition.decodeWhole(state, body)),
      decodeFinal: () => definition.decodeFinal(state),
    }
  }
  const { encodeRequest, endpoint, keyHeader, modelFormat, models, name, problem } = definition
  return {
    name,
    modelFormat,
    models,
    options: definition.options ?? {},
    problem,
    endpoint,
    keyHeader,
    encodeRequest,
    answer: startAnswer(definition.initial),
  }
}
