/**
 * Runs the programs in this directory in a sandbox. To try it, run in this directory: mill run program.ts --sync
 */
import { defineConfig, vmExecutor } from "@mill/core"

export default defineConfig({
  defaultDriver: "offline",
  defaultExecutor: "vm",
  executors: {
    // Programs can read only the files that they import. LANG is the one variable copied from your environment.
    vm: vmExecutor({ env: ["LANG"] }),
  },
})
