/**
 * `--completions <shell>`: Effect's own script, which knows a command's own flags, with what it leaves out: the flags
 * that may stand with every command, and which values are paths or names that are known.
 */
import { Console, Effect, Option, Struct } from "effect"
import { Command, Completions, Flag, GlobalFlag } from "effect/cli"
import { builtInDrivers, builtInExecutors } from "../domain/config.schema.ts"

type Type = Completions.ArgumentType | Completions.FlagType

const oneOf = (values: ReadonlyArray<string>): Type => ({ _tag: "Choice", values })

/**
 * What is offered for values that the parser takes as text, since what is wrong with them is for the engine to say. The
 * script is written once: it knows neither configurations nor runs.
 */
const offered: Readonly<Record<string, Type>> = {
  "program.ts": { _tag: "Path", pathType: "file" },
  "runs-dir": { _tag: "Path", pathType: "directory" },
  driver: oneOf(builtInDrivers),
  executor: oneOf(builtInExecutors),
  run: oneOf(["last"]),
}

const withOffer = <Parameter extends { readonly name: string; readonly type: Type }>(
  parameter: Parameter,
) => ({
  ...parameter,
  type: offered[parameter.name] ?? parameter.type,
})

/** What is on without being asked for; nobody would want to turn the others off. */
const isOn = ({ name }: Completions.FlagDescriptor): boolean => name === "color" || name === "confirm"

const withFlagOffer = (flag: Completions.FlagDescriptor) =>
  isOn(flag) ? withOffer(flag) : { ...withOffer(flag), negation: false as const }

const completed = (
  descriptor: Completions.CommandDescriptor,
  globals: ReadonlyArray<Completions.FlagDescriptor>,
): Completions.CommandDescriptor => ({
  ...descriptor,
  flags: [...descriptor.flags, ...globals].map(withFlagOffer),
  arguments: descriptor.arguments.map(withOffer),
  subcommands: descriptor.subcommands.map((command) => completed(command, globals)),
})

/** The shells that there are scripts for. */
const shells = { bash: true, zsh: true, fish: true }

/** The flag itself; `others` are the flags that it should know besides the commands' own. */
export const completionsFlag = (others: Readonly<Record<string, Flag.Flag<unknown>>>) =>
  GlobalFlag.Action({
    flag: Flag.Literals("completions", Struct.keys(shells)).pipe(
      Flag.withDescription("Print a script that completes mill's commands in this shell"),
      Flag.optional,
    ),
    run: Effect.fnUntraced(function* (shell, { command }) {
      if (Option.isNone(shell)) return
      const globals = Completions.fromCommand(Command.make("global", others)).flags
      const descriptor = completed(Completions.fromCommand(command), globals)
      yield* Console.log(Completions.generate(command.name, shell.value, descriptor))
    }),
  })
