// Uses the offline driver for runs in this directory, and notifies you when a run ends.
// To use the extension elsewhere, copy notify.ts to the directory that contains your own configuration file.

import { defineConfig } from "@mill/core"
import { notify } from "./notify.ts"

export default defineConfig({
  defaultDriver: "offline",
  extensions: [
    notify({ on: ["complete", "failed"] }),
    // Or run your own command: notify({ command: ["./notify-phone.sh", "--quiet"] })
  ],
})
