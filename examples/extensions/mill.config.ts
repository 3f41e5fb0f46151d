// What `mill run` uses when it is called in this folder: rehearsed agents, and a notification when a run has ended.
// Copy notify.ts beside a configuration of your own to have it there.

import { defineConfig } from "@mill/core"
import { notify } from "./notify.ts"

export default defineConfig({
  defaultDriver: "offline",
  extensions: [
    notify({ on: ["complete", "failed"] }),
    // Or by a command of yours: notify({ command: ["./tell-my-phone.sh", "--quiet"] })
  ],
})
