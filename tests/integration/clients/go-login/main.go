// Logins of go-sql-driver. See clients/python/login.py for what goes in and out.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/go-sql-driver/mysql"
)

type cell struct {
	Host, User, Password, TLS, Compression, Plugin string
	Port                                           int
}

type answer struct {
	Error  *string `json:"error"`
	User   string  `json:"user"`
	Length int     `json:"length"`
	Sum    int     `json:"sum"`
}

func connector(c cell) (*sql.DB, error) {
	config := mysql.NewConfig()
	config.Net = "tcp"
	config.Addr = fmt.Sprintf("%s:%d", c.Host, c.Port)
	config.User, config.Passwd = c.User, c.Password
	config.Timeout = 20 * time.Second
	config.Logger = &mysql.NopLogger{}
	config.AllowNativePasswords = true
	if c.TLS != "none" {
		version := uint16(tls.VersionTLS12)
		if c.TLS == "1.3" {
			version = tls.VersionTLS13
		}
		config.TLS = &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}
	}
	switch c.Compression {
	case "zlib":
		if err := config.Apply(mysql.EnableCompression(true)); err != nil {
			return nil, err
		}
	case "zstd":
		return nil, fmt.Errorf("unsupported: only zlib")
	}
	made, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(made), nil
}

func logIn(c cell) (seen answer, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	db, err := connector(c)
	if err != nil {
		return
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return
	}
	defer conn.Close()
	if err = conn.QueryRowContext(ctx, "SELECT CURRENT_USER()").Scan(&seen.User); err != nil {
		return
	}
	var long string
	if err = conn.QueryRowContext(ctx, "SELECT REPEAT('x', 100000)").Scan(&long); err != nil {
		return
	}
	seen.Length = len(long)
	statement, err := conn.PrepareContext(ctx, "SELECT ? + 1")
	if err != nil {
		return
	}
	defer statement.Close()
	err = statement.QueryRowContext(ctx, 41).Scan(&seen.Sum)
	return
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var c cell
		var seen answer
		err := json.Unmarshal(lines.Bytes(), &c)
		if err == nil {
			seen, err = logIn(c)
		}
		if err != nil {
			text := err.Error()
			seen = answer{Error: &text}
		}
		out.Encode(seen)
	}
}
