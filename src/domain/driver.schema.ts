/**
 * What a driver and a codec are. A driver is how a spawn reaches an agent; a codec is one agent's dialect: it turns a
 * spawn into a command line and standard input, and folds the lines that the agent prints into what mill tells of it.
 * Codecs are pure, so a recorded output decodes to the same events for ever.
 */
import { Data, type Result, Schema } from "effect"
import type { SpawnRefused } from "./error.schema.ts"
import type { AcpConversation } from "./acp.schema.ts"
import { SpawnOptions, Usage } from "./spawn.schema.ts"

/** What a codec makes of a line: facts for the event log. */
export type DriverEvent = Data.TaggedEnum<{
  /** The agent's own name for its conversation; what a person would pass to the agent to continue it. */
  Session: { readonly sessionRef: string }
  /** Something worth telling a person who follows the run: one line. */
  Milestone: { readonly message: string }
  /** The agent uses one of its tools. `input` is text, JSON where it was JSON, of any length. */
  ToolCall: { readonly toolName: string; readonly input?: string }
}>
export const DriverEvent = Data.taggedEnum<DriverEvent>()

/** How the agent's process ended, and what the codec cannot see by itself. */
export const AgentExit = Schema.Struct({
  /** The exit code; absent when a signal ended it. */
  code: Schema.optional(Schema.Int),
  /** For example `SIGKILL`. */
  signal: Schema.optional(Schema.String),
  /** Lines that were longer than the driver's `maxLineBytes`; the codec has not seen them. */
  overlongLines: Schema.Int,
})
export type AgentExit = typeof AgentExit.Type

/** What the lines of one agent add up to. */
export const AgentOutcome = Schema.Struct({
  /** Whether the agent said, in its dialect, that it had finished. */
  final: Schema.Boolean,
  /** The answer, or as much of it as there is. */
  text: Schema.String,
  sessionRef: Schema.optional(Schema.NonEmptyString),
  stopReason: Schema.optional(Schema.String),
  /** What the agent said went wrong. A spawn with this has failed, whatever its exit code. */
  errorMessage: Schema.optional(Schema.String),
  usage: Schema.optional(Usage),
})
export type AgentOutcome = typeof AgentOutcome.Type

/** What a codec is given to encode. */
export const SpawnInput = Schema.Struct({
  ...SpawnOptions.fields,
  /** A private directory of this spawn, for what cannot be passed otherwise. It is removed after the spawn. */
  scratchDir: Schema.String,
})
export type SpawnInput = typeof SpawnInput.Type

/** How an agent is to be called for one spawn. */
export const AgentCall = Schema.Struct({
  /** Follow the driver's own `args`. */
  args: Schema.Array(Schema.String),
  /** Written to standard input, which is then closed. Absent: there is none. */
  stdin: Schema.optional(Schema.String),
  /** Added to the agent's environment. */
  env: Schema.optional(Schema.Record(Schema.String, Schema.String)),
  /** Files to write before the agent starts: absolute paths in the spawn's scratch directory, and their contents. */
  files: Schema.optional(Schema.Record(Schema.String, Schema.String)),
})
export type AgentCall = typeof AgentCall.Type

/** How an agent's command tells which models it has. The driver's own `args` come first. */
export type ModelListing = {
  readonly args: ReadonlyArray<string>
  /** Added to the command's environment, for example to keep it from the network. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Settings that say which of the models are wanted: relative to the working directory, or `~/` to the home folder. */
  readonly files?: ReadonlyArray<string> | undefined
  /** The models in what the command printed, by the names that a spawn takes. `files` has the texts of those there are. */
  readonly decode: (stdout: string, files: Readonly<Record<string, string>>) => ReadonlyArray<string>
}

