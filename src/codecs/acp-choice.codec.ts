/** mill's choices in an Agent Client Protocol conversation: the answer to a permission request, and the model. */
import { Option, Result, Schema } from "effect"
import type { AcpModelChoice, AcpPermission } from "../domain/acp.schema.ts"
import type { SpawnRefused } from "../domain/error.schema.ts"
import { PermissionRequest } from "./acp-message.codec.ts"
import { refuse } from "./call.codec.ts"
import { ifValid } from "./line.codec.ts"

export const Permissions = Schema.Literals(["allow", "allow-always", "deny"])
export type Permissions = typeof Permissions.Type

/** The acceptable kinds of options, best first. */
const kinds: Record<Permissions, ReadonlyArray<string>> = {
  allow: ["allow_once"],
  "allow-always": ["allow_always", "allow_once"],
  deny: ["reject_once"],
}

const decodeRequest = Schema.decodeUnknownOption(PermissionRequest)

/** Answers a permission request with an option that grants no more than configured, or cancels it. */
export const answerPermission =
  (permissions: Permissions) =>
  (request: unknown): AcpPermission => {
    const options = Option.match(decodeRequest(request), { onNone: () => [], onSome: (one) => one.options })
    const option = kinds[permissions]
      .map((kind) => options.find((one) => one.kind === kind))
      .find((one) => one !== undefined)
    return option === undefined
      ? { outcome: { outcome: "cancelled" } }
      : { outcome: { outcome: "selected", optionId: option.optionId } }
  }

/** Maximum number of models in a message. Some agents have hundreds. */
const maxNamed = 40

/** The name that leaves the choice to the agent, unless the agent has a model of this name. */
const agentsOwnModel = "default"

const Value = Schema.Struct({ value: Schema.String, name: ifValid(Schema.String) })
const Group = Schema.Struct({ options: Schema.Array(Value) })

const ConfigOption = Schema.Struct({
  id: Schema.String,
  category: ifValid(Schema.String),
  currentValue: ifValid(Schema.NonEmptyString),
  options: ifValid(Schema.Array(Schema.Union([Group, Value]))),
})

/** The models in the answer to `session/new`: `configOptions` in protocol version 1, `models` before that. */
const Session = Schema.Struct({
  sessionId: ifValid(Schema.String),
  configOptions: ifValid(Schema.Array(ConfigOption)),
  models: ifValid(
    Schema.Struct({
      currentModelId: ifValid(Schema.NonEmptyString),
      availableModels: Schema.Array(Schema.Struct({ modelId: Schema.String, name: ifValid(Schema.String) })),
    }),
  ),
})

type Offer = {
  readonly values: ReadonlyArray<typeof Value.Type>
  /** The model that the agent uses unless another is chosen. */
  readonly current?: string | undefined
  readonly request: (value: string) => AcpModelChoice["request"]
}

const decodeSession = Schema.decodeUnknownOption(Session)
const emptySession: typeof Session.Type = {}

const readOffer = (session: unknown): Offer | undefined => {
  const {
    configOptions = [],
    models,
    sessionId = "",
  } = Option.getOrElse(decodeSession(session), () => emptySession)
  const option = configOptions.find(({ category }) => category === "model")
  if (option?.options !== undefined) {
    return {
      values: option.options.flatMap((one) => ("options" in one ? one.options : [one])),
      current: option.currentValue,
      request: (value) => ({
        method: "session/set_config_option",
        params: { sessionId, configId: option.id, value },
      }),
    }
  }
  if (models === undefined) return undefined
  return {
    values: models.availableModels.map(({ modelId, ...rest }) => ({ value: modelId, ...rest })),
    current: models.currentModelId,
    request: (modelId) => ({ method: "session/set_model", params: { sessionId, modelId } }),
  }
}

/** Chooses one of the models that the agent offers, by id or name. */
export const chooseModel = (
  model: string | undefined,
  session: unknown,
): Result.Result<AcpModelChoice, SpawnRefused> => {
  const offer = readOffer(session)
  const found =
    offer?.values.find(({ value }) => value === model) ?? offer?.values.find(({ name }) => name === model)
  if (offer !== undefined && found !== undefined)
    return Result.succeed({ model: found.value || undefined, request: offer.request(found.value) })
  if (model === undefined || model === agentsOwnModel) return Result.succeed({ model: offer?.current })
  const offered = offer?.values.map(({ value }) => value) ?? []
  const others = offered.length > maxNamed ? ` and ${offered.length - maxNamed} more` : ""
  return refuse(
    offered.length === 0
      ? `model: mill cannot select a model for this agent; select it in the agent's own settings and use ${JSON.stringify(agentsOwnModel)} here, or leave model out`
      : `model: the agent has no model ${JSON.stringify(model)}; available: ${offered.slice(0, maxNamed).join(", ")}${others}`,
  )
}
