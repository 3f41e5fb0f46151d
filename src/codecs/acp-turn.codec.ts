/**
 * The fold over what an agent says in the Agent Client Protocol: from the lines of one session with one prompt to what mill
 * tells of it. See acp.codec.ts for what it makes of them.
 */
import { Option } from "effect"
import type { AgentExit, AgentOutcome } from "../domain/driver.schema.ts"
import type { Usage } from "../domain/spawn.schema.ts"
import { isHarmless, isNotice } from "./acp-adapter.codec.ts"
import { answerPermission, type Permissions } from "./acp-choice.codec.ts"
import {
  type Answer,
  type PermissionRequest,
  type PlanEntry,
  readLine,
  type Refusal,
} from "./acp-message.codec.ts"
import { heldCalls, noToolCalls, onToolUpdate, type ToolCalls } from "./acp-tool.codec.ts"
import {
  addText,
  answerTooLong,
  jsonText,
  maxAnswerLength,
  milestone,
  outcomeOf,
  overlong,
  type Step,
  withSession,
} from "./line.codec.ts"

/** What has been heard so far. */
export type AcpState = {
  readonly adapter?: string | undefined
  /** What the adapter puts before the first answer. */
  readonly preface?: string | undefined
  readonly authMethods: ReadonlyArray<string>
  readonly sessionRef?: string | undefined
  /** The last message so far, and whether it gave more than is kept. */
  readonly text: string
  readonly cut: boolean
  readonly messageId: string | undefined
  /** Whether the next text begins another message. */
  readonly over: boolean
  readonly calls: ToolCalls
  readonly toolUsed: boolean
  /** How often it has asked for permission. */
  readonly asked: number
  /** What the adapter itself said last, if nothing came after it. */
  readonly notice?: string | undefined
  /** The entry of the plan that was told last. */
  readonly plan?: string | undefined
  readonly costUsd?: number | undefined
  readonly end?: {
    readonly stopReason?: string | undefined
    readonly errorMessage?: string
    readonly usage?: Usage | undefined
  }
}

export const initial: AcpState = {
  authMethods: [],
  text: "",
  cut: false,
  messageId: undefined,
  over: false,
  calls: noToolCalls,
  toolUsed: false,
  asked: 0,
}

/** So many requests for permission are told one by one; of the rest, the end tells how many they were. */
const maxToldRequests = 100

/** The state after one more line, and what it tells. */
export const decodeEvent =
  (permissions: Permissions) =>
  (state: AcpState, text: string): Step<AcpState> => {
    if (state.end !== undefined) return [state, []]
    const read = readLine(text)
    if (Option.isNone(read)) return [state, []]
    const line = read.value
    if ("error" in line) {
      return [{ ...state, end: { errorMessage: refusalMessage(line.error, state.authMethods) } }, []]
    }
    if ("result" in line) return onAnswer(state, line.result)
    if (line.method === "session/request_permission") return onPermission(permissions, state, line.params)
    const { update } = line.params
    switch (update.sessionUpdate) {
      case "agent_message_chunk":
        return onText(state, update.content.text, update.messageId)
      case "tool_call":
      case "tool_call_update": {
        const announced = update.sessionUpdate === "tool_call"
        const [calls, events] = onToolUpdate(state.calls, update)
        const went = goingOn({ ...state, calls, toolUsed: true })
        // What comes after a call is another message; how a call goes on may be told in the middle of one.
        return [{ ...went, over: state.over || announced || events.length > 0 }, events]
      }
      case "plan":
        return onPlan(state, update.entries)
      case "usage_update":
        return [update.cost.currency === "USD" ? { ...state, costUsd: update.cost.amount } : state, []]
    }
  }

const goingOn = (state: AcpState): AcpState => {
  if (state.notice === undefined) return state
  const { notice: _, ...rest } = state
  return rest
}

const onText = (state: AcpState, text: string, messageId: string | undefined): Step<AcpState> => {
  const { adapter, preface } = state
  if (text === preface) {
    const { preface: _, ...rest } = state
    return [rest, []]
  }
  if (isNotice(adapter, { text, ...(messageId === undefined ? {} : { messageId }) })) {
    return [{ ...state, notice: text.trim() }, milestone(text)]
  }
  const another = state.over || messageId !== state.messageId
  const before = another ? "" : state.text
  const more = before === "" ? text.trimStart() : text
  // A message begins with its first word, so that white space between two tool calls takes nobody's place.
  if (another && more === "") return [state, []]
  const cut = (another ? false : state.cut) || before.length + more.length > maxAnswerLength
  return [{ ...goingOn(state), text: addText(before, more), cut, messageId, over: false }, []]
}

