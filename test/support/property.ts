/** Property tests with Effect's `Arbitrary`. A failure is shrunk and prints the token that replays it. */
import { test } from "bun:test"
import { Arbitrary, Effect, Layer, ManagedRuntime, Schema } from "effect"

/** Integers from `minimum` to `maximum`, both inclusive. */
export const integer = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

/** Tests that `holds` returns true for many values and never throws. */
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
