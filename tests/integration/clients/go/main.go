// Conversations of go-sql-driver, by database/sql. See clients/python/observe.py for what goes in and out.
package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

type step struct {
	Do         string          `json:"do"`
	On         string          `json:"on"`
	As         string          `json:"as"`
	User       string          `json:"user"`
	Password   string          `json:"password"`
	Database   string          `json:"database"`
	Init       string          `json:"init"`
	Multi      *bool           `json:"multi"`
	Infile     json.RawMessage `json:"infile"`
	FoundRows  bool            `json:"found_rows"`
	SQL        string          `json:"sql"`
	Params     []interface{}   `json:"params"`
	Rows       [][]interface{} `json:"rows"`
	Statements []string        `json:"statements"`
	Times      int             `json:"times"`
	Take       int             `json:"take"`
	Required   bool            `json:"required"`
	Equals     string          `json:"equals"`
}

type program struct {
	Host  string
	Port  int
	Cases []struct {
		Name  string
		Steps []step
	}
}

type object = map[string]interface{}

var errUnsupported = errors.New("unsupported")

const long = 200

// written gives a value's type and text, the long ones by length and hash.
func written(value interface{}) interface{} {
	if value == nil {
		return nil
	}
	var text string
	switch v := value.(type) {
	case []byte:
		text = hex.EncodeToString(v)
	case sql.RawBytes:
		text = hex.EncodeToString(v)
	case time.Time:
		text = v.Format(time.RFC3339Nano)
	default:
		text = fmt.Sprint(v)
	}
	if len(text) > long {
		text = fmt.Sprintf("%d characters, %x", len(text), sha256.Sum256([]byte(text)))
	}
	return []string{fmt.Sprintf("%T", value), text}
}

func valueOf(parameter interface{}) interface{} {
	switch p := parameter.(type) {
	case json.Number:
		if number, err := p.Int64(); err == nil {
			return number
		}
		number, _ := p.Float64()
		return number
	case map[string]interface{}:
		for kind, value := range p {
			switch kind {
			case "bytes":
				raw, _ := hex.DecodeString(value.(string))
				return raw
			case "repeat", "repeat_bytes":
				pair := value.([]interface{})
				count, _ := pair[1].(json.Number).Int64()
				if kind == "repeat" {
					return strings.Repeat(pair[0].(string), int(count))
				}
				raw, _ := hex.DecodeString(pair[0].(string))
				return []byte(strings.Repeat(string(raw), int(count)))
			case "datetime":
				at, err := time.Parse("2006-01-02T15:04:05", value.(string))
				if err != nil {
					panic(err)
				}
				return at
			default: // decimal, date, time: as text
				return value.(string)
			}
		}
	}
	return parameter
}

func values(parameters []interface{}) []interface{} {
	result := make([]interface{}, len(parameters))
	for i, one := range parameters {
		result[i] = valueOf(one)
	}
	return result
}

func describe(err error) []interface{} {
	var said *mysql.MySQLError
	if errors.As(err, &said) {
		return []interface{}{said.Number, string(said.SQLState[:]), said.Message}
	}
	return []interface{}{0, "", err.Error()}
}

type session struct {
	db   *sql.DB
	conn *sql.Conn
}

var background = context.Background()

func connect(p *program, s step) (*session, object, error) {
	config := mysql.NewConfig()
	config.Net = "tcp"
	config.Addr = fmt.Sprintf("%s:%d", p.Host, p.Port)
	config.User, config.Passwd, config.DBName = s.User, s.Password, s.Database
	config.MultiStatements = s.Multi == nil || *s.Multi
	config.AllowAllFiles = string(s.Infile) == "true"
	config.ClientFoundRows = s.FoundRows
	config.MaxAllowedPacket = 128 << 20
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, nil, err
	}
	db := sql.OpenDB(connector)
	conn, err := db.Conn(background)
	if err != nil {
		db.Close()
		return nil, nil, err
	}
	if s.Init != "" {
		if _, err := conn.ExecContext(background, s.Init); err != nil {
			return nil, nil, err
		}
	}
	return &session{db, conn}, object{}, nil
}

func (c *session) close() {
	c.conn.Close()
	c.db.Close()
}

