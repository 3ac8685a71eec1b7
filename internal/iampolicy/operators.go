package iampolicy

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"time"
)

// kind is how a condition operator parses and compares values.
type kind int

const (
	kindString kind = iota // exact
	kindFold               // exact, ignoring case
	kindLike               // with wildcards
	kindARN
	kindNumber
	kindDate
	kindBool
	kindBinary
	kindAddress
	kindNull
)

// operator is a condition operator without its set qualifier and IfExists.
type operator struct {
	kind kind
	// negated operators are true when no value of the policy matches, and also when the key is missing.
	negated bool
	// accept takes the sign of comparing the request's value with the policy's; only for numbers and dates.
	accept func(sign int) bool
}

func equalTo(sign int) bool  { return sign == 0 }
func less(sign int) bool     { return sign < 0 }
func atMost(sign int) bool   { return sign <= 0 }
func greater(sign int) bool  { return sign > 0 }
func notBelow(sign int) bool { return sign >= 0 }

// operators are all condition operators that AWS documents. Their names are case-sensitive: S3 rejects other spellings as
// invalid condition types.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
var operators = map[string]operator{
	"StringEquals":              {kind: kindString},
	"StringNotEquals":           {kind: kindString, negated: true},
	"StringEqualsIgnoreCase":    {kind: kindFold},
	"StringNotEqualsIgnoreCase": {kind: kindFold, negated: true},
	"StringLike":                {kind: kindLike},
	"StringNotLike":             {kind: kindLike, negated: true},

	"NumericEquals":            {kind: kindNumber, accept: equalTo},
	"NumericNotEquals":         {kind: kindNumber, accept: equalTo, negated: true},
	"NumericLessThan":          {kind: kindNumber, accept: less},
	"NumericLessThanEquals":    {kind: kindNumber, accept: atMost},
	"NumericGreaterThan":       {kind: kindNumber, accept: greater},
	"NumericGreaterThanEquals": {kind: kindNumber, accept: notBelow},

	"DateEquals":            {kind: kindDate, accept: equalTo},
	"DateNotEquals":         {kind: kindDate, accept: equalTo, negated: true},
	"DateLessThan":          {kind: kindDate, accept: less},
	"DateLessThanEquals":    {kind: kindDate, accept: atMost},
	"DateGreaterThan":       {kind: kindDate, accept: greater},
	"DateGreaterThanEquals": {kind: kindDate, accept: notBelow},

	"Bool":         {kind: kindBool},
	"BinaryEquals": {kind: kindBinary},
	"IpAddress":    {kind: kindAddress},
	"NotIpAddress": {kind: kindAddress, negated: true},

	// ArnEquals and ArnLike behave identically, and so do their negations.
	"ArnEquals":    {kind: kindARN},
	"ArnLike":      {kind: kindARN},
	"ArnNotEquals": {kind: kindARN, negated: true},
	"ArnNotLike":   {kind: kindARN, negated: true},

	"Null": {kind: kindNull},
}

// operand is one value of a condition, parsed for its operator. Only the field for the operator's kind is set.
type operand struct {
	text    text // strings and ARNs
	number  *big.Rat
	instant time.Time
	truth   bool
	network netip.Prefix
	bytes   []byte
}

// parseOperand parses a policy's value. A value that the operator cannot parse is an error, as in AWS.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
func parseOperand(k kind, value, version string) (o operand, err error) {
	switch k {
	case kindString, kindFold:
		o.text, err = compileText(value, false, version)
	case kindLike, kindARN:
		o.text, err = compileText(value, true, version)
	case kindNumber:
		o.number, err = parseNumber(value)
	case kindDate:
		o.instant, err = parseDate(value)
	case kindBool, kindNull:
		o.truth, err = parseBool(value)
	case kindBinary:
		o.bytes, err = base64.StdEncoding.DecodeString(value)
	case kindAddress:
		o.network, err = parseNetwork(value)
	}
	return o, err
}

var (
	decimalShape = lazyRegexp(`^[+-]?[0-9]{1,40}(\.[0-9]{1,40})?$`)
	epochShape   = lazyRegexp(`^([0-9]{1,3}|[0-9]{5,12})$`)
)

// lazyRegexp compiles an expression on first use, to keep cold starts short: most policies need few expressions.
func lazyRegexp(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// parseNumber parses an integer or a decimal without rounding.
func parseNumber(s string) (*big.Rat, error) {
	if !decimalShape().MatchString(s) {
		return nil, fmt.Errorf("no number: %q", s)
	}
	n, _ := new(big.Rat).SetString(s)
	return n, nil
}

// dateShapes are the W3C's profiles of ISO 8601; [time.Parse] also accepts a fraction after the seconds.
// https://www.w3.org/TR/NOTE-datetime
var dateShapes = []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01", "2006"}

// parseDate parses a date in a W3C profile, or seconds since the epoch. Four digits are a year.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Date
func parseDate(s string) (time.Time, error) {
	if epochShape().MatchString(s) {
		var seconds int64
		_, err := fmt.Sscan(s, &seconds)
		return time.Unix(seconds, 0), err
	}
	for _, shape := range dateShapes {
		if t, err := time.Parse(shape, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("no date: %q", s)
}

func parseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("neither true nor false: %q", s)
}

// parseNetwork parses an address or a range in CIDR notation, IPv4 or IPv6. An address without a prefix length is a
// range of one address.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IPAddress
func parseNetwork(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		network, err := netip.ParsePrefix(s)
		if a := network.Addr(); err == nil && a.Is4In6() && network.Bits() >= 96 {
			return netip.PrefixFrom(a.Unmap(), network.Bits()-96), nil
		}
		return network, err
	}
	address, err := parseAddress(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	return address.Prefix(address.BitLen())
}

// parseAddress parses an address. An IPv4 address written as an IPv6 one (::ffff:192.0.2.1) is an IPv4 address.
func parseAddress(s string) (netip.Addr, error) {
	address, err := netip.ParseAddr(s)
	if err == nil && address.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("address with a zone: %q", s)
	}
	return address.Unmap(), err
}