const onPlan = (state: AcpState, entries: ReadonlyArray<PlanEntry>): Step<AcpState> => {
  const current = entries.find(({ status }) => status === "in_progress")
  if (current === undefined || current.content === state.plan) return [state, []]
  const done = entries.filter(({ status }) => status === "completed").length
  return [
    { ...state, plan: current.content },
    milestone(`plan (${done} of ${entries.length} done): ${current.content}`),
  ]
}

const onPermission = (
  permissions: Permissions,
  state: AcpState,
  request: typeof PermissionRequest.Type,
): Step<AcpState> => {
  const [calls, events] = onToolUpdate(state.calls, request.toolCall, true)
  const { name, title, toolCallId } = request.toolCall
  const granted =
    permissions !== "deny" && answerPermission(permissions)(request).outcome.outcome === "selected"
  const asked = state.asked + 1
  const told =
    asked > maxToldRequests
      ? []
      : milestone(`permission ${granted ? "allowed" : "denied"}: ${title ?? name ?? toolCallId}`)
  return [{ ...goingOn(state), calls, asked, toolUsed: true, over: true }, [...events, ...told]]
}

const onAnswer = (state: AcpState, answer: Answer): Step<AcpState> => {
  const { _meta: meta, agentInfo, authMethods, sessionId, stopReason } = answer
  const preface = meta?.piAcp.startupInfo
  if (stopReason !== undefined) {
    const usage = usageOf(answer, state.costUsd)
    const errorMessage = failureOf(state, stopReason)
    const end = {
      stopReason,
      ...(errorMessage === undefined ? {} : { errorMessage }),
      ...(usage === undefined ? {} : { usage }),
    }
    const more = state.asked - maxToldRequests
    const untold = more > 0 ? milestone(`permission was asked for ${more} times more`) : []
    return [{ ...state, calls: noToolCalls, end }, [...heldCalls(state.calls), ...untold]]
  }
  return withSession(
    {
      ...state,
      ...(agentInfo === undefined ? {} : { adapter: agentInfo.name }),
      ...(preface === undefined ? {} : { preface }),
      ...(authMethods === undefined ? {} : { authMethods: authMethods.map(({ id }) => id) }),
    },
    sessionId,
  )
}

/** What is wrong with an end of the turn that is none by its own account. */
const failureOf = (
  { cut, notice, over, text, toolUsed }: AcpState,
  stopReason: string,
): string | undefined => {
  if (stopReason === "refusal") return "the agent refused to answer"
  if (stopReason === "cancelled") return "the agent says that it was cancelled"
  const silent = "the agent ended its turn without an answer"
  if (notice !== undefined && !isHarmless(notice)) return notice
  if (notice !== undefined && (over || text === "")) return `${silent}; the last that it said is: ${notice}`
  if (text === "" && !toolUsed) return silent
  return cut ? answerTooLong : undefined
}

/** The protocol counts cached tokens apart; an agent whose total says otherwise has counted them among the input. */
const usageOf = ({ usage }: Answer, costUsd: number | undefined): Usage | undefined => {
  if (usage === undefined) return undefined
  const { cachedReadTokens: read, cachedWriteTokens: write, inputTokens, outputTokens, totalTokens } = usage
  const among = totalTokens === inputTokens + outputTokens ? (read ?? 0) : 0
  return {
    inputTokens: Math.max(0, inputTokens - among),
    outputTokens,
    ...(read === undefined ? {} : { cacheReadTokens: read }),
    ...(write === undefined ? {} : { cacheWriteTokens: write }),
    ...(costUsd === undefined ? {} : { costUsd }),
  }
}

/** `authRequired` of the protocol. */
const authRequired = -32_000

/** What there is to say besides the message, which adapters often leave as it is by default. */
const detailsOf = (data: unknown): string => {
  if (typeof data !== "object" || data === null) return jsonText(data) ?? ""
  const said = ["message", "details"].map((key): unknown => Reflect.get(data, key))
  return said.find((text) => typeof text === "string") ?? jsonText(data) ?? ""
}

const refusalMessage = ({ code, data, message }: Refusal, authMethods: ReadonlyArray<string>): string => {
  const details = data === undefined || data === null ? "" : detailsOf(data)
  const said = [message || `error ${code}`, details]
    .filter((part) => part !== "")
    .join(": ")
    .slice(0, 2000)
  if (code !== authRequired) return said
  const ways =
    authMethods.length === 0
      ? ""
      : `, or name one of its ways to log in as authMethod: ${authMethods.join(", ")}`
  return `${said}; log in with the agent's own command first${ways}`
}

/** What it all adds up to. */
export const decodeFinal = ({ end, sessionRef, text }: AcpState, exit: AgentExit): AgentOutcome =>
  outcomeOf({
    final: end?.stopReason !== undefined,
    text,
    sessionRef,
    stopReason: end?.stopReason,
    usage: end?.usage,
    errorMessage:
      end?.errorMessage ?? (end !== undefined && exit.overlongLines > 0 ? overlong(exit) : undefined),
  })