func (c *session) firstValue(query string) (string, error) {
	var value sql.NullString
	err := c.conn.QueryRowContext(background, query).Scan(&value)
	return value.String, err
}

// oneResult reads the rows of the present result; on an error it gives those before it.
func oneResult(rows *sql.Rows, take int) (object, error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	columns := []interface{}{}
	for _, one := range types {
		length, hasLength := one.Length()
		precision, scale, hasScale := one.DecimalSize()
		nullable, hasNullable := one.Nullable()
		columns = append(columns, []interface{}{one.Name(), one.DatabaseTypeName(), length, hasLength, precision, scale,
			hasScale, nullable, hasNullable, one.ScanType().String()})
	}
	result := object{"columns": columns}
	count := 0
	kept := []interface{}{}
	digest := sha256.New()
	var last interface{}
	for (take == 0 || count < take) && rows.Next() {
		cells := make([]interface{}, len(types))
		pointers := make([]interface{}, len(types))
		for i := range cells {
			pointers[i] = &cells[i]
		}
		if err := rows.Scan(pointers...); err != nil {
			return result, err
		}
		row := []interface{}{}
		for _, cell := range cells {
			row = append(row, written(cell))
		}
		count++
		text, _ := json.Marshal(row)
		digest.Write(text)
		if len(kept) < 50 {
			kept = append(kept, row)
		}
		last = row
	}
	if count <= 50 {
		result["rows"] = kept
	} else {
		result["rows"] = object{"rows": count, "hash": hex.EncodeToString(digest.Sum(nil)), "first": kept[0], "last": last}
	}
	return result, rows.Err()
}

func allResults(rows *sql.Rows, take int) object {
	defer rows.Close()
	results := []interface{}{}
	for {
		result, err := oneResult(rows, take)
		if result != nil {
			results = append(results, result)
		}
		if err == nil && take == 0 && rows.NextResultSet() {
			continue
		}
		if err == nil {
			err = rows.Err()
		}
		if err != nil {
			return object{"results": results, "error": describe(err)}
		}
		return object{"results": results}
	}
}

var returnsRows = regexp.MustCompile(`(?i)^\s*(SELECT|SHOW|EXPLAIN|CALL|SET STATEMENT|/\*)`)

// query runs text; what has no rows runs by Exec, which tells of affected rows and insert ids.
func (c *session) query(s step, parameters ...interface{}) (object, error) {
	if returnsRows.MatchString(s.SQL) || strings.Contains(s.SQL, "SELECT 'after'") || strings.Contains(s.SQL, "SELECT 'end'") {
		rows, err := c.conn.QueryContext(background, s.SQL, parameters...)
		if err != nil {
			return nil, err
		}
		return allResults(rows, s.Take), nil
	}
	var result driver.Result
	err := c.conn.Raw(func(raw interface{}) error {
		named := make([]driver.NamedValue, len(parameters))
		for i, one := range parameters {
			named[i] = driver.NamedValue{Ordinal: i + 1, Value: one}
		}
		if len(parameters) == 0 {
			var err error
			result, err = raw.(driver.ExecerContext).ExecContext(background, s.SQL, named)
			return err
		}
		statement, err := raw.(driver.ConnPrepareContext).PrepareContext(background, s.SQL)
		if err != nil {
			return err
		}
		defer statement.Close()
		for i := range named {
			if named[i].Value, err = driver.DefaultParameterConverter.ConvertValue(named[i].Value); err != nil {
				return err
			}
		}
		result, err = statement.(driver.StmtExecContext).ExecContext(background, named)
		return err
	})
	if err != nil {
		return nil, err
	}
	all, _ := result.(mysql.Result)
	if all == nil {
		return object{}, nil
	}
	return object{"affected": all.AllRowsAffected(), "insert_ids": all.AllLastInsertIds()}, nil
}

