// Comparing what a client ends up with.
import { Fault } from "./frames.mjs";

/** Throws the first place where two results differ. No tool calls and an empty list of them are the same. */
export function checkSame(found, expected) {
  for (const member of ["messages", "state"]) {
    if (expected[member] !== undefined) same(found[member], expected[member], member);
  }
}

function same(found, expected, where) {
  if (Array.isArray(found) && Array.isArray(expected)) {
    if (found.length !== expected.length) differ(`${where}.length`, found.length, expected.length);
    found.forEach((item, at) => same(item, expected[at], `${where}[${at}]`));
  } else if (isObject(found) && isObject(expected)) {
    for (const key of new Set([...Object.keys(found), ...Object.keys(expected)])) {
      if (key === "toolCalls" && !found[key]?.length && !expected[key]?.length) continue;
      same(found[key], expected[key], `${where}.${key}`);
    }
  } else if (found !== expected) {
    differ(where, found, expected);
  }
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function differ(where, found, expected) {
  const short = (value) => (JSON.stringify(value) ?? "nothing").slice(0, 120);
  throw new Fault(`${where} is ${short(found)}, expected ${short(expected)}`);
}
