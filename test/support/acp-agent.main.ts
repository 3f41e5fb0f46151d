/**
 * A scripted agent that speaks the Agent Client Protocol, and misbehaves on request: its arguments say how. In the order of
 * a conversation:
 *
 *   mute  stubborn (SIGTERM)  old-version  no-auth  no-session  models[:MORE]  old-models  garbage
 *   ask  ask-oddly  ask-often:N  flood (of requests, reading nothing)  orphan-update  plan  chunks:N  usage  silent  crash:CODE  hang  cancel-late  fail
 *   stop:REASON  exit:CODE  linger
 *
 * What it was asked goes to standard error, one line of JSON each, and with `log:FILE` to a file.
 */
import { appendFileSync, writeSync } from "node:fs"
import { createInterface } from "node:readline"

const asked = new Map(
  process.argv.slice(2).map((word) => {
    const [name = "", value = ""] = word.split(":")
    return [name, value]
  }),
)
const is = (name: string) => asked.has(name)
const numberOf = (name: string) => Number(asked.get(name))

const print = (message: object) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`)
const update = (fields: object) =>
  print({ method: "session/update", params: { sessionId: "acp-1", update: fields } })
const say = (text: string) =>
  update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } })

const note = (what: string) => {
  process.stderr.write(`${what}\n`)
  if (is("log")) appendFileSync(asked.get("log") ?? "", `${what}\n`)
}
if (is("stubborn")) process.on("SIGTERM", () => note("SIGTERM"))
if (is("garbage"))
  process.stdout.write('Welcome!\n{"half":\n[1,2]\nnull\n{"jsonrpc":"2.0","id":77,"result":{}}\n')

let answered: (outcome: string) => void
const permission = (options: ReadonlyArray<object>) =>
  new Promise<string>((resolve) => {
    answered = resolve
    print({
      id: "permission-1",
      method: "session/request_permission",
      params: {
        sessionId: "acp-1",
        toolCall: { toolCallId: "t-ask", title: "rm -rf /", kind: "execute", rawInput: { cmd: "rm" } },
        options,
      },
    })
  })

const allOptions = ["allow_always", "allow_once", "reject_once", "reject_always"].map((kind) => ({
  optionId: `id-${kind}`,
  name: kind,
  kind,
}))

const models = () => {
  const values = [
    { value: "big-1", name: "Big" },
    { value: "small-1", name: "Small" },
    ...(asked.get("models") ? [{ value: asked.get("models"), name: "More" }] : []),
  ]
  if (is("models"))
    return {
      configOptions: [
        {
          id: "mode",
          name: "Mode",
          category: "mode",
          type: "select",
          currentValue: "big-1",
          options: [{ value: "big-1", name: "x" }],
        },
        {
          id: "model",
          name: "Model",
          category: "model",
          type: "select",
          currentValue: "big-1",
          options: [{ group: "g", name: "G", options: values }],
        },
      ],
    }
  return is("old-models")
    ? {
        models: {
          currentModelId: "big-1",
          availableModels: values.map(({ name, value }) => ({ modelId: value, name })),
        },
      }
    : {}
}

/** Asks for permission for ever, and never comes to reading an answer. */
const flood = () => {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (let id = 0; ; id++) {
    const toolCall = { toolCallId: "t-flood", title: `flood ${id}` }
    const params = { sessionId: "acp-1", toolCall, options: allOptions }
    let rest = Buffer.from(
      `${JSON.stringify({ jsonrpc: "2.0", id, method: "session/request_permission", params })}\n`,
    )
    while (rest.length > 0) {
      try {
        rest = rest.subarray(writeSync(1, rest))
      } catch {
        // The pipe is full.
        Atomics.wait(pause, 0, 0, 1)
      }
    }
  }
}

const answerPrompt = async (id: unknown, text: string) => {
  const answer = (result: object) => print({ id, result })
  if (is("ask")) say(`permission: ${await permission(allOptions)}. `)
  if (is("ask-oddly"))
    say(`permission: ${await permission([{ optionId: "x", name: "x", kind: "allow_always" }])}. `)
  for (let n = 0; n < numberOf("ask-often"); n++) await permission(allOptions)
  if (is("flood")) return flood()
  if (is("orphan-update"))
    for (const status of ["in_progress", "completed"])
      update({
        sessionUpdate: "tool_call_update",
        toolCallId: "t-1",
        kind: "read",
        title: "notes.md",
        status,
      })
  if (is("plan"))
    for (const status of ["pending", "in_progress", "in_progress", "completed"])
      update({ sessionUpdate: "plan", entries: [{ content: "think", priority: "high", status }] })
  for (let n = 0; n < numberOf("chunks"); n++) say(`${n} `)
  if (is("usage"))
    update({ sessionUpdate: "usage_update", used: 9, size: 10, cost: { amount: 0.5, currency: "USD" } })
  if (is("crash")) return process.exit(numberOf("crash"))
  if (is("hang") || is("cancel-late")) return say("I begin")
  if (is("fail"))
    return print({
      id,
      error: { code: -32603, message: "Internal error", data: { details: "529 overloaded" } },
    })
  if (!is("silent")) say(`You said: ${text}`)
  const usage = is("usage")
    ? { usage: { inputTokens: 10, outputTokens: 2, cachedReadTokens: 3, totalTokens: 15 } }
    : {}
  answer({ stopReason: asked.get("stop") ?? "end_turn", ...usage })
  if (is("exit")) process.exit(numberOf("exit"))
}

const onRequest = (id: unknown, method: string, params: any) => {
  note(JSON.stringify({ method, ...params }))
  switch (method) {
    case "initialize":
      if (is("mute")) return
      return print({
        id,
        result: { protocolVersion: is("old-version") ? 0 : 1, authMethods: [{ id: "key", name: "Key" }] },
      })
    case "session/new":
      if (is("no-auth")) return print({ id, error: { code: -32000, message: "Authentication required" } })
      if (is("no-session")) return print({ id, error: { code: -32603, message: "no room" } })
      return print({ id, result: { sessionId: "acp-1", ...models() } })
    case "session/prompt":
      return void answerPrompt(id, params.prompt.map(({ text }: { text: string }) => text).join("|"))
    case "session/cancel":
      if (is("cancel-late")) setTimeout(() => print({ id: 2, result: { stopReason: "end_turn" } }), 2000)
      return
    default:
      return print({ id, result: {} })
  }
}

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { id, method, params, result } = JSON.parse(line)
    if (method === undefined) answered(result.outcome.optionId ?? result.outcome.outcome)
    else onRequest(id, method, params)
  })
  .on("close", () => {
    note("EOF")
    if (is("linger") || is("stubborn")) setInterval(() => undefined, 1000)
  })
