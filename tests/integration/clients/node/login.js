// Logins of mysql2. See clients/python/login.py for what goes in and out.
"use strict";

const mysql = require("mysql2/promise");
const readline = require("readline");

async function logIn(cell) {
  if (cell.compression === "zstd") throw new Error("unsupported: only zlib");
  const version = `TLSv${cell.tls}`;
  const connection = await mysql.createConnection({
    host: cell.host, port: cell.port, user: cell.user, password: cell.password, connectTimeout: 20000,
    compress: cell.compression === "zlib",
    ssl: cell.tls === "none" ? undefined : { rejectUnauthorized: false, minVersion: version, maxVersion: version },
  });
  try {
    const [[{ user }]] = await connection.query("SELECT CURRENT_USER() AS user");
    const [[{ long }]] = await connection.query("SELECT REPEAT('x', 100000) AS `long`");
    const [[{ sum }]] = await connection.execute("SELECT ? + 1 AS sum", [41]);
    const stream = connection.connection.stream;
    return { user, length: long.length, sum: Number(sum), tls: stream.getProtocol ? stream.getProtocol() : null };
  } finally {
    await connection.end().catch(() => connection.destroy());
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      answer = { error: null, ...(await logIn(JSON.parse(line))) };
    } catch (error) {
      answer = { error: `${error.code || error.name}: ${error.message}` };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
}

main();
