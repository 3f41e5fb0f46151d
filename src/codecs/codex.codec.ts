/**
 * Codex, headless: `codex exec --json` (@openai/codex 0.169.0; events as in its `exec_events.rs`).
 *
 * The prompt goes by standard input (`-`), the model by `--model=`. A driver's `args` come before `exec`, where codex
 * takes its global flags (`-c`, `--profile`, `--enable`, `--disable`, …); what only `exec` takes goes into `execArgs`.
 *
 * The system prompt is added to codex's own instructions, as `developer_instructions`, for those say how its tools are
 * to be used. That is one argument, so it may be about 128 KiB long and can be seen in a list of processes. With
 * `systemPrompt: "replace"` it goes by a file of any length, takes the place of codex's own instructions, and is trimmed
 * by codex at both ends.
 *
 * `exec … resume ID` goes on with a thread, which keeps its id and its first instructions. The usage that codex then tells is that of all the turns
 * of the thread, so that it says nothing about the spawn.
 *
 * Lines: `thread.started` (`thread_id`), `item.started` and `item.completed` (tools, and `agent_message`, of which the
 * last is the answer), `error` (a retry, or what `turn.failed` then repeats), `turn.completed` (`usage`) or
 * `turn.failed`. An item of the type `error` is only a warning. Codex tells neither cost nor stop reason. It counts
 * cached tokens among its input tokens; here they are told apart, as the other agents do.
 */
import { HashSet, Result, Schema } from "effect"
import {
  type AgentExit,
  type AgentOutcome,
  type Codec,
  defineBuiltInCodec,
  type SpawnInput,
} from "../domain/driver.schema.ts"
import type { Usage } from "../domain/spawn.schema.ts"
import { checkArgument, checkNotBlank, checkSession, encoderWith, systemPromptFile } from "./call.codec.ts"
import { type Item, ItemLine, toolCallOf } from "./codex-item.codec.ts"
import {
  foldTyped,
  ifDecoded,
  ifValid,
  milestone,
  outcomeOf,
  overlong,
  type Step,
  unlessEnded,
  withSession,
} from "./line.codec.ts"

/** What can be chosen about codex. Everything else goes into the driver's `args`, or into `execArgs`. */
export const CodexOptions = Schema.Struct({
  /** What the commands that codex runs may touch. Default: codex's own, `read-only` unless configured otherwise. */
  sandbox: Schema.optional(Schema.Literals(["danger-full-access", "read-only", "workspace-write"])),
  /** Whether the system prompt follows codex's own instructions (the default), or takes their place. */
  systemPrompt: Schema.optional(Schema.Literals(["append", "replace"])),
  /** Flags that `codex exec` takes and `codex` does not, for example `["--ephemeral"]`. */
  execArgs: Schema.optional(Schema.Array(Schema.String)),
})
export type CodexOptions = typeof CodexOptions.Type

/** A basic string of TOML. Its escapes are a superset of JSON's, and DEL must be escaped too. */
const tomlString = (text: string): string => JSON.stringify(text).replaceAll("\u007f", "\\u007f")

const tooLong =
  '; codexCodec({ systemPrompt: "replace" }) passes a system prompt of any length, in place of codex\'s own'

const encodeSpawn = (options: CodexOptions) => (input: SpawnInput) =>
  Result.gen(function* () {
    const prompt = yield* checkNotBlank("prompt", input.prompt)
    const systemPrompt = yield* checkNotBlank("systemPrompt", input.systemPrompt)
    const model = yield* checkArgument("model", input.model)
    const file = systemPromptFile(input)
    const replaces = options.systemPrompt === "replace"
    const instructions = replaces
      ? `model_instructions_file=${tomlString(file)}`
      : yield* checkArgument("systemPrompt", `developer_instructions=${tomlString(systemPrompt)}`, tooLong)
    return {
      args: [
        "exec",
        "--json",
        "--skip-git-repo-check",
        `--model=${model}`,
        ...(options.sandbox === undefined ? [] : [`--sandbox=${options.sandbox}`]),
        "-c",
        instructions,
        ...(options.execArgs ?? []),
        ...(input.sessionRef === undefined ? [] : ["resume", yield* checkSession(input.sessionRef)]),
        "-",
      ],
      stdin: prompt,
      ...(replaces ? { files: { [file]: systemPrompt } } : {}),
    }
  })

const ThreadLine = Schema.Struct({ thread_id: Schema.NonEmptyString })

const ErrorLine = Schema.Struct({ message: Schema.NonEmptyString })

const CompletedLine = Schema.Struct({
  usage: ifValid(
    Schema.Struct({
      input_tokens: Schema.Finite,
      output_tokens: Schema.Finite,
      cached_input_tokens: ifValid(Schema.Finite),
      cache_write_input_tokens: ifValid(Schema.Finite),
    }),
  ),
})

const FailedLine = Schema.Struct({ error: ifValid(ErrorLine) })

