/**
 * Codex, headless: `codex exec --json` (@openai/codex 0.169.0; events as in its `exec_events.rs`).
 *
 * The prompt is passed on standard input (`-`), the model, if there is one, as `--model=`. A driver's `args` come before `exec`, where codex
 * takes its global flags (`-c`, `--profile`, `--enable`, `--disable`, …); flags of `exec` go into `execArgs`.
 *
 * The system prompt is added to codex's own instructions as `developer_instructions`, since those explain how to use
 * its tools. That is one argument, so it is limited to about 128 KiB and visible in lists of processes. With
 * `systemPrompt: "replace"` a file of any length replaces codex's own instructions; codex trims it at both ends.
 *
 * `exec … resume ID` resumes a thread, which keeps its id and its first instructions. codex reports the usage of all turns of
 * the thread.
 *
 * Lines: `thread.started` (`thread_id`), `item.started` and `item.completed` (tools, and `agent_message`, of which the
 * last is the answer), `error` (a retry, or the error that `turn.failed` then repeats), `turn.completed` (`usage`) or
 * `turn.failed`. An item of type `error` is only a warning. codex reports neither model, cost nor stop reason. Its input tokens
 * include cached tokens, which are subtracted here, as for the other agents.
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
import { checkArgument, checkCall, checkSession, makeSpawnEncoder } from "./call.codec.ts"
import { type Item, ItemLine, readToolCall } from "./codex-item.codec.ts"
import {
  addUsage,
  Amount,
  foldTypedLines,
  applyDecoded,
  ifValid,
  makeMilestone,
  explainOverlong,
  type Step,
  keepErrorUnlessKilled,
  recordSession,
} from "./line.codec.ts"

/** Options of codex. Pass everything else in the driver's `args` or in `execArgs`. */
export const CodexOptions = Schema.Struct({
  /** The sandbox of codex's commands. Default: codex's own, `read-only` unless configured otherwise. */
  sandbox: Schema.optional(Schema.Literals(["danger-full-access", "read-only", "workspace-write"])),
  /** Whether the system prompt is appended to codex's own instructions (the default) or replaces them. */
  systemPrompt: Schema.optional(Schema.Literals(["append", "replace"])),
  /** Flags that `codex exec` takes and `codex` does not, for example `["--ephemeral"]`. */
  execArgs: Schema.optional(Schema.Array(Schema.String)),
})
export type CodexOptions = typeof CodexOptions.Type

/** Formats a basic string of TOML. Its escapes are a superset of JSON's, and DEL must be escaped too. */
const formatTomlString = (text: string): string => JSON.stringify(text).replaceAll("\u007f", "\\u007f")

const tooLong =
  '; use codexCodec({ systemPrompt: "replace" }), which replaces codex\'s own system prompt and has no limit'

const encodeSpawn = (options: CodexOptions) => (input: SpawnInput) =>
  Result.gen(function* () {
    const { file, model, prompt, systemPrompt } = yield* checkCall(input)
    const replaces = options.systemPrompt === "replace"
    const instructions = replaces
      ? `model_instructions_file=${formatTomlString(file)}`
      : yield* checkArgument(
          "systemPrompt",
          `developer_instructions=${formatTomlString(systemPrompt)}`,
          tooLong,
        )
    return {
      args: [
        "exec",
        "--json",
        "--skip-git-repo-check",
        ...(model === undefined ? [] : [`--model=${model}`]),
        ...(options.sandbox === undefined ? [] : [`--sandbox=${options.sandbox}`]),
        "-c",
        instructions,
        ...(options.execArgs ?? []),
        ...(input.sessionRef === undefined ? [] : ["resume", yield* checkSession(input.sessionRef)]),
        "-",
      ],
      stdin: prompt,
      files: replaces ? { [file]: systemPrompt } : undefined,
    }
  })

const ErrorLine = Schema.Struct({ message: Schema.NonEmptyString })

const CompletedLine = Schema.Struct({
  usage: ifValid(
    Schema.Struct({
      input_tokens: Amount,
      output_tokens: Amount,
      cached_input_tokens: ifValid(Amount),
      cache_write_input_tokens: ifValid(Amount),
    }),
  ),
})

const decodeThread = Schema.decodeUnknownOption(Schema.Struct({ thread_id: Schema.NonEmptyString }))
const decodeItem = Schema.decodeUnknownOption(ItemLine)
const decodeError = Schema.decodeUnknownOption(ErrorLine)
const decodeCompleted = Schema.decodeUnknownOption(CompletedLine)
const decodeFailed = Schema.decodeUnknownOption(Schema.Struct({ error: ifValid(ErrorLine) }))

