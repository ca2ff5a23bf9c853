// Does what our receiver does with one delivery: checks the signature, stores the raw body
// durably under a unique key, answers. One commit a request.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import Database from "better-sqlite3";
import express from "express";

const [file, secret] = process.argv.slice(2);
const store = new Database(file);
store.pragma("journal_mode = WAL");
store.pragma("synchronous = FULL");
store.exec(`CREATE TABLE IF NOT EXISTS inbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, topic TEXT NOT NULL,
  state TEXT NOT NULL, received_at INTEGER NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL)`);
const insert = store.prepare(`INSERT INTO inbox (key, topic, state, received_at, headers, body)
  VALUES (?, ?, 'waiting', ?, ?, ?) ON CONFLICT (key) DO NOTHING`);

const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.post("/hooks/woocommerce/:token", express.raw({ type: "application/json", limit: "5mb" }), (request, answer) => {
  const given = Buffer.from(request.get("X-WC-Webhook-Signature") ?? "", "base64");
  const wanted = createHmac("sha256", secret).update(request.body).digest();
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    answer.status(401).json({ status: "rejected" });
    return;
  }
  const topic = request.get("X-WC-Webhook-Topic") ?? "";
  const key = [request.get("X-WC-Webhook-ID"), topic,
    createHash("sha256").update(request.body).digest("hex")].join(":");
  const kept = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => name.startsWith("x-wc-")));
  const done = insert.run(key, topic, Date.now() * 1000, JSON.stringify(kept), request.body);
  answer.json({ status: done.changes ? "stored" : "duplicate" });
});
const server = app.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
