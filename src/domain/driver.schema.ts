/**
 * Drivers and codecs. A driver connects spawns to an agent. A codec is one agent's dialect: it encodes a spawn as a
 * command line and standard input, and folds the lines that the agent prints into events and an outcome. Codecs are
 * pure, so a recorded output always decodes to the same events.
 */
import { Data, type Result, Schema } from "effect"
import type { SpawnRefused } from "./error.schema.ts"
import type { AcpConversation } from "./acp.schema.ts"
import { SpawnOptions, Usage } from "./spawn.schema.ts"

/** An event that a codec reads from an agent's output, for the event log. */
export type DriverEvent = Data.TaggedEnum<{
  /** The agent's own name for its conversation, which a user would pass to the agent to resume it. */
  Session: { readonly sessionRef: string }
  /** Progress to show to a user who follows the run: one line. */
  Milestone: { readonly message: string }
  /** The agent calls one of its tools. `input` is text of any length; JSON stays JSON. */
  ToolCall: { readonly toolName: string; readonly input?: string | undefined }
}>
export const DriverEvent = Data.taggedEnum<DriverEvent>()

/** How the agent's process ended, and how many of its lines the codec has not seen. */
export const AgentExit = Schema.Struct({
  /** The exit code; absent when a signal ended the process. */
  code: Schema.optional(Schema.Int),
  /** For example `SIGKILL`. */
  signal: Schema.optional(Schema.String),
  /** Number of lines that were dropped because they exceeded the driver's `maxLineBytes`. */
  overlongLines: Schema.Int,
})
export type AgentExit = typeof AgentExit.Type

/** The outcome of one agent, folded from its lines. */
export const AgentOutcome = Schema.Struct({
  /** Whether the agent reported, in its dialect, that it had finished. */
  final: Schema.Boolean,
  /** The answer, or the part of it that arrived. */
  text: Schema.String,
  sessionRef: Schema.optional(Schema.NonEmptyString),
  stopReason: Schema.optional(Schema.String),
  /** The error that the agent reported. It fails the spawn, whatever the exit code. */
  errorMessage: Schema.optional(Schema.String),
  /** What a failed agent printed instead of an answer. It is quoted if standard error does not explain the failure. */
  complaint: Schema.optional(Schema.String),
  usage: Schema.optional(Usage),
  /** The model that the agent reported. */
  model: Schema.optional(Schema.NonEmptyString),
  /** Whether `usage` counts all turns of the conversation. mill then subtracts the earlier ones, or drops it. */
  usageOfSession: Schema.optional(Schema.Boolean),
})
export type AgentOutcome = typeof AgentOutcome.Type

/** The spawn that a codec encodes. */
export const SpawnInput = Schema.Struct({
  ...SpawnOptions.fields,
  /** The spawn's private directory, for input that has to be in a file. It is removed after the spawn. */
  scratchDir: Schema.String,
})
export type SpawnInput = typeof SpawnInput.Type

/** The command line and input of an agent for one spawn. */
export const AgentCall = Schema.Struct({
  /** Added after the driver's own `args`. */
  args: Schema.Array(Schema.String),
  /** Written to standard input, which is then closed. Absent: no standard input. */
  stdin: Schema.optional(Schema.String),
  /** Added to the agent's environment. */
  env: Schema.optional(Schema.Record(Schema.String, Schema.String)),
  /** Files to write before the agent starts: contents by absolute path in the spawn's scratch directory. */
  files: Schema.optional(Schema.Record(Schema.String, Schema.String)),
})
export type AgentCall = typeof AgentCall.Type

/** How to ask an agent's command for its models. The driver's own `args` come first. */
export type ModelListing = {
  readonly args: ReadonlyArray<string>
  /** Added to the command's environment, for example to keep the command off the network. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Settings files that select models. Paths are relative to the working directory, or to the home folder with `~/`. */
  readonly files?: ReadonlyArray<string> | undefined
  /**
   * The models in the command's output, by the names that a spawn takes. `files` holds the texts of the files that exist.
   */
  readonly decode: (stdout: string, files: Readonly<Record<string, string>>) => ReadonlyArray<string>
}

