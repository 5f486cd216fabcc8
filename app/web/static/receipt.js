// Checks in this browser that a receipt is signed with a key that this service publishes, and holds
// what this page says against what is signed. The page is complete without this file.
"use strict";

const TYPE = "habeas-receipt+jwt";
const LARGEST_TOKEN = 16384;
const LARGEST_FILE = 1 << 21;
const MEMBERS = "claims,keys,log,submission,token,type";

class Refused extends Error {} // The receipt must not be relied on.
class Undecided extends Error {} // This browser cannot say: no verdict, which is not a bad one.

const ascii = new TextEncoder();
const utf8 = new TextDecoder("utf-8", { fatal: true });

function toBase64url(bytes) {
  const text = btoa(Array.from(bytes, (one) => String.fromCharCode(one)).join(""));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// RFC 7515 §2, strictly: bytes have one accepted form.
function fromBase64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new Refused("the token is not written in base64url");
  const plain = text.replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Uint8Array.from(atob(plain), (one) => one.charCodeAt(0));
  if (toBase64url(bytes) !== text) throw new Refused("the token is not written in base64url");
  return bytes;
}

function readObject(text) {
  const value = JSON.parse(utf8.decode(fromBase64url(text)));
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Refused("the token holds no object");
  }
  return value;
}

// RFC 7515 §3.1, with exactly the header that receipts have: no other algorithm, type or field.
function readToken(token) {
  if (typeof token !== "string" || token.length > LARGEST_TOKEN) {
    throw new Refused("there is no signed text, or it is too long");
  }
  const parts = token.split(".");
  if (parts.length !== 3) throw new Refused("the token does not have three parts");
  const header = readObject(parts[0]);
  if (Object.keys(header).sort().join() !== "alg,kid,typ") {
    throw new Refused("the token's header has other fields than alg, kid and typ");
  }
  if (header.alg !== "Ed25519") throw new Refused("the token's algorithm is not Ed25519");
  if (header.typ !== TYPE) throw new Refused("the token is no receipt");
  return {
    kid: header.kid,
    claims: readObject(parts[1]),
    signed: ascii.encode(`${parts[0]}.${parts[1]}`),
    signature: fromBase64url(parts[2]),
  };
}

// The key's fingerprint: its thumbprint (RFC 7638 §3, RFC 8037 appendix A.3).
async function fingerprint(x) {
  const body = ascii.encode(`{"crv":"Ed25519","kty":"OKP","x":${JSON.stringify(x)}}`);
  return toBase64url(new Uint8Array(await crypto.subtle.digest("SHA-256", body)));
}

async function published(address) {
  try {
    const answer = await fetch(address, { cache: "no-store", credentials: "omit", redirect: "error" });
    if (!answer.ok) throw new Error(`the answer is ${answer.status}`);
    return (await answer.json()).keys;
  } catch (error) {
    throw new Undecided(`The published keys could not be fetched (${error.message}). Load the page again.`);
  }
}

async function keyOf(kid, keys) {
  for (const key of keys) {
    const fits = key.kty === "OKP" && key.crv === "Ed25519" && key.habeas_typ === TYPE;
    if (fits && !("d" in key) && (await fingerprint(key.x)) === kid) return fromBase64url(key.x);
  }
  throw new Refused(
    `it is signed with the key ${kid}, which this service does not publish for receipts. ` +
      "Either the key was replaced since, which the works council can say, or it was not signed here",
  );
}

async function imported(raw) {
  try {
    return await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
  } catch (error) {
    if (error.name !== "NotSupportedError") throw new Refused("the published key is no Ed25519 key");
    throw new Undecided(
      "This browser cannot check Ed25519 signatures, so nothing was checked here. " +
        "A newer browser can, and so does the command below.",
    );
  }
}

async function check(token, address) {
  const read = readToken(token);
  if (!window.crypto?.subtle) {
    throw new Undecided(
      "This browser checks signatures on https pages only, so nothing was checked here. " +
        "The command below does it.",
    );
  }
  const key = await imported(await keyOf(read.kid, await published(address)));
  const holds = await crypto.subtle.verify("Ed25519", key, read.signature, read.signed);
  if (!holds) throw new Refused("its signature is wrong: the text was changed after it was signed");
  return read;
}

// What a claim says in one line; app/web/employee/receipt_rows.py writes the page with these rules.
function said(value) {
  if (value === null || value === undefined) return "none";
  if (Array.isArray(value)) return value.map(said).join(", ") || "none";
  if (typeof value !== "object") return String(value);
  if ("pii_type" in value) {
    const names = ["pii_type", "mode", "retention_period"].filter((name) => name in value);
    return names.map((name) => said(value[name])).join(" ");
  }
  const names = Object.keys(value).sort();
  return names.map((name) => `${name} ${said(value[name])}`).join(", ") || "none";
}

function claimAt(claims, path) {
  return path.split(".").reduce((value, name) => value?.[name], claims);
}

function tell(place, state, sentence) {
  place.dataset.state = state;
  place.textContent = sentence;
}

