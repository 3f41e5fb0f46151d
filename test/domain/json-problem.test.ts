/** Finding the part of a value that JSON cannot hold. */
import { expect, test } from "bun:test"
import { Arbitrary, Schema } from "effect"
import { findJsonProblem } from "../../src/domain/json-problem.ts"
import { property } from "../support/property.ts"

property(
  "a JSON value has no problem",
  Arbitrary.schema(Schema.Json),
  (value) => findJsonProblem(value) === undefined,
)

class Boxed {
  value = 1
}
const shared = { a: 1 }
test.each([
  ["undefined", undefined],
  ["an absent field", { a: undefined }],
  ["the same object twice", [shared, { shared }]],
  ["a date", { at: new Date(0) }],
  ["an instance of a class", new Boxed()],
  ["an object without a prototype", Object.create(null)],
])("%s has no problem", (_, value) => {
  expect(findJsonProblem(value)).toBeUndefined()
})

const cyclic: Record<string, unknown> = { list: [{}] }
cyclic["up"] = [cyclic]
const deep = Array.from({ length: 3000 }).reduce((inner: unknown) => [inner], 1)
const cases: ReadonlyArray<readonly [value: unknown, problem: string]> = [
  [cyclic, "$.up[0] contains itself"],
  [{ n: 1n }, "$.n is a BigInt"],
  [() => 1, "$ is a function"],
  [[Symbol("x")], "$[0] is a symbol"],
  [{ a: [{ "odd key": Number.NaN }] }, `$.a[0]["odd key"] is NaN`],
  [[1, -1 / 0], "$[1] is -Infinity"],
  [[1, undefined], "$[1] is undefined"],
  [new Map([["a", 1]]), "$ is a Map"],
  [{ later: Promise.resolve() }, "$.later is a Promise"],
  [[new Set()], "$[0] is a Set"],
  [{ bytes: new Uint8Array(2) }, "$.bytes is a Uint8Array"],
  [{ toJSON: () => ({ n: 1n }) }, "$.n is a BigInt"],
]
test.each(cases.map(([value, problem]) => [problem, value] as const))("%s", (problem, value) => {
  expect(findJsonProblem(value)).toBe(problem)
})

test("a value that is nested very deeply is reported without exhausting the stack", () => {
  expect(findJsonProblem(deep)).toMatch(/^\$(?:\[0\])+ is nested too deeply$/)
})
