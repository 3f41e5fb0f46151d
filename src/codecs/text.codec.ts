/**
 * Any command that answers in plain text: all of its standard output is the answer, without the line feed at its end,
 * and it has finished when it has exited by itself.
 *
 * What it is given is told by templates, of its arguments and of its standard input. In a template `{agent}`,
 * `{systemPrompt}`, `{prompt}` and `{model}` stand for the fields of the spawn, and `{{` and `}}` for braces. What is
 * put in is data: it is not looked at again, it never passes a shell, and it cannot become a flag.
 *
 * Such a command tells no session, no usage and no tool calls, and goes on with no earlier conversation.
 */
import { Result, Schema } from "effect"
import { type AgentCall, type Codec, defineBuiltInCodec, type SpawnInput } from "../domain/driver.schema.ts"
import type { SpawnRefused } from "../domain/error.schema.ts"
import { checkArgument, checkText, encoderWith, refuse } from "./call.codec.ts"
import { addText, answerTooLong, maxAnswerLength, outcomeOf, overlong } from "./line.codec.ts"

/** How a command is to be called. */
export const TextOptions = Schema.Struct({
  /** Templates of the arguments, which follow the driver's own. Default: none. */
  args: Schema.optional(Schema.Array(Schema.String)),
  /**
   * Template of the standard input; none when empty. Default: what no argument holds of `{systemPrompt}` and `{prompt}`,
   * with an empty line between the two.
   */
  stdin: Schema.optional(Schema.String),
})
export type TextOptions = typeof TextOptions.Type

const fields = ["agent", "systemPrompt", "prompt", "model"] as const
type Field = (typeof fields)[number]
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
    return Result.fail(`a single ${token}; write ${token}${token} for the character itself`)
  if (!token.startsWith("{")) return Result.succeed({ literal: token })
  const field = fields.find((name) => token === `{${name}}`)
  return field === undefined
    ? Result.fail(
        `${token} is none of ${fields.map((name) => `{${name}}`).join(", ")}; write {{ and }} for braces`,
      )
    : Result.succeed({ field })
}

type Templates = { readonly args: ReadonlyArray<Template>; readonly stdin: Template }

const parseTemplates = (options: TextOptions): Result.Result<Templates, string> =>
  Result.gen(function* () {
    const args = yield* Result.all(
      (options.args ?? []).map((template, index) => parseTemplate(`args[${index}]`, template)),
    )
    const held = new Set(
      args.flatMap(({ pieces }) => pieces.flatMap((piece) => ("field" in piece ? [piece.field] : []))),
    )
    const rest = (["systemPrompt", "prompt"] as const).filter((field) => !held.has(field))
    const stdin = options.stdin ?? rest.map((field) => `{${field}}`).join("\n\n")
    return { args, stdin: yield* parseTemplate("stdin", stdin) }
  })

const fill = ({ pieces }: Template, input: SpawnInput): string =>
  pieces.map((piece) => ("field" in piece ? input[piece.field] : piece.literal)).join("")

const instead = "; pass it by stdin"

const fillArgument = (template: Template, input: SpawnInput): Result.Result<string, SpawnRefused> =>
  Result.gen(function* () {
    for (const piece of template.pieces) {
      if ("field" in piece) yield* checkArgument(piece.field, input[piece.field], instead)
    }
    const argument = yield* checkArgument(template.name, fill(template, input), instead)
    const first = template.pieces[0]
    return first !== undefined && "field" in first && argument.startsWith("-")
      ? yield* refuse(
          `${first.field}: it begins with a dash, so that the agent would take it for a flag; ` +
            `write --flag={${first.field}} in ${template.name}, or pass it by stdin`,
        )
      : argument
  })

const encodeSpawn =
  ({ args, stdin }: Templates) =>
  (input: SpawnInput): Result.Result<AgentCall, SpawnRefused> =>
    Result.gen(function* () {
      for (const piece of stdin.pieces) {
        if ("field" in piece) yield* checkText(piece.field, input[piece.field])
      }
      return {
        args: yield* Result.all(args.map((template) => fillArgument(template, input))),
        ...(stdin.pieces.length === 0 ? {} : { stdin: fill(stdin, input) }),
      }
    })

type State = { readonly text: string; readonly lines: number; readonly cut: boolean }

/** Speaks to any command that prints its answer. */
export const textCodec = (options: TextOptions = {}): Codec =>
  defineBuiltInCodec<State>("textCodec", {
    name: "text",
    modelFormat: "whatever the command takes",
    models: [],
    ...encoderWith("textCodec", TextOptions, options, (valid) =>
      Result.map(parseTemplates(valid), encodeSpawn),
    ),
    initial: { text: "", lines: 0, cut: false },
    decodeEvent: ({ cut, lines, text }, line) => {
      const more = lines === 0 ? line : `\n${line}`
      return [
        {
          text: addText(text, more),
          lines: lines + 1,
          cut: cut || text.length + more.length > maxAnswerLength,
        },
        [],
      ]
    },
    decodeFinal: ({ cut, text }, exit) =>
      outcomeOf({
        final: exit.code !== undefined,
        text,
        // The answer has a hole where a line was dropped.
        errorMessage: exit.overlongLines > 0 ? overlong(exit) : cut ? answerTooLong : undefined,
      }),
  })
