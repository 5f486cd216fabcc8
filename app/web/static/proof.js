// Recomputes the root of the log in this browser, from the bytes on this page, and says what it
// found. The page is complete without this file; it only saves the reader a tool.
"use strict";

const encoder = new TextEncoder();

const fromBase64 = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
const toHex = (bytes) => Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");

async function sha256(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

// RFC 6962 §2.1: a leaf is hashed behind a zero byte, a node behind a one.
const leafHash = (raw) => sha256(Uint8Array.of(0), raw);
const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

// RFC 6962 §2.1.1: which side each sibling stands on, from the root downward.
function sides(index, size) {
  const sides = [];
  let low = 0;
  let high = size;
  while (high - low > 1) {
    let width = 1;
    while (width * 2 < high - low) width *= 2;
    if (index - low < width) {
      sides.unshift("right");
      high = low + width;
    } else {
      sides.unshift("left");
      low += width;
    }
  }
  return sides;
}

async function rootOf(raw, index, size, path) {
  const places = sides(index, size);
  if (places.length !== path.length) throw new Error("the proof has the wrong length");
  let current = await leafHash(raw);
  for (const [level, sibling] of path.entries()) {
    current = await (places[level] === "left"
      ? nodeHash(sibling, current)
      : nodeHash(current, sibling));
  }
  return current;
}

// C2SP signed-note and tlog-checkpoint: origin, size, root; blank line; signatures.
function readCheckpoint(note) {
  const end = note.lastIndexOf("\n\n");
  const body = note.slice(0, end + 1);
  const [origin, size, root] = body.split("\n");
  const signatures = note
    .slice(end + 2)
    .split("\n")
    .filter((line) => line.startsWith("— "))
    .map((line) => line.split(" "))
    .map(([, name, blob]) => ({ name, bytes: fromBase64(blob).slice(4) }));
  return { body, origin, size: Number(size), root: fromBase64(root), signatures };
}

async function signed(checkpoint, publicKey) {
  let key;
  try {
    key = await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return null; // This browser does not know Ed25519: no verdict, which is not a bad one.
  }
  const own = checkpoint.signatures.find((one) => one.name === checkpoint.origin);
  if (!own) return false;
  return crypto.subtle.verify("Ed25519", key, own.bytes, encoder.encode(checkpoint.body));
}

async function verdict(data) {
  const checkpoint = readCheckpoint(data.checkpoint);
  const path = data.path.split(" ").filter(Boolean).map(fromBase64);
  const root = await rootOf(fromBase64(data.raw), Number(data.index), checkpoint.size, path);
  if (toHex(root) !== toHex(checkpoint.root)) {
    return ["failed", `This browser recomputed another root, ${toHex(root)}. Do not rely on this entry; keep this page.`];
  }
  const good = await signed(checkpoint, fromBase64(data.key));
  if (good === false) {
    return ["failed", "The root fits, but the checkpoint is not signed by this log's key. Do not rely on it; keep this page."];
  }
  const steps = path.length === 1 ? "1 step" : `${path.length} steps`;
  const signature = good
    ? "and its signature is this log's."
    : "but cannot check Ed25519 signatures itself.";
  return ["held", `This browser recomputed the root from the bytes below in ${steps}: it is the one in the checkpoint, ${signature}`];
}

const place = document.getElementById("proof");
const result = document.getElementById("proof-result");

if (place && result && window.crypto?.subtle) {
  verdict(place.dataset)
    .catch((error) => ["failed", `This browser could not follow the proof: ${error.message}.`])
    .then(([state, sentence]) => {
      result.dataset.state = state;
      result.textContent = sentence;
    });
}
