/// <reference types="@mill/core/program" />
// Tries to read what is none of its business, and to reach the network; neither is there. Agents are, all the same.
// Run it in this folder, whose configuration says where programs run: mill run program.ts --sync

import { readFileSync } from "node:fs"

const attempt = async (what: () => unknown): Promise<string> => {
  try {
    await what()
    return "it can"
  } catch {
    return "it cannot"
  }
}

const answer = await mill.spawn({
  agent: "outsider",
  systemPrompt: "You work where mill was called, with all rights of whoever called it.",
  prompt: "Say whether you are there. [say I am here, outside of the sandbox]",
  model: "any",
})

export default {
  "read the configuration beside it": await attempt(() => readFileSync(`${import.meta.dir}/mill.config.ts`)),
  "read the list of users": await attempt(() => readFileSync("/etc/passwd")),
  "write beside itself": await attempt(() => Bun.write(`${import.meta.dir}/written.txt`, "x")),
  "reach the network": await attempt(() => fetch("http://192.0.2.1", { signal: AbortSignal.timeout(1000) })),
  "ask an agent": answer.text,
}
