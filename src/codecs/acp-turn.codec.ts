/**
 * The fold over an agent's lines in the Agent Client Protocol, for one session with one prompt. See acp.codec.ts for its
 * rules.
 */
import { Option, Predicate } from "effect"
import { cutText } from "../domain/cut-text.ts"
import type { AgentExit, AgentOutcome } from "../domain/driver.schema.ts"
import type { Usage } from "../domain/spawn.schema.ts"
import { isHarmless, isNotice, warnIfOlderAdapter } from "./acp-adapter.codec.ts"
import { answerPermission, type Permissions } from "./acp-choice.codec.ts"
import {
  type Answer,
  type PermissionRequest,
  type PlanEntry,
  readLine,
  type Refusal,
} from "./acp-message.codec.ts"
import { readPromptUsage } from "./acp-usage.codec.ts"
import { releaseHeldCalls, noToolCalls, applyToolUpdate, type ToolCalls } from "./acp-tool.codec.ts"
import {
  answerTooLong,
  appendText,
  formatJson,
  makeMilestone,
  explainOverlong,
  type Step,
  recordSession,
} from "./line.codec.ts"

export type AcpState = {
  readonly adapter?: string | undefined
  /** The adapter's own text before the first answer. */
  readonly preface?: string | undefined
  readonly authMethods: ReadonlyArray<string>
  readonly sessionRef?: string | undefined
  /** The last message so far, and whether it was truncated. */
  readonly text: string
  readonly cut: boolean
  readonly messageId: string | undefined
  /** Whether the next text starts a new message. */
  readonly over: boolean
  readonly calls: ToolCalls
  readonly toolUsed: boolean
  /** Number of permission requests. */
  readonly asked: number
  /** The adapter's last notice, if nothing has followed it. */
  readonly notice?: string | undefined
  /** The entry of the plan that was reported last. */
  readonly plan?: string | undefined
  readonly costUsd?: number | undefined
  readonly end?: {
    readonly stopReason?: string | undefined
    readonly errorMessage?: string | undefined
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

/** Number of permission requests that are reported one by one. The end of the turn reports how many more there were. */
const maxReportedRequests = 100

export const decodeEvent =
  (permissions: Permissions) =>
  (state: AcpState, text: string): Step<AcpState> => {
    if (state.end !== undefined) return [state, []]
    const read = readLine(text)
    if (Option.isNone(read)) return [state, []]
    const line = read.value
    if ("error" in line) {
      const text = isSaidBy(line.error, state.text) ? "" : state.text
      return [{ ...state, text, end: { errorMessage: explainRefusal(line.error, state.authMethods) } }, []]
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
        const [calls, events] = applyToolUpdate(state.calls, update)
        // A call ends the current message, but an update of a call may come in the middle of one.
        const over = state.over || announced || events.length > 0
        return [{ ...clearNotice(state), calls, toolUsed: true, over }, events]
      }
      case "plan":
        return onPlan(state, update.entries)
      case "usage_update":
        return [update.cost.currency === "USD" ? { ...state, costUsd: update.cost.amount } : state, []]
    }
  }

/** Clears the notice once something else follows. */
const clearNotice = (state: AcpState): AcpState =>
  state.notice === undefined ? state : { ...state, notice: undefined }

const onText = (state: AcpState, text: string, messageId: string | undefined): Step<AcpState> => {
  const { adapter, preface } = state
  if (text === preface) return [{ ...state, preface: undefined }, []]
  if (isNotice(adapter, { text, messageId })) {
    return [{ ...state, notice: text.trim() }, makeMilestone(text)]
  }
  const another = state.over || messageId !== state.messageId
  const before = another ? { ...state, text: "", cut: false } : state
  const more = before.text === "" ? text.trimStart() : text
  // A message starts with its first word, so that white space between two tool calls does not replace the last message.
  if (another && more === "") return [state, []]
  return [{ ...appendText(clearNotice(before), more), messageId, over: false }, []]
}

const onPlan = (state: AcpState, entries: ReadonlyArray<PlanEntry>): Step<AcpState> => {
  const current = entries.find(({ status }) => status === "in_progress")
  if (current === undefined || current.content === state.plan) return [state, []]
  const done = entries.filter(({ status }) => status === "completed").length
  return [
    { ...state, plan: current.content },
    makeMilestone(`plan (${done} of ${entries.length} done): ${current.content}`),
  ]
}

const onPermission = (
  permissions: Permissions,
  state: AcpState,
  request: typeof PermissionRequest.Type,
): Step<AcpState> => {
  const [calls, events] = applyToolUpdate(state.calls, request.toolCall, true)
  const { name, title, toolCallId } = request.toolCall
  const granted =
    permissions !== "deny" && answerPermission(permissions)(request).outcome.outcome === "selected"
  const asked = state.asked + 1
  const reported =
    asked > maxReportedRequests
      ? []
      : makeMilestone(`permission ${granted ? "granted" : "denied"}: ${title ?? name ?? toolCallId}`)
  return [{ ...clearNotice(state), calls, asked, toolUsed: true, over: true }, [...events, ...reported]]
}

const onAnswer = (state: AcpState, answer: Answer): Step<AcpState> => {
  const { _meta: meta, agentInfo, authMethods, sessionId, stopReason } = answer
  const preface = meta?.piAcp?.startupInfo
  if (stopReason !== undefined) {
    const usage = readPromptUsage(answer, state)
    const errorMessage = findTurnFailure(state, stopReason)
    const end = { stopReason, errorMessage, usage }
    const more = state.asked - maxReportedRequests
    const unreported = more > 0 ? makeMilestone(`permission requests not shown: ${more}`) : []
    return [{ ...state, calls: noToolCalls, end }, [...releaseHeldCalls(state.calls), ...unreported]]
  }
  const [next, events] = recordSession(
    {
      ...state,
      adapter: agentInfo?.name ?? state.adapter,
      preface: preface ?? state.preface,
      authMethods: authMethods?.map(({ id }) => id) ?? state.authMethods,
    },
    sessionId,
  )
  return [next, [...warnIfOlderAdapter(agentInfo), ...events]]
}

/** Finds the failure in a turn that ended normally according to the agent. */
const findTurnFailure = (
  { cut, notice, over, text, toolUsed }: AcpState,
  stopReason: string,
): string | undefined => {
  if (stopReason === "refusal") return "the agent refused to answer"
  if (stopReason === "cancelled") return "the agent reported that the turn was cancelled"
  const noAnswer = "the agent ended its turn without an answer"
  if (notice !== undefined && !isHarmless(notice)) return notice
  if (notice !== undefined && (over || text === "")) return `${noAnswer}; last notice: ${notice}`
  if (text === "" && !toolUsed) return noAnswer
  return cut ? answerTooLong : undefined
}

/** `authRequired` of the protocol. */
const authRequired = -32_000

/** The details of an error. Adapters often leave its message at a default. */
const readDetails = (data: unknown): string => {
  const texts = Predicate.isObject(data) ? [data["message"], data["details"]] : []
  return texts.find((text) => typeof text === "string") ?? formatJson(data) ?? ""
}

/** Whether a text is the error itself: claude-agent-acp 0.100.0 sends an error as a message too. */
const isSaidBy = ({ data, message = "" }: Refusal, text: string): boolean =>
  [message, readDetails(data)].some((reason) => reason.trim().endsWith(text.trim()))

const explainRefusal = ({ code, data, message }: Refusal, authMethods: ReadonlyArray<string>): string => {
  const details = data === undefined || data === null ? "" : readDetails(data)
  const parts = [message || `error ${code}`, details].filter((part) => part !== "")
  const reason = cutText(parts.join(": "), 2000)
  if (code !== authRequired) return reason
  const ways = authMethods.length === 0 ? "" : `, or set authMethod to one of: ${authMethods.join(", ")}`
  return `${reason}; log in with the agent's own command first${ways}`
}

export const decodeFinal = ({ end, sessionRef, text }: AcpState, exit: AgentExit): AgentOutcome => ({
  final: end?.stopReason !== undefined,
  text,
  sessionRef,
  stopReason: end?.stopReason,
  usage: end?.usage,
  errorMessage:
    end?.errorMessage ?? (end !== undefined && exit.overlongLines > 0 ? explainOverlong(exit) : undefined),
})
