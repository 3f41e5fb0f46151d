/**
 * Runs the programs of this directory in a sandbox. Try it here: mill run program.ts --sync
 */
import { defineConfig, vmExecutor } from "@mill/core"

export default defineConfig({
  defaultDriver: "offline",
  defaultExecutor: "vm",
  executors: {
    // Programs see one environment variable, and only the files that they import.
    vm: vmExecutor({ env: ["LANG"] }),
  },
})
