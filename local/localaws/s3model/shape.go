package s3model

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Shape is the format of a generated bucket's keys. Keys are computed, not stored: key i is the i-th in S3's order.
type Shape interface {
	// Append appends key i of n to b.
	Append(b []byte, i, n int) []byte
	// Index returns the i of a key, and whether the key exists.
	Index(key string, n int) (int, bool)
}

// Hashes are 32 hexadecimal digits, evenly distributed like those of a hash.
type Hashes struct{}

// mix hashes a number (splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// place returns the position of key i of n among all 64-bit numbers: random within its n-th part.
func place(i, n int) uint64 {
	step, _ := bits.Div64(1, 0, uint64(n)) // 2^64 / n
	return uint64(i)*step + mix(uint64(i))%step
}

// Append implements Shape.
func (Hashes) Append(b []byte, i, n int) []byte {
	b = appendHex(b, place(i, n))
	return appendHex(b, mix(mix(uint64(i))))
}

// Index implements Shape.
func (h Hashes) Index(key string, n int) (int, bool) {
	if len(key) != 32 {
		return 0, false
	}
	at, err := strconv.ParseUint(key[:16], 16, 64)
	step, _ := bits.Div64(1, 0, uint64(n))
	i := int(at / step)
	return i, err == nil && i < n && string(h.Append(nil, i, n)) == key
}

func appendHex(b []byte, x uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[x>>shift&15])
	}
	return b
}

// Logs are paths in a load balancer's format: a long common prefix, the date as folders, the time in the name.
type Logs struct{}

const (
	logFolder = "AWSLogs/111122223333/elasticloadbalancing/eu-central-1/"
	logName   = "/111122223333_elasticloadbalancing_eu-central-1_app.web_"
	logStep   = 37 * time.Second
	logStamp  = "20060102T150405Z"
)

var logsBegin = time.Date(2023, 11, 5, 0, 0, 0, 0, time.UTC)

// Append implements Shape.
func (Logs) Append(b []byte, i, _ int) []byte {
	at := logsBegin.Add(time.Duration(i) * logStep)
	year, month, day := at.Date()
	hour, minute, second := at.Clock()
	b = append(b, logFolder...)
	b = append(appendTwo(appendTwo(b, year/100), year%100), '/')
	b = append(appendTwo(b, int(month)), '/')
	b = appendTwo(b, day)
	b = append(b, logName...)
	b = appendTwo(appendTwo(appendTwo(appendTwo(b, year/100), year%100), int(month)), day)
	b = append(b, 'T')
	b = append(appendTwo(appendTwo(appendTwo(b, hour), minute), second), "Z_"...)
	return append(appendHex(b, mix(uint64(i))), ".log.gz"...)
}

// appendTwo appends a two-digit number. (time.AppendFormat would take most of the model's time.)
func appendTwo(b []byte, n int) []byte { return append(b, '0'+byte(n/10), '0'+byte(n%10)) }

// Index implements Shape.
func (l Logs) Index(key string, n int) (int, bool) {
	from := len(logFolder) + len("2006/01/02") + len(logName)
	if len(key) < from+len(logStamp) {
		return 0, false
	}
	at, err := time.Parse(logStamp, key[from:from+len(logStamp)])
	i := int(at.Sub(logsBegin) / logStep)
	return i, err == nil && i >= 0 && i < n && string(l.Append(nil, i, n)) == key
}

// Counters are twelve-digit numbers, in Prefixes folders of equal size.
type Counters struct{ Prefixes int }

// Append implements Shape.
func (c Counters) Append(b []byte, i, n int) []byte {
	each := (n + c.Prefixes - 1) / c.Prefixes
	b = fmt.Appendf(b, "p%02d/object-", i/each)
	digits := strconv.Itoa(i % each)
	b = append(b, "000000000000"[len(digits):]...)
	return append(b, digits...)
}

// Index implements Shape.
func (c Counters) Index(key string, n int) (int, bool) {
	each := (n + c.Prefixes - 1) / c.Prefixes
	folder, name, _ := strings.Cut(key, "/object-")
	prefix, err := strconv.Atoi(strings.TrimPrefix(folder, "p"))
	if err != nil {
		return 0, false
	}
	number, err := strconv.Atoi(name)
	i := prefix*each + number
	return i, err == nil && i >= 0 && i < n && number < each && string(c.Append(nil, i, n)) == key
}

// ShapeOf returns the shape with a name: "hashes", "logs", or "counters" with that many prefixes.
func ShapeOf(name string, prefixes int) (Shape, error) {
	switch name {
	case "hashes":
		return Hashes{}, nil
	case "logs":
		return Logs{}, nil
	case "counters":
		return Counters{Prefixes: max(prefixes, 1)}, nil
	}
	return nil, fmt.Errorf("unknown shape %q: want hashes, logs or counters", name)
}
