/**
 * The configuration of runs started in this directory and below. Without a `mill.config.ts`, runs have the built-in
 * drivers `claude`, `pi`, `codex` and `offline`.
 */
import { claudeCodec, codexCodec, defineConfig, piCodec, processDriver } from "@mill/core"

export default defineConfig({
  // The examples run without agents unless `--driver` names one, so they cost nothing by accident.
  defaultDriver: "offline",

  drivers: {
    // Agents that can read this repository but not change it.
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
