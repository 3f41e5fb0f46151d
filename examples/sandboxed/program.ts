/// <reference types="@mill/core/program" />
// Tries to read other files and to reach the network. Both fail in the sandbox, but spawning an agent works.
// In this directory, mill.config.ts selects the sandbox: mill run program.ts --sync

import { readFileSync } from "node:fs"

const attempt = async (what: () => unknown): Promise<string> => {
  try {
    await what()
    return "allowed"
  } catch {
    return "blocked"
  }
}

const answer = await mill.spawn({
  agent: "outsider",
  systemPrompt: "You work outside the sandbox, with the permissions of the user.",
  prompt: "Say where you are. [say I am outside the sandbox]",
  model: "any",
})

export default {
  "read the configuration file": await attempt(() => readFileSync(`${import.meta.dir}/mill.config.ts`)),
  "read the list of users": await attempt(() => readFileSync("/etc/passwd")),
  "write to its own directory": await attempt(() => Bun.write(`${import.meta.dir}/written.txt`, "x")),
  "reach the network": await attempt(() => fetch("http://192.0.2.1", { signal: AbortSignal.timeout(1000) })),
  "ask an agent": answer.text,
}
