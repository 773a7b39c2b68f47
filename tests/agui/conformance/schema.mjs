// Validation against the protocol's JSON Schema 1.0.
import { readFileSync } from "node:fs";
import { Fault } from "./frames.mjs";
import { load } from "./modules.mjs";

const Ajv2020 = load("ajv/dist/2020");
const schema = JSON.parse(readFileSync(new URL("../ag-ui-1.0.schema.json", import.meta.url), "utf8"));
const ajv = new Ajv2020({ strict: false });
ajv.addSchema(schema);

// One validator a type: faster than the union of 31, and it says what is wrong.
const validators = new Map();
for (const [name, definition] of Object.entries(schema.$defs)) {
  const type = definition.properties?.type?.const;
  if (schema.$defs.EventType.enum.includes(type)) {
    validators.set(type, () => ajv.getSchema(`${schema.$id}#/$defs/${name}`));
  }
}

/** Throws the first event that the schema does not allow. */
export function checkSchema(events) {
  events.forEach((event, at) => {
    const where = `event ${at + 1} (${event?.type})`;
    const validate = validators.get(event?.type)?.();
    if (!validate) throw new Fault(`${where}: not an event type of AG-UI 1.0`);
    if (!validate(event)) throw new Fault(`${where}: JSON Schema: ${describe(validate.errors)}`);
  });
}

// Of a union's failures, those that only say "another member of the union" tell nothing.
function describe(errors) {
  const error = errors.find(({ keyword }) => keyword !== "const") ?? errors[0];
  const property = error.params?.unevaluatedProperty ?? error.params?.missingProperty ?? error.params?.allowedValue;
  return `${error.instancePath || "/"} ${error.message}${property === undefined ? "" : ` (${property})`}`;
}
