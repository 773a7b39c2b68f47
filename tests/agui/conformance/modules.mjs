// Finds the pinned packages, which are installed outside the source tree (`make tools`).
import { createRequire } from "node:module";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";

const fallback = fileURLToPath(new URL("../../../target/tools/agui", import.meta.url));
const folder = process.env.AMBIENT_AGUI_MODULES ?? fallback;

if (!existsSync(path.join(folder, "node_modules"))) {
  console.error(`error: no node_modules in ${folder}; run \`make tools\`, or set AMBIENT_AGUI_MODULES`);
  process.exit(2);
}

/** Loads a package of tests/agui/package-lock.json. */
export const load = createRequire(path.join(folder, "package.json"));
