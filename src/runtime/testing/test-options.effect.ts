/** Checks the options of the test kit. */
import { Schema } from "effect"
import { makeInputCheck } from "../../internal/engine/input.effect.ts"

const isAgent = (value: unknown): boolean =>
  typeof value === "function" || typeof value === "string" || (typeof value === "object" && value !== null)

const isAgents = (value: unknown): boolean =>
  typeof value === "function" ||
  (typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(isAgent))

export const checkTestOptions = makeInputCheck(
  "createTestMill",
  Schema.Struct({
    agents: Schema.Unknown.check(
      Schema.makeFilter(isAgents, { expected: "a function, or an object with an agent for each name" }),
    ),
    cwd: Schema.optional(Schema.NonEmptyString),
    config: Schema.optional(Schema.Unknown),
  }),
)
