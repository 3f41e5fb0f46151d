/**
 * What `mill run` uses when it is called in this folder. Elsewhere, another `mill.config.ts` counts, or none: then the
 * built-in drivers `claude`, `pi`, `codex` and `offline` are all there is.
 */
import { claudeCodec, codexCodec, defineConfig, piCodec, processDriver } from "@mill/core"

export default defineConfig({
  // The examples rehearse unless `--driver` names an agent: nothing here costs money by accident.
  defaultDriver: "offline",

  drivers: {
    // Agents that may look at this repository, and change nothing in it.
    "claude-reader": processDriver({
      command: "claude",
      codec: claudeCodec({ tools: ["Read", "Grep", "Glob"] }),
    }),
    "codex-reader": processDriver({
      command: "codex",
      codec: codexCodec({ sandbox: "read-only" }),
    }),
    "pi-reader": processDriver({
      command: "pi",
      codec: piCodec({ tools: ["read", "grep", "find", "ls"] }),
    }),
  },
})
