/**
 * Any command that answers in plain text. Its whole standard output, without the last line feed, is the answer, and an exit
 * without a signal is the end. The output of a command that exits with a code other than 0 is not an answer: it may be
 * an error message.
 *
 * Templates define the arguments and the standard input. In a template, `{agent}`, `{systemPrompt}`, `{prompt}` and
 * `{model}` stand for the fields of the spawn, and `{{` and `}}` for braces. Inserted values are data: they are not
 * expanded again, never pass through a shell and cannot become flags.
 *
 * Such a command reports no session, usage or tool calls, and cannot resume a conversation.
 */
import { Result, Schema } from "effect"
import { cutText } from "../domain/cut-text.ts"
import {
  type AgentCall,
  type AgentExit,
  type Codec,
  defineBuiltInCodec,
  type SpawnInput,
} from "../domain/driver.schema.ts"
import type { SpawnRefused } from "../domain/error.schema.ts"
import { checkArgument, checkText, makeSpawnEncoder, refuse } from "./call.codec.ts"
import { answerTooLong, appendText, explainOverlong } from "./line.codec.ts"

/** Templates of a command's arguments and standard input. */
export const TextOptions = Schema.Struct({
  /** Templates of arguments, added after the driver's own. Default: none. */
  args: Schema.optional(Schema.Array(Schema.String)),
  /**
   * Template of the standard input; none if empty. Default: `{systemPrompt}` and `{prompt}` with an empty line between
   * them, except those in an argument.
   */
  stdin: Schema.optional(Schema.String),
})
export type TextOptions = typeof TextOptions.Type

const fields = ["agent", "systemPrompt", "prompt", "model"] as const
type Field = (typeof fields)[number]
/** The fields of a spawn. The model is empty if no template uses it and the spawn has none. */
type Fields = Pick<SpawnInput, Exclude<Field, "model">> & { readonly model: string }
type Piece = { readonly literal: string } | { readonly field: Field }
type Template = { readonly name: string; readonly pieces: ReadonlyArray<Piece> }

const tokens = /\{\{|\}\}|\{[^{}]*\}|[{}]|[^{}]+/g

const parseTemplate = (name: string, template: string): Result.Result<Template, string> =>
  Result.map(
    Result.all(
      (template.match(tokens) ?? []).map((token) =>
        Result.mapError(parseToken(token), (problem) => `${name}: ${problem}`),
      ),
    ),
    (pieces) => ({ name, pieces }),
  )

const parseToken = (token: string): Result.Result<Piece, string> => {
  if (token === "{{" || token === "}}") return Result.succeed({ literal: token.slice(1) })
  if (token === "{" || token === "}")
    return Result.fail(`unmatched ${token}; write ${token}${token} for a literal ${token}`)
  if (!token.startsWith("{")) return Result.succeed({ literal: token })
  const field = fields.find((name) => token === `{${name}}`)
  return field === undefined
    ? Result.fail(
        `unknown field ${token}; available: ${fields.map((name) => `{${name}}`).join(", ")}; write {{ and }} for literal braces`,
      )
    : Result.succeed({ field })
}

type Templates = { readonly args: ReadonlyArray<Template>; readonly stdin: Template }

const parseTemplates = (options: TextOptions): Result.Result<Templates, string> =>
  Result.gen(function* () {
    const args = yield* Result.all(
      (options.args ?? []).map((template, index) => parseTemplate(`args[${index}]`, template)),
    )
    const used = new Set(
      args.flatMap(({ pieces }) => pieces.flatMap((piece) => ("field" in piece ? [piece.field] : []))),
    )
    const rest = (["systemPrompt", "prompt"] as const).filter((field) => !used.has(field))
    const stdin = options.stdin ?? rest.map((field) => `{${field}}`).join("\n\n")
    return { args, stdin: yield* parseTemplate("stdin", stdin) }
  })

const fill = ({ pieces }: Template, input: Fields): string =>
  pieces.map((piece) => ("field" in piece ? input[piece.field] : piece.literal)).join("")

const instead = "; pass it through stdin"

const fillArgument = (template: Template, input: Fields): Result.Result<string, SpawnRefused> =>
  Result.gen(function* () {
    for (const piece of template.pieces) {
      if ("field" in piece) yield* checkArgument(piece.field, input[piece.field], instead)
    }
    const argument = yield* checkArgument(template.name, fill(template, input), instead)
    const first = template.pieces[0]
    return first !== undefined && "field" in first && argument.startsWith("-")
      ? yield* refuse(
          `${first.field}: starts with a dash, so the agent would treat it as a flag; ` +
            `write --flag={${first.field}} in ${template.name}, or pass it through stdin`,
        )
      : argument
  })

const encodeSpawn =
  ({ args, stdin }: Templates) =>
  ({ model = "", ...spawn }: SpawnInput): Result.Result<AgentCall, SpawnRefused> =>
    Result.gen(function* () {
      const input = { ...spawn, model }
      const usesModel = ({ pieces }: Template) =>
        pieces.some((piece) => "field" in piece && piece.field === "model")
      if (model === "" && [...args, stdin].some(usesModel))
        return yield* refuse("model is missing; name one in mill.spawn, or set the driver's defaultModel")
      for (const piece of stdin.pieces) {
        if ("field" in piece) yield* checkText(piece.field, input[piece.field])
      }
      return {
        args: yield* Result.all(args.map((template) => fillArgument(template, input))),
        stdin: stdin.pieces.length === 0 ? undefined : fill(stdin, input),
      }
    })

type State = { readonly text: string; readonly lines: number; readonly cut: boolean }

/** Maximum length of the output that may explain a failure. */
const complaintLength = 8192

/** Whether the command has failed on its own. Exit codes above 128 stand for signals from outside. */
const hasFailed = ({ code = 0 }: AgentExit): boolean => code !== 0 && code <= 128

/** A codec for any command that prints its answer. */
export const textCodec = (options: TextOptions = {}): Codec =>
  defineBuiltInCodec<State>("textCodec", {
    name: "text",
    modelFormat: "any model name that the command accepts",
    models: [],
    ...makeSpawnEncoder("textCodec", TextOptions, options, (valid) =>
      Result.map(parseTemplates(valid), encodeSpawn),
    ),
    initial: { text: "", lines: 0, cut: false },
    decodeEvent: (state, line) => [
      { ...appendText(state, state.lines === 0 ? line : `\n${line}`), lines: state.lines + 1 },
      [],
    ],
    decodeFinal: ({ cut, text }, exit) => ({
      final: exit.code !== undefined,
      ...(hasFailed(exit) ? { text: "", complaint: cutText(text, complaintLength) } : { text }),
      // A dropped line is missing from the answer.
      errorMessage: exit.overlongLines > 0 ? explainOverlong(exit) : cut ? answerTooLong : undefined,
    }),
  })
