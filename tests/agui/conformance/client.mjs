// The official client: parser, enforcement, verifier and reducer, fed from memory.
import { Fault } from "./frames.mjs";
import { load } from "./modules.mjs";

const { HttpAgent } = load("@ag-ui/client");

// Frames and characters are cut anywhere, as a network does.
const CHUNKS = [4096, 1, 57, 8191, 3];
// The client looks at a line again with each piece of it: a line of megabytes comes in larger ones.
const PIECES = 256;

function* chunks(bytes) {
  const scale = Math.max(1, Math.ceil(bytes.length / PIECES / 4096));
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = CHUNKS[turn % CHUNKS.length] * scale;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** Runs a stream through the client. Whatever it complains about, even in a warning, is a fault. */
export async function runClient(bytes, threadId) {
  const headers = { "content-type": "text/event-stream; charset=utf-8" };
  const fetch = async () => new Response(ReadableStream.from(chunks(bytes)), { headers });
  const agent = new HttpAgent({ url: "http://recorded.invalid/", threadId, fetch });
  const complaints = [];
  await quietly(complaints, async () => {
    await agent.runAgent({}).catch((error) => complaints.unshift(error.message));
  });
  if (complaints.length > 0) throw new Fault(`official client: ${complaints[0].replace(/\s+/g, " ").slice(0, 400)}`);
  return JSON.parse(JSON.stringify({ messages: agent.messages, state: agent.state }));
}

async function quietly(complaints, action) {
  const { warn, error } = console;
  const note = (...words) => complaints.push(words.map((word) => word?.message ?? String(word)).join(" "));
  Object.assign(console, { warn: note, error: note });
  try {
    await action();
  } finally {
    Object.assign(console, { warn, error });
  }
}
