// Conversations of mysql2. See clients/python/observe.py for what goes in and out.
"use strict";

const crypto = require("crypto");
const fs = require("fs");
const mysql = require("mysql2");

const LONG = 200;

class Unsupported extends Error {}

// A value's type and text, the long ones by length and hash.
function written(value) {
  if (value === null || value === undefined) return value === null ? null : ["undefined", ""];
  let type = typeof value;
  let text = String(value);
  if (Buffer.isBuffer(value)) {
    type = "Buffer";
    text = value.toString("hex");
  } else if (value instanceof Date) {
    type = "Date";
    text = isNaN(value) ? "invalid" : value.toISOString();
  } else if (type === "object") {
    text = JSON.stringify(value);
  }
  if (text.length > LONG) {
    text = `${text.length} characters, ${crypto.createHash("sha256").update(text).digest("hex")}`;
  }
  return [type, text];
}

function rowsWritten(rows) {
  const all = rows.map((row) => row.map(written));
  if (all.length <= 50) return all;
  const hash = crypto.createHash("sha256").update(JSON.stringify(all)).digest("hex");
  return { rows: all.length, hash, first: all[0], last: all[all.length - 1] };
}

function valueOf(parameter) {
  if (parameter === null || typeof parameter !== "object") return parameter;
  const [[kind, value]] = Object.entries(parameter);
  if (kind === "bytes") return Buffer.from(value, "hex");
  if (kind === "repeat") return value[0].repeat(value[1]);
  if (kind === "repeat_bytes") return Buffer.from(value[0].repeat(value[1]), "hex");
  if (kind === "datetime") return new Date(value + "Z");
  return value; // decimal, date, time: as text
}

function describe(error) {
  return [error.errno || 0, error.sqlState || "", `${error.code || error.name}: ${error.sqlMessage || error.message}`];
}

function columnsOf(fields) {
  return fields.map((field) => [
    field.name, field.orgName, field.table, field.orgTable, field.schema, field.characterSet, field.columnLength,
    field.columnType === undefined ? field.type : field.columnType, field.flags, field.decimals]);
}

function headerOf(header) {
  const { affectedRows, insertId, info, serverStatus, warningStatus, changedRows, stateChanges } = header;
  return { affectedRows, insertId: String(insertId), info, serverStatus, warningStatus, changedRows, stateChanges };
}

const isHeader = (one) => one && !Array.isArray(one) && one.constructor.name === "ResultSetHeader";

// What query() and execute() call back with: one result, or an array of them.
function resultsOf(rows, fields) {
  const many = Array.isArray(fields) && fields.some((one) => Array.isArray(one) || one === undefined);
  const list = many ? rows : [rows];
  return list.map((one, i) => {
    if (isHeader(one)) return headerOf(one);
    return { columns: columnsOf(many ? fields[i] : fields), rows: rowsWritten(one) };
  });
}

class Session {
  constructor(program) {
    this.program = program;
  }

  async connect(step) {
    const flags = [step.found_rows ? "FOUND_ROWS" : "-FOUND_ROWS"];
    if (step.track) flags.push("SESSION_TRACK");
    this.connection = mysql.createConnection({
      host: this.program.host, port: this.program.port, user: step.user, password: step.password,
      database: step.database || undefined, multipleStatements: step.multi !== false, charset: "utf8mb4", timezone: "Z",
      supportBigNumbers: true, bigNumberStrings: true, rowsAsArray: true, flags,
    });
    this.connection.on("error", () => {});
    await new Promise((resolve, reject) => this.connection.connect((error) => (error ? reject(error) : resolve())));
    if (step.init) await this.query({ sql: step.init });
    const hello = this.connection._handshakePacket;
    return { server: hello.serverVersion, charset: hello.characterSet, protocol: hello.protocolVersion };
  }

  async firstValue(sql) {
    const seen = await new Promise((resolve, reject) =>
      this.connection.query(sql, (error, rows) => (error ? reject(error) : resolve(rows))));
    return String(seen[0][0]);
  }

  query(step) {
    const options = { sql: step.sql };
    if (step.infile) options.infileStreamFactory = (path) => fs.createReadStream(path);
    return new Promise((resolve, reject) =>
      this.connection.query(options, (error, rows, fields) => {
        if (error) reject(error);
        else resolve({ results: resultsOf(rows, fields) });
      }));
  }

