/** The configuration file of a test that uses its project's own: imports that one and adds the test's driver. */
import { Effect, Path } from "effect"
import { resolveWorkingDirectory } from "../platform/environment.effect.ts"

type Command = { readonly command: string; readonly args: ReadonlyArray<string> }

/**
 * Writes the text of the file. `config` and `cwd` are as the test passes them. The text resolves the paths of the project's
 * configuration from its own folder.
 */
export const writeTestConfig = Effect.fnUntraced(function* (
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
const resolvePaths = (all: any = {}) =>
  Object.fromEntries(
    Object.entries<any>(all).map(([name, { command, cwd, readable, ...rest }]) => [
      name,
      {
        ...rest,
        ...(command === undefined ? {} : { command: command.includes("/") ? from(command) : command }),
        ...(cwd === undefined ? {} : { cwd: from(cwd) }),
        ...(readable === undefined ? {} : { readable: readable.map(from) }),
      },
    ]),
  )

export default {
  ...project,
  defaultDriver: "test",
  executors: resolvePaths(project.executors),
  drivers: {
    ...resolvePaths(project.drivers),
    test: processDriver({ command: ${text(command)}, args: ${text(args)}, codec: jsonlCodec() }),
  },
}
`
})
