/** What `mill`, `--help` and `--version` print, as text and as JSON. */
import { Effect, Layer, Option, Ref } from "effect"
import { CliOutput, type HelpDoc } from "effect/cli"
import { describeCommand, describeGlobalFlags, type Discover, discoverDirectory } from "./discovery.ts"
import type { PrintableError } from "./error.render.ts"
import { card, renderAuthoring, renderDirectory } from "./help.render.ts"
import { Output } from "./output.ts"

const printDiscovery = Effect.fnUntraced(function* (discover: Discover) {
  const { out } = yield* Output
  yield* out(JSON.stringify(yield* discover({ askAgent: true })))
})

/** Prints the card: what `mill` shows without a command. */
export const printCard = Effect.fnUntraced(function* (discover: Discover) {
  const { json, out } = yield* Output
  yield* json ? printDiscovery(discover) : out(card)
})

/** Prints how to write a program, and what the configuration of this directory adds. */
const printAuthoring = Effect.fnUntraced(function* () {
  const { out, style } = yield* Output
  yield* out(`\n${renderAuthoring(style)}`)
  const { hasConfig } = yield* Effect.promise(() => import("../runtime/platform/has-config.effect.ts"))
  if (!(yield* hasConfig)) return
  yield* out(`\n${renderDirectory(yield* discoverDirectory({ askAgent: false }), style)}`)
})

const printHelp = Effect.fnUntraced(function* (
  doc: HelpDoc.HelpDoc,
  path: ReadonlyArray<string>,
  discover: Discover,
) {
  const { json, out } = yield* Output
  const isRoot = path.length === 1
  if (!json) {
    yield* out((yield* CliOutput.Formatter).formatHelpDoc(doc))
    return isRoot ? yield* printAuthoring() : undefined
  }
  if (isRoot) return yield* printDiscovery(discover)
  const globalFlags = describeGlobalFlags(doc)
  yield* out(JSON.stringify({ name: path.slice(1).join(" "), ...describeCommand(doc), globalFlags }))
})

/**
 * Prints help and the version to stdout. An invalid command line is reported with the other errors. A presenter cannot
 * fail, so an error while printing help is put into `failure`.
 */
export const makePresenter = (failure: Ref.Ref<Option.Option<PrintableError>>, discover: Discover) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const context = yield* Effect.context<Effect.Services<ReturnType<typeof printHelp>>>()
      const { json, out, style } = yield* Output
      const present = Effect.fnUntraced(
        function* (event: CliOutput.Presenter.Event) {
          if (event._tag === "InvalidInvocation") return
          if (event._tag === "Help") return yield* printHelp(event.helpDoc, event.commandPath, discover)
          yield* json
            ? out(JSON.stringify({ name: event.name, version: event.version }))
            : CliOutput.defaultPresenter.present(event)
        },
        Effect.catch((error) => Ref.set(failure, Option.some(error))),
      )
      return Layer.merge(
        CliOutput.layerPresenter({ present: (event) => Effect.provideContext(present(event), context) }),
        CliOutput.layer(CliOutput.defaultFormatter({ colors: style.bold("") !== "" })),
      )
    }),
  )