type State = {
  readonly sessionRef?: string | undefined
  /** codex's last message. */
  readonly text: string
  /** The ids of tool calls that were reported and have not ended. */
  readonly open: HashSet.HashSet<string>
  /** The last error, if nothing has followed it. */
  readonly lastError?: string | undefined
  /** How the turn ended. */
  readonly end?:
    | { readonly errorMessage?: string | undefined; readonly usage?: Usage | undefined }
    | undefined
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

const decodeEvent = foldTypedLines<State>(wanted, (state, { type, value }) => {
  switch (type) {
    case "thread.started":
      return applyDecoded(state, decodeThread(value), ({ thread_id: id }) => recordSession(state, id))
    case "item.started":
    case "item.completed":
      return applyDecoded(state, decodeItem(value), ({ item }) =>
        onItem(clearEnd(state), item, type === "item.completed"),
      )
    case "error":
      return applyDecoded(state, decodeError(value), ({ message }) =>
        // Without a network, codex repeats the same line forever.
        message === state.lastError
          ? [state, []]
          : [{ ...state, lastError: message }, makeMilestone(message)],
      )
    case "turn.completed":
      return applyDecoded(state, decodeCompleted(value), ({ usage }) => [
        { ...clearEnd(state), end: { usage: usage && addUsage(undefined, readTurnUsage(usage)) } },
        [],
      ])
    case "turn.failed":
      return applyDecoded(state, decodeFailed(value), ({ error }) => {
        const errorMessage = error?.message || state.lastError || "codex reported an error without details"
        return [{ ...state, end: { errorMessage } }, []]
      })
    default:
      return [clearEnd(state), []]
  }
})

/** If anything follows an error, codex has overcome it. */
const clearEnd = (state: State): State =>
  state.lastError === undefined && state.end === undefined
    ? state
    : { ...state, end: undefined, lastError: undefined }

const onItem = (state: State, item: Item, completed: boolean): Step<State> => {
  if (item.type === "agent_message") return [completed ? { ...state, text: item.text ?? "" } : state, []]
  if (item.type === "error") return [state, completed ? makeMilestone(item.message ?? "") : []]
  const { id = "" } = item
  if (completed && HashSet.has(state.open, id)) {
    return [{ ...state, open: HashSet.remove(state.open, id) }, []]
  }
  const call = readToolCall(item, completed)
  if (call === undefined) return [state, []]
  return [completed ? state : { ...state, open: HashSet.add(state.open, id) }, [call]]
}

const readTurnUsage = (usage: NonNullable<(typeof CompletedLine.Type)["usage"]>): Usage => {
  const { cache_write_input_tokens: cacheWriteTokens, cached_input_tokens: cacheReadTokens } = usage
  return {
    inputTokens: Math.max(0, usage.input_tokens - (cacheReadTokens ?? 0)),
    outputTokens: usage.output_tokens,
    cacheReadTokens,
    cacheWriteTokens,
  }
}

const decodeFinal = (state: State, exit: AgentExit): AgentOutcome => {
  const { end, lastError, open, sessionRef, text } = state
  if (end === undefined) {
    return { final: false, text, sessionRef, errorMessage: keepErrorUnlessKilled(exit, lastError) }
  }
  // Each tool call that never ended accounts for one dropped line; any other may have been the answer.
  const lost = exit.overlongLines > HashSet.size(open) ? explainOverlong(exit) : undefined
  return {
    final: true,
    text,
    sessionRef,
    errorMessage: end.errorMessage ?? lost,
    usage: end.usage,
    usageOfSession: end.usage === undefined ? undefined : true,
  }
}

/** A codec for Codex: `processDriver({ command: "codex", codec: codexCodec() })`. */
export const codexCodec = (options: CodexOptions = {}): Codec =>
  defineBuiltInCodec<State>("codexCodec", {
    name: "codex",
    modelFormat: "a model name, such as gpt-6.1-sol",
    models: ["gpt-6.1-sol", "gpt-6.1-terra", "gpt-6-astra", "gpt-6-sol", "gpt-6-luna"],
    ...makeSpawnEncoder("codexCodec", CodexOptions, options, (valid) => Result.succeed(encodeSpawn(valid))),
    resumes: true,
    initial: { text: "", open: HashSet.empty() },
    decodeEvent,
    decodeFinal,
  })
