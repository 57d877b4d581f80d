// mailparser.js FOLDER LIST: reads each message that LIST names (a path a line) with mailparser, which lies in
// FOLDER/node_modules, and prints what it makes of it: see spec/support/py/readers.py for the shape. One value in
// bencoding after another, in the order of the list.
"use strict";

const crypto = require("crypto");
const fs = require("fs");
const path = require("path");
const url = require("url");
const modules = path.resolve(process.argv[2], "node_modules");
const { MailParser } = require(path.join(modules, "mailparser"));

const addressFields = new Set(["from", "sender", "reply-to", "to", "cc", "bcc", "disposition-notification-to"]);
const idFields = new Set(["message-id", "in-reply-to", "references"]);

function bencode(value) {
  if (Array.isArray(value)) return Buffer.concat([Buffer.from("l"), ...value.map(bencode), Buffer.from("e")]);
  if (typeof value === "number") return Buffer.from(`i${Math.trunc(value)}e`);
  if (typeof value === "string" || Buffer.isBuffer(value)) {
    const bytes = Buffer.from(value);
    return Buffer.concat([Buffer.from(`${bytes.length}:`), bytes]);
  }
  const keys = Object.keys(value).filter((k) => value[k] !== undefined && value[k] !== null).sort();
  return Buffer.concat([Buffer.from("d"), ...keys.flatMap((k) => [bencode(k), bencode(value[k])]), Buffer.from("e")]);
}

// It shows an A-label as a U-label; what was on the wire is compared.
function wireAddress(address, line) {
  const at = (address || "").lastIndexOf("@");
  if (at < 0 || !/[^\x00-\x7f]/.test(address.slice(at)) || !/@xn--|\.xn--/i.test(line)) return address || "";
  return address.slice(0, at + 1) + (url.domainToASCII(address.slice(at + 1)) || address.slice(at + 1));
}

function mailboxes(list, line) {
  return list.flatMap((a) => (a.group ? mailboxes(a.group, line) : [[a.name || "", wireAddress(a.address, line)]]));
}

// Field by field: its own map keeps one of each, and what it makes of List- fields is not what is in them.
function field(parser, { key, line }) {
  const kind = key.replace(/^resent-/, "");
  if (addressFields.has(kind)) {
    const value = parser.processHeaders([{ key: kind, line }]).get(kind);
    return [key, value ? mailboxes(value.value, line) : []];
  }
  if (idFields.has(kind)) {
    const value = [].concat(parser.processHeaders([{ key: kind, line }]).get(kind) || []);
    return [key, value.flatMap((v) => v.split(/\s+/)).map((v) => v.replace(/^<|>$/g, ""))];
  }
  if (kind === "date") return [key, parser.processHeaders([{ key: kind, line }]).get(kind).getTime() / 1000];
  const value = (parser.libmime.decodeHeader(line) || {}).value || "";
  return [key, parser.libmime.decodeWords(value)];
}

function header(parser, node) {
  return node.node.headers.getList().filter((l) => !l.key.startsWith("content-")).map((l) => field(parser, l));
}

function one(node, key) {
  const value = [].concat(node.headers.get(key) || [])[0];
  return typeof value === "string" ? value : undefined;
}

// attachments: their contents in the order of the parts that it takes for attachments. A message among them is one octet string to
// it, which it reads when it is asked to.
async function tree(parser, node, attachments) {
  const split = node.node;
  const out = { type: node.contentType || "text/plain", disposition: split.disposition || undefined,
    filename: split.filename || undefined, id: (one(node, "content-id") || "").replace(/^<|>$/g, "") || undefined,
    charset: split.charset || undefined };
  const isMessage = out.type === "message/rfc822" && split.messageNode;
  if (out.type.startsWith("multipart/") || isMessage) {
    out.parts = [];
    for (const child of node.children) out.parts.push(await tree(parser, child, attachments));
    if (isMessage) node.children.forEach((child, i) => { out.parts[i].header = header(parser, child); });
    return out;
  }
  if (node.isAttachment) {
    const content = attachments.shift();
    if (out.type === "message/rfc822") {
      const inner = await parse(content);
      out.parts = [{ header: inner.header, ...inner.root }];
      return out;
    }
    out.size = content.length;
    out.sha256 = crypto.createHash("sha256").update(content).digest("hex");
  } else {
    out.text = node.textContent || "";
  }
  return out;
}

function parse(bytes) {
  return new Promise((resolve, reject) => {
    const parser = new MailParser({ skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true, skipTextLinks: true,
      keepDeliveryStatus: true });
    const attachments = [];
    parser.on("data", (data) => {
      if (data.type !== "attachment") return;
      const chunks = [];
      const index = attachments.push(null) - 1;
      data.content.on("data", (chunk) => chunks.push(chunk));
      data.content.on("end", () => {
        attachments[index] = Buffer.concat(chunks);
        data.release();
      });
    });
    parser.on("error", reject);
    parser.on("end", () => {
      tree(parser, parser.tree, attachments).then((root) => resolve({ header: header(parser, parser.tree), root }), reject);
    });
    parser.end(bytes);
  });
}

async function main() {
  for (const name of fs.readFileSync(process.argv[3], "utf8").split("\n").filter(Boolean)) {
    let value;
    try {
      value = await parse(fs.readFileSync(name));
    } catch (e) {
      value = { error: String(e && e.stack) };
    }
    fs.writeSync(1, bencode(value));
  }
}

main();
