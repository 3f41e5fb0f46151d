/** A project's configuration file with the agents of a test: a file that imports it and adds the test's driver. */
import { Effect, Path } from "effect"
import { resolveWorkingDirectory } from "../platform/environment.effect.ts"

type Command = { readonly command: string; readonly args: ReadonlyArray<string> }

/** The text of the file; `config` and `cwd` are as the test gives them. What the project says of paths stays meant from its folder. */
export const withTestDriver = Effect.fnUntraced(function* (
  config: string,
  cwd: string | undefined,
  { args, command }: Command,
) {
  const { dirname, resolve } = yield* Path.Path
  const path = resolve(yield* resolveWorkingDirectory({ cwd }), config)
  const text = (value: unknown) => JSON.stringify(value)
  return `import { jsonlCodec, processDriver } from "@mill/core"
import { resolve } from "node:path"
import project from ${text(path)}

const from = (path: string) => resolve(${text(dirname(path))}, path)
const command = (name: string) => (name.includes("/") ? from(name) : name)
const placed = (all: any = {}) =>
  Object.fromEntries(
    Object.entries<any>(all).map(([name, one]) => [
      name,
      {
        ...one,
        ...(one.command === undefined ? {} : { command: command(one.command) }),
        ...(one.cwd === undefined ? {} : { cwd: from(one.cwd) }),
        ...(one.readable === undefined ? {} : { readable: one.readable.map(from) }),
      },
    ]),
  )

export default {
  ...project,
  defaultDriver: "test",
  executors: placed(project.executors),
  drivers: {
    ...placed(project.drivers),
    test: processDriver({ command: ${text(command)}, args: ${text(args)}, codec: jsonlCodec() }),
  },
}
`
})
