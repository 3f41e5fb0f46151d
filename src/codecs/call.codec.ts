/**
 * What the codecs share in encoding calls. Every value arrives at the agent exactly as it was given, or the spawn is
 * refused with a message that names the field and says why.
 */
import { Result, Schema } from "effect"
import type { AgentCall, SpawnInput } from "../domain/driver.schema.ts"
import { SpawnRefused } from "../domain/error.schema.ts"
import { decodeUntrusted, formatProblem } from "../domain/untrusted.ts"

/** The longest argument that Linux takes (`MAX_ARG_STRLEN`), in bytes without its closing NUL. */
export const maxArgumentBytes = 131_071

/** Says that a spawn cannot be asked of this agent, and why. */
export const refuse = (message: string) => Result.fail(new SpawnRefused({ cause: "codec", message }))

type Encode<Input, Call> = (input: Input) => Result.Result<Call, SpawnRefused>

/** What options make of an encoder; with bad ones it refuses every spawn, and `problem` says why. */
export type Optioned<Input, Call> = {
  readonly encode: Encode<Input, Call>
  readonly options?: Schema.Json | undefined
  readonly problem?: string | undefined
}

/** An encoder with options, which come from a configuration that nobody may have type-checked. */
export const withOptions = <Options, Input, Call>(
  name: string,
  schema: Schema.ConstraintDecoder<Options>,
  options: unknown,
  make: (options: Options) => Result.Result<Encode<Input, Call>, string>,
): Optioned<Input, Call> =>
  decodeUntrusted(schema, { whole: "its argument" })(options).pipe(
    Result.mapError(formatProblem),
    Result.flatMap(make),
    Result.mapError((problem) => `${name}: ${problem}`),
    Result.match({
      onFailure: (problem) => ({ encode: () => refuse(problem), problem }),
      onSuccess: (encode) => ({ encode, options: asJson(options) }),
    }),
  )

/** The same, for the codec of a command. */
export const encoderWith = <Options>(
  name: string,
  schema: Schema.ConstraintDecoder<Options>,
  options: unknown,
  make: (options: Options) => Result.Result<Encode<SpawnInput, AgentCall>, string>,
) => {
  const { encode: encodeSpawn, ...rest } = withOptions(name, schema, options, make)
  return { encodeSpawn, ...rest }
}

/** Without the keys that are undefined. */
const asJson = (options: unknown): Schema.Json =>
  Result.getOrElse(Schema.decodeUnknownResult(OptionsText)(JSON.stringify(options)), () => ({}))

const OptionsText = Schema.fromJsonString(Schema.Json)

type Checked = Result.Result<string, SpawnRefused>

/** The bytes of a text in UTF-8. */
export const utf8Length = (text: string): number => new TextEncoder().encode(text).length

/** A text that goes through a pipe or a file. */
export const checkText = (field: string, text: string): Checked =>
  text.isWellFormed()
    ? Result.succeed(text)
    : refuse(`${field}: it holds half of a surrogate pair, which UTF-8 cannot carry`)

/** A text that an agent would take for no text at all, since it cuts white space off. */
export const checkNotBlank = (field: string, text: string): Checked =>
  text.trim() === ""
    ? refuse(`${field}: it is nothing but white space, which the agent takes for nothing`)
    : checkText(field, text)

/** A text that is or becomes part of one argument. */
export const checkArgument = (field: string, argument: string, instead = ""): Checked => {
  if (argument.includes("\0")) {
    return refuse(`${field}: it holds a NUL character, which no command-line argument can${instead}`)
  }
  const bytes = utf8Length(argument)
  return bytes > maxArgumentBytes
    ? refuse(
        `${field}: ${bytes} bytes are too long for a command-line argument (at most ${maxArgumentBytes})${instead}`,
      )
    : checkText(field, argument)
}

/** The name of a conversation, which can be neither a flag nor a path. */
export const checkSession = (sessionRef: string): Checked =>
  /^[A-Za-z0-9][\w.:-]{0,255}$/.test(sessionRef) && !sessionRef.endsWith(".jsonl")
    ? Result.succeed(sessionRef)
    : refuse(`sessionRef: ${JSON.stringify(sessionRef.slice(0, 60))} is not the name of a session`)

/** Where a spawn's system prompt lies for an agent that reads it from a file. */
export const systemPromptFile = (input: SpawnInput): string => `${input.scratchDir}/system-prompt.txt`
