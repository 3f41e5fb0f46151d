/** The command line as data, from the commands' own help, and the discovery payload that it is a part of. */
import { Context, Effect, Option } from "effect"
import { CliOutput, Command, type HelpDoc } from "effect/cli"
import type {
  CommandLineDoc,
  DescribedCommand,
  DescribedFlag,
  Discovery,
} from "../domain/discovery.schema.ts"
import type { ConfigError, UsageError } from "../domain/error.schema.ts"

/** What a command prints with `--json`: an annotation, in the words of the payload's `records`. */
export const PrintsJson = Context.Reference<string | undefined>("mill/cli/PrintsJson", {
  defaultValue: () => undefined,
})

/** What there is to discover; a command may ask for it without knowing the others. */
export class Discover extends Context.Service<
  Discover,
  {
    /** The payload. `askAgent`: also which models the default driver's agent has. */
    readonly discovery: (options: {
      readonly askAgent: boolean
    }) => Effect.Effect<Discovery, ConfigError | UsageError>
  }
>()("mill/cli/Discover") {}

const describeFlag = ({ aliases, description, name, required, type }: HelpDoc.FlagDoc): DescribedFlag => ({
  name: `--${name}`,
  type,
  required,
  description: Option.getOrElse(description, () => ""),
  aliases,
})

/** A command's help as data. */
export const describeCommand = (doc: HelpDoc.HelpDoc): DescribedCommand => {
  const json = Context.get(doc.annotations, PrintsJson)
  return {
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
    ...(json === undefined ? {} : { json }),
  }
}

/** The flags that may stand with any command. */
export const globalFlags = (doc: HelpDoc.HelpDoc): ReadonlyArray<DescribedFlag> =>
  (doc.globalFlags ?? []).map(describeFlag)

/** The names of the commands that help tells of. */
const commandNames = ({ subcommands = [] }: HelpDoc.HelpDoc): ReadonlyArray<string> =>
  subcommands.flatMap(({ commands }) => commands.map(({ name }) => name))

/** Asks each command for its help, as `--help` would print it. */
export const describeCommandLine = Effect.fnUntraced(function* <
  Name extends string,
  Input,
  ContextInput,
  E,
  R,
>(root: Command.Command<Name, Input, ContextInput, E, R>) {
  const helpOf = Effect.fnUntraced(function* (path: ReadonlyArray<string>) {
    const docs: Array<HelpDoc.HelpDoc> = []
    const keep = CliOutput.layerPresenter({
      present: (event) =>
        Effect.sync(() => {
          if (event._tag === "Help") docs.push(event.helpDoc)
        }),
    })
    yield* Effect.ignore(Effect.provide(Command.runWith(root, { version: "" })([...path, "--help"]), keep))
    return docs
  })
  const commands: Record<string, DescribedCommand> = {}
  const roots = yield* helpOf([])
  for (const name of roots.flatMap(commandNames)) {
    for (const doc of yield* helpOf([name])) commands[name] = describeCommand(doc)
  }
  return { commands, globalFlags: roots.flatMap(globalFlags) } satisfies CommandLineDoc
})

/** The payload of this place and this command line. The engine is loaded here: help of one command does without. */
export const makeDiscover = <Name extends string, Input, ContextInput, E, R>(
  root: Command.Command<Name, Input, ContextInput, E, R>,
) =>
  Effect.gen(function* () {
    const context = yield* Effect.context<Exclude<R | Command.Environment, Discover>>()
    const discovery: Discover["Service"]["discovery"] = Effect.fnUntraced(function* ({
      askAgent,
    }: {
      readonly askAgent: boolean
    }) {
      const { createEngine } = yield* Effect.promise(() => import("../public/engine.api.ts"))
      const { discoveryOf } = yield* Effect.promise(() => import("../public/discovery.api.ts"))
      // Nothing is stored here, so a place for runs need not be known.
      const engine = yield* createEngine({ runsDir: "." })
      const commandLine = yield* describeCommandLine(root).pipe(
        // Commands that use this service are asked for their help, and do not run.
        Effect.provideService(Discover, self),
        Effect.provideContext(context),
      )
      return discoveryOf(yield* engine.discover({ askAgent }), commandLine)
    }, Effect.scoped)
    const self = Discover.of({ discovery })
    return self
  })
