/**
 * Programs in this folder run in a sandbox. Run it here: mill run program.ts --sync
 */
import { defineConfig, vmExecutor } from "@mill/core"

export default defineConfig({
  defaultDriver: "offline",
  defaultExecutor: "vm",
  executors: {
    // What a program may know of the machine: one variable, and nothing that it does not import.
    vm: vmExecutor({ env: ["LANG"] }),
  },
})