function tellError(place, error) {
  if (error instanceof Undecided) {
    tell(place, "open", error.message);
  } else {
    const reason = error instanceof Refused ? error.message : "it cannot be read";
    tell(place, "failed", `Do not rely on this receipt: ${reason}. Keep it, and show it to the works council.`);
  }
}

// Fills in what the signed text says, next to what the page says; the names of lines that differ.
function compare(table, claims) {
  const differing = [];
  for (const row of table.querySelectorAll("tr[data-claim]")) {
    const signed = said(claimAt(claims, row.dataset.claim));
    const same = signed === row.dataset.shown;
    row.querySelector("[data-signed]").textContent = signed;
    row.dataset.same = same;
    row.querySelector("[data-verdict]").textContent = same ? "the same" : "differs";
    if (!same) differing.push(row.querySelector("th").textContent);
  }
  return differing;
}

async function checkPage(place, result, comparison) {
  const table = comparison.querySelector("table");
  const { kid, claims } = await check(place.dataset.token, place.dataset.keys);
  const differing = compare(table, claims);
  comparison.hidden = false;
  if (differing.length) {
    comparison.open = true;
    throw new Refused(`its signature holds, but this page says something else in: ${differing.join("; ")}`);
  }
  const lines = table.querySelectorAll("tr[data-claim]").length;
  tell(
    result,
    "held",
    `This browser checked the signature: it was made with the key ${kid}, which this service publishes. ` +
      `This page says the same as the signed text in all ${lines} lines.`,
  );
}

// A whole file, or the token alone. What stands next to a signature is read as if it were signed, so
// a file has exactly the parts of a receipt.
function readFile(text) {
  if (!text.trim().startsWith("{")) return { token: text.trim() };
  let file;
  try {
    file = JSON.parse(text);
  } catch {
    throw new Refused("the file is not a whole receipt: it cannot be read");
  }
  if (Object.keys(file).sort().join() !== MEMBERS) {
    throw new Refused("the file is not a whole receipt: it has other parts than a receipt has");
  }
  return file;
}

// What the file tells about another event than the signed text does; the event that a promise or an
// entry names is read here, and whether the log signed it is left to the command.
function strangers(file, claims) {
  const named = {
    entry: file.log && JSON.parse(file.log.entry).event,
    promise: file.submission && readObject(file.submission.split(".")[1]).event,
  };
  return Object.keys(named).filter((part) => named[part] !== null && named[part] !== claims.log.event);
}

function sameJson(one, other) {
  if (one === null || other === null || typeof one !== "object" || typeof other !== "object") {
    return one === other;
  }
  const names = Object.keys(one);
  return (
    Array.isArray(one) === Array.isArray(other) &&
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && sameJson(one[name], other[name]))
  );
}

function list(place, lines) {
  place.replaceChildren();
  for (const [name, value] of lines) {
    const term = document.createElement("dt");
    const description = document.createElement("dd");
    term.textContent = name;
    description.textContent = value;
    place.append(term, description);
  }
  place.hidden = false;
}

async function checkOther(place, form) {
  const chosen = form.querySelector("[type=file]").files[0];
  if (chosen && chosen.size > LARGEST_FILE) throw new Refused("the file is too large for a receipt");
  const text = chosen ? await chosen.text() : form.querySelector("textarea").value;
  if (!text.trim()) throw new Undecided("Choose a file or paste its text first.");
  const file = readFile(text);
  const { kid, claims } = await check(file.token, place.dataset.keys);
  const rows = document.querySelectorAll("#receipt-compared tr[data-claim]");
  const lines = Array.from(rows, (row) => [
    row.querySelector("th").textContent,
    said(claimAt(claims, row.dataset.claim)),
  ]);
  list(form.querySelector("dl"), [["In the log", said(claims.sub)], ...lines]);
  if ("claims" in file && !sameJson(file.claims, claims)) {
    throw new Refused("its signature holds, but the file shows other claims next to the signed text. Below is what is signed");
  }
  if ("log" in file) {
    for (const part of strangers(file, claims)) {
      throw new Refused(`its signature holds, but the ${part} in the file is that of another event. Below is what is signed`);
    }
  }
  const whose = claims.record_id === place.dataset.record ? "It is the receipt of this page" : "It is another receipt than that of this page";
  return [whose, kid];
}

function checking(place, form) {
  const result = form.querySelector("[role=status]");
  form.hidden = false;
  document.getElementById("receipt-other-needs").hidden = true;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    form.querySelector("dl").hidden = true;
    result.hidden = false;
    tell(result, "open", "Checking …");
    try {
      const [whose, kid] = await checkOther(place, form);
      tell(result, "held", `${whose}. This browser checked its signature: it was made with the key ${kid}. Below is what is signed. That the log holds it was not checked here: the command below does that.`);
    } catch (error) {
      tellError(result, error);
    }
  });
}

const place = document.getElementById("receipt-check");
if (place) {
  const result = document.getElementById("receipt-result");
  checkPage(place, result, document.getElementById("receipt-compared")).catch((error) =>
    tellError(result, error),
  );
  checking(place, document.getElementById("receipt-other"));
}
