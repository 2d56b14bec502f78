//! Logins of mysql_async. See clients/python/login.py for what goes in and out.

use std::io::{BufRead, Write};

use mysql_async::prelude::Queryable;
use mysql_async::{Compression, Conn, OptsBuilder, SslOpts};
use serde_json::{json, Value};

type Failure = Box<dyn std::error::Error>;

/// The library can't be told a version of TLS: OPENSSL_CONF is what tells its OpenSSL.
async fn log_in(cell: &Value) -> Result<Value, Failure> {
    let text = |key: &str| cell[key].as_str().unwrap_or_default().to_string();
    let tls = (text("tls") != "none").then(|| SslOpts::default().with_danger_accept_invalid_certs(true));
    let compression = match text("compression").as_str() {
        "uncompressed" => None,
        "zlib" => Some(Compression::default()),
        _ => return Err("unsupported: only zlib".into()),
    };
    let options = OptsBuilder::default()
        .ip_or_hostname(text("host"))
        .tcp_port(cell["port"].as_u64().unwrap_or_default() as u16)
        .user(Some(text("user")))
        .pass(Some(text("password")))
        .prefer_socket(false)
        .ssl_opts(tls)
        .compression(compression);
    let mut connection = Conn::new(options).await?;
    let user: Option<String> = connection.query_first("SELECT CURRENT_USER()").await?;
    let long: Option<String> = connection.query_first("SELECT REPEAT('x', 100000)").await?;
    let sum: Option<i64> = connection.exec_first("SELECT CAST(? + 1 AS SIGNED)", (41,)).await?;
    connection.disconnect().await?;
    Ok(json!({"error": null, "user": user, "length": long.map(|value| value.len()), "sum": sum}))
}

fn main() -> Result<(), Failure> {
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let cell: Value = serde_json::from_str(&line?)?;
        // One for each cell: what a failed login leaves behind ends with it.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answer = runtime.block_on(log_in(&cell)).unwrap_or_else(|error| json!({"error": error.to_string()}));
        drop(runtime);
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