const decodeThread = Schema.decodeUnknownOption(ThreadLine)
const decodeItem = Schema.decodeUnknownOption(ItemLine)
const decodeError = Schema.decodeUnknownOption(ErrorLine)
const decodeCompleted = Schema.decodeUnknownOption(CompletedLine)
const decodeFailed = Schema.decodeUnknownOption(FailedLine)

type State = {
  readonly sessionRef?: string | undefined
  /** What codex said last. */
  readonly text: string
  /** The ids of the tool calls that have been told and have not ended. */
  readonly open: HashSet.HashSet<string>
  /** The last error it told, if nothing came after it. */
  readonly lastError?: string | undefined
  /** How the turn ended. */
  readonly end?: { readonly errorMessage?: string | undefined; readonly usage?: Usage }
}

const wanted: ReadonlySet<string> = new Set([
  "thread.started",
  "turn.started",
  "item.started",
  "item.completed",
  "error",
  "turn.completed",
  "turn.failed",
])

const decodeEvent = foldTyped<State>(wanted, (state, { type, value }) => {
  switch (type) {
    case "thread.started":
      return ifDecoded(state, decodeThread(value), ({ thread_id: id }) => withSession(state, id))
    case "item.started":
    case "item.completed":
      return ifDecoded(state, decodeItem(value), ({ item }) =>
        onItem(goingOn(state), item, type === "item.completed"),
      )
    case "error":
      return ifDecoded(state, decodeError(value), ({ message }) =>
        // Without a network the same line comes again and again, for ever.
        message === state.lastError ? [state, []] : [{ ...state, lastError: message }, milestone(message)],
      )
    case "turn.completed":
      return ifDecoded(state, decodeCompleted(value), ({ usage }) => [
        { ...goingOn(state), end: usage === undefined ? {} : { usage: usageOf(usage) } },
        [],
      ])
    case "turn.failed":
      return ifDecoded(state, decodeFailed(value), ({ error }) => {
        const errorMessage =
          error?.message || state.lastError || "codex reported a failure without saying which"
        return [{ ...state, end: { errorMessage } }, []]
      })
    default:
      return [goingOn(state), []]
  }
})

/** An error after which something else comes has been overcome. */
const goingOn = (state: State): State => {
  if (state.lastError === undefined && state.end === undefined) return state
  const { end: _, lastError: __, ...rest } = state
  return rest
}

const onItem = (state: State, item: Item, completed: boolean): Step<State> => {
  if (item.type === "agent_message") return [completed ? { ...state, text: item.text ?? "" } : state, []]
  if (item.type === "error") return [state, completed ? milestone(item.message ?? "") : []]
  if (completed && HashSet.has(state.open, item.id)) {
    return [{ ...state, open: HashSet.remove(state.open, item.id) }, []]
  }
  const call = toolCallOf(item, completed)
  if (call === undefined) return [state, []]
  return [completed ? state : { ...state, open: HashSet.add(state.open, item.id) }, [call]]
}

const usageOf = (usage: NonNullable<(typeof CompletedLine.Type)["usage"]>): Usage => {
  const { cache_write_input_tokens: cacheWriteTokens, cached_input_tokens: cacheReadTokens } = usage
  return {
    inputTokens: Math.max(0, usage.input_tokens - (cacheReadTokens ?? 0)),
    outputTokens: usage.output_tokens,
    ...(cacheReadTokens === undefined ? {} : { cacheReadTokens }),
    ...(cacheWriteTokens === undefined ? {} : { cacheWriteTokens }),
  }
}

const decodeFinal = (state: State, exit: AgentExit): AgentOutcome => {
  const { end, lastError, open, sessionRef, text } = state
  if (end === undefined) {
    return outcomeOf({ final: false, text, sessionRef, errorMessage: unlessEnded(exit, lastError) })
  }
  // A tool call that never ended accounts for one line that was dropped; another one may have been the answer.
  const lost = exit.overlongLines > HashSet.size(open) ? overlong(exit) : undefined
  return outcomeOf({
    final: true,
    text,
    sessionRef,
    errorMessage: end.errorMessage ?? lost,
    usage: end.usage,
  })
}

/** Speaks to Codex. `processDriver({ command: "codex", codec: codexCodec() })` needs nothing else. */
export const codexCodec = (options: CodexOptions = {}): Codec =>
  defineBuiltInCodec<State>("codexCodec", {
    name: "codex",
    modelFormat: "a model's name (gpt-6.1-sol)",
    models: ["gpt-6.1-sol", "gpt-6.1-terra", "gpt-6-astra", "gpt-6-sol", "gpt-6-luna"],
    ...encoderWith("codexCodec", CodexOptions, options, (valid) => Result.succeed(encodeSpawn(valid))),
    resumes: true,
    usageOfSession: true,
    initial: { text: "", open: HashSet.empty() },
    decodeEvent,
    decodeFinal,
  })
