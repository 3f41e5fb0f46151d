/** The discovery payload: the command line as data, beside what the engine discovers in this directory. */
import { Context, Effect, Option } from "effect"
import { CliOutput, Command, type HelpDoc } from "effect/cli"
import type {
  CommandLineDoc,
  DescribedCommand,
  DescribedFlag,
  Discovery,
} from "../domain/discovery.schema.ts"
import type { DiscoverOptions } from "../domain/engine.schema.ts"
import type { ConfigError, UsageError } from "../domain/error.schema.ts"
import type { Output } from "./output.ts"

/** An annotation of commands: what a command prints with `--json`, in the names of the payload's `records`. */
export const PrintsJson = Context.Reference<string | undefined>("mill/cli/PrintsJson", {
  defaultValue: () => undefined,
})

export type Discover = (
  options: DiscoverOptions,
) => Effect.Effect<Discovery, ConfigError | UsageError, Command.Environment | Output>

const describeFlag = ({ aliases, description, name, required, type }: HelpDoc.FlagDoc): DescribedFlag => ({
  name: `--${name}`,
  type,
  required,
  description: Option.getOrElse(description, () => ""),
  aliases,
})

export const describeGlobalFlags = (doc: HelpDoc.HelpDoc): ReadonlyArray<DescribedFlag> =>
  (doc.globalFlags ?? []).map(describeFlag)

export const describeCommand = (doc: HelpDoc.HelpDoc): DescribedCommand => ({
  description: doc.description,
  usage: doc.usage,
  arguments: (doc.args ?? []).map(({ description, name, required, type, variadic }) => ({
    name,
    type,
    required,
    description: Option.getOrElse(description, () => ""),
    variadic,
  })),
  flags: doc.flags.map(describeFlag),
  examples: (doc.examples ?? []).map(({ command, description = "" }) => ({ command, description })),
  json: Context.get(doc.annotations, PrintsJson),
})

/** Describes the listed commands. Their help has what `Completions.fromCommand` leaves out: usage and value names. */
const describeCommandLine = Effect.fnUntraced(function* <Name extends string, Input, ContextInput, E, R>(
  root: Command.Command<Name, Input, ContextInput, E, R>,
) {
  /** Asks a command for its help, as `--help` would print it. */
  const readHelp = Effect.fnUntraced(function* (...path: ReadonlyArray<string>) {
    const docs: Array<HelpDoc.HelpDoc> = []
    const collect = CliOutput.layerPresenter({
      present: (event) =>
        Effect.sync(() => {
          if (event._tag === "Help") docs.push(event.helpDoc)
        }),
    })
    const help = Command.runWith(root, { version: "" })([...path, "--help"])
    yield* Effect.ignore(Effect.provide(help, collect))
    return docs
  })
  const listed = root.subcommands.flatMap(({ commands }) => commands.filter(({ unlisted }) => !unlisted))
  const commands: Record<string, DescribedCommand> = {}
  for (const { name } of listed) {
    for (const doc of yield* readHelp(name)) commands[name] = describeCommand(doc)
  }
  const globalFlags = (yield* readHelp()).flatMap(describeGlobalFlags)
  return { commands, globalFlags } satisfies CommandLineDoc
})

/** What the engine discovers here. The engine is loaded on use: the help of a single command does not need it. */
export const discoverDirectory = Effect.fnUntraced(function* (options: DiscoverOptions) {
  const { createEngine } = yield* Effect.promise(() => import("../public/engine.api.ts"))
  // Discovery reads no runs, so it works without a home directory.
  const engine = yield* createEngine({ runsDir: "." })
  return yield* engine.discover(options)
}, Effect.scoped)

/** Makes the discovery of a command line. */
export const makeDiscover = <Name extends string, Input, ContextInput, E, R>(
  root: Command.Command<Name, Input, ContextInput, E, R>,
) =>
  Effect.fnUntraced(function* (options: DiscoverOptions) {
    const discovered = yield* discoverDirectory(options)
    return { ...discovered, ...(yield* describeCommandLine(root)) } satisfies Discovery
  })
