/**
 * The encoding of calls, shared by all codecs. Every value reaches the agent unchanged, or the spawn is refused with a message
 * that names the field and the reason.
 */
import { Result, Schema } from "effect"
import { cutText } from "../domain/cut-text.ts"
import type { AgentCall, SpawnInput } from "../domain/driver.schema.ts"
import { SpawnRefused } from "../domain/error.schema.ts"
import { decodeUntrusted, formatProblem } from "../domain/untrusted.ts"

/** The longest argument that Linux accepts (`MAX_ARG_STRLEN`), in bytes without the closing NUL. */
const maxArgumentBytes = 131_071

/** Refuses a spawn that the agent cannot carry out. */
export const refuse = (message: string) => Result.fail(new SpawnRefused({ cause: "codec", message }))

type Encode<Input, Call> = (input: Input) => Result.Result<Call, SpawnRefused>

/** An encoder with its options. With invalid options it refuses every spawn, and `problem` gives the reason. */
export type Encoder<Options, Input, Call> = {
  readonly encode: Encode<Input, Call>
  /** The decoded options, if they are valid. */
  readonly valid?: Options | undefined
  readonly options?: Schema.Json | undefined
  readonly problem?: string | undefined
}

/** Makes an encoder from options, which come from a configuration that may not have been type-checked. */
export const makeEncoder = <Options, Input, Call>(
  name: string,
  schema: Schema.ConstraintDecoder<Options>,
  options: unknown,
  make: (options: Options) => Result.Result<Encode<Input, Call>, string>,
): Encoder<Options, Input, Call> =>
  decodeUntrusted(schema, { whole: "the argument" })(options).pipe(
    Result.mapError(formatProblem),
    Result.flatMap((valid) => Result.map(make(valid), (encode) => ({ encode, valid }))),
    Result.mapError((problem) => `${name}: ${problem}`),
    Result.match({
      onFailure: (problem) => ({ encode: () => refuse(problem), problem }),
      onSuccess: ({ encode, valid }) => ({ encode, valid, options: toJson(options) }),
    }),
  )

/** Like `makeEncoder`, but for command codecs. */
export const makeSpawnEncoder = <Options>(
  name: string,
  schema: Schema.ConstraintDecoder<Options>,
  options: unknown,
  make: (options: Options) => Result.Result<Encode<SpawnInput, AgentCall>, string>,
) => {
  const { encode: encodeSpawn, ...rest } = makeEncoder(name, schema, options, make)
  return { encodeSpawn, ...rest }
}

/** Options as JSON, without keys that are undefined. */
const toJson = (options: unknown): Schema.Json =>
  Result.getOrElse(Schema.decodeUnknownResult(OptionsText)(JSON.stringify(options)), () => ({}))

const OptionsText = Schema.fromJsonString(Schema.Json)

type Checked = Result.Result<string, SpawnRefused>

/** Checks a text that is passed through a pipe or a file. */
export const checkText = (field: string, text: string): Checked =>
  text.isWellFormed()
    ? Result.succeed(text)
    : refuse(`${field}: contains an unpaired surrogate, which cannot be encoded as UTF-8`)

/** Checks a text that must not be blank, since the agent trims white space. */
export const checkNotBlank = (field: string, text: string): Checked =>
  text.trim() === ""
    ? refuse(`${field}: must not be blank because the agent ignores whitespace`)
    : checkText(field, text)

/** Checks a text that becomes an argument or part of one. */
export const checkArgument = (field: string, argument: string, instead = ""): Checked => {
  if (argument.includes("\0")) {
    return refuse(
      `${field}: contains a NUL character, which is not allowed in a command-line argument${instead}`,
    )
  }
  const bytes = new TextEncoder().encode(argument).length
  return bytes > maxArgumentBytes
    ? refuse(
        `${field}: too long for a command-line argument (${bytes} bytes; the limit is ${maxArgumentBytes})${instead}`,
      )
    : checkText(field, argument)
}

/** Checks the name of a session, which must be neither a flag nor a path. */
export const checkSession = (sessionRef: string): Checked =>
  /^[A-Za-z0-9][\w.:-]{0,255}$/.test(sessionRef) && !sessionRef.endsWith(".jsonl")
    ? Result.succeed(sessionRef)
    : refuse(`sessionRef: ${JSON.stringify(cutText(sessionRef, 60))} is not a valid session name`)

/** Checks the spawn of an agent that takes its model as an optional argument. `file` is the path for a system prompt in a file. */
export const checkCall = (input: SpawnInput) =>
  Result.gen(function* () {
    const prompt = yield* checkNotBlank("prompt", input.prompt)
    const systemPrompt = yield* checkNotBlank("systemPrompt", input.systemPrompt)
    const model = input.model === undefined ? undefined : yield* checkArgument("model", input.model)
    return { prompt, systemPrompt, model, file: `${input.scratchDir}/system-prompt.txt` }
  })
