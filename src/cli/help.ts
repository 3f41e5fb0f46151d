/** What `--help`, `--version` and `mill` alone print: for a person, and as JSON. */
import { Effect, Layer, Option, Ref } from "effect"
import { CliOutput, type HelpDoc } from "effect/cli"
import { describeCommand, Discover, globalFlags } from "./discovery.ts"
import type { TellableError } from "./error.render.ts"
import { card, renderHere, renderWriting } from "./help.render.ts"
import { Output } from "./output.ts"

/** The discovery payload. */
const printDiscovery = Effect.gen(function* () {
  const { out } = yield* Output
  const { discovery } = yield* Discover
  yield* out(JSON.stringify(yield* discovery({ askAgent: true })))
})

/** What `mill` alone prints. */
export const printCard = Effect.gen(function* () {
  const { json, out } = yield* Output
  yield* json ? printDiscovery : out(card)
})

/** The help of `mill` itself goes on to say how programs are written, here. */
const printGuidance = Effect.gen(function* () {
  const { out, style } = yield* Output
  yield* out(`\n${renderWriting(style)}`)
  const { hasConfig } = yield* Effect.promise(() => import("../runtime/platform/has-config.effect.ts"))
  if (!(yield* hasConfig)) return
  const { discovery } = yield* Discover
  yield* out(`\n${renderHere(yield* discovery({ askAgent: false }), style)}`)
})

const printHelp = Effect.fnUntraced(function* (doc: HelpDoc.HelpDoc, path: ReadonlyArray<string>) {
  const { json, out } = yield* Output
  if (path.length === 1) {
    if (json) return yield* printDiscovery
    yield* out((yield* CliOutput.Formatter).formatHelpDoc(doc))
    return yield* printGuidance
  }
  if (!json) return yield* out((yield* CliOutput.Formatter).formatHelpDoc(doc))
  const command = { name: path.slice(1).join(" "), ...describeCommand(doc), globalFlags: globalFlags(doc) }
  yield* out(JSON.stringify(command))
})

/**
 * Help and version go to stdout; what is wrong with an invocation is told with the other errors. So is what fails while
 * help is printed: a presenter cannot fail, so that it is put into `failure`.
 */
export const presenter = (failure: Ref.Ref<Option.Option<TellableError>>) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const context = yield* Effect.context<Discover | Effect.Services<ReturnType<typeof printHelp>>>()
      const { json, out, style } = yield* Output
      const present = Effect.fnUntraced(
        function* (event: CliOutput.Presenter.Event) {
          if (event._tag === "InvalidInvocation") return
          if (event._tag === "Help") return yield* printHelp(event.helpDoc, event.commandPath)
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