/** How a codec is written: a name, an encoder, and a fold over lines with a state of its own. */
export type CodecDefinition<State> = {
  readonly name: string
  /** What a model is called here, for example `provider/model-id`. */
  readonly modelFormat: string
  /** Models that are known to exist, best known first; an empty list says nothing. */
  readonly models: ReadonlyArray<string>
  /** How the command itself is asked for its models, where it can be. */
  readonly listModels?: ModelListing | undefined
  /** The options that it was made with, as a run's plan keeps them: JSON, without secrets. */
  readonly options?: Schema.Json | undefined
  /** What is wrong with these options. Such a codec refuses every spawn. */
  readonly problem?: string | undefined
  /** Whether `encodeSpawn` heeds `sessionRef`. Spawns with one are refused when it does not: the absent case. */
  readonly resumes?: boolean | undefined
  /** Whether the usage that a resumed conversation tells is that of all its turns. It is left out then. */
  readonly usageOfSession?: boolean | undefined
  /** The call for a spawn, or why this agent cannot be asked that. */
  readonly encodeSpawn: (input: SpawnInput) => Result.Result<AgentCall, SpawnRefused>
  /** Set for an agent that is talked with: standard input stays open until it has answered. */
  readonly conversation?: AcpConversation | undefined
  readonly initial: State
  /** The state after one more line (without its line feed), and what it tells. A line of no meaning changes nothing. */
  readonly decodeEvent: (state: State, line: string) => readonly [State, ReadonlyArray<DriverEvent>]
  /** What it all adds up to, when the process has ended. */
  readonly decodeFinal: (state: State, exit: AgentExit) => AgentOutcome
}

/** A fold in progress. Each step gives a new one and leaves the old as it was. */
export type Decoding = {
  readonly decodeEvent: (line: string) => readonly [Decoding, ReadonlyArray<DriverEvent>]
  readonly decodeFinal: (exit: AgentExit) => AgentOutcome
}

/** One agent's dialect. */
export type Codec = {
  readonly name: string
  readonly modelFormat: string
  readonly models: ReadonlyArray<string>
  readonly listModels?: ModelListing | undefined
  /** The options that it was made with, as a run's plan keeps them. */
  readonly options: Schema.Json
  /** What is wrong with these options. Such a codec refuses every spawn. */
  readonly problem?: string | undefined
  /** Whether it can go on with an earlier conversation. */
  readonly resumes: boolean
  /** Whether the usage that a resumed conversation tells is that of all its turns. */
  readonly usageOfSession: boolean
  readonly encodeSpawn: (input: SpawnInput) => Result.Result<AgentCall, SpawnRefused>
  /** Set for an agent that is talked with: standard input stays open until it has answered. */
  readonly conversation?: AcpConversation | undefined
  /** A fold that has seen nothing yet. */
  readonly decoding: Decoding
}

/** What made the codecs that are mill's own. By identity: a copy may have been changed. */
const factories = new WeakMap<object, string>()

/** The name of the function of `@mill/core` that made this very codec, if one did: called with its options, it makes another. */
export const findFactory = (codec: object): string | undefined => factories.get(codec)

/** Says of a codec of mill's own, whatever it is for, that `factory(options)` makes it. */
export const rememberFactory = <Made extends object>(factory: string, codec: Made): Made => {
  factories.set(codec, factory)
  return codec
}

/** A codec of mill's own, which `factory(options)` makes. */
export const builtInCodec = <State>(factory: string, definition: CodecDefinition<State>): Codec =>
  rememberFactory(factory, defineCodec(definition))

/** A codec from its definition; the type of its state stays its own affair. */
export const defineCodec = <State>(definition: CodecDefinition<State>): Codec => {
  const decodingFrom = (state: State): Decoding => ({
    decodeEvent: (line) => {
      const [next, events] = definition.decodeEvent(state, line)
      return [decodingFrom(next), events]
    },
    decodeFinal: (exit) => definition.decodeFinal(state, exit),
  })
  return {
    name: definition.name,
    modelFormat: definition.modelFormat,
    models: definition.models,
    ...(definition.listModels === undefined ? {} : { listModels: definition.listModels }),
    options: definition.options ?? {},
    ...(definition.problem === undefined ? {} : { problem: definition.problem }),
    resumes: definition.resumes ?? false,
    usageOfSession: definition.usageOfSession ?? false,
    encodeSpawn: definition.encodeSpawn,
    ...(definition.conversation === undefined ? {} : { conversation: definition.conversation }),
    decoding: decodingFrom(definition.initial),
  }
}