func (c *session) execute(s step) (object, error) {
	statement, err := c.conn.PrepareContext(background, s.SQL)
	if err != nil {
		return nil, err
	}
	defer statement.Close()
	times := s.Times
	if times == 0 {
		times = 1
	}
	results := []interface{}{}
	for i := 0; i < times; i++ {
		if returnsRows.MatchString(s.SQL) {
			rows, err := statement.QueryContext(background, values(s.Params)...)
			if err != nil {
				return nil, err
			}
			results = append(results, allResults(rows, s.Take))
			continue
		}
		result, err := statement.ExecContext(background, values(s.Params)...)
		if err != nil {
			return nil, err
		}
		affected, _ := result.RowsAffected()
		id, _ := result.LastInsertId()
		results = append(results, object{"affected": affected, "insert_id": id})
	}
	return object{"results": results}, nil
}

func (c *session) batch(s step) (object, error) {
	tx, err := c.conn.BeginTx(background, nil)
	if err != nil {
		return nil, err
	}
	statement, err := tx.PrepareContext(background, s.SQL)
	if err != nil {
		return nil, err
	}
	defer statement.Close()
	for _, row := range s.Rows {
		if _, err := statement.ExecContext(background, values(row)...); err != nil {
			tx.Rollback()
			return nil, err
		}
	}
	return object{}, tx.Commit()
}

type runner struct {
	program  *program
	sessions map[string]*session
	names    map[string]string
	waiting  map[string]chan object
}

var repeat = regexp.MustCompile(`\{repeat:(.):(\d+)\}`)

func (r *runner) filledIn(s step) step {
	for name, value := range r.names {
		s.SQL = strings.ReplaceAll(s.SQL, "{"+name+"}", value)
	}
	s.SQL = repeat.ReplaceAllStringFunc(s.SQL, func(found string) string {
		parts := repeat.FindStringSubmatch(found)
		count, _ := strconv.Atoi(parts[2])
		return strings.Repeat(parts[1], count)
	})
	if s.On == "" {
		s.On = "main"
	}
	return s
}

func (r *runner) observe(s step) object {
	s = r.filledIn(s)
	seen, err := r.do(s)
	if err == errUnsupported {
		return object{"unsupported": true}
	}
	if err != nil {
		return object{"error": describe(err)}
	}
	return seen
}

func (r *runner) do(s step) (object, error) {
	if s.Do == "connect" {
		c, seen, err := connect(r.program, s)
		delete(r.sessions, s.On)
		if err == nil {
			r.sessions[s.On] = c
		}
		return seen, err
	}
	c := r.sessions[s.On]
	if c == nil {
		return nil, errors.New("no connection")
	}
	switch s.Do {
	case "query":
		return c.query(s)
	case "execute":
		return c.execute(s)
	case "stream":
		return c.query(s)
	case "batch":
		return c.batch(s)
	case "ping":
		return object{}, c.conn.PingContext(background)
	case "close":
		c.close()
		return object{}, nil
	case "start":
		done := make(chan object, 1)
		r.waiting[s.On] = done
		go func() {
			seen, err := c.query(s)
			if err != nil {
				seen = object{"error": describe(err)}
			}
			done <- seen
		}()
		return object{}, nil
	case "join":
		return <-r.waiting[s.On], nil
	case "remember":
		value, err := c.firstValue(s.SQL)
		r.names[s.As] = value
		return object{}, err
	case "await":
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			value, err := c.firstValue(s.SQL)
			if err != nil || value == s.Equals {
				return object{}, err
			}
		}
		return nil, errors.New("waited in vain")
	}
	return nil, errUnsupported
}

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	var p program
	decoder := json.NewDecoder(file)
	decoder.UseNumber()
	if err := decoder.Decode(&p); err != nil {
		panic(err)
	}
	seen := object{}
	for _, one := range p.Cases {
		fmt.Fprintln(os.Stderr, one.Name)
		r := runner{&p, map[string]*session{}, map[string]string{}, map[string]chan object{}}
		observed := []object{}
		able := true
		for _, s := range one.Steps {
			seen := object{"unsupported": true}
			if able {
				seen = r.observe(s)
			}
			observed = append(observed, seen)
			able = able && !(s.Required && seen["unsupported"] == true)
		}
		for _, c := range r.sessions {
			c.close()
		}
		seen[one.Name] = observed
	}
	if err := json.NewEncoder(os.Stdout).Encode(seen); err != nil {
		panic(err)
	}
}
