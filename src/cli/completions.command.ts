/**
 * `--completions <shell>`: Effect's own script, which knows a command's own flags, with what it leaves out: the flags
 * that may stand with every command, and which values are paths.
 */
import { Console, Effect, Option } from "effect"
import { Command, Completions, type Flag, GlobalFlag } from "effect/cli"

/** What takes a path. The parser takes these as text, since what is wrong with them is for the engine to say. */
const paths: Readonly<Record<string, "file" | "directory">> = {
  "program.ts": "file",
  "runs-dir": "directory",
}

const withPath = <
  Parameter extends { readonly name: string; readonly type: Completions.ArgumentType | Completions.FlagType },
>(
  parameter: Parameter,
) => {
  const pathType = paths[parameter.name]
  return pathType === undefined ? parameter : { ...parameter, type: { _tag: "Path" as const, pathType } }
}

const completed = (
  descriptor: Completions.CommandDescriptor,
  globals: ReadonlyArray<Completions.FlagDescriptor>,
): Completions.CommandDescriptor => ({
  ...descriptor,
  flags: [...descriptor.flags, ...globals].map(withPath),
  arguments: descriptor.arguments.map(withPath),
  subcommands: descriptor.subcommands.map((command) => completed(command, globals)),
})

/** Whether nobody would want to turn it off, since it is off. */
const isOff = ({ name }: Completions.FlagDescriptor): boolean => name === "help" || name === "json"

/** The flag itself; `others` are the flags that it should know besides the commands' own. */
export const completionsFlag = (others: Readonly<Record<string, Flag.Flag<unknown>>>) =>
  GlobalFlag.Action({
    flag: GlobalFlag.Completions.flag,
    run: Effect.fnUntraced(function* (shell, { command }) {
      if (Option.isNone(shell)) return
      const { flags } = Completions.fromCommand(Command.make("global", others))
      const globals = flags.map((flag) => (isOff(flag) ? { ...flag, negation: false as const } : flag))
      const descriptor = completed(Completions.fromCommand(command), globals)
      yield* Console.log(Completions.generate(command.name, shell.value, descriptor))
    }),
  })
