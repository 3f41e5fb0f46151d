// The configuration of runs started in this directory: the offline driver, and a notification when a run ends.
// To get notifications elsewhere, copy notify.ts beside your own configuration.

import { defineConfig } from "@mill/core"
import { notify } from "./notify.ts"

export default defineConfig({
  defaultDriver: "offline",
  extensions: [
    notify({ on: ["complete", "failed"] }),
    // Or run your own command: notify({ command: ["./notify-phone.sh", "--quiet"] })
  ],
})