/** The fields that all kinds of codecs share. */
export const CodecFacts = Schema.Struct({
  name: Schema.String,
  /** The format of model names, for example `provider/model-id`. */
  modelFormat: Schema.String,
  /** Known models, best known first. The list may be incomplete or empty. */
  models: Schema.Array(Schema.String),
  /** What is wrong with the options. A codec with a problem refuses every spawn. */
  problem: Schema.optional(Schema.String),
})
export type CodecFacts = typeof CodecFacts.Type

type CommandFacts = CodecFacts & {
  /** How to ask the command for its models, if it can list them. */
  readonly listModels?: ModelListing | undefined
  /** The call for a spawn. Fails when the agent cannot carry out the spawn. */
  readonly encodeSpawn: (input: SpawnInput) => Result.Result<AgentCall, SpawnRefused>
  /** For an agent that holds a conversation: standard input stays open until the agent has answered. */
  readonly conversation?: AcpConversation | undefined
}

/** The definition of a codec: a name, an encoder and a fold over lines. */
export type CodecDefinition<State> = CommandFacts & {
  /** The codec's options as recorded in a run's plan: JSON without secrets. */
  readonly options?: Schema.Json | undefined
  /** Whether the codec can resume the conversation of a `sessionRef`. Otherwise such spawns are refused. Default: false. */
  readonly resumes?: boolean | undefined
  /** Whether a resumed conversation keeps its model; mill then does not pass the driver's `defaultModel`. Default: false. */
  readonly keepsModel?: boolean | undefined
  readonly initial: State
  /** The state after one more line (without its line feed), and the line's events. Unknown lines change nothing. */
  readonly decodeEvent: (state: State, line: string) => readonly [State, ReadonlyArray<DriverEvent>]
  /** The outcome, when the process has ended. */
  readonly decodeFinal: (state: State, exit: AgentExit) => AgentOutcome
}

/** A fold in progress. Each step returns a new fold and leaves the old one unchanged. */
export type Decoding = {
  readonly decodeEvent: (line: string) => readonly [Decoding, ReadonlyArray<DriverEvent>]
  readonly decodeFinal: (exit: AgentExit) => AgentOutcome
}

/** One agent's dialect. */
export type Codec = CommandFacts & {
  /** The codec's options as recorded in a run's plan. */
  readonly options: Schema.Json
  /** Whether the codec can resume an earlier conversation. */
  readonly resumes: boolean
  /** Whether a resumed conversation keeps its model. */
  readonly keepsModel: boolean
  /** The fold before the first line. */
  readonly decoding: Decoding
}

/** The factories of built-in codecs, by identity: a copy of a codec may have been changed. */
const factories = new WeakMap<object, string>()

/** The function of `@mill/core` that makes this codec from its options, if there is one. */
export const findFactory = (codec: object): string | undefined => factories.get(codec)

/** Records that `factory(options)` of `@mill/core` makes this codec. */
export const rememberFactory = <Made extends object>(factory: string, codec: Made): Made => {
  factories.set(codec, factory)
  return codec
}

/** Defines a built-in codec, which `factory(options)` of `@mill/core` makes. */
export const defineBuiltInCodec = <State>(factory: string, definition: CodecDefinition<State>): Codec =>
  rememberFactory(factory, defineCodec(definition))

/** Makes a codec from its definition and hides the type of its state. */
export const defineCodec = <State>(definition: CodecDefinition<State>): Codec => {
  const startDecoding = (state: State): Decoding => ({
    decodeEvent: (line) => {
      const [next, events] = definition.decodeEvent(state, line)
      return [startDecoding(next), events]
    },
    decodeFinal: (exit) => definition.decodeFinal(state, exit),
  })
  return {
    name: definition.name,
    modelFormat: definition.modelFormat,
    models: definition.models,
    listModels: definition.listModels,
    options: definition.options ?? {},
    problem: definition.problem,
    resumes: definition.resumes ?? false,
    keepsModel: definition.keepsModel ?? false,
    encodeSpawn: definition.encodeSpawn,
    conversation: definition.conversation,
    decoding: startDecoding(definition.initial),
  }
}
