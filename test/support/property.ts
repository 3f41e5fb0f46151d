/** Properties by Effect's own `Arbitrary`: a failure is shrunk, and tells the token that replays it. */
import { test } from "bun:test"
import { Arbitrary, Effect, Layer, ManagedRuntime, Schema } from "effect"

/** Whole numbers, both ends included. */
export const integer = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

/** Checks that `holds` is true of many values, and throws for none. */
export const property = <A>(
  name: string,
  values: Arbitrary.Arbitrary<A>,
  holds: (value: A) => boolean,
  runs = 300,
): void =>
  test(name, async () => {
    const runtime = ManagedRuntime.make(Layer.empty)
    const result = await runtime.runPromise(
      Arbitrary.checkEffect(
        values,
        (value) => Effect.try({ try: () => holds(value), catch: (error) => String(error) }),
        { runs },
      ),
    )
    await runtime.dispose()
    const failure = Arbitrary.formatCheckFailure(result)
    if (failure !== undefined) throw new Error(failure)
  })
