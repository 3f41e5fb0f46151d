/** `--completions <shell>`: Effect's completion script, extended by the global flags and by values that mill knows. */
import { Console, Effect, Option, Struct } from "effect"
import { Command, Completions, Flag, GlobalFlag } from "effect/cli"
import { builtInDrivers, builtInExecutors } from "../domain/config.schema.ts"

type Type = Completions.ArgumentType | Completions.FlagType

const oneOf = (values: ReadonlyArray<string>): Type => ({ _tag: "Choice", values })

/**
 * Suggestions for values that the parser accepts as any text. The script is static: it knows neither the drivers of a
 * configuration nor the ids of runs.
 */
const suggestions: Readonly<Record<string, Type>> = {
  "program.ts": { _tag: "Path", pathType: "file" },
  "runs-dir": { _tag: "Path", pathType: "directory" },
  driver: oneOf(builtInDrivers),
  executor: oneOf(builtInExecutors),
  run: oneOf(["last"]),
}

const suggestValues = <Parameter extends { readonly name: string; readonly type: Type }>(
  parameter: Parameter,
) => ({
  ...parameter,
  type: suggestions[parameter.name] ?? parameter.type,
})

/** Flags that are on by default, and so have a useful negation. */
const isOnByDefault = ({ name }: Completions.FlagDescriptor): boolean =>
  name === "color" || name === "confirm"

const completeFlag = (flag: Completions.FlagDescriptor) =>
  isOnByDefault(flag) ? suggestValues(flag) : { ...suggestValues(flag), negation: false as const }

const completeCommand = (
  descriptor: Completions.CommandDescriptor,
  globals: ReadonlyArray<Completions.FlagDescriptor>,
): Completions.CommandDescriptor => ({
  ...descriptor,
  flags: [...descriptor.flags, ...globals].map(completeFlag),
  arguments: descriptor.arguments.map(suggestValues),
  subcommands: descriptor.subcommands.map((command) => completeCommand(command, globals)),
})

const shells = { bash: true, zsh: true, fish: true }

/** Makes the flag. `others` are the global flags that the script completes after any command. */
export const makeCompletionsFlag = (others: Readonly<Record<string, Flag.Flag<unknown>>>) =>
  GlobalFlag.Action({
    flag: Flag.Literals("completions", Struct.keys(shells)).pipe(
      Flag.withDescription("Print a completion script for the given shell"),
      Flag.optional,
    ),
    run: Effect.fnUntraced(function* (shell, { command }) {
      if (Option.isNone(shell)) return
      const globals = Completions.fromCommand(Command.make("global", others)).flags
      const descriptor = completeCommand(Completions.fromCommand(command), globals)
      yield* Console.log(Completions.generate(command.name, shell.value, descriptor))
    }),
  })