  async execute(step) {
    const results = [];
    for (let i = 0; i < (step.times || 1); ++i) {
      results.push(...await new Promise((resolve, reject) =>
        this.connection.execute(step.sql, step.params.map(valueOf), (error, rows, fields) => {
          if (error) reject(error);
          else resolve(resultsOf(rows, fields));
        })));
    }
    return { results };
  }

  // Row by row, an error in their midst where it comes.
  stream(step) {
    return new Promise((resolve) => {
      const rows = [];
      let error = null;
      const query = this.connection.query(step.sql);
      query.on("result", (row) => rows.push(Array.isArray(row) ? row : [JSON.stringify(headerOf(row))]));
      query.on("error", (one) => (error = describe(one)));
      query.on("end", () => resolve({ rows: rowsWritten(rows), error }));
    });
  }

  batch(step) {
    const head = step.sql.replace(/\(\?.*/, "?");
    return new Promise((resolve, reject) =>
      this.connection.query(head, [step.rows.map((row) => row.map(valueOf))], (error, result) => {
        if (error) reject(error);
        else resolve(headerOf(result));
      }));
  }

  // All at once: the library queues, and sends each when the one before is answered.
  async pipeline(step) {
    const asked = step.statements.map((sql) => this.query({ sql }).catch((error) => ({ error: describe(error) })));
    return { answers: (await Promise.all(asked)).map((one) => (one.error ? { failed: one.error } : one)) };
  }

  change_user(step) {
    return new Promise((resolve, reject) =>
      this.connection.changeUser(
        { user: step.user, password: step.password, database: step.database },
        (error) => (error ? reject(error) : resolve({}))));
  }

  ping() {
    return new Promise((resolve, reject) => this.connection.ping((error) => (error ? reject(error) : resolve({}))));
  }

  select_db() {
    throw new Unsupported();
  }

  close() {
    return new Promise((resolve) => this.connection.end(() => resolve({})));
  }
}

class Runner {
  constructor(program) {
    this.program = program;
  }

  async run() {
    const seen = {};
    for (const one of this.program.cases) {
      process.stderr.write(one.name + "\n");
      seen[one.name] = await this.runCase(one);
    }
    return seen;
  }

  async runCase(one) {
    this.sessions = {};
    this.names = {};
    this.waiting = {};
    const observed = [];
    let able = true;
    for (const step of one.steps) {
      const seen = able ? await this.observe(step) : { unsupported: true };
      observed.push(seen);
      able = able && !(step.required && seen.unsupported);
    }
    for (const session of Object.values(this.sessions)) session.connection.destroy();
    return observed;
  }

  async observe(step) {
    try {
      return await this.step(this.filledIn(step));
    } catch (error) {
      return error instanceof Unsupported ? { unsupported: true } : { error: describe(error) };
    }
  }

  filledIn(step) {
    if (step.sql === undefined) return step;
    let sql = step.sql;
    for (const [name, value] of Object.entries(this.names)) sql = sql.split(`{${name}}`).join(value);
    sql = sql.replace(/\{repeat:(.):(\d+)\}/g, (_, text, count) => text.repeat(Number(count)));
    return { ...step, sql };
  }

  async step(step) {
    const name = step.on || "main";
    if (step.do === "connect") {
      delete this.sessions[name];
      const session = new Session(this.program);
      const seen = await session.connect(step);
      this.sessions[name] = session;
      return seen;
    }
    const session = this.sessions[name];
    if (!session) throw new Error("no connection");
    switch (step.do) {
      case "start":
        this.waiting[name] = this.observe({ ...step, do: "query" });
        return {};
      case "join":
        return this.waiting[name];
      case "remember":
        this.names[step.as] = await session.firstValue(step.sql);
        return {};
      case "remember_id":
        this.names[step.as] = String(session.connection.threadId);
        return {};
      case "await": {
        const end = Date.now() + 20000;
        while ((await session.firstValue(step.sql)) !== step.equals) {
          if (Date.now() > end) throw new Error("waited in vain");
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        return {};
      }
      default:
        if (typeof session[step.do] !== "function") throw new Unsupported();
        return session[step.do](step);
    }
  }
}

new Runner(JSON.parse(fs.readFileSync(process.argv[2], "utf8"))).run().then(
  (seen) => process.stdout.write(JSON.stringify(seen), () => process.exit(0)),
  (error) => {
    console.error(error);
    process.exit(1);
  });
